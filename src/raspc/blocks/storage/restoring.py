"""Restoring what neurons and heads leave a little off: each value once more, by a step that is flat on both sides.

A number that is compared with a mean is told by steep steps, which round; what is computed of it rounds again. A head
that averages keys by such a variable gives some keys more weight than others, by e^(scale · error), and a number that
is read off it is off as it is. Where no other design is proved, each value gets a direction x, which is 0 or 1 but for
that, and two neurons read it: relu(4x − ¾) − relu(4x − 7/4). Near 0 both are shut. Near 1 neither is rounded where it
is read, as x has few digits itself, and both are between 2 and 4, where float32 holds multiples of 2⁻²²: so their
difference is 1 to the last digit, however x is off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from raspc.blocks.neurons.design import NEURON_LIMIT, Design
from raspc.blocks.neurons.steps import alternating
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group, outputs_of
from raspc.blocks.reading.naming import feature_labels
from raspc.blocks.reading.selectors import best_of, is_single
from raspc.blocks.scores.penalty import FLAGS_FROM
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


def restored_of(
    known: Known, place: int, wanted: Wanted, decision: Decision, decide: Callable[[Known, int, Wanted], Decision]
) -> Decision:  # fmt: skip
    """The decision with one more block, which restores what is kept of a variable for all who read it.

    Each value gets a direction, which is exactly 0 or 1, so that whatever is read off it is exact too; what people want
    to see comes beside. Of many values flags that tell what is read do. `decide`: what is stored of a variable, here
    where each value, or each flag, is asked for. Where that gives no direction to each, the decision stays as it is.
    """
    values = flags_of(known, place, wanted)
    if values is None:
        values = one_hot(known, place)
        rough = decide(by_values(known), place, every_column(place, values.code))
    else:
        rough = decide(known, place, every_column(place, values.code))
    kept = tuple(map(_renamed, rough.stored.kept))
    if not any(np.array_equal(group.code, values.code) for group in kept):
        return decision
    seen = {known.graph.labels[place], *(known.graph.labels[function] for function in wanted.shown)}
    groups = [group for group in decision.stored.kept if group.space in seen]
    own = [group for group in groups if np.array_equal(group.code, values.code)] or [values]
    groups = [*own, *(group for group in groups if group not in own)]
    design = _design(place, values.code, outputs_of(groups))
    if design is None:
        return decision
    restored = Restored(tuple(groups), design)
    stored = replace(rough.stored, kept=kept, restored=restored, readers=wanted.readers, error=wanted.error)
    return replace(rough, stored=stored)


def flags_of(known: Known, place: int, wanted: Wanted) -> Group | None:
    """Directions that are 0 or 1 and tell all that is read of a variable of many values; None where there are none."""
    label, domain = known.graph.labels[place], known.graph.variable(place).listed
    columns = [feature.column for feature in wanted.features.values()]
    if len(domain) <= FLAGS_FROM or wanted.shown or not columns:
        return None
    flags = [column for column in columns if ((column == 0) | (column == 1)).all()]
    code = F.basis(F.stacked(flags, len(domain)), np.zeros((len(domain), 0)))
    if 2 * code.shape[1] > len(domain) or F.express(code, F.stacked(columns, len(domain))) is None:
        return None
    return Group(f"{label}:flags", feature_labels(label, code, domain), code)


def every_column(place: int, code: Matrix) -> Wanted:
    """What is asked of a variable that is to be restored: each value, or flag, by the neurons that restore it."""
    readers = (Reader(place, NEURONS, place),)
    return Wanted({column.tobytes(): Feature(column.copy(), None, readers) for column in code.T}, readers=readers)


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
    told = computed and isinstance(node.domain, Listed) and _can_be_told(known, place, wanted)
    if not told or any(group.steep for group in stored.kept):
        return False
    if stored.design is not None and float(stored.design.noise(known.ready.unit).max(initial=0.0)) > LOUD:
        return bool(wanted.readers)
    return _is_off(known, place) and any(_does_not_bear(known, reader) for reader in wanted.readers)


def _can_be_told(known: Known, place: int, wanted: Wanted) -> bool:
    """Whether there are few enough values, or flags of them, to be restored one by one."""
    count = len(known.graph.variable(place).listed)
    few = 2 <= count <= VALUES_LIMIT and 2 * count <= NEURON_LIMIT
    return few or (count > 1 and flags_of(known, place, wanted) is not None)


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


def _design(place: int, values: Matrix, code: Matrix) -> Design | None:
    """A step for each value, or flag, which writes what it adds to the code; None where they do not tell that."""
    found = F.express(values, code)
    if found is None:
        return None
    count = values.shape[1]
    return Design(
        (place,), (values,), (np.repeat(STEEPNESS * np.eye(count), 2, axis=1),), np.tile(STARTS, count),
        alternating(found[0]), found[1], np.inf, np.full(2 * count, -STARTS[0]), reach=2,
    )  # fmt: skip
