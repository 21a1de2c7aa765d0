"""A graph as text and as JSON: golden files, round trips, and what malformed or hostile files give."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agreement import some_inputs
from tests.graph.examples import EXAMPLES, I, T
from tests.wild import Wild, wild_programs

from raspc import ModelFormatError, UnsupportedProgram, jsonvalues, rasp
from raspc.graph import Graph, from_json, from_text, to_json, to_text
from raspc.graph.build import build
from raspc.graph.evaluate import interpret_graph
from raspc.numbers.options import SMALLEST
from raspc.passes.count_in_stretches import count_in_stretches
from raspc.passes.pipeline import run_passes

SEVERAL = {name: to_json(example.graph()) for name, example in EXAMPLES.items()}
every_example = pytest.mark.parametrize("name", EXAMPLES)


def loaded(obj: Any) -> Graph | None:
    """The graph, or None if it is refused; anything but a ModelFormatError comes through."""
    try:
        return from_json(obj)
    except ModelFormatError as error:
        assert str(error)
        return None


@every_example
def test_golden_text(name: str, golden: Callable[[str, str], None]) -> None:
    """What people read, line by line."""
    golden(f"graph/{name}.txt", to_text(EXAMPLES[name].graph()))


def test_the_examples_hold_every_kind_of_node() -> None:
    """No writer or reader goes untested."""
    kinds = {node["kind"] for obj in SEVERAL.values() for node in obj["nodes"]}
    assert kinds == {"token", "index", "length", "table", "affine", "width", "aggregate", "select", "gate"}
    domains = {key for obj in SEVERAL.values() for node in obj["nodes"] for key in node.get("domain", {})}
    assert domains == {"range", "values", "lo", "hi", "specials"}


def round_trips(graph: Graph) -> Iterator[Graph]:
    """The graph after each way out and back."""
    yield from_text(to_text(graph))
    yield from_text(str(graph))
    yield from_json(to_json(graph))
    yield from_json(jsonvalues.loads(jsonvalues.dumps(graph.to_json())))


@every_example
def test_round_trips(name: str) -> None:
    """Out and back by every way: the same text, labels and answers."""
    graph = EXAMPLES[name].graph()
    inputs = list(some_inputs(graph.vocab, graph.max_seq_len, 100, 10))
    wanted = list(interpret_graph(graph, inputs))
    for back in round_trips(graph):
        assert to_text(back) == to_text(graph)
        assert back.labels == graph.labels
        assert [type(v) for v in back.vocab] == [type(v) for v in graph.vocab]
        assert list(interpret_graph(back, inputs)) == wanted


@settings(max_examples=50)
@given(wild_programs())
def test_any_graph_round_trips(wild: Wild) -> None:
    """Graphs of arbitrary tables, likewise."""
    try:
        graph = build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
    except UnsupportedProgram:
        return
    for back in round_trips(graph):
        assert to_text(back) == to_text(graph)


def changed(name: str, change: Callable[[Any], None]) -> Any:
    """The JSON of an example after a change in place."""
    obj = copy.deepcopy(SEVERAL[name])
    change(obj)
    return obj


def setting(value: Any, *path: Any) -> Callable[[Any], None]:
    """Put a value at a path."""

    def change(obj: Any) -> None:
        for step in path[:-1]:
            obj = obj[step]
        obj[path[-1]] = value

    return change


# In the example "reverse", %4 is a table of two arguments, %5 a selector, %6 the aggregate.
MALFORMED: dict[str, tuple[Callable[[Any], None], str]] = {
    "a node that reads itself": (setting([4, 1], "nodes", 4, "args"), "%4 refers to %4"),
    "a cycle": (setting(6, "nodes", 5, "query"), "%5 refers to %6"),
    "a reference to nothing": (setting(99, "nodes", 6, "source"), "%6 refers to %99"),
    "a negative reference": (setting(-1, "nodes", 6, "source"), "%6 refers to %-1"),
    "an unknown kind": (setting("python", "nodes", 4, "kind"), "unknown kind 'python'"),
    "a kind that is no string": (setting(["table"], "nodes", 4, "kind"), ""),
    "a table that is too short": (setting([0, 8], "nodes", 4, "cells"), "does not fit"),
    "a table of 10^12 cells": (setting([0, 10**12], "nodes", 4, "cells"), "at most 16777216"),
    "a table of 10^30 cells": (setting([0, 10**30], "nodes", 4, "cells"), ""),
    "many large tables in one": (setting([0, 1 << 24] * 4, "nodes", 4, "cells"), ""),
    "negative counts": (setting([0, 10, 1, -1], "nodes", 4, "cells"), "positive"),
    "a cell that names no value": (setting([3, 9], "nodes", 4, "cells"), "no value"),
    "a cell below undefined": (setting([-2, 9], "nodes", 4, "cells"), "no value"),
    "a predicate of 2": (setting([2, 9], "nodes", 5, "cells"), "not -1, 0 or 1"),
    "cells that are floats": (setting([0.5, 9], "nodes", 4, "cells"), "integer"),
    "cells that are booleans": (setting([True, 9], "nodes", 4, "cells"), "integer"),
    "10^12 values": (setting({"range": [0, 10**12]}, "nodes", 4, "domain"), "at most 4194304"),
    "a range that runs backwards": (setting({"range": [3, 0]}, "nodes", 4, "domain"), "backwards"),
    "no values": (setting({"values": []}, "nodes", 0, "domain"), "empty"),
    "a value twice": (setting({"values": [1, True]}, "nodes", 0, "domain"), "twice"),
    "a value that is a list": (setting({"values": [[1]]}, "nodes", 0, "domain"), ""),
    "values in a string": (setting({"values": "ab"}, "nodes", 0, "domain"), ""),
    "an output that is a selector": (setting(5, "output"), "output"),
    "an output that is no node": (setting(7, "output"), "output"),
    "an output before all nodes": (setting(-1, "output"), "output"),
    "no nodes": (setting([], "nodes"), "nodes"),
    "nodes in an object": (setting({"0": {}}, "nodes"), "nodes"),
    "no tokens": (setting({"kind": "index", "domain": {"values": [0, 1, 2]}}, "nodes", 0), "token"),
    "a length of 0": (setting(0, "max_seq_len"), "max_seq_len"),
    "a length of 10^12": (setting(10**12, "max_seq_len"), "max_seq_len"),
    "a length that is true": (setting(True, "max_seq_len"), "max_seq_len"),
    "indices beyond the length": (setting(5, "max_seq_len"), "0…N−1"),
    "a mask of 1": (setting(1, "causal"), "causal"),
    "another format": (setting(2, "format"), "format 2"),
    "an aggregate over a variable": (setting(4, "nodes", 6, "selector"), "over a variable"),
    "an aggregate of a selector": (setting(5, "nodes", 6, "source"), "of a selector"),
    "a selector of a selector": (lambda obj: obj["nodes"].append({**obj["nodes"][5], "key": 5}), "listed value set"),
    "a thousand arguments": (setting([0] * 1000, "nodes", 4, "args"), ""),
    "names that are numbers": (setting([1], "nodes", 4, "names"), "strings"),
    "notes that are numbers": (setting([1], "notes"), "notes"),
    "a missing field": (lambda obj: obj["nodes"][6].pop("pick"), "pick"),
    "a missing value set": (lambda obj: obj["nodes"][6].pop("domain"), "domain"),
}  # fmt: skip


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed(fault: str) -> None:
    """Each is refused in one clear line, and in no time."""
    change, message = MALFORMED[fault]
    obj = changed("reverse", change)
    start = time.process_time()
    with pytest.raises(ModelFormatError) as refused:
        from_json(obj)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert time.process_time() - start < 0.5


def test_a_count_that_names_the_index() -> None:
    """Out and back by every way; what it names must be the index, and stand before it."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ))
    graph = count_in_stretches(build(program, (0, 1), 3), SMALLEST, off=0.0)
    for back in round_trips(graph):
        assert to_text(back) == to_text(graph) and back[graph.output].refs == graph[graph.output].refs
    for by, fault in ((0, "by their positions"), (9, "refers to %9"), (True, "integer"), ("x", "integer")):
        nodes = copy.deepcopy(to_json(graph))
        nodes["nodes"][graph.output]["by"] = by
        with pytest.raises(ModelFormatError, match=fault):
            from_json(nodes)


@pytest.mark.parametrize("obj", [None, 1, "graph", [], {}, [[]], {"format": 1}, {"format": 1, "nodes": [None]}])
def test_not_a_graph_at_all(obj: Any) -> None:
    """JSON of any other kind."""
    with pytest.raises(ModelFormatError):
        from_json(obj)


KEYS = ["values", "range", "lo", "hi", "specials", "tuple", "float", "kind"]
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from([10**6, 10**12, -(10**30), 0.5, 1e300]),
    st.text(max_size=4),
    st.sampled_from(["token", "gate", "and", "or", "table", "%1"]),
    st.recursive(
        st.integers(-2, 5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
        max_leaves=6,
    ),
)


def paths(obj: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON object."""
    items = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    for step, inner in items:
        yield (*path, step)
        yield from paths(inner, (*path, step))


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """The JSON of an example with a few places replaced by junk, removed, or copied from elsewhere."""
    obj = copy.deepcopy(SEVERAL[draw(st.sampled_from(sorted(SEVERAL)))])
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths(obj))
        *way, last = draw(st.sampled_from(places))
        holder = obj
        for step in way:
            holder = holder[step]
        how = draw(st.sampled_from(["junk", "remove", "copy"]))
        if how == "remove":
            del holder[last]
        elif how == "junk":
            holder[last] = draw(junk)
        else:
            other: Any = obj
            for step in draw(st.sampled_from(places)):
                other = other[step]
            holder[last] = copy.deepcopy(other)
    return obj


@settings(max_examples=600)
@given(mutated())
def test_fuzzed_json(obj: Any) -> None:
    """A ModelFormatError or a graph that is sound enough to be printed, named and written again."""
    graph = loaded(obj)
    if graph is not None:
        assert to_text(from_json(to_json(graph))) == str(graph)
        assert len(set(graph.labels)) == len(graph)


@settings(max_examples=400)
@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_fuzzed_text(name: str, data: st.DataObject) -> None:
    """Text with pieces cut out, doubled, or overwritten: the same."""
    text = to_text(EXAMPLES[name].graph())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = min(len(text), start + data.draw(st.integers(0, 12)))
        piece = data.draw(
            st.one_of(
                st.sampled_from(["", "[1]", "{}", "%0", " = ", "gate()", "\n", text[start:stop] * 2]),
                st.text(max_size=3),
            )
        )
        text = text[:start] + piece + text[stop:]
    try:
        graph = from_text(text)
    except ModelFormatError:
        return
    assert from_text(to_text(graph)).labels == graph.labels


def test_a_graph_after_its_passes_round_trips() -> None:
    """Like any other graph."""
    graph, _ = run_passes(EXAMPLES["sort"].graph())
    for back in round_trips(graph):
        assert to_text(back) == to_text(graph)


def test_a_fault_in_the_text_names_its_line() -> None:
    """Where, for a person who edits the text."""
    lines = to_text(EXAMPLES["reverse"].graph()).splitlines()
    lines[3] = lines[3].replace('"range"', '"rnge"').replace("length()", "length(]")
    with pytest.raises(ModelFormatError, match="line 4"):
        from_text("\n".join(lines))


@pytest.mark.parametrize(
    "text", ["", "{}", "\x00", "\ud800", "{}\n\ud800", "%0 = token() {}", "{}\n%0 = token() {}\n", "{}\n%0 = {}\n"]
)
def test_malformed_text(text: str) -> None:
    """Nothing, noise, and nodes without their fields."""
    with pytest.raises(ModelFormatError):
        from_text(text)


@pytest.mark.parametrize("text", ["[]", "1", "{}\n%0 = token() []\n", '{}\n%0 = token() "x"\n'])
def test_text_that_is_no_graph(text: str) -> None:
    """Whatever JSON stands where an object is needed."""
    with pytest.raises(ModelFormatError):
        from_text(text)


def test_wide_gates_round_trip() -> None:
    """A gate of more selectors than most: what is written can be read."""
    selectors = [
        rasp.Select(T, rasp.map(lambda x, i, j=j: (x * i + j) % (j + 2), T, I), rasp.Comparison.EQ) for j in range(80)
    ]
    either = selectors[0]
    for selector in selectors[1:]:
        either = either | selector
    graph = build(rasp.SelectorWidth(either), (1, 2), 3)
    assert to_text(from_json(to_json(graph))) == to_text(graph)


_BOMB = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
from raspc.errors import ModelFormatError
from raspc.graph import from_json
many = [{"kind": "table", "args": [], "cells": [0, 1], "raises": False, "domain": {"range": [0, (1 << 22) - 1]}}] * 1000
nodes = [{"kind": "token", "domain": {"values": ["a"]}}, *many, *TAIL]
graph = {"format": 1, "nodes": nodes, "output": 0, "max_seq_len": 1, "causal": False, "exact_length": None, "notes": []}
try:
    from_json(graph)
except ModelFormatError as error:
    print("refused:", error)
"""


TAILS = {"nothing": "[]", "a debt": '[{**many[0], "domain": {"range": [1 << 40, 0]}}]'}


@pytest.mark.parametrize("tail", TAILS)
def test_memory_is_bounded_over_all_nodes(tail: str) -> None:
    """A thousand nodes that each claim as many values as one may: refused within 1.5 GB, whatever follows."""
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", _BOMB.replace("TAIL", TAILS[tail])],
        env=alone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "refused:" in ran.stdout, ran.stderr[-300:]


def test_values_that_json_cannot_hold_are_refused_when_written() -> None:
    """A value of a type of the user's own is met at save, not at load."""
    graph = build(rasp.Map(lambda x: frozenset([x]), T), (1, 2), 2)
    with pytest.raises(UnsupportedProgram, match="frozenset"):
        json.dumps(to_json(graph))
