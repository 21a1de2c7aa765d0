"""Whether a circuit is true of its model: what it says is held against the weights, and against runs of the program.

The weights are read here in the model's own stream, by names of parameters alone, so that a fault in the circuit's own
way of reading them is found too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import BOS
from raspc.certify.checking.answers import model_ids
from raspc.graph.evaluate import run_graph
from raspc.graph.nodes import UNDEFINED, Listed, Variable
from raspc.lab.activations import Floats
from raspc.lab.circuits import Circuit
from raspc.lab.edges import pair_name
from raspc.lab.engine import Engine
from raspc.lab.held import features_of
from raspc.run.plain import Ids
from raspc.stock.model import strays
from raspc.weights.model import Model

NEAR = 1e-9
"""How far a sum of edges may be from the product of weights, as a part of the largest: rounding of float64."""
GRADED = 1e-3
"""The same where the circuit is graded: of a model that was compressed, or rotated by a Haar matrix."""


def faults(circuit: Circuit) -> list[str]:
    """What is not true of a circuit; nothing of one that `model.circuit` made.

    It says: the edges of each pair sum to the product of weights, and pairs without edges have product 0; each edge is
    what its parts read and write of its space; the graph of edges, when it is run, gives the logits of the model; each
    part computes the variables whose spaces it writes; each space holds what the program says. Exact, but for models
    that were compressed or rotated by a Haar matrix. Of a stock model it says too what its parameters hold beside that.
    """
    if misshapen := [*_shapes(circuit)]:
        return misshapen
    asked = (_strays, _sums, _directions, _run, _names, _spaces)
    return [fault for ask in asked for fault in ask(circuit)]


def _strays(circuit: Circuit) -> Iterator[str]:
    """What a stock model has in its parameters beside the plain one that the circuit is of."""
    for name, off in strays(circuit.stock).items() if circuit.stock is not None else ():
        yield f"{name} is not as the program makes it, by up to {off:.2g}: no edge tells of that"


def is_graded(model: Model) -> bool:
    """Whether what is said of a model holds to a degree only."""
    rotation = model.alignment.rotation
    return model.alignment.compression is not None or (rotation is not None and rotation.haar)


def _shapes(circuit: Circuit) -> Iterator[str]:
    """Edges between parts that there are, of matrices that fit them; nothing else can be asked of others."""
    nodes = {node.name for node in circuit.nodes}
    for edge in circuit.edges:
        shape = circuit.rows.get(edge.writer), circuit.sizes.get((edge.reader, edge.channel))
        if None in shape or not {edge.writer, edge.reader} <= nodes:
            yield f"{edge.name} leads between parts that there are not"
        elif (len(edge.write), edge.read.shape[1]) != shape or edge.write.shape[1] != len(edge.read):
            yield f"{edge.name} has matrices {edge.write.shape} and {edge.read.shape}; its parts need {shape}"


def _sums(circuit: Circuit) -> Iterator[str]:
    by_neuron = circuit.granularity != "component"
    near = GRADED if is_graded(circuit.model) else NEAR
    writes, reads = written(circuit.model, by_neuron), read(circuit.model, by_neuron)
    for writer, (stage, rows) in writes.items():
        for (reader, channel), (end, columns) in reads.items():
            if stage >= end:
                continue
            pair = writer, reader, channel
            product = rows @ columns
            most = float((np.abs(rows) @ np.abs(columns)).max(initial=0.0))
            if pair not in circuit.pairs:
                if np.abs(product).max(initial=0.0) > (near if is_graded(circuit.model) else 1e-15) * most:
                    yield f"{pair_name(pair)} is no edge, but its product is not 0"
            elif np.abs(product - circuit.matrix(*pair)).max(initial=0.0) > near * max(1.0, most):
                yield f"the edges of {pair_name(pair)} do not sum to the product of its weights"
    known = {(w, r, c) for w, (s, _) in writes.items() for (r, c), (e, _) in reads.items() if s < e}
    yield from (
        f"{pair_name(pair)} leads between parts that there are not" for pair in circuit.pairs if pair not in known
    )


def written(model: Model, by_neuron: bool) -> dict[str, tuple[int, Floats]]:
    """For each part its stage, and what it adds to the stream [numbers, d_model]."""
    config, names = model.config, model.config.target.names
    params = {name: np.asarray(array, np.float64) for name, array in model.params.items()}
    tokens = params[names.token_embed].copy()
    found = {"bos": (-1, tokens[[config.bos_id]].copy())}
    tokens[config.bos_id] = 0.0
    found["tokens"] = -1, tokens
    if config.target.has_positions:
        found["positions"] = -1, params[names.pos_embed]
    for layer, (n_heads, d_head, d_mlp) in enumerate(config.widths):
        called = names.layer(layer)
        for head in range(n_heads):
            cut = slice(head * d_head, (head + 1) * d_head)
            found[f"a{layer}.h{head}"] = 2 * layer, params[called.linear.w][cut]
        neurons = params[called.linear_2.w] if d_mlp else ()
        if by_neuron:
            found |= {f"m{layer}.n{i}": (2 * layer + 1, row[None]) for i, row in enumerate(neurons)}
        elif d_mlp:
            found[f"m{layer}"] = 2 * layer + 1, params[called.linear_2.w]
        for stage, name, bias in ((0, f"a{layer}.bias", called.linear.b), (1, f"m{layer}.bias", called.linear_2.b)):
            if bias in params:
                found[name] = 2 * layer + stage, params[bias][None]
    return found


def read(model: Model, by_neuron: bool) -> dict[tuple[str, str], tuple[int, Floats]]:
    """For each channel its stage, and what it reads of the stream [d_model, numbers]."""
    config, names = model.config, model.config.target.names
    params = {name: np.asarray(array, np.float64) for name, array in model.params.items()}
    found: dict[tuple[str, str], tuple[int, Floats]] = {}
    for layer, (n_heads, d_head, d_mlp) in enumerate(config.widths):
        called = names.layer(layer)
        for head in range(n_heads):
            cut = slice(head * d_head, (head + 1) * d_head)
            for channel, side in zip("qkv", (called.query, called.key, called.value), strict=True):
                found[f"a{layer}.h{head}", channel] = 2 * layer, params[side.w][:, cut]
        if not d_mlp:
            continue
        neurons = params[called.linear_1.w]
        if by_neuron:
            found |= {(f"m{layer}.n{i}", "in"): (2 * layer + 1, c[:, None]) for i, c in enumerate(neurons.T)}
        else:
            found[f"m{layer}", "in"] = 2 * layer + 1, neurons
    return found | {("logits", "out"): (2 * config.n_layers, params[names.unembed.w])}


def _directions(circuit: Circuit) -> Iterator[str]:
    """Each edge is what its reader reads of its space and, where directions are axes, what its writer writes there.

    Two edges of equal matrices may differ in this alone: neurons that write the same number into two spaces.
    """
    if is_graded(circuit.model):
        return
    by_neuron, axes = circuit.granularity != "component", circuit.model.alignment.rotation is None
    writes, reads = written(circuit.model, by_neuron), read(circuit.model, by_neuron)
    for edge in circuit.edges:
        space = circuit.spaces.get(edge.space)
        if space is None or edge.flags & {"stray", "interference"}:
            continue
        if not set(edge.labels) <= set(space.labels) or len(edge.labels) != len(edge.read):
            yield f"{edge.name} leads through {', '.join(edge.labels)}, which {space.name} has not"
            continue
        places = [space.labels.index(label) for label in edge.labels]
        rows, columns = writes[edge.writer][1], reads[edge.reader, edge.channel][1]
        if not _is_near(space.basis[places] @ columns, edge.read):
            yield f"{edge.name} is not what {edge.reader} reads of {space.name}"
        if axes and not _is_near(rows @ space.reader[:, places], edge.write):
            yield f"{edge.name} is not what {edge.writer} writes to {space.name}"


def _is_near(one: Floats, other: Floats) -> bool:
    most = max(1.0, float(np.abs(one).max(initial=0.0)))
    return bool(np.abs(one - other).max(initial=0.0) <= NEAR * most)


def _run(circuit: Circuit) -> Iterator[str]:
    """The graph of edges is the model."""
    ids = _some(circuit)
    logits, _ = Engine(circuit, merged=False).run(ids)
    theirs = circuit.model.trace_ids(ids, np.float64).unembedded
    off = float(np.abs(logits - theirs).max(initial=0.0))
    near = GRADED if is_graded(circuit.model) else 1e-6
    if off > near * max(1.0, float(np.abs(theirs).max(initial=0.0))):
        yield f"run along its edges, the circuit gives logits that are off by {off:.2g}"


def _some(circuit: Circuit, most: int = 64) -> Ids:
    """The ids of some of the inputs by which the circuit was told, evenly spread."""
    ids: Ids = model_ids(circuit.model, circuit.seen.batch)
    return ids[:: max(1, len(ids) // most)]


def _names(circuit: Circuit) -> Iterator[str]:
    """Each part computes the variables of the spaces that are read of it, and no edge bears another name."""
    nodes = {node.name: node for node in circuit.nodes}
    for edge in circuit.edges:
        space, node = circuit.spaces.get(edge.space), nodes[edge.writer]
        if space is None or edge.flags & {"void", "stray", "interference"} or edge.space == BOS:
            continue
        if edge.variable != space.variable:
            yield f"{edge.name} is said to carry {edge.variable}; its space holds {space.variable}"
        elif node.kind != "bias" and space.variable not in node.variables and edge.space not in node.clears:
            yield f"{edge.name} carries {space.variable}, which {node.name} is not said to compute"


def _spaces(circuit: Circuit) -> Iterator[str]:
    """After the stage that writes it, each space holds the code of what the program says the variable is."""
    model, batch = circuit.model, circuit.seen.batch
    if is_graded(model) and model.alignment.compression is not None:
        return
    graph = model.tabulated
    run, trace = run_graph(graph, batch), model.trace_ids(model_ids(model, batch), np.float64)
    streams = [trace.input_embeddings, *trace.residuals]
    places = {label: place for place, label in enumerate(graph.labels)}
    real: NDArray[np.bool_] = batch.real & ~run.undefined[:, None]
    for space in circuit.spaces.values():
        if space.variable == BOS:
            continue
        if space.variable not in places or not isinstance(graph.nodes[places[space.variable]], Variable):
            yield f"{space.name} is said to hold {space.variable}, which is no variable of the program"
            continue
        place = places[space.variable]
        domain, column = graph.variable(place).domain, run.column(place)
        if space.values != (tuple(domain.values) if isinstance(domain, Listed) else None):
            yield f"{space.name} has not the values of {space.variable}, which it is said to hold"
            continue
        features = features_of(column, domain)
        if len(space.code) != features.shape[-1]:
            yield f"{space.name} has not a code for each value of {space.variable}, which it is said to hold"
            continue
        there = real & (column.ids != UNDEFINED)
        held = (np.asarray(streams[space.from_stage + 1], np.float64)[:, 1:] @ space.reader)[there]
        said = (features @ space.code)[there]
        reach = _apart(space.code if isinstance(domain, Listed) else said)
        off = np.abs(held - said).max(initial=0.0)
        if off > 0.02 * reach:
            yield f"{space.name} does not hold {space.variable}: off by {off:.2g}, where values are {reach:.2g} apart"


def _apart(code: Floats) -> float:
    """How far what a space holds goes along one direction; where it hardly goes, a part of its size."""
    size = max(1.0, float(np.abs(code).max(initial=0.0)))
    return max(1e-3 * size, float(np.ptp(code, axis=0).max(initial=0.0))) if len(code) else size
