"""What every node of a circuit computes on a batch, in float64: the numbers that its edges carry on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc.certify.checking import inputs as I
from raspc.certify.checking.answers import model_ids
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.nodes import UNDEFINED, Graph
from raspc.graph.permitted import Frame as Domain
from raspc.graph.permitted import frame_of, sampled
from raspc.lab.wires import BOS_NODE, POSITIONS, TOKENS, head_name, mlp_name
from raspc.run import forward as run
from raspc.run.plain import Ids, prepare
from raspc.run.plain import hidden as hidden_of
from raspc.weights.model import Model

Floats = NDArray[np.float64]

ALL = 1024
"""Up to this many inputs all are run; of more inputs as many are drawn."""
NUMBERS = 1 << 24
"""How many numbers what all nodes compute on them may be; of a large model fewer inputs are run."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Inputs, without BOS, and whether they are all that there are."""

    batch: Batch
    exhaustive: bool

    def told(self) -> str:
        """For a person."""
        return f"all {len(self.batch.lengths):,} inputs" if self.exhaustive else f"{len(self.batch.lengths):,} inputs"


def most_inputs(model: Model, numbers: int = NUMBERS) -> int:
    """How many inputs may be run at once, so that what all nodes compute has about so many numbers."""
    config = model.config
    layers = sum(n_heads * (d_head + config.n_ctx) + d_mlp for n_heads, d_head, d_mlp in config.widths)
    each = config.n_ctx * (config.d_vocab + config.n_ctx + layers)
    return int(min(ALL, max(16, numbers // each)))


def inputs_for(graph: Graph, most: int = ALL, seed: int = 0) -> Seen:
    """All permitted inputs of at least one token, if there are at most so many; else random ones."""
    domain = frame_of(graph)
    if I.longest_of(domain, most) >= domain.max_len:
        batches = [I.batch_of(domain, piece) for piece in I.pieces_of(domain)]
        batches = [batch for batch in batches if len(batch.lengths)]
        if batches:
            return Seen(_defined(graph, joined(batches, graph.causal)), True)
    return Seen(_defined(graph, _drawn(domain, most, seed)), False)


def _defined(graph: Graph, batch: Batch) -> Batch:
    """Those on which the program has a value everywhere; all, if it has on none."""
    kept = ~run_graph(graph, batch).undefined
    return Batch(batch.ids[kept], batch.lengths[kept], batch.causal) if kept.any() else batch


def _drawn(domain: Domain, most: int, seed: int) -> Batch:
    return sampled(domain, most, (seed, 0)) if not domain.where.is_everything else I.random_of(domain, most, (seed, 0))


def joined(batches: list[Batch], causal: bool) -> Batch:
    """Several batches as one."""
    widest = max(batch.ids.shape[1] for batch in batches)
    rows = [
        np.pad(batch.ids, ((0, 0), (0, widest - batch.ids.shape[1])), constant_values=UNDEFINED) for batch in batches
    ]
    return Batch(np.concatenate(rows), np.concatenate([batch.lengths for batch in batches]), causal)


def acts_of(model: Model, batch: Batch, by_neuron: bool) -> dict[str, Floats]:
    """For each node its numbers [input, position with BOS, numbers]; embeddings give one-hot rows."""
    ids = model_ids(model, batch)
    kept: dict[str, list[Any]] = {"mixed": [], "neurons": []}

    def see(name: str, x: Any) -> Any:
        if name in kept:
            kept[name].append(np.asarray(x, np.float64))
        return x

    weights = prepare(model.params, model.config, np.float64)
    run.forward(weights, ids, hidden_of(model.config, ids), weights.how, see)
    return dict(_named(model, ids, kept, by_neuron))


def embedded_acts(model: Model, ids: Ids) -> dict[str, Floats]:
    """One-hot rows of the tables of embeddings."""
    config = model.config
    tokens = np.eye(config.d_vocab)[ids]
    bos = tokens[..., [config.bos_id]]
    found = {TOKENS: tokens, BOS_NODE: bos}
    if config.target.has_positions:
        found[POSITIONS] = np.broadcast_to(np.eye(config.n_ctx)[: ids.shape[1]], (*ids.shape, config.n_ctx))
    return found


def _named(model: Model, ids: Ids, kept: Mapping[str, list[Any]], by_neuron: bool) -> Iterator[tuple[str, Floats]]:
    config = model.config
    yield from embedded_acts(model, ids).items()
    for layer, (mixed, neurons) in enumerate(zip(kept["mixed"], kept["neurons"], strict=True)):
        n_heads, d_head, d_mlp = config.widths[layer]
        heads = mixed.reshape(*ids.shape, n_heads, d_head)
        yield from ((head_name(layer, i), heads[..., i, :]) for i in range(n_heads))
        if by_neuron:
            yield from ((mlp_name(layer, i), neurons[..., [i]]) for i in range(d_mlp))
        else:
            yield mlp_name(layer), neurons
        one = np.ones((*ids.shape, 1))
        yield from ((name, one) for name in (f"a{layer}.bias", f"m{layer}.bias"))
