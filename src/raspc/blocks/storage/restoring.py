"""Restoring what neurons and heads leave a little off: each value once more, by a step that is flat on both sides.

A number that is compared with a mean is told by steep steps, which round; what is computed of it rounds again. A head
that averages keys by such a variable gives some keys more weight than others, by e^(scale · error), and a number that
is read off it is off as it is. Where no other design is proved, each value gets a direction x, which is 0 or 1 but for
that, and two neurons read it: relu(4x − ¾) − relu(4x − 7/4). Near 0 both are shut. Near 1 neither is rounded where it
is read, as x has few digits itself, and both are between 2 and 4, where float32 holds multiples of 2⁻²²: so their
difference is 1 to the last digit, however x is off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from raspc.blocks.neurons.design import NEURON_LIMIT, Design
from raspc.blocks.neurons.steps import alternating
from raspc.blocks.reading.groups import Group, outputs_of
from raspc.blocks.reading.selectors import best_of, is_single
from raspc.blocks.scores.selection import shares_alike
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage import forms
from raspc.blocks.storage.forms import one_hot
from raspc.blocks.storage.known import Decision, Known
from raspc.blocks.storage.requests import Feature, Wanted
from raspc.blocks.storage.stored import ANSWER, KEYS, NEURONS, QUERIES, VALUES, Reader, Restored
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Listed
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "carry_errors", "storage",
    "a variable is read as it was computed first, with what that rounds",
    "all who read it bear that; where no design is proved that does so, it is left out",
    "no neurons that clear errors away",
)  # fmt: skip

BASIS = forms.CHOICE.name
"""What is given up where each value has a direction."""
VALUES_LIMIT = 1 << 10
"""The most values that are told one by one."""

LOUD = 2.0**-12
"""What rounds by more than this is restored for whoever reads it."""
STEEPNESS, STARTS = 4.0, (-0.75, -1.75)
"""By what the two neurons of a step multiply x, and what they add."""


def restored_of(known: Known, place: int, wanted: Wanted, decision: Decision, rough: Decision) -> Decision:
    """The decision with one more block, which restores what is kept of a variable for all who read it.

    Each value gets a direction, which is exactly 0 or 1, so that whatever is read off it is exact too; what people want
    to see comes beside. `rough`: what is decided where each value is asked for. Where that gives no direction to each
    value, the decision stays as it is.
    """
    values = one_hot(known, place)
    kept = tuple(map(_renamed, rough.stored.kept))
    if not any(np.array_equal(group.code, values.code) for group in kept):
        return decision
    seen = {known.graph.labels[place], *(known.graph.labels[function] for function in wanted.shown)}
    groups = [group for group in decision.stored.kept if group.space in seen]
    own = [group for group in groups if np.array_equal(group.code, values.code)] or [values]
    groups = [*own, *(group for group in groups if group not in own)]
    restored = Restored(tuple(groups), _design(place, values.code, outputs_of(groups)))
    stored = replace(rough.stored, kept=kept, restored=restored, readers=wanted.readers, error=wanted.error)
    return replace(rough, stored=stored)


def every_value(known: Known, place: int) -> Wanted:
    """What is asked of a variable that is to be restored: each of its values, by the neurons that restore it."""
    readers = (Reader(place, NEURONS, place),)
    columns = np.eye(len(known.graph.variable(place).listed))
    return Wanted({column.tobytes(): Feature(column, None, readers) for column in columns}, readers=readers)


def by_values(known: Known) -> Known:
    """The same where a variable has one direction for each value, though fewer would span them all."""
    options = known.options.giving_up(*known.options.given_up, BASIS)
    return replace(known, ready=replace(known.ready, options=options))


def is_to_be_restored(known: Known, place: int, wanted: Wanted, decision: Decision) -> bool:
    """Whether some reader does not bear what a variable is off by as it is computed, and it can be restored."""
    node, stored = known.graph.variable(place), decision.stored
    if known.options.has("carry_errors") or known.options.precision.narrow or wanted.powers:
        return False
    computed = stored.design is not None or (isinstance(node, N.Aggregate) and bool(stored.kept))
    few = isinstance(node.domain, Listed) and 2 <= len(node.listed) <= VALUES_LIMIT
    if not (computed and few) or 2 * len(node.listed) > NEURON_LIMIT or any(group.steep for group in stored.kept):
        return False
    if stored.design is not None and float(stored.design.noise(known.ready.unit).max(initial=0.0)) > LOUD:
        return bool(wanted.readers)
    return _is_off(known, place) and any(_does_not_bear(known, reader) for reader in wanted.readers)


def _does_not_bear(known: Known, reader: Reader) -> bool:
    """Whether what is read goes into the weights of keys that count alike, or is a number that is not listed."""
    node = known.graph[reader.by]
    if reader.purpose in (KEYS, QUERIES):
        return shares_alike(node) or best_of(known.graph, known.graph.variable(reader.by)) is not None
    if reader.purpose == VALUES:
        copied = isinstance(node, N.Aggregate) and node.pick and isinstance(node.domain, Listed)
        return not copied
    return reader.purpose == ANSWER and known.numerical


def _is_off(known: Known, place: int) -> bool:
    """Whether a variable rests on what heads average, or copy from several keys, so that it carries rounding."""
    graph, waiting, seen = known.graph, [place], set[int]()
    while waiting:
        node = graph[one := waiting.pop()]
        seen.add(one)
        if one in known.ready.left or (isinstance(node, N.Aggregate) and not is_single(graph, node)):
            return True
        waiting += [other for other in _rests_on(known, graph, one) if other not in seen]
    return False


def _rests_on(known: Known, graph: Graph, place: int) -> Sequence[int]:
    node, joint = graph[place], known.ready.derived(place)
    if isinstance(node, N.Aggregate):
        return (node.source,)
    return node.refs if joint is None else joint.roots


def _renamed(group: Group) -> Group:
    """The same directions under the name of what is not yet restored."""
    return replace(group, space=f"{group.space}:rough", labels=tuple(f"{label}:rough" for label in group.labels))


def _design(place: int, values: Matrix, code: Matrix) -> Design:
    """A step for each value, which writes its code."""
    count = len(values)
    return Design(
        (place,), (values,), (np.repeat(STEEPNESS * values, 2, axis=1),), np.tile(STARTS, count), alternating(code),
        np.zeros(code.shape[1]), np.inf, np.full(2 * count, -STARTS[0]), reach=2,
    )  # fmt: skip
