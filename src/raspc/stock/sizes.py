"""How large what a model stores can be, and how large a frame must be beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from raspc.blocks.reading import features as F
from raspc.graph.nodes import Interval
from raspc.numbers.precision import Precision
from raspc.plan.plan import Plan
from raspc.stock.frame import Floats
from raspc.stock.storing import has_gain
from raspc.target.families import Family
from raspc.target.rotation import is_turned
from raspc.weights import sampling
from raspc.weights.model import Model

FRAME = 16
"""A frame is so much wider than what it holds, at most, where it holds little."""
SLACK = 1.01
"""What is stored may be off by so much of it."""


@dataclass(frozen=True, eq=False)
class Extent:
    """What the stream of a program holds at most: each dimension, the sum of all squares, and of all sizes."""

    largest: Floats
    squares: float
    total: float


def extent_of(model: Model, place: float = 0.0) -> Extent:
    """By the plan: of a variable in several directions, such as one-hot ones, no value has all of them; or measured.

    `place`: the number of a place that the stream holds besides, before it becomes a position (`raspc.stock.placing`).
    """
    largest = largest_of(model)
    squares, total = float((largest**2).sum()), float(largest.sum())
    if model.plan is not None:
        rows = _rows_by_plan(model.plan)
        squares = min(squares, SLACK**2 * sum(float((row**2).sum(axis=1).max(initial=0.0)) for row in rows) + 1.0)
        total = min(total, SLACK * sum(float(row.sum(axis=1).max(initial=0.0)) for row in rows) + 1.0)
    return Extent(largest, squares + place**2, total + place)


def largest_of(model: Model) -> Floats:
    """The largest size of what each dimension of the stream holds at any time: by the plan, or as it was measured."""
    if model.plan is not None:
        return SLACK * _by_plan(model.plan)
    batch = sampling.inputs_of(model)
    run = model.trace_ids(model.encode_batch(batch))
    streams = [run.input_embeddings, *run.residuals]
    found: Floats = 2.0 * np.max([np.abs(stream).max(axis=(0, 1)) for stream in streams], axis=0)
    return found


def _by_plan(plan: Plan) -> Floats:
    """The largest entry of any code that lies in a dimension; where one variable ends another may begin."""
    layout, found = plan.layout, np.zeros(plan.layout.d_model)
    for space, code in _codes(plan):
        where = layout.slice(space)
        found[where] = np.maximum(found[where], code.max(axis=0, initial=0.0))
    for space, there in plan.lowered.at_bos.items():
        if space not in layout.start:  # of a count that nobody reads
            continue
        where = layout.slice(space)
        found[where] = np.maximum(found[where], np.abs(there))
    return found


def _rows_by_plan(plan: Plan) -> list[Floats]:
    """For each space the sizes of what it can hold, a row for each value of its variable and one for BOS."""
    there = plan.lowered.at_bos
    return [np.vstack([code, np.abs(there[space])[None]]) if space in there else code for space, code in _codes(plan)]


def _codes(plan: Plan) -> Iterator[tuple[str, Floats]]:
    """The sizes of the codes of each space; of an interval those of its ends."""
    for place, groups in plan.lowered.home.items():
        if is_turned(plan.graph, place, plan.options):
            continue  # a rotation tells it, and nothing is stored
        domain = plan.graph.variable(place).domain
        for group in groups:
            code = np.abs(group.code)
            if isinstance(domain, Interval):
                ends = np.zeros((2, F.size(domain)))
                ends[:, 0] = domain.lo, domain.hi
                code = np.abs(np.vstack([ends @ group.code, group.code[1:]]))
            yield group.space, code


def scale_of(family: Family, model: Model, precision: Precision) -> float:
    """A root mean square of the stream, a power of two, that a norm is still for with the numbers of a model.

    Of a mirrored frame, which a narrow format has, it is the least: what its mean is off by grows with the constants.
    The constants, of which none exceeds it times the root of the width, are numbers of the format in any case.
    """
    if family.norms.centred and precision.narrow:
        extent = extent_of(model)
        size = max(extent.squares, 1.0) * 2.0 ** (precision.bits + 2) / (2 * len(extent.largest))
        return float(2.0 ** np.ceil(np.log2(size) / 2 + 0.1))
    told = family.relative is not None and np.any(model.params[model.config.target.names.pos_embed])
    place = model.config.max_seq_len if told else 0
    largest = largest_of(model)
    size = max(float((largest**2).sum()) + place**2, 1.0)
    bits = min(25, precision.bits + 4) if family.norms.kind == "rms" else 25
    scale = float(2.0 ** max(4.0, np.ceil(np.log2(size * 2.0**bits) / 2)))
    most = precision.largest / np.sqrt(len(largest) + FRAME)
    while scale > most or not has_gain(scale, family.norms, precision):
        scale /= 2
    return scale
