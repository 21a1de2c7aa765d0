"""Two programs or models: equal forms are equal programs, and the first input that tells others apart is found."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.wild import Wild, wild_programs

import raspc
from raspc import InputError, UnsupportedProgram, library, rasp, values
from raspc.certify.checking.difference import diff
from raspc.certify.checking.normal import same_form
from raspc.graph import Graph
from raspc.graph.build import build
from raspc.graph.evaluate import batch_of, decoded, run_graph
from raspc.graph.nodes import Token
from raspc.rasp import Comparison, SOp
from raspc.weights import Model

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
EQ = Comparison.EQ


def pick(selector: Any, source: SOp = T, default: Any = None) -> SOp:
    """The value at the selected key."""
    return rasp.Aggregate(selector, source, default=default)


def tabulated(program: SOp, vocab: Any = (0, 1), max_seq_len: int = 4, causal: bool = False) -> Graph:
    """The graph of a program over two tokens."""
    return build(program, vocab, max_seq_len, causal)


def all_inputs(vocab: Any, max_seq_len: int) -> list[list[Any]]:
    """In order of length, then of the vocabulary."""
    tokens = values.canonical(vocab)
    return [list(xs) for n in range(1, max_seq_len + 1) for xs in itertools.product(tokens, repeat=n)]


def answers_of(graph: Graph) -> list[Any]:
    """The answer to each input as keys of values; None where the program is undefined."""
    inputs = all_inputs(graph.vocab, graph.max_seq_len)
    run = run_graph(graph, batch_of(graph, inputs))
    column, domain = run.column(graph.output), graph.variable(graph.output).domain
    return [
        None if run.undefined[row] else [keyed(x) for x in decoded(column, domain, row, len(xs))]
        for row, xs in enumerate(inputs)
    ]


def keyed(x: Any) -> Any:
    """Equal for one value, and for numbers that differ by rounding."""
    return round(float(x), 7) + 0.0 if values.is_number(x) else values.key(x)


SAME: dict[str, tuple[SOp, SOp]] = {
    "a sum of constants": (rasp.map(lambda i: i + 3, I), rasp.map(lambda i: i + 2, rasp.map(lambda i: i + 1, I))),
    "the identity": (T, rasp.map(lambda x: -x, rasp.map(lambda x: -x, T))),
    "an equality, moved": (pick(rasp.Select(I, L - 1 - I, EQ)), pick(rasp.Select(I + 1, L - I, EQ))),
    "a double negation": (
        rasp.SelectorWidth(rasp.Select(T, T, EQ)), rasp.SelectorWidth(~rasp.Select(T, T, Comparison.NEQ)),
    ),
    "or, the other way": (
        rasp.SelectorWidth(rasp.Select(T, T, EQ) | rasp.Select(I, I, Comparison.LT)),
        rasp.SelectorWidth(rasp.Select(I, I, Comparison.LT) | rasp.Select(T, T, EQ)),
    ),
    "a table of the arguments, swapped": (
        rasp.map(lambda x, y: x + 2 * y, T, I), rasp.map(lambda x, y: 2 * x + y, I, T),
    ),
    "two predicates of one pair": (
        rasp.SelectorWidth(rasp.Select(I, I, Comparison.LEQ) & rasp.Select(I, I, Comparison.GEQ)),
        rasp.SelectorWidth(rasp.Select(I, I, EQ)),
    ),
    "a default that is never read": (pick(rasp.Select(I, I, EQ), default=0), pick(rasp.Select(I, I, EQ), default=1)),
    "a mean of numbers": (
        rasp.Aggregate(rasp.Select(I, I, Comparison.TRUE), rasp.numerical(rasp.map(lambda x: x + 1, T))),
        rasp.Aggregate(rasp.Select(T, I, lambda k, q: True), rasp.numerical(rasp.map(lambda x: 1 + x, T))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_programs_with_one_normal_form(name: str) -> None:
    """Each pair is proved equal without an input being tried; and so it is, on every input."""
    a, b = map(tabulated, SAME[name])
    found = diff(a, b)
    assert (found.equal, found.how, found.checked, found.up_to) == (True, "normal form", 0, 4)
    assert answers_of(a) == answers_of(b)
    tried = diff(a, b, run=True)
    assert (tried.equal, tried.how, tried.checked, tried.exhaustive) == (True, "inputs", 2 + 4 + 8 + 16, True)


def expressions(wild: Wild) -> list[SOp]:
    """S-ops of a wild program, the widths of its selectors, and the program in other words."""
    program = wild.build()
    parts = list(rasp.topological(program))
    sops = [expr for expr in parts if isinstance(expr, SOp)]
    widths = [rasp.SelectorWidth(expr) for expr in parts if isinstance(expr, rasp.Selector)]
    return [*sops[-3:], *widths[-3:], rasp.map(lambda x: x, program), pick(rasp.Select(I, I, EQ), program)]


@settings(max_examples=35, deadline=None)
@given(wild_programs(), wild_programs())
def test_equal_forms_are_equal_programs(one: Wild, other: Wild) -> None:
    """Whatever the programs: where forms agree the answers do, and they are undefined on the same inputs."""
    frame = (one.vocab, min(one.max_seq_len, 3), one.causal)
    graphs = []
    for program in (*expressions(one), *expressions(other)):
        try:
            graphs.append(build(program, *frame))
        except UnsupportedProgram:
            continue
    known = [answers_of(graph) for graph in graphs]
    for (a, answers), (b, others) in itertools.combinations(zip(graphs, known, strict=True), 2):
        equal = answers == others
        assert equal or not same_form(a, b)
        assert diff(a, b).equal == equal


def test_definedness_is_part_of_the_form() -> None:
    """A dead part that raises makes an input undefined: a program without it is another."""
    raising = rasp.map({0: 1}.__getitem__, T)
    kept = rasp.Aggregate(rasp.Select(raising, raising, Comparison.TRUE), I, default=0)
    plain = rasp.Aggregate(rasp.Select(I, I, Comparison.TRUE), I, default=0)
    found = diff(tabulated(kept), tabulated(plain))
    assert (found.equal, found.how, found.tokens) == (False, "inputs", (1,))
    assert (found.a, found.b) == (None, (0,))
    same = diff(tabulated(kept), tabulated(kept), run=True)
    assert (same.equal, same.undefined) == (True, 30 - 4)
    unused = replace(tabulated(raising.named("unused")), output=0)
    assert isinstance(unused.nodes[0], Token)
    assert diff(unused, tabulated(T)).tokens == (1,)
    assert diff(unused, unused).how == "normal form"


def test_the_first_input_in_order_of_length() -> None:
    """They differ at length 3 first, and there first on the input that comes first."""
    late = rasp.map(lambda x, n: x if n < 3 else 1, T, L)
    found = diff(tabulated(T), tabulated(late))
    assert (found.tokens, found.a, found.b) == ((0, 0, 0), (0, 0, 0), (1, 1, 1))
    assert (found.equal, found.checked, found.total, found.up_to) == (False, 2 + 4 + 1, 30, 4)
    assert not found
    assert json.loads(json.dumps(found.to_json()))["tokens"] == [0, 0, 0]


def test_beyond_the_limit() -> None:
    """All short inputs, random long ones: a difference there is found and made shorter; equality is not claimed."""
    late = rasp.map(lambda x, n: x if n < 7 else 1, T, L)
    found = diff(tabulated(T, max_seq_len=12), tabulated(late, max_seq_len=12), limit=200)
    assert found.tokens is not None and not found.equal
    assert (len(found.tokens), found.up_to) == (7, 6)
    equal = diff(tabulated(T, max_seq_len=12), tabulated(T, max_seq_len=12), limit=200, run=True)
    assert (equal.equal, equal.checked, equal.exhaustive) == (True, 200, False)
    every = diff(tabulated(T, max_seq_len=12), tabulated(T, max_seq_len=12), limit=None, run=True)
    assert (every.checked, every.exhaustive) == (2**13 - 2, True)


@cache
def model_of(level: int = 1) -> Model:
    """The library's `reverse` over three letters."""
    return raspc.compile(library.reverse(), "abc", 3, optimize=level, certify=False)


def spoiled(model: Model) -> Model:
    """The same model with its last position embedded as the one before."""
    params = {name: np.array(model.params[name]) for name in model.params}
    params["pos_embed/embeddings"][-1] = params["pos_embed/embeddings"][-2]
    return replace(model, params=params)


def test_models() -> None:
    """By their weights, by their graphs, or by what they answer; expressions take the frame of the model."""
    assert diff(model_of(), model_of()).how == "weights"
    assert diff(model_of(1), model_of(2)).how == "normal form"
    ran = diff(model_of(1), model_of(2), run=True)
    assert (ran.equal, ran.how, ran.checked) == (True, "inputs", 39)
    assert diff(library.reverse(), model_of()).how == "normal form"
    hist = diff(model_of(), library.hist())
    assert (hist.tokens, hist.a, hist.b) == (("a",), ("a",), (1,))


def test_weights_are_run_where_asked() -> None:
    """Graphs say nothing of broken weights; running does. A model without a graph is run at once."""
    broken = spoiled(model_of())
    assert diff(model_of(), broken).equal
    found = diff(model_of(), broken, run=True)
    assert found.tokens is not None and len(found.tokens) == 3 and found.a != found.b
    assert list(found.b or ()) == broken.apply(["BOS", *found.tokens]).decoded[1:]
    bare = replace(broken, graph=None)
    assert diff(model_of(), bare).tokens == diff(bare, library.reverse()).tokens == found.tokens


def test_numbers_and_words_of_models() -> None:
    """Answers of any kind against the interpreter's: numbers within float32, None, words, and True as 1."""
    mean = rasp.Aggregate(rasp.Select(I, I, Comparison.LT), rasp.numerical(I * 1.5), default=None)
    for program in (mean, rasp.map(lambda x: x == 1, T), rasp.map(lambda x: "one" if x else None, T)):
        model = raspc.compile(program, (0, 1), 4, certify=False)
        assert diff(model, program, run=True).equal
        assert diff(replace(model, graph=None), program).equal
        assert not diff(model, rasp.map(lambda x: 7, T), run=True).equal
    off = rasp.Aggregate(rasp.Select(I, I, Comparison.LT), rasp.numerical(I * 1.51), default=None)
    assert not diff(raspc.compile(mean, (0, 1), 4, certify=False), off).equal
    assert diff(tabulated(rasp.map(lambda x: x == 1, T)), tabulated(T)).equal
    assert not diff(tabulated(rasp.map(lambda x: x + 10**6, T)), tabulated(rasp.map(lambda x: x + 10**6 + 1, T))).equal


def test_a_partial_model_answers_nothing_where_its_program_is_undefined() -> None:
    """What it computes there is no answer."""
    with pytest.warns(raspc.UncertainProgram):
        model = raspc.compile(rasp.map({1: 5}.__getitem__, T), (1, 2), 3, partial=True, certify=False)
    found = diff(model, rasp.map(lambda x: 5, T))
    assert (found.tokens, found.a, found.b) == ((2,), None, (5,))
    assert diff(model, rasp.map({1: 5}.__getitem__, T), run=True).undefined == 14 - 3


def test_different_frames() -> None:
    """What both take is compared, and the notes say so; with nothing in common there is no comparison."""
    found = diff(tabulated(T, ("a", "b"), 3), tabulated(T, ("b", "c", "a"), 5))
    assert (found.equal, found.how, found.checked, found.up_to) == (True, "inputs", 2 + 4 + 8, 3)
    assert ["vocabularies" in found.notes[0], "(3 and 5)" in found.notes[1]] == [True, True]
    first = rasp.map(lambda x: x == "b", T)
    found = diff(tabulated(first, ("a", "b"), 3), tabulated(T, ("b", "c"), 3))
    assert (found.tokens, found.a, found.b) == (("b",), (True,), ("b",))
    masked = diff(tabulated(library.hist()), tabulated(library.hist(), causal=True))
    assert (masked.tokens, masked.notes) == ((0, 0), ("B is causal and A is not: each has its own mask",))
    with pytest.raises(InputError, match="no token is common"):
        diff(tabulated(T, ("a",)), tabulated(T, ("b",)))
    with pytest.raises(InputError, match="needs vocab and max_seq_len"):
        diff(T, I)
    with pytest.raises(InputError, match="needed a model"):
        diff(model_of(), 3)  # type: ignore[arg-type]
