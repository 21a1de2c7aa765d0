"""A pick by counted positions lists what the pick of the program does, which the domain shows to lack nothing."""

from __future__ import annotations

from dataclasses import replace

import raspc
from raspc.certify.proof.premises import Premises
from raspc.graph.nodes import Aggregate, Listed
from raspc.library import WRITERS


def test_what_a_pick_lists_is_shown_by_the_program_that_it_is_of() -> None:
    """In a Llama positions are counted; a value taken out of the list is missed."""
    writer = WRITERS["write_copy"]
    model = raspc.compile(
        writer.program, writer.vocab, 30, generate=True, stop=".", prompts="[abc]{1,14}=", optimize=2, target="llama"
    )
    program, graph = model.as_written, model.graph
    premises = Premises(program, graph)
    picks = [place for place, node in enumerate(graph.nodes) if isinstance(node, Aggregate) and node.pick]
    assert not premises.nothing_is_missing and all(premises.lists_all(place) for place in picks)
    places = [place for place in picks if len(graph.variable(place).domain.values) > 6]
    for place in places:
        node = graph[place]
        fewer = replace(node, domain=Listed(node.domain.values[:-2]))
        nodes = (*graph.nodes[:place], fewer, *graph.nodes[place + 1 :])
        assert not Premises(program, replace(graph, nodes=nodes)).lists_all(place)
    assert places
