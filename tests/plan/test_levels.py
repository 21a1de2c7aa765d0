"""A higher level never refuses what a lower one compiles, and never gives a larger model."""

from __future__ import annotations

import random
import warnings
from itertools import pairwise
from typing import Any

import pytest
from tests.agreement import compiled, differences, some_inputs

import raspc
from raspc import CertificateError, InvalidProgram, UncertainProgram, UnsupportedProgram, library, rasp
from raspc.certify.proof import certificate
from raspc.graph.build import build
from raspc.library.random_program import random_script
from raspc.numbers.options import Level, Options
from raspc.passes.pipeline import run_passes
from raspc.plan import unsure
from raspc.plan.plan import Plan, Size
from raspc.plan.planning import alternatives, explored, plan_by, planned
from raspc.plan.unsure import unsure_of
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
VOCABULARIES: tuple[tuple[Any, ...], ...] = (
    ("a", "b", "c", 1, 2), (0, 1, 2, 3), (-2, -1, 0, 0.5, 3), (True, False), (-3, -1, 2), (0, 1), (-2, -1, 0, 1, 2, 3),
)  # fmt: skip


def size(model: raspc.Model) -> Size:
    """Layers and parameters."""
    return Size(model.config.n_layers, sum(array.size for array in model.params.values()))


def sizes(program: SOp, vocab: Any, n: int, **options: Any) -> list[Size | None]:
    """The size at each level, and none where it is refused."""
    found: list[Size | None] = []
    for level in (0, 1, 2):
        try:
            found.append(size(compiled(program, vocab, n, optimize=level, **options)))
        except (UnsupportedProgram, CertificateError):
            found.append(None)
    return found


def never_worse(found: list[Size | None]) -> bool:
    """What a level compiles the next one does, and no larger."""
    return all(low is None or (high is not None and high <= low) for low, high in pairwise(found))


def random_sizes(seed: int, **options: Any) -> list[Size | None]:
    """Of a random program: numbers of both signs among its tokens, lengths from one to eight, with a mask or none."""
    rng = random.Random(f"levels:{seed}")
    vocab, n, causal = rng.choice(VOCABULARIES), rng.randint(1, 8), rng.random() < 0.25
    program = random_script(rng, rng.randint(3, 11), vocab, n, causal).build()
    return sizes(program, vocab, n, causal=causal, partial=True, **options)


@pytest.mark.parametrize("start", range(0, 100, 25))
def test_levels_of_random_programs(start: int) -> None:
    """With their certificates."""
    assert [seed for seed in range(start, start + 25) if not never_worse(random_sizes(seed))] == []


@pytest.mark.parametrize("seed", [1216, 3547])
def test_levels_where_they_once_failed(seed: int) -> None:
    """1216: refused as it is; without lines it has five layers, with counts for its means four, at any level.

    3547: steep scores take four directions, where one more would do for heads that are not steep.
    """
    assert never_worse(random_sizes(seed))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 4000, 100))
def test_levels_of_many_random_programs(start: int) -> None:
    """The same for thousands."""
    assert [seed for seed in range(start, start + 100) if not never_worse(random_sizes(seed))] == []


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_levels_in_narrow_formats(dtype: str) -> None:
    """The same for some programs in formats where many are refused."""
    assert [seed for seed in range(60) if not never_worse(random_sizes(seed, dtype=dtype))] == []


def refused_when_compact() -> tuple[SOp, Any, int]:
    """A sum of two means whose compact designs fail their certificates."""
    a = rasp.Aggregate(rasp.Select(T * I, T + 1, Comparison.GEQ), rasp.Map(lambda x: x == 1, T), default=0)
    b = rasp.Aggregate(rasp.Select(T, T, Comparison.GEQ), rasp.Map(lambda x: x != 2, T), default=0)
    return rasp.LinearSequenceMap(rasp.LinearSequenceMap(a, I, 4, 1), b, -3, 3), (0, 1, 2, 3), 4


def larger_by_the_complement() -> tuple[SOp, Any, int]:
    """Under a mask, a width by the index less the width of the complement: a function of two variables, not of one."""
    width = rasp.SelectorWidth(rasp.Select(I, I, lambda k, q: q == 3))
    return rasp.LinearSequenceMap(width, T == 2, 2, -0.25) <= width, (-3, -1, 2), 5


def test_what_is_refused_when_compact_is_stored_as_it_is_for_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model, its certificate, and its options say that the design of a lower level was taken."""
    monkeypatch.setattr(certificate, "has_slack", lambda *_: False)  # so that what is not proved is refused
    program, vocab, n = refused_when_compact()
    model = compiled(program, vocab, n, optimize=2, disabled_passes=["fuse_chains"])
    assert model.certificate is not None and model.certificate.holds
    assert (model.options.level, model.options.stored) == (Level.COMPACT, Level.NAMED)
    assert model.alignment["optimize"] == 2 and model.alignment["design"] == {"stored": 1}
    assert differences(program, model, some_inputs(vocab, n, 400)) == []
    assert never_worse(sizes(program, vocab, n))


def test_a_saved_model_knows_its_design(tmp_path: Any) -> None:
    """So that it is explained as it is."""
    program, vocab, n = refused_when_compact()
    model = compiled(program, vocab, n, optimize=2)
    model.save(tmp_path / "model")
    assert raspc.load(tmp_path / "model").options == model.options


def test_a_pass_that_does_not_pay_is_given_up() -> None:
    """The complement of a width is taken where the model is the smaller for it."""
    program, vocab, n = larger_by_the_complement()
    graph = build(program, vocab, n, causal=True)
    compact = Options(Level.COMPACT)
    first = plan_by(graph, compact)
    assert "complement_widths" in unsure_of(first)
    best = planned(graph, compact)
    assert best.size < first.size and "complement_widths" in best.options.given_up
    assert "complement_widths" not in [step.name for step in best.steps]
    model = compiled(program, vocab, n, optimize=2, causal=True)
    assert size(model) == best.size
    assert "complement_widths" not in [step["name"] for step in model.alignment["passes"]]
    assert differences(program, model, some_inputs(vocab, n, 200), causal=True) == []


def test_the_size_of_a_plan_is_that_of_its_model() -> None:
    """Layers and every parameter, biases included."""
    for name in ("sort", "hist", "reverse", "fraction"):
        for level in (0, 1, 2):
            found = library.get(name)
            model = compiled(found.program, found.vocab, 4, optimize=level)
            assert model.plan is not None and model.plan.size == size(model)


def test_nothing_is_planned_twice_where_nothing_is_in_doubt() -> None:
    """Ordinary programs have one plan: the other levels are only asked for where it is refused."""
    graph = build(library.get("sort_unique").program, (1, 2, 3), 4)
    for level in Level:
        rounds = alternatives(graph, Options(level))
        (plan,) = next(rounds)
        assert isinstance(plan, Plan) and not unsure_of(plan)
        assert len(list(rounds)) == len(Level) - 1


def test_a_lower_level_stores_what_a_higher_one_does_where_its_own_is_refused() -> None:
    """A direction for each of 120 values takes more memory than is allowed: the function is read off tokens instead."""
    wide = rasp.SequenceMap(lambda x, i: 100 * x + i, T, I)
    with pytest.warns(UncertainProgram, match="decided as at -O1, as every model that stores what -O0 does is refused"):
        model = raspc.compile(rasp.Map(lambda v: v % 3, wide), tuple(range(20)), 6, optimize=0, memory="100 KiB")
    assert model.options.level is Level.ALL and model.options.storage is Level.NAMED
    assert "what is stored is decided as at -O1" in str(model.plan)


def test_what_could_save_little_is_not_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The depth of brackets of one kind is computed at once by 66 neurons, of which any design has 33."""
    found = library.get("dyck1_ptf")
    plan = plan_by(
        build(found.program, "()abcdef", 16, causal=True), Options(Level.COMPACT, given_up=("steep", "fuse_chains"))
    )
    assert not unsure_of(plan)
    monkeypatch.setattr(unsure, "HASTY", 32)
    assert unsure_of(plan) == {"haste"}


def test_a_lower_level_is_laid_out_as_the_level_allows() -> None:
    """What is stored as at level 1 is no larger at level 2, and as a rule smaller."""
    graph = build(library.get("sort_freq").program, ("a", "b", "c"), 5)
    own = plan_by(graph, Options(Level.NAMED))
    lent = plan_by(graph, Options(Level.COMPACT, stored=Level.NAMED))
    assert lent.size < own.size
    assert lent.storage.numerical == own.storage.numerical
    assert [step.name for step in lent.steps] == [step.name for step in run_passes(graph, Options(Level.NAMED))[1]]


def test_all_that_is_in_doubt_is_explored_once() -> None:
    """Each set of doubts is one plan, and the last has none that can be given up."""
    program, vocab, n = larger_by_the_complement()
    found = explored(build(program, vocab, n, causal=True), Options(Level.COMPACT))
    designs = [plan.options.given_up for plan in found if isinstance(plan, Plan)]
    assert len(set(designs)) == len(designs) == len(found) > 1


def test_a_refusal_says_what_was_asked_for() -> None:
    """Not what the last resort was refused for."""
    program = rasp.Aggregate(rasp.Select(I, I, Comparison.TRUE), T) == rasp.Aggregate(
        rasp.Select(T, T, Comparison.EQ), I
    )
    with warnings.catch_warnings(), pytest.raises(UnsupportedProgram) as refused:
        warnings.simplefilter("ignore", UncertainProgram)
        raspc.compile(program, range(40), 40, optimize=2)
    assert "needed" in str(refused.value)
    with pytest.raises(InvalidProgram):
        raspc.compile(program, range(4), 4, optimize=3)
