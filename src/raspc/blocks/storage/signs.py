"""The sign of a sum of numbers: one staircase along it, from one side of the gap around 0 to the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.steps import alternating, staircases
from raspc.blocks.reading import features as F
from raspc.blocks.reading.readiness import NUMBER_ERROR, Readiness
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage.exactness import exact_enough
from raspc.blocks.storage.forms import form_of
from raspc.blocks.storage.known import Decision, Known
from raspc.blocks.storage.requests import Read, Wanted
from raspc.blocks.storage.stored import NEURONS, Reader
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.means import REMEDY
from raspc.graph.nodes import Floats, Graph, Interval
from raspc.graph.rows import distinct_rows


def signed(known: Known, place: int, wanted: Wanted) -> Decision:
    """What is stored of a sign. Raises UnsupportedProgram where rounding hides the gap."""
    node, rest = known.graph.variable(place), list(wanted.features.values())
    assert isinstance(node, N.Sign)
    form = form_of(known, place, wanted, rest)
    if not form.groups:
        return Decision(known.stored(place, wanted))
    groups, design = exact_enough(known, place, wanted, rest, form, lambda code: staircase_of(known.ready, node, code))
    if design is None:
        raise UnsupportedProgram.at(
            known.graph.labels[place],
            f"a mean that is compared with numbers 1/{round(1 / node.gap)} away from it, too near for "
            f"{known.options.precision.name}", "a gap above rounding",
            f"{REMEDY}, or shorten the maximum length",
        )  # fmt: skip
    return Decision(known.stored(place, wanted, groups, design), tuple(_reads(place, design)))


def _reads(place: int, design: Design) -> Iterator[Read]:
    error = min(design.gap / 16, NUMBER_ERROR)
    for axis, columns in zip(design.axes, design.features, strict=True):
        yield from (Read(axis, column, (Reader(place, NEURONS, axis),), error) for column in columns.T)


def staircase_of(ready: Readiness, node: N.Sign, outputs: Matrix) -> Design | None:
    """A staircase along the sum; special values lie on it far below all sums. None where rounding hides the gap."""
    if ready.precision.narrow:
        return None
    graph = ready.graph
    spans = [_span(graph, arg, coef) for arg, coef in zip(node.args, node.coefs, strict=True)]
    low, high = sum(a for a, _ in spans), sum(b for _, b in spans)
    far = 2.0 ** np.ceil(np.log2(4 * (high - low + abs(node.bias) + 1)))
    below, above = -node.bias - node.gap, -node.bias + node.gap
    columns, points = [], [(min(low, below), -1), (below, -1), (-node.bias, 0), (above, 1), (max(high, above), 1)]
    inside = [(x, sign) for x, sign in points if low <= x <= high]
    most = 0.0
    for arg, coef, span in zip(node.args, node.coefs, spans, strict=True):
        domain = graph.variable(arg).domain
        column = coef * F.number(domain)
        for i, special in enumerate(domain.specials):
            away = -far * (i + 1)
            column = column + away * F.special_indicators(domain)[:, i]
            rest = (low - span[0] + away, high - span[1] + away)
            inside += [(x, special) for x in rest]
        if isinstance(domain, Interval):
            most += abs(coef) * max(abs(domain.lo), abs(domain.hi))
        columns.append(column[:, None])
    inside.sort(key=lambda point: point[0])
    sums = np.array([x for x, _ in inside], np.float64)
    rows, number = distinct_rows(outputs)
    classes = number.ravel()[[node.listed.id(value) for _, value in inside]].astype(np.int32)
    noise = ready.precision.sum_unit * (float(ready.precision.roundings(float(graph.max_seq_len))) + 8) * most
    steps = staircases(sums, classes, np.flatnonzero(classes[1:] != classes[:-1]), rows, noise)
    if steps is None:
        return None
    side = np.where(sums.max() - steps.thresholds <= steps.thresholds - sums.min(), 1.0, -1.0)
    up, offset = np.repeat(side * steps.slopes, 2), np.tile([0.5, -0.5], len(steps.slopes))
    first: Floats = steps.first[0] if len(steps.first) else np.zeros(outputs.shape[1])
    return Design(
        node.args, tuple(columns), tuple(up[None, :] for _ in node.args),
        offset - up * np.repeat(steps.thresholds, 2), alternating(side[:, None] * steps.change),
        first + steps.change[side < 0].sum(axis=0), steps.gap, np.repeat(steps.slack, 2),
    )  # fmt: skip


def _span(graph: Graph, arg: int, coef: float) -> tuple[float, float]:
    """The least and the greatest that a term comes to."""
    domain = graph.variable(arg).domain
    ends = (domain.lo, domain.hi) if isinstance(domain, Interval) else (domain.numbers.min(), domain.numbers.max())
    low, high = sorted(coef * float(end) for end in ends)
    return low, high
