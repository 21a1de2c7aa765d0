"""A model with a variable forced answers what its program gives with that variable replaced."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
from tests.lab.circuits import VOCAB, random_models

import raspc
from raspc import lab, library, rasp
from raspc import values as V
from raspc.graph.nodes import Listed, Node, Pattern, Variable
from raspc.weights.model import Model


def same(found: Any, expected: Any) -> bool:
    """Equal, or numbers as near as the promise says."""
    if V.is_number(found) and V.is_number(expected):
        return abs(float(found) - float(expected)) <= 1e-3 * max(1.0, abs(float(expected)))
    return bool(found == expected)


def forced_to(rng: np.random.Generator, node: Node, n: int) -> Any:
    """A value of a variable, one for each position, or a pattern, at random."""
    if isinstance(node, Pattern):
        return (rng.random((n, n)) < 0.5).tolist()
    assert isinstance(node, Variable)
    if not isinstance(node.domain, Listed):
        return float(node.domain.lo)
    row = [node.domain.values[i] for i in rng.integers(0, len(node.domain), n)]
    return row[0] if rng.random() < 0.5 else row


def tally(model: Model, rng: np.random.Generator, inputs: int = 6) -> Counter[str]:
    """Every variable and selector of a model forced to something at random, on some inputs of one length."""
    told: Counter[str] = Counter()
    graph = model.tabulated
    for name, node in zip(graph.labels, graph.nodes, strict=True):
        n = int(rng.integers(1, 5))
        batch = [["BOS", *(VOCAB[i] for i in rng.integers(0, len(VOCAB), n))] for _ in range(inputs)]
        positions = None if rng.random() < 0.6 else [int(rng.integers(n))]
        try:
            found, expected = lab.intervene(model, {name: forced_to(rng, node, n)}, positions).decoded(batch)
        except raspc.InputError as error:
            assert "stored nowhere" in str(error) or "cannot be forced" in str(error) or "instead" in str(error), error
            told["refused"] += 1
            continue
        for mine, right in zip(found, expected, strict=True):
            told["impossible" if right is None else "right" if all(map(same, mine, right)) else f"wrong: {name}"] += 1
    return told


def wrong(told: Counter[str]) -> list[str]:
    """What was forced and came out wrong."""
    return [name for name in told if name.startswith("wrong")]


def test_random_programs() -> None:
    """Every variable and selector of 100 programs, at every level."""
    total: Counter[str] = Counter()
    for seed, model in random_models(range(100)):
        told = tally(model, np.random.default_rng(seed), inputs=3)
        assert wrong(told) == [], seed
        total += told
    assert total["right"] > 1500 and is_mostly_right(total)


def is_mostly_right(total: Counter[str]) -> bool:
    """Whether few combinations were impossible, and fewer variables refused: else nothing wrong would say little."""
    return total["right"] > 5 * total["impossible"] and total["right"] > 50 * total["refused"]


@pytest.mark.slow
def test_many_random_programs() -> None:
    """The same of 1,000 programs, each at all three levels, wide ones too: none is refused, each answers something."""
    total: Counter[str] = Counter()
    models = 0
    for seed, model in random_models(range(1000), (0, 1, 2), wide=True):
        told = tally(model, np.random.default_rng(seed))
        assert wrong(told) == [] and told["right"] > 0, seed
        total += told
        models += 1
    assert models == 3000 and is_mostly_right(total)


@pytest.mark.parametrize("turned", ["rotated", "permuted", "both"])
def test_turned_models(turned: str) -> None:
    """Rotated and permuted models, of which nobody sees where a variable lives."""
    total: Counter[str] = Counter()
    for seed, model in random_models(range(5), (0, 1)):
        other = lab.permute(model, 1) if turned != "rotated" else model
        other = raspc.rotate(other, 2) if turned != "permuted" else other
        told = tally(other, np.random.default_rng(seed))
        assert wrong(told) == [], seed
        total += told
    assert total["right"] > 100


def test_layers_of_different_widths() -> None:
    """Each layer as wide as it must be: the circuit is true, and what is forced comes out right, in PyTorch too."""
    torch = pytest.importorskip("torch")
    model = raspc.compile(library.sort(), [1, 2, 3], 4, optimize=2, uniform=False)
    assert not model.config.uniform and model.circuit("direction").faults() == []
    intervention, tokens = model.intervene({"rank": [0, 1, 2]}), ["BOS", 3, 1, 2]
    out, ids = intervention(tokens), torch.tensor(model.encode_batch([tokens]))
    with lab.hooked(intervention, model.to("torch")) as module:
        assert np.allclose(module(ids).detach().numpy(), out.unembedded, atol=1e-4)
    assert out.decoded == out.expected == tokens


def test_the_interpreter_takes_the_same_call() -> None:
    """Of a program with names the interpreter, the graph and the model agree."""
    opposite = (rasp.length - rasp.indices - 1).named("opposite")
    look = rasp.Select(rasp.indices, opposite, rasp.Comparison.EQ).named("look")
    reverse = rasp.Aggregate(look, rasp.tokens).named("reverse")
    forced: list[dict[str, Any]] = [
        {"opposite": 1}, {"opposite": [2, 0, 1, 2]}, {"look": lambda query, key: key == 2 - query % 2},
        {"reverse": "c"}, {"opposite": 3, "reverse": ["a", "b", "a", "b"]},
    ]  # fmt: skip
    for level in (0, 1, 2):
        model = raspc.compile(reverse, "abc", 5, optimize=level)
        for values in forced:
            for positions in (None, [0, 2]):
                out = model.intervene(values, positions)(["BOS", *"abca"])
                at = None if any(callable(value) for value in values.values()) else positions
                right = raspc.interpret(reverse, "abca", force=values, positions=at)
                assert out.decoded == out.expected == ["BOS", *right] and not out.impossible


def test_bos_may_stand_before_an_input_or_not() -> None:
    """One rule for the model and for what is made of it: BOS is put before an input that lacks it."""
    model = raspc.compile(library.reverse(), "abc", 4, optimize=0)
    made = (
        model.intervene({"opposite": 1}), model.ablate(["opposite"]), model.ablate(["opposite"], "resample"),
        model.patch("cab", ["opposite"]), model.patch(["BOS", *"cab"], ["opposite"]),
    )  # fmt: skip
    for intervention in made:
        with_bos, without = intervention(["BOS", *"abc"]), intervention("abc")
        assert with_bos.decoded == without.decoded and with_bos.expected == without.expected
        assert len(without.decoded) == 4
    assert made[0].decoded(["abc", ["BOS", *"abb"]])[0] == [["BOS", *"bbb"]] * 2
    with pytest.raises(raspc.InputError, match="x"):
        made[0](["BOS", "x"])


def test_an_answer_is_printed() -> None:
    """What was done, the tokens, the answers, what the program gives; what cannot be, and how far one may be off."""
    model = raspc.compile(library.sort(), [1, 2, 3], 4)
    fine, none = model.intervene({"rank": [0, 1, 2]})([3, 1, 2]), model.intervene({"rank": 0})([3, 1, 2])
    assert repr(fine) == "rank = [0, 1, 2]\ntokens  BOS 3 1 2\nanswers BOS 3 1 2\nprogram BOS 3 1 2"
    assert repr(none).splitlines()[0] == "rank = 0" and "impossible" in repr(none) and "program BOS" not in repr(none)
    turned = raspc.rotate(model, 1, haar=True).patch([3, 1, 2], ["rank"])([2, 1, 3])
    assert repr(turned).splitlines()[-1].startswith("graded: interference of up to")
    with pytest.raises(raspc.InputError) as raised:
        model.intervene({"rank": 0})([1] * 5)
    assert "batch" not in str(raised.value)


def test_the_interpreter_takes_values_that_no_model_has() -> None:
    """Of a program alone nobody knows the values: a position that there is not selects nothing. A model refuses it."""
    program = library.reverse()
    assert raspc.interpret(program, "abc", force={"opposite": 99}) == [None] * 3
    with pytest.raises(raspc.InputError, match="99 is no value of opposite"):
        raspc.compile(program, "abc", 4).intervene({"opposite": 99})("abc")


def test_patch() -> None:
    """What another input says, at all positions or at some; of a length that fits."""
    model = raspc.compile(library.reverse(), "abc", 5)
    patched = model.patch(["BOS", *"ccba"], ["tokens"])
    assert patched(["BOS", *"abca"]).decoded == ["BOS", *"abcc"]
    assert model.patch(["BOS", *"ccba"], ["reverse"], [0])(["BOS", *"aaaa"]).decoded == ["BOS", *"aaaa"]
    some = model.patch(["BOS", *"ccbb"], ["reverse"], [0])(["BOS", *"aaaa"])
    assert some.decoded == some.expected == ["BOS", *"baaa"]
    with pytest.raises(raspc.InputError, match="as many"):
        patched(["BOS", "a"])


def test_impossible_combinations_are_told() -> None:
    """Two equal places in a permutation: the program cannot be so, and the answer is no fault of the model."""
    model = raspc.compile(library.sort(), [1, 2, 3], 4)
    name = next(label for label in model.tabulated.labels if label == "rank")
    out = model.intervene({name: 0})(["BOS", 3, 1, 2])
    assert out.impossible and out.expected is None
    fine = model.intervene({name: [0, 1, 2]})(["BOS", 3, 1, 2])
    assert not fine.impossible and fine.decoded == fine.expected == ["BOS", 3, 1, 2]


def test_a_planted_fault_is_seen() -> None:
    """A model whose readers were changed does not answer as the program does: agreement is no tautology."""
    model = raspc.compile(library.reverse(), "abc", 5)
    params = {name: np.array(array) for name, array in model.params.items()}
    params["transformer/layer_1/attn/key/w"] *= -1
    broken = type(model)(
        model.config,
        params,
        model.residual_labels,
        model.alignment,
        model.graph,
        program=model.program,
        plan=model.plan,
    )
    out = broken.intervene({"opposite": 1})(["BOS", *"abc"])
    assert not out.impossible and out.decoded != out.expected == ["BOS", *"bbb"]


def test_ablation() -> None:
    """Subspaces hold 0 or their mean; resampled, a variable is what it is elsewhere; turned models do the same."""
    model = raspc.compile(library.reverse(), "abc", 4, optimize=0)
    zero = model.ablate(["opposite"])(["BOS", *"abc"])
    dims = list(model.spaces["opposite"].dims)
    assert zero.impossible and zero.expected is None
    assert not zero.residuals[1][0, 1:, dims].any() and zero.residuals[1][0, 0].any()
    mean = model.ablate(["opposite"], "mean")(["BOS", *"abc"]).residuals[1][0, 1:, dims]
    assert np.allclose(mean.sum(axis=0), 1, atol=1e-5)
    turned = raspc.rotate(model, 3)
    assert turned.ablate(["opposite"])(["BOS", *"abc"]).decoded == zero.decoded
    other = model.ablate(["tokens"], "resample", seed=1)(["BOS", *"abc"])
    assert other.decoded == other.expected and not other.impossible
    compact = raspc.compile(library.reverse(), "abc", 4, optimize=2)
    with pytest.raises(raspc.InputError, match="opposite is stored nowhere"):
        compact.ablate(["opposite"])
    assert not compact.ablate(["opposite"], "resample")(["BOS", *"abc"]).impossible


def test_what_is_refused() -> None:
    """Names that are none, values that a variable does not have, positions and matrices that do not fit."""
    model = raspc.compile(library.reverse(), "abc", 4)
    calls = {
        "is no variable or selector": lambda: model.intervene({"nobody": 1}),
        "found nothing to force": lambda: model.intervene({}),
        "9 is no value of opposite": lambda: model.intervene({"opposite": 9})(["BOS", "a"]),
        "found 1 values": lambda: model.intervene({"opposite": [1]})(["BOS", "a", "b"]),
        "behind the end": lambda: model.intervene({"opposite": 1}, [3])(["BOS", "a"]),
        "needed numbers from 0": lambda: model.intervene({"opposite": 1}, [-1]),
        "needed (2, 2)": lambda: model.intervene({"mirrored": [[True]]})(["BOS", "a", "b"]),
        "how is 'noise'": lambda: model.ablate(["opposite"], "noise"),
        "no expression of the program": lambda: raspc.interpret(library.reverse(), "ab", force={"x": 1}),
    }
    for message, call in calls.items():
        with pytest.raises(raspc.InputError) as raised:
            call()
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)


def test_numbers_and_words() -> None:
    """A mean that is a number, forced to one; a width, a sum."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = raspc.compile(library.frac_prevs(), ["x", "y"], 4, causal=True)
    for name, node in zip(model.tabulated.labels, model.tabulated.nodes, strict=True):
        if isinstance(node, Variable) and isinstance(node.domain, Listed):
            out = model.intervene({name: node.domain.values[0]})(["BOS", "x", "y", "x"])
            assert out.impossible or all(map(same, out.decoded, out.expected or ()))
