"""What can be read of a variable before neurons decode it: roots, what attention leaves, and its noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.wild import Wild, wild_programs

from raspc import rasp
from raspc.blocks.reading.readiness import STEEP, Readiness
from raspc.blocks.reading.roots import Roots, over_root
from raspc.errors import UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.nodes import Table, Variable
from raspc.numbers.options import SMALLEST
from raspc.rasp import Comparison

T, I = rasp.tokens, rasp.indices  # noqa: E741
SAME = rasp.Select(T, T, Comparison.EQ)
COUNT = rasp.SelectorWidth(SAME).named("count")


def ready(program: rasp.SOp, vocab: object = (1, 2, 3), length: int = 4) -> Readiness:
    """What is told of the graph of a program."""
    return Readiness.of(build(program, vocab, length), SMALLEST)  # type: ignore[arg-type]


def place(found: Readiness, label: str) -> int:
    """The number of a variable."""
    return found.graph.labels.index(label)


def test_a_count_is_ready_as_its_share_alone() -> None:
    """Nothing but the share, and what is a line through it, can be read before the count is decoded."""
    found = ready(rasp.map(lambda c: c * c % 3, COUNT))
    count = place(found, "count")
    share = found.share(count).code
    assert found.is_ready(count, share)
    assert found.is_ready(count, 3 * share - 1)
    assert not found.is_ready(count, found.graph.variable(count).listed.numbers)
    assert found.is_noisy(count)


def test_tokens_are_ready_and_exact() -> None:
    """Any feature of what is embedded can be read, without noise, and no share stands for it."""
    found = ready(COUNT)
    tokens = place(found, "tokens")
    assert found.is_ready(tokens, np.array([0.0, 5.0, 1.0]))
    assert not found.is_noisy(tokens)
    assert found.position(tokens)[1] == 0.0
    with pytest.raises(KeyError):
        found.share(tokens)


def test_sums_of_what_is_ready_are_free() -> None:
    """A token plus an index is read off both; their product is not."""
    for program, is_free in ((T + I, True), (T * I, False)):
        found = ready(program.named("f"))
        joint = found.derived(place(found, "f"))
        assert joint is not None
        assert found.is_free(joint, found.graph.variable(place(found, "f")).listed.numbers) == is_free


def test_steep_scores_add_to_the_noise_of_a_count() -> None:
    """By how much selected scores part, times the scale, and times p·(1 − p) at most."""
    found = ready(rasp.map(lambda c: c * c % 3, COUNT))
    count = place(found, "count")
    scored = found.scored({count: 1e-4})
    (share, noise), (same, more) = found.counted(count), scored.counted(count)
    assert np.array_equal(share, same)
    assert np.allclose(more - noise, 2 * STEEP * 1e-4 * (share.max() / 2 if found.share(count).counts_keys else 0.25))
    assert found.counted(count)[1].max() == noise.max()  # the value that was asked is as it was


@given(wild_programs())
def test_features_of_functions_are_features_of_their_roots(wild: Wild) -> None:
    """What is pulled back to a root is, at each of its values, what it was of the function's value there."""
    roots = Roots.of(build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal))
    for number, node in enumerate(roots.graph.nodes):
        joint = roots.derived(number)
        assert (joint is not None) == isinstance(node, Table)
        if not isinstance(node, Variable) or joint is None or len(joint.roots) != 1:
            continue
        columns = np.arange(1.0, len(node.listed) + 1)[:, None]
        root, pulled = roots.pulled_back(number, columns)
        assert roots.derived(root) is None or len(roots.derived(root).roots) != 1  # type: ignore[union-attr]
        if root == joint.roots[0]:
            assert np.array_equal(pulled, over_root(joint, columns))


@given(wild_programs())
def test_what_attention_leaves_tells_values_apart(wild: Wild) -> None:
    """A count has a share for each of its values, further apart than its error; nothing is left of embeddings."""
    try:
        found = Readiness.of(build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal), SMALLEST)
    except UnsupportedProgram:
        return
    for number, left in found.left.items():
        node = found.graph.variable(number)
        assert not isinstance(node, Table)
        if left.share is not None:
            assert left.group.code.shape == (len(node.listed), 1)
            steps = np.abs(np.diff(left.share.code))
            assert (steps > 4 * np.maximum(left.share.noise[1:], left.share.noise[:-1])).all()
