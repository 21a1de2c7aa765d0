"""Where a node came from: after the passes the node of the tabulated program, before them the expression."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from raspc.graph.nodes import Graph, Node, renumbered
from raspc.graph.store import identity_of


def origin(program: Graph, graph: Graph, place: int) -> int:
    """The node of `program` that a node of `graph`, the same after some passes, stands for.

    Nodes are the same that say the same of the same nodes. Those of one kind that are not, as something below them was
    rewritten, are matched in order where there are as many in both. What a pass has added stands for the first of its
    readers that has a match, or for the output.
    """
    known = _matches(program, graph)
    concerned = {place}
    for later in range(place, len(graph)):
        if later in concerned or concerned & set(graph[later].refs):
            if later in known:
                return known[later]
            concerned.add(later)
    return program.output


def _matches(program: Graph, graph: Graph) -> Mapping[int, int]:
    """For each node of `graph` that has a match its match in `program`."""
    classes: dict[Hashable, int] = {}
    ours, theirs = _classes(program, classes), _classes(graph, classes)
    first = {number: place for place, number in reversed(list(enumerate(ours)))}
    found = {place: first[number] for place, number in enumerate(theirs) if number in first}
    for kind in {type(node) for node in graph.nodes}:
        ends = _of_kind(program, kind, ours, set(theirs)), _of_kind(graph, kind, theirs, set(ours))
        if len(ends[0]) == len(ends[1]):
            found |= zip(ends[1], ends[0], strict=True)
    return found


def _of_kind(graph: Graph, kind: type[Node], own: list[int], others: set[int]) -> list[int]:
    """The nodes of one kind that the other graph does not have."""
    return [place for place, node in enumerate(graph.nodes) if type(node) is kind and own[place] not in others]


def _classes(graph: Graph, classes: dict[Hashable, int]) -> list[int]:
    """A number for each node, the same for the same nodes."""
    found: list[int] = []
    for node in graph.nodes:
        found.append(classes.setdefault(identity_of(renumbered(node, found)), len(classes)))
    return found
