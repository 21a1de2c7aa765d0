"""Programs as networkx graphs."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from raspc import rasp as own
from raspc.compat.tracr.compiler import lib, nodes
from raspc.compat.tracr.compiler.rasp_to_graph import extract_rasp_graph
from raspc.compat.tracr.rasp import rasp

networkx = pytest.importorskip("networkx")


def test_nodes_and_edges() -> None:
    """One node for each expression under its label, an edge from each child, sources and sink."""
    x = rasp.SequenceMap(lambda a, b: a + b, rasp.tokens, rasp.indices)
    out = extract_rasp_graph(x)
    assert set(out.graph.nodes) == {x.label, "tokens", "indices"}
    assert set(out.graph.edges) == {("tokens", x.label), ("indices", x.label)}
    assert out.sink == {nodes.ID: x.label, nodes.EXPR: x}
    assert [node[nodes.EXPR] for node in out.sources] == [rasp.tokens, rasp.indices]
    assert out.sink is out.graph.nodes[x.label]


def test_a_shared_node_stands_once() -> None:
    """Two readers of one s-op share its node, and a source is listed once."""
    out = extract_rasp_graph(rasp.tokens + rasp.tokens)
    assert len(out.graph) == 2 and len(out.sources) == 1


def test_every_library_program_is_a_dag() -> None:
    """The graph of each is acyclic, and its nodes are the expressions that the program reads."""
    for program in (lib.make_shuffle_dyck2(), lib.make_sort_freq(5), lib.detect_pattern(rasp.tokens, "abc")):
        graph = extract_rasp_graph(program).graph
        assert networkx.is_directed_acyclic_graph(graph)
        assert {id(d[nodes.EXPR]) for _, d in graph.nodes(data=True)} == {id(e) for e in own.topological(program)}


def test_time_is_linear_on_shared_graphs() -> None:
    """Two thousand doublings: a walk over paths would not end."""
    x: Any = rasp.tokens
    for _ in range(2000):
        x = x + x
    start = time.process_time()
    assert len(extract_rasp_graph(x).graph) == 2001
    assert time.process_time() - start < 2


def test_equal_labels_are_told_apart() -> None:
    """Deep copies share a label, and expressions of raspc itself have none; each still has its own node."""
    x = rasp.tokens + 1
    program = rasp.SequenceMap(lambda a, b: a, x, copy.deepcopy(x))
    assert len(extract_rasp_graph(program).graph) == len(own.topological(program)) == 5
    plain = own.SequenceMap(lambda a, b: a, own.tokens + 1, own.tokens + 2)
    assert len(extract_rasp_graph(plain).graph) == 4
