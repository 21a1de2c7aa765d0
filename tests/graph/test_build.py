"""From expressions to nodes: equal ones are one, whoever wrote them, in whatever process."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from raspc import InvalidProgram, UnsupportedProgram, library, rasp
from raspc.graph import Graph, to_text
from raspc.graph.build import build
from raspc.graph.nodes import Aggregate, Gate, Listed, Select, Table, Width
from raspc.rasp import Comparison, Selector, SOp
from raspc.text import load_program

T, I, L = rasp.tokens, rasp.indices, rasp.length  # noqa: E741
VOCAB = (1, 2, 3)


def graph_of(program: SOp, causal: bool = False) -> Graph:
    """Tabulated for a small vocabulary and length."""
    return build(program, VOCAB, 4, causal)


def nameless(graph: Graph) -> str:
    """The text of a graph without names and advice, which are no part of what a node is."""
    return to_text(
        replace(graph, nodes=tuple(replace(node, names=(), called=None, numerical=None) for node in graph.nodes))
    )


EQUAL: dict[str, tuple[SOp, SOp]] = {
    "two lambdas that agree on every value": (rasp.Map(lambda x: x * 2, T), rasp.Map(lambda y: y + y, T)),
    "an operator and a lambda": (T + 1, rasp.Map(lambda x: x + 1, T)),
    "a chain and its composition": ((T + 1) * 2 - 3, rasp.Map(lambda x: 2 * x - 1, T)),
    "a function of one token, written with two": (T * T, rasp.Map(lambda x: x**2, T)),
    "a detour": (T + I - I, T),
    "the identity": (rasp.Map(lambda x: x, T), T),
    "constants": (T * 0, rasp.Full(0)),
    "a double negation": (~~(T == 1), T == 1),
    "a comparison and a predicate": (
        rasp.SelectorWidth(rasp.Select(T, T, Comparison.LT)),
        rasp.SelectorWidth(rasp.Select(T, T, lambda key, query: key < query)),
    ),
    "a comparison of functions of tokens": (
        rasp.SelectorWidth(rasp.Select(T + 1, 2 * T, Comparison.LT)),
        rasp.SelectorWidth(rasp.Select(T, T, lambda key, query: key + 1 < 2 * query)),
    ),
    "selecting everything": (rasp.SelectorWidth(rasp.Select(T, I, Comparison.TRUE)), L),
    "selecting nothing": (rasp.SelectorWidth(rasp.Select(T, I, Comparison.FALSE)), rasp.Full(0)),
    "all lengths": (rasp.SelectorWidth(rasp.Select(I, L, Comparison.LT)), rasp.SelectorWidth(
        rasp.Select(I, L, lambda key, query: query > key))),
}  # fmt: skip


@pytest.mark.parametrize("pair", EQUAL)
def test_equal_programs_are_one_graph(pair: str) -> None:
    """Equality is of tables, not of lambdas."""
    one, other = (graph_of(program) for program in EQUAL[pair])
    assert nameless(one) == nameless(other)


@pytest.mark.parametrize("pair", EQUAL)
def test_equal_parts_of_a_program_are_one_node(pair: str) -> None:
    """Both in one program: they are shared, so that the two sides of a zip are one argument."""
    one, other = EQUAL[pair]
    joined = graph_of(rasp.SequenceMap(lambda x, y: x == y, one, other))
    assert isinstance(joined.variable(joined.output).domain, Listed)
    assert joined.variable(joined.output).listed.values == (True,)


A, B, C = (rasp.Select(x, y, Comparison.EQ) for x, y in ((T, T), (I, T), (I, I)))
SELECTORS: dict[str, tuple[Selector, Selector]] = {
    "order": (A & B & C, C & (B & A)),
    "once is enough": (A | B | A, B | A),
    "de Morgan": (~(A & B), ~A | ~B),
    "de Morgan, thrice": (~(A | ~(B & C)), ~A & (B & C)),
    "negation of a table": (~rasp.Select(T, T, Comparison.LT), rasp.Select(T, T, Comparison.GEQ)),
    "merged tables": (
        rasp.Select(T, T, Comparison.LT) | rasp.Select(T, T, Comparison.EQ), rasp.Select(T, T, Comparison.LEQ)),
    "contradiction": (A & ~A, rasp.Select(T, T, Comparison.FALSE)),
    "tautology": (A | ~A, rasp.Select(T, T, Comparison.TRUE)),
    "neutral": (A & rasp.Select(I, T, Comparison.TRUE), A),
    "absorbing": (B & (A & ~A), rasp.Select(T, T, Comparison.FALSE)),
}  # fmt: skip


@pytest.mark.parametrize("pair", SELECTORS)
def test_selectors_in_normal_form(pair: str) -> None:
    """However they are put together, equal selectors are one node where tables show it."""
    one, other = (rasp.SelectorWidth(selector) for selector in SELECTORS[pair])
    assert graph_of(one - other).variable(graph_of(one - other).output).domain == Listed((0,))


TEXTS: dict[str, tuple[str, Callable[[], SOp]]] = {
    "reverse": (
        "flip = select(indices, length - 1 - indices, ==); answer = aggregate(flip, tokens_asis);",
        library.reverse,
    ),
    "hist": (
        "answer = selector_width(select(tokens, tokens, ==));",
        lambda: rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ)),
    ),
    "earlier": (
        "answer = selector_width(select(tokens, tokens, ==) and select(indices, indices, <));",
        lambda: rasp.SelectorWidth(
            rasp.Select(T, T, Comparison.EQ) & rasp.Select(I, I, lambda key, query: key < query)
        ),
    ),
    "arithmetic": ("answer = (indices + 1) * 2 if indices > 1 else length;", lambda: rasp.where(I > 1, 2 * I + 2, L)),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", TEXTS)
def test_text_and_python_make_one_graph(name: str, causal: bool) -> None:
    """The same program in RASP's own syntax and in Python: the same nodes."""
    text, program = TEXTS[name]
    read = load_program(text, "answer")
    assert isinstance(read, SOp)
    assert nameless(graph_of(read, causal)) == nameless(graph_of(program(), causal))


_PRINT = """
import sys
from raspc import library
from raspc.graph import to_text
from raspc.graph.build import build
for name in sys.argv[1].split(","):
    entry = library.get(name)
    graph = build(entry.program, set(entry.vocab), entry.max_seq_len, entry.causal)
    print(graph.labels, to_text(graph))
"""


def test_the_same_in_every_process() -> None:
    """Text and labels do not depend on the hash seed; the vocabulary here is a set of strings."""
    outputs = []
    for seed in ("1", "2"):
        command = [sys.executable, "-c", _PRINT, "reverse,sort_freq,shuffle_dyck3,induction"]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        outputs.append(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 2000


def test_labels_are_distinct_and_the_users_own() -> None:
    """A name of the user's is a label; a second node that claims it, and one without, get a number."""
    x, y = (T + 1).named("map_1"), (T + 2).named("map_1")
    graph = graph_of(x * y * (T + 3))
    assert graph.labels[0] == "tokens"
    assert sum(label == "map_1" for label in graph.labels) == 1
    assert len(set(graph.labels)) == len(graph)


def test_a_node_keeps_all_names_of_equal_expressions() -> None:
    """Two names for one node: the first labels it."""
    graph = graph_of((T + 1).named("one") * rasp.Map(lambda x: x + 1, T).named("two"))
    named = [node.names for node in graph.nodes if node.names]
    assert named == [("one", "two")]


def test_a_shared_dag_of_depth_40_compiles_in_under_a_second() -> None:
    """Also through attention, where each stage reads the one before it twice."""
    program: SOp = T
    for _ in range(40):
        chosen = rasp.Select(program, program, Comparison.EQ)
        program = rasp.Aggregate(chosen, program) if program is T else (program + program)
    start = time.process_time()
    graph = graph_of(program)
    assert time.process_time() - start < 1
    assert len(graph) < 60


def test_a_deep_chain_does_not_recurse() -> None:
    """Two thousand stages are beyond Python's stack and no trouble."""
    program: SOp = T
    for _ in range(2000):
        program = rasp.Map(lambda x: (x + 1) % 3, program)
    graph = graph_of(program)
    assert graph.variable(graph.output).listed.values == (0, 1, 2)


def test_none_is_a_value_and_raising_is_not() -> None:
    """An arithmetic error gives None; any other exception an undefined cell."""
    divided = graph_of(6 / (T - 1))
    node = divided.variable(divided.output)
    assert isinstance(node, Table)
    assert node.listed.values == (3, 6, None)
    assert not node.raises
    looked_up = graph_of(rasp.Map({1: "one", 2: "two"}.__getitem__, T))
    node = looked_up.variable(looked_up.output)
    assert isinstance(node, Table)
    assert node.cells.tolist() == [0, 1, -1]
    assert node.raises


def test_under_a_mask() -> None:
    """length is index + 1, "at or before" is everything, and what the mask hides makes no difference."""
    graph = graph_of(L, causal=True)
    assert nameless(graph) == nameless(graph_of(I + 1, causal=True))
    everything = rasp.SelectorWidth(rasp.Select(I, I, Comparison.LEQ))
    assert nameless(graph_of(everything, causal=True)) == nameless(graph)
    strange = rasp.Select(I, I, lambda key, query: key == 0 or key > query)
    plain = rasp.Select(I, I, lambda key, query: key == 0)
    assert nameless(graph_of(rasp.SelectorWidth(strange), True)) == nameless(graph_of(rasp.SelectorWidth(plain), True))


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        (rasp.Aggregate(rasp.Select(T, T, Comparison.EQ), I), Aggregate),
        (rasp.SelectorWidth(A & B), Width),
        (rasp.Aggregate(rasp.Select(I, I, Comparison.TRUE), T) * 2, object),
        (T * I, Table),
    ],
)
def test_kinds(program: SOp, kind: type) -> None:
    """What the output of a program is in the graph."""
    graph = graph_of(program)
    assert isinstance(graph[graph.output], kind)
    assert all(isinstance(graph[place], Select | Gate) for node in graph.nodes for place in node.refs
               if isinstance(node, Gate))  # fmt: skip


BAD: list[tuple[Any, Any, str]] = [
    ((), 4, "empty"),
    ((1, True), 4, "twice"),
    ((None, 1), 4, "None"),
    (([1],), 4, "hashed"),
    ((1,), 0, "at least 1"),
    ((1,), True, "at least 1"),
    ((1,), 2.0, "at least 1"),
]


@pytest.mark.parametrize(("vocab", "length", "message"), BAD)
def test_bad_arguments(vocab: Any, length: Any, message: str) -> None:
    """One clear line for each."""
    with pytest.raises(InvalidProgram, match=message):
        build(T, vocab, length)


def test_too_many_values_name_the_expression() -> None:
    """A map of a mean with more values than can be listed: refused, and says which node and why."""
    mean = rasp.Aggregate(rasp.Select(I, I, Comparison.LEQ), rasp.Map(lambda x: math.sqrt(x), T)).named("mean root")
    with pytest.raises(UnsupportedProgram, match=r"mean root.*too many"):
        build(rasp.Map(lambda x: x > 2, mean), range(2, 40), 30)


def test_no_input_has_two_lengths() -> None:
    """Constants of two lengths: there is no input for both."""
    with pytest.raises(UnsupportedProgram, match="one length"):
        graph_of(rasp.ConstantSOp([1, 2]) + rasp.ConstantSOp([1, 2, 3]))
