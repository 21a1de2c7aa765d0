"""Models that were saved without their plan (format 1): what can be told of it from weights, alignment and graph.

The plan itself is what today's compiler makes of the same graph, if that gives the very same weights and alignment.
Where it does not, the code of each variable is read off a run: what its dimensions hold when it has a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.errors import RaspcError
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.nodes import Floats, Graph, Ids, Listed, Variable
from raspc.graph.permitted import search_of
from raspc.numbers.options import Options
from raspc.plan.plan import Plan
from raspc.plan.planning import plan_by
from raspc.weights.align import alignment_of_old, homes_of
from raspc.weights.alignment import SpaceFacts
from raspc.weights.making import model_of
from raspc.weights.model import Model

SAMPLED = 256
"""How many inputs codes are read off."""
UNSEEN = 16.0
"""How far a value that no input showed lies from those that were seen, in ranges of the code."""


def plan_of(model: Model) -> Plan | None:
    """The plan that the model holds, or that its weights and its alignment are of; None where there is none."""
    return model.plan or _made_again(model)


def homes(model: Model) -> Mapping[int, tuple[Group, ...]]:
    """The groups of directions of each variable, by its place in the graph."""
    plan = plan_of(model)
    if plan is None:
        return _observed(model)
    told_before = model.alignment.variables == alignment_of_old(plan).variables
    return plan.lowered.home if told_before else homes_of(plan.graph, plan.lowered)


def _made_again(model: Model) -> Plan | None:
    """Today's plan of the program, if it gives this model. What its design gave up was not always saved."""
    if model.program is None or not model.alignment.variables:
        return None
    designs = (model.options, *(model.options.giving_up(name) for name in ("steep", "count_means")))
    return next((plan for design in designs if (plan := _plan(model, model.program, design)) is not None), None)


def _plan(model: Model, program: Graph, design: Options) -> Plan | None:
    """The plan of a design, if it gives this model."""
    try:
        plan = plan_by(program, design)
        made = model_of(plan, model.config.bos, model.config.pad)
    except RaspcError:
        return None
    same = replace(made.config, made_by=model.config.made_by) == model.config
    told = (made.alignment.variables, alignment_of_old(plan).variables)
    same = same and model.alignment.variables in told
    return plan if same and all(np.array_equal(made.params[name], model.params[name]) for name in made.params) else None


def _observed(model: Model) -> dict[int, tuple[Group, ...]]:
    """Each space with the mean of what it holds for each value of its variable, on inputs from a sample."""
    graph = model.tabulated
    batch = _sample(graph)
    run = run_graph(graph, batch)
    unpadded = np.where(batch.real, batch.ids, model.config.pad_id)
    ids = np.insert(unpadded, 0, model.config.bos_id, axis=1).astype(np.intp)
    trace = model.trace_ids(ids)
    streams = [
        np.asarray(stream, np.float64)[:, 1:][batch.real] for stream in (trace.input_embeddings, *trace.residuals)
    ]

    def observed(place: int, node: Variable, space: SpaceFacts) -> Group:
        start, stop = space.dims
        held = streams[space.from_stage + 1][:, start:stop]
        labels = tuple(model.residual_labels[start:stop])
        if not isinstance(node.domain, Listed):
            return Group(space.name, labels, F.numeric_code(node.domain)[:, : stop - start])
        code = _code(len(node.domain), held, run.column(place).ids[batch.real])
        return Group(space.name, labels, code, steep=space.name.endswith(":steep"))

    return {
        place: tuple(observed(place, node, space) for space in model.alignment.variables[graph.labels[place]].spaces)
        for place, node in enumerate(graph.nodes)
        if isinstance(node, Variable)
    }


def _sample(graph: Graph) -> Batch:
    """Inputs of all kinds: some of every batch of a search for counter-examples."""
    batches = search_of(graph).batches
    widest = max(batch.ids.shape[1] for batch in batches)
    rows, lengths = [], []
    for batch in batches:
        step = max(1, len(batch.ids) * len(batches) // SAMPLED)
        ids = batch.ids[::step]
        rows.append(np.pad(ids, ((0, 0), (0, widest - ids.shape[1])), constant_values=-1))
        lengths.append(batch.lengths[::step])
    return Batch(np.concatenate(rows), np.concatenate(lengths), graph.causal)


def _code(count: int, held: Floats, seen: Ids) -> Floats:
    """[count, directions]: the mean of what was seen with each value; far from all of that where nothing was."""
    held, seen = held[seen >= 0], seen[seen >= 0]
    counts = np.bincount(seen, minlength=count)[:, None]
    sums = np.zeros((count, held.shape[1]))
    np.add.at(sums, seen.astype(np.intp), held)
    far = np.abs(held).max(initial=1.0) * UNSEEN * (1 + np.arange(count))[:, None]
    return np.where(counts > 0, sums / np.maximum(counts, 1), far)
