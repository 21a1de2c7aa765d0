"""The one agreement test over all levels: interpreter = graph = blocks = weights.

Every level of the house can be run. For any program all four answer alike, at every option level, on every short input
and on the longest; and the graph says of exactly those inputs that they are undefined on which the interpreter raises.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import currently_in_test_context, event, given, settings
from hypothesis import strategies as st
from tests.agreement import alike, some_inputs
from tests.strategies import CONSTRUCT_LENGTH, CONSTRUCT_VOCAB, CONSTRUCTS, Case, cases
from tests.wild import Wild, wild_programs

import raspc
from raspc import InputError, UncertainProgram, UnsupportedProgram, rasp, values
from raspc.blocks.interpret import run_blocks
from raspc.certify.checking.check import model_ids
from raspc.graph import Graph
from raspc.graph.build import build
from raspc.graph.evaluate import batch_of, decoded, run_graph
from raspc.numbers.options import Level, Options
from raspc.plan.planning import planned
from raspc.rasp import SOp
from raspc.stock.model import strays
from raspc.weights import Model
from raspc.weights.encoders import decode_logits
from raspc.weights.params import parameters_of

LEVELS = (0, 1, 2)
Answers = list[list[Any] | None]
"""One answer for each input; None where the program is undefined."""


def note(text: str) -> None:
    """Count what happened, for `--hypothesis-show-statistics`."""
    if currently_in_test_context():
        event(text)


def interpreted(program: SOp, inputs: Sequence[list[Any]], causal: bool) -> Answers:
    """What the plain interpreter says: oracle 1."""

    def one(xs: list[Any]) -> list[Any] | None:
        try:
            return raspc.interpret(program, xs, causal=causal)
        except InputError:
            return None

    return [one(xs) for xs in inputs]


def of_graph(graph: Graph, inputs: Sequence[list[Any]]) -> Answers:
    """What the batch interpreter of the graph says."""
    run = run_graph(graph, batch_of(graph, inputs))
    column, domain = run.column(graph.output), graph.variable(graph.output).domain
    return [None if run.undefined[row] else decoded(column, domain, row, len(xs)) for row, xs in enumerate(inputs)]


def of_blocks(graph: Graph, level: int, model: Model, inputs: Sequence[list[Any]]) -> list[list[Any]]:
    """What the blocks say, without weights: oracle 2. Of the model, only the way to read logits is used."""
    found = planned(graph, Options(Level(level)))
    batch = batch_of(found.graph, inputs)
    rows = decode_logits(model.config, run_blocks(found.lowered, batch), model_ids(model, batch))
    return [row[1 : len(xs) + 1] for row, xs in zip(rows, inputs, strict=True)]


def of_weights(model: Model, inputs: Sequence[list[Any]]) -> list[list[Any]]:
    """What the weights say, in padded batches: oracle 3."""
    return [row[1:] for row in model.apply_batch([[model.config.bos, *xs] for xs in inputs]).decoded]


def the_same(x: Any, y: Any) -> bool:
    """One value; numbers may differ by the rounding of a float64 sum."""
    if values.is_number(x) and values.is_number(y):
        return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)
    return values.same(x, y)


def all_levels_agree(
    program: SOp, vocab: Sequence[Any], longest: int, causal: bool, inputs: Sequence[list[Any]]
) -> None:
    """Assert it, level by level, naming the first input on which two of them part."""
    wanted = interpreted(program, inputs, causal)
    try:
        graph = build(program, vocab, longest, causal)
    except UnsupportedProgram:
        note("refused by the graph")
        return
    for xs, want, got in zip(inputs, wanted, of_graph(graph, inputs), strict=True):
        assert (want is None) == (got is None), ("graph: undefined?", xs, want, got)
        assert want is None or got is None or all(map(the_same, want, got)), ("graph", xs, want, got)
    for level in LEVELS:
        compiled_agree(program, graph, level, inputs, wanted)


def compiled_agree(program: SOp, graph: Graph, level: int, inputs: Sequence[list[Any]], wanted: Answers) -> None:
    """The graph after all passes, the blocks and the weights, for one option level."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        try:
            model = raspc.compile(
                program, graph.vocab, graph.max_seq_len, graph.causal, optimize=level, partial=True, certify=False,
            )  # fmt: skip
        except UnsupportedProgram:
            note(f"refused at -O{level}")
            return
    some = [(xs, want) for xs, want in zip(inputs, wanted, strict=True) if want is not None]
    note("defined somewhere" if some else "defined nowhere")
    if not some:
        return
    kept = [xs for xs, _ in some]
    rewritten = of_graph(planned(graph, Options(Level(level))).graph, kept)
    for (xs, want), passed, blocks, weights in zip(
        some, rewritten, of_blocks(graph, level, model, kept), of_weights(model, kept), strict=True
    ):
        assert passed is not None and all(map(the_same, want, passed)), ("passes", level, xs, want, passed)
        assert alike(blocks, want), ("blocks", level, xs, want, blocks)
        assert alike(weights, want), ("weights", level, xs, want, weights)


def widths_agree(program: SOp, case: Case | Wild, level: int) -> None:
    """Layers of widths of their own compute what layers of one width do, in no more parameters."""
    tried = list(some_inputs(case.vocab, case.max_seq_len, 80, 8))
    wanted = interpreted(program, tried, case.causal)
    inputs = [xs for xs, want in zip(tried, wanted, strict=True) if want is not None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        try:
            one, own = (
                raspc.compile(
                    program, case.vocab, case.max_seq_len, case.causal, optimize=level, partial=True, certify=False,
                    uniform=uniform,
                )
                for uniform in (True, False)
            )  # fmt: skip
        except UnsupportedProgram:
            note(f"refused at -O{level}")
            return
    assert (one.config.uniform, own.config.uniform) == (True, False)
    assert one.config.n_layers == own.config.n_layers
    assert parameters_of(own.config) <= parameters_of(one.config)
    for xs, ours, theirs in zip(inputs, of_weights(own, inputs), of_weights(one, inputs), strict=True):
        assert alike(ours, theirs), ("widths", level, xs, theirs, ours)


def agree_on(case: Case | Wild, program: SOp, most: int = 130, extra: int = 12) -> None:
    """All levels agree on every short input, and on random longer ones with the longest among them."""
    inputs = list(some_inputs(case.vocab, case.max_seq_len, most, extra))
    all_levels_agree(program, case.vocab, case.max_seq_len, case.causal, inputs)


@settings(max_examples=30)
@given(cases(), st.sampled_from(LEVELS))
def test_random_programs_in_layers_of_their_own_widths(case: Case, level: int) -> None:
    """As small, and answer for answer the same; see also `tests.fuzz --kind widths`."""
    widths_agree(case.program, case, level)


@settings(max_examples=30)
@given(wild_programs(), st.sampled_from(LEVELS))
def test_wild_programs_in_layers_of_their_own_widths(wild: Wild, level: int) -> None:
    """The same of arbitrary tables."""
    widths_agree(wild.build(), wild, level)


def families_agree(program: SOp, case: Case | Wild, level: int) -> None:
    """In the parameters of a family a program answers as it does; the plain model that they hold is read off them."""
    tried = list(some_inputs(case.vocab, case.max_seq_len, 80, 8))
    wanted = interpreted(program, tried, case.causal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        try:
            model = raspc.compile(
                program, case.vocab, case.max_seq_len, case.causal, optimize=level, partial=True, certify=False,
                target="llama" if case.causal else "t5",
            )  # fmt: skip
        except (InputError, UnsupportedProgram):
            note(f"refused at -O{level}")
            return
    note(f"{model.config.family}{', positions by biases' if model.config.tells_by_distance else ''}")
    some = [(xs, want) for xs, want in zip(tried, wanted, strict=True) if want is not None]
    kept = [xs for xs, _ in some]
    assert strays(model) == {}
    for (xs, want), plain, own in zip(some, of_weights(model.plain, kept), of_weights(model, kept), strict=True):
        assert alike(plain, want), ("plain", model.config.family, level, xs, want, plain)
        assert alike(own, want), (model.config.family, level, xs, want, own)


@settings(max_examples=15)
@given(cases(max_operations=6, longest=4), st.sampled_from(LEVELS))
def test_random_programs_in_stock_families(case: Case, level: int) -> None:
    """Counted, turned and made positions, gates and norms, around any program."""
    families_agree(case.program, case, level)


@settings(max_examples=120)
@given(cases())
def test_random_programs(case: Case) -> None:
    """Programs such as people write, of every construct."""
    agree_on(case, case.program)


@settings(max_examples=250)
@given(wild_programs())
def test_wild_programs(wild: Wild) -> None:
    """Programs of arbitrary tables: None, mixed types, functions that raise, unstructured predicates."""
    agree_on(wild, wild.build())


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_constructs(name: str, causal: bool) -> None:
    """Every construct, on every input up to a length: all levels, which is more than their ends."""
    inputs = list(some_inputs(CONSTRUCT_VOCAB, CONSTRUCT_LENGTH, 81))
    all_levels_agree(CONSTRUCTS[name], CONSTRUCT_VOCAB, CONSTRUCT_LENGTH, causal, inputs)


T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
ONLY_1 = {1: 0}.__getitem__
"""A function that raises for anything but 1."""

CRASHES: dict[str, tuple[int, SOp, tuple[Any, ...], int]] = {
    "a width of one value": (0, rasp.SelectorWidth(rasp.Select(L, I, rasp.Comparison.GEQ)), (3,), 1),
    "a map that is undefined for some tokens": (2, rasp.Map({1: -1, 2: 0.5}.__getitem__, T), (1, 2, 3), 2),
    "nothing, beside what may be undefined": (1, rasp.SelectorWidth(
        rasp.Select(L, I, lambda key, query: ONLY_1(key)) & rasp.Select(T, I, rasp.Comparison.FALSE)), ("a", "b"), 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CRASHES)
def test_crashes_found_by_wild_programs(name: str) -> None:
    """Each compiles for the inputs on which it is defined."""
    level, program, vocab, longest = CRASHES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        model = raspc.compile(program, vocab, longest, optimize=level, partial=True, certify=False)
    assert raspc.check(model).ok


LENIENT: dict[str, SOp] = {
    "where": rasp.where(rasp.Map(ONLY_1, T), 3, 3),
    "a constant function": rasp.Map(ONLY_1, T) * 0,
    "a choice that ignores one side": rasp.where(True, T, rasp.Map(ONLY_1, T)),
    "an aggregate of nothing": rasp.Aggregate(rasp.Select(T, T, rasp.Comparison.FALSE), rasp.Map(ONLY_1, T), default=3),
    "an aggregate of one value": rasp.Aggregate(
        rasp.Select(rasp.Map(ONLY_1, T), I, rasp.Comparison.EQ) | rasp.Select(T, T, rasp.Comparison.TRUE), rasp.Full(3)
    ),
    "a selector beside everything": rasp.SelectorWidth(
        rasp.Select(rasp.where(rasp.Map(ONLY_1, T), 2, 3), T, rasp.Comparison.EQ)
        | rasp.Select(T, T, rasp.Comparison.TRUE)
    ),
}


@pytest.mark.parametrize("name", LENIENT)
def test_what_folds_away_leaves_its_undefined_cells(name: str) -> None:
    """The interpreter raises on 2, so the program is refused with that input."""
    with pytest.raises(InputError):
        raspc.interpret(LENIENT[name], [2])
    with pytest.raises(UnsupportedProgram, match="undefined on the input"):
        raspc.compile(LENIENT[name], (1, 2), 2)


WORDS = rasp.Aggregate(rasp.Select(T, T, rasp.Comparison.TRUE), rasp.Map(str, T))


@pytest.mark.parametrize(
    "program",
    [rasp.SelectorWidth(rasp.Select(T, WORDS, lambda key, query: False)), rasp.where(WORDS == "x", 3, 3)],
)
def test_a_constant_of_an_undefined_mean(program: SOp) -> None:
    """A mean of unequal words is undefined, whatever is made of it."""
    with pytest.raises(UnsupportedProgram, match="undefined on the input"):
        raspc.compile(program, (1, 2), 2)


def test_near_means_that_a_later_table_tells_apart() -> None:
    """Means nearer than 1e-9 are one value; where a table tells them apart, the program is refused."""
    mean = rasp.Aggregate(rasp.Select(T, T, rasp.Comparison.TRUE), T)
    with pytest.raises(UnsupportedProgram):
        raspc.compile(rasp.Map(lambda x: x > 0.5, mean), (0, 1, 1 + 1e-12), 3)


@pytest.mark.slow
@settings(max_examples=1500)
@given(cases(max_operations=14))
def test_many_random_programs(case: Case) -> None:
    """The same, for longer programs and many more of them."""
    agree_on(case, case.program, most=800, extra=60)


@pytest.mark.slow
@settings(max_examples=4000)
@given(wild_programs(max_operations=12, longest=5))
def test_many_wild_programs(wild: Wild) -> None:
    """The same, for wilder programs and many more of them."""
    agree_on(wild, wild.build(), most=800, extra=60)
