"""What must be stored of each variable: the features that its readers need, and how they are computed.

Variables are visited from the output back, so that all readers of one have spoken when its turn comes. A visit takes
what is asked of a variable and gives what is stored of it, and what that asks of others.
A function of one variable is read off that variable; a sum of functions of one variable is read off these; what is
left is computed by neurons, or moved by a head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.storage.answer import answer_of, is_number
from raspc.blocks.storage.decoding import left_by_attention
from raspc.blocks.storage.forms import form_of, powers_of
from raspc.blocks.storage.functions import function
from raspc.blocks.storage.heads import moved_groups, scored
from raspc.blocks.storage.known import Decision, Known
from raspc.blocks.storage.requests import Requests, Wanted
from raspc.blocks.storage.restoring import is_to_be_restored, restored_of
from raspc.blocks.storage.signs import signed
from raspc.blocks.storage.stored import Storage, Stored
from raspc.graph import nodes as N
from raspc.graph.nodes import Variable


def store(ready: Readiness) -> Storage:
    """What is stored of every variable of a graph. Raises UnsupportedProgram where one cannot be told exactly."""
    known = replace(Known.of(ready), numerical=is_number(ready))
    answer, asked = answer_of(known)
    requests = Requests(known.ready.roots)
    requests.add(asked)
    variables: list[Stored | None] = [None] * len(known.graph)
    in_doubt = False
    for place, node in reversed(list(enumerate(known.graph.nodes))):
        if isinstance(node, Variable):
            decision = decide_and_restore(known, place, requests.of(place))
            requests.add(decision.requests)
            variables[place], in_doubt = decision.stored, in_doubt or decision.steep_in_doubt
    return Storage(tuple(variables), answer, known.numerical, in_doubt)


def decide_and_restore(known: Known, place: int, wanted: Wanted) -> Decision:
    """What is stored of one variable, and restored where some reader does not bear what that is off by."""
    decision = decide(known, place, wanted)
    if not is_to_be_restored(known, place, wanted, decision):
        return decision
    return restored_of(known, place, wanted, decision, decide)


def decide(known: Known, place: int, wanted: Wanted) -> Decision:
    """What is stored of one variable, all of whose readers have spoken."""
    if place in known.ready.left:
        return left_by_attention(known, place, wanted)
    return RULES[type(known.graph[place])](known, place, wanted)


def affine(known: Known, place: int, wanted: Wanted) -> Decision:
    """A sum of numbers that are not listed is read off its terms, of which its readers have asked already."""
    return Decision(known.stored(place, wanted))


def embedded(known: Known, place: int, wanted: Wanted) -> Decision:
    """What is stored of the tokens or the indices: it is embedded."""
    kept = form_of(known, place, wanted, list(wanted.features.values())).groups
    return Decision(known.stored(place, wanted, (*kept, *powers_of(known, place, wanted))))


def picked(known: Known, place: int, wanted: Wanted) -> Decision:
    """What is stored of a pick: a head moves it as it is."""
    decision, node = embedded(known, place, wanted), known.graph[place]
    assert isinstance(node, N.Aggregate)
    moved = moved_groups(known, place, node, wanted, decision.stored.kept)
    return decision.asking(*moved, *scored(known, place))


RULES: Mapping[type[N.Node], Callable[[Known, int, Wanted], Decision]] = {
    N.Token: embedded,
    N.Index: embedded,
    N.Table: function,
    N.Affine: affine,
    N.Sign: signed,
    N.Aggregate: picked,
}
"""What decides of each kind of variable, but for counts and means, of which attention leaves something."""
