"""At which stages of a model each node of its program is computed, for pictures of the program over the layers.

Stages count as in the alignment: −1 the embedding, 2l the attention of layer l, 2l + 1 its MLP.
"""

from __future__ import annotations

from typing import NamedTuple

from raspc.graph.nodes import Graph
from raspc.lab.demands import selectors_above
from raspc.weights.alignment import NeuronPart, Part
from raspc.weights.model import Model


class Span(NamedTuple):
    """The first and the last stage at which parts of a model compute a node; of most nodes they are one stage."""

    first: int
    last: int


def spans(model: Model) -> list[Span]:
    """Of each node: where its heads and neurons are; of a selector where the first head that scores it is.

    A variable without parts of its own is there when what it reads is there.
    """
    graph = model.tabulated
    facts = model.alignment.variables
    own = [[_stage(part) for part in facts[label].computed_by] if label in facts else [] for label in graph.labels]
    scored = _scored(graph, own)
    found: list[Span] = []
    for place, node in enumerate(graph.nodes):
        there = own[place] or scored.get(place) or [max((found[ref].last for ref in node.refs), default=-1)]
        found.append(Span(min(there), max(there)) if own[place] else Span(min(there), min(there)))
    return found


def _scored(graph: Graph, own: list[list[int]]) -> dict[int, list[int]]:
    """For each selector the attention stages of the heads that score it, alone or as a part of another."""
    found: dict[int, list[int]] = {}
    for place in range(len(graph)):
        if attention := [stage for stage in own[place] if stage % 2 == 0]:
            for selector in selectors_above(graph, place):
                found.setdefault(selector, []).extend(attention)
    return found


def _stage(part: Part) -> int:
    return 2 * part.layer + isinstance(part, NeuronPart)
