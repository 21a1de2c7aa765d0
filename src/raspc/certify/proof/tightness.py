"""How tight the bounds of a certificate are: what is bounded beside what is seen on inputs, for each space."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from raspc.certify.checking.answers import model_ids
from raspc.certify.proof.examined import Examined
from raspc.certify.proof.prove import bounds_of
from raspc.graph.evaluate import run_graph
from raspc.graph.nodes import Floats, Ids, Listed
from raspc.graph.permitted import search_of
from raspc.numbers.precision import Precision
from raspc.weights.model import Model


@dataclass(frozen=True)
class Tightness:
    """Of one space: the bound on its error, and the largest error that was seen."""

    space: str
    bound: float
    seen: float

    @property
    def ratio(self) -> float:
        """Bound to seen; 1 where both are 0."""
        if self.bound == self.seen:
            return 1.0
        return self.bound / self.seen if self.seen else np.inf


def tightness(model: Model, plan: Examined, precision: Precision) -> tuple[Tightness, ...]:
    """Bounds and errors seen in float32 on the inputs that counter-examples are looked for on."""
    bounds = bounds_of(plan, precision)
    seen = dict.fromkeys(bounds, 0.0)
    graph = plan.graph
    homes = {group.space: (place, group.code) for place, groups in plan.lowered.home.items() for group in groups}
    for batch in search_of(graph).batches:
        run = run_graph(graph, batch)
        trace = model.trace_ids(model_ids(model, batch))
        stages = [trace.input_embeddings, *trace.residuals]
        good = batch.real & ~run.undefined[:, None]
        for space in bounds:
            place, code = homes[space]
            if isinstance(graph.variable(place).domain, Listed):
                held = np.asarray(stages[plan.written[space] + 1], np.float64)[:, 1:, plan.dims[space]]
                seen[space] = max(seen[space], _error(held, code, run.column(place).ids, good))
    return tuple(Tightness(space, bound, seen[space]) for space, bound in bounds.items())


def _error(held: Floats, code: Floats, ids: Ids, good: NDArray[np.bool_]) -> float:
    known = good & (ids >= 0)
    off = np.abs(held - code[np.maximum(ids, 0)]).max(axis=-1, initial=0.0)
    return float(np.where(known, off, 0.0).max(initial=0.0))


def typical(found: tuple[Tightness, ...]) -> float:
    """The median ratio over spaces that are computed with errors; 1 if there are none."""
    return median([one.ratio for one in found if one.bound > 0 and one.seen > 0] or [1.0])
