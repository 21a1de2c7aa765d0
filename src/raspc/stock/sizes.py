"""How large what a model stores can be, and how large a frame must be beside it."""

from __future__ import annotations

import numpy as np

from raspc.blocks.reading import features as F
from raspc.graph.nodes import Interval
from raspc.plan.plan import Plan
from raspc.stock.frame import Floats
from raspc.target.families import Family
from raspc.weights import sampling
from raspc.weights.model import Model

SLACK = 1.01
"""What is stored may be off by so much of it."""


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
    for place, groups in plan.lowered.home.items():
        domain = plan.graph.variable(place).domain
        for group in groups:
            code = np.abs(group.code)
            if isinstance(domain, Interval):
                ends = np.zeros((2, F.size(domain)))
                ends[:, 0] = domain.lo, domain.hi
                code = np.abs(np.vstack([ends @ group.code, group.code[1:]]))
            where = layout.slice(group.space)
            found[where] = np.maximum(found[where], code.max(axis=0, initial=0.0))
    for space, there in plan.lowered.at_bos.items():
        where = layout.slice(space)
        found[where] = np.maximum(found[where], np.abs(there))
    return found


def scale_of(family: Family, largest: Floats) -> float:
    """The least root mean square of the stream, a power of two, that a norm is still for with such numbers."""
    size = float((largest**2).sum())
    return float(2.0 ** max(4.0, np.ceil(np.log2(max(size, 1.0) * 2.0**25) / 2)))
