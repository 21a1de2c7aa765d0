"""A model run along its candidate edges in PyTorch: each edge can carry, in part, what another run computes.

This is the torch twin of `raspc.lab.engine`, for methods. It knows the weights of a model and nothing of its plan:
every pair of a writer and a later reader is an edge, as EAP-IG and MIB have it,
where the embeddings are one node, `input`.

    what a channel reads = Σ over writers of  what they write + mask · (what they wrote in the other run − that)

A mask of 0 is the model itself, a mask of 1 a corrupted edge; the gradient along the mask is that of EAP.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.edges import pair_name
from raspc.lab.engine import INPUT
from raspc.lab.wires import LOGITS, head_name, mlp_name
from raspc.run import forward as run
from raspc.run.arrays import of_torch
from raspc.run.parts import Linear, parts_of
from raspc.run.plain import Ids
from raspc.weights.model import Model

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor: TypeAlias = Any

Others: TypeAlias = tuple[Any, Any]
See: TypeAlias = Callable[[str, int, Tensor], Tensor]
"""Is given what goes by, with the number of the stage, and gives back what the run goes on with.

    writes      [input, node, position, d_model]: what the nodes of a stage add to the stream
    q, k, v     [input, head, position, d_head]; pattern [input, head, query, key]; mixed, as v
    neurons     [input, position, d_mlp]: what neurons give
"""


def unseen(name: str, stage: int, x: Tensor) -> Tensor:
    """Keeps nothing and changes nothing."""
    return x


@dataclass(frozen=True)
class Stage:
    """Nodes that run side by side: the heads of a layer, its MLP or its neurons, or the unembedding.

    `number`: 2l for the heads of layer l, 2l + 1 for its MLP. `kind`: "heads", "mlp", "neurons" or "logits". `nodes`:
    their names; `channels`: which of them reads, in which channel, in the order of the rows of a mask. `writers`: how
    many nodes write before it; `first`: its first row.
    """

    number: int
    kind: str
    nodes: tuple[str, ...]
    channels: tuple[tuple[str, str], ...]
    writers: int
    first: int

    @property
    def rows(self) -> slice:
        """Its rows of a mask."""
        return slice(self.first, self.first + len(self.channels))

    @property
    def layer(self) -> int:
        """The layer it is in."""
        return self.number // 2


@dataclass(frozen=True, eq=False)
class Ran:
    """One run: `logits` [input, position, d_vocab_out], and what each node wrote [input, node, position, d_model]."""

    logits: Tensor
    writes: Tensor


class Net:
    """A model by its nodes, in one dtype. Raises InputError for a model that normalises its stream."""

    def __init__(self, model: Model, granularity: str, dtype: str) -> None:
        import torch

        config = model.config
        if config.target.normalisation is not None:
            raise InputError("the model normalises its stream, so that it has no task; compile it without target=")
        self.config, self.dtype = config, getattr(torch, dtype)
        arrays = {name: torch.tensor(np.asarray(array), dtype=self.dtype) for name, array in model.params.items()}
        self.parts = parts_of(arrays, config.target, config.widths, Linear)
        self.how = run.how(config, of_torch())
        self.stages = tuple(_stages(config, granularity == "neuron"))

    @cached_property
    def writers(self) -> tuple[str, ...]:
        """The nodes that write, in order; `input` first."""
        return (INPUT, *(node for stage in self.stages if stage.kind != "logits" for node in stage.nodes))

    @cached_property
    def channels(self) -> tuple[tuple[str, str], ...]:
        """(node, channel) of each row of a mask."""
        return tuple(channel for stage in self.stages for channel in stage.channels)

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """For each edge its row and its column in a mask."""
        found = {}
        for stage in self.stages:
            for row, (reader, channel) in enumerate(stage.channels, stage.first):
                for column, writer in enumerate(self.writers[: stage.writers]):
                    found[pair_name((writer, reader, channel))] = row, column
        return found

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Of a mask: channels, writers."""
        return len(self.channels), len(self.writers)

    def mask(self, corrupted: Collection[str]) -> Tensor:
        """[1, channels, writers]: 1 at these edges. Raises InputError for a name that is no edge."""
        import torch

        corrupted = arguments.items("corrupted", corrupted, "names of edges")
        if odd := [edge for edge in corrupted if edge not in self.places]:
            raise InputError(
                f"{odd[0]!r} is no edge of the model; needed names of task.edges, as {next(iter(self.places))!r}"
            )

        found = torch.zeros(self.shape, dtype=self.dtype)
        where = [self.places[edge] for edge in corrupted]
        if where:
            rows, columns = np.array(where).T
            found[rows, columns] = 1.0
        return found[None]

    def run(
        self, ids: Tensor, other: Tensor | None = None, mask: Tensor | None = None, see: See = unseen,
        embedded: Tensor | None = None, gap: Tensor | None = None,
    ) -> Ran:  # fmt: skip
        """One run on ids [input, position]. `other`: what each node wrote in the other run, which edges carry as far as
        `mask` [input or 1, channels, writers] says. `embedded`: what `input` writes instead of the embeddings of
        ids. `gap` [input, node, position, d_model]: what the mask is multiplied by, instead of what `other` is off
        from this run.
        """
        import torch

        hidden = run.hidden_keys(ids == self.config.pad_id, self.config.causal, self.how.arrays)
        first = run.embedded(self.parts, ids, self.how.arrays) if embedded is None else embedded
        writes, bias = see("writes", -1, first[:, None]), torch.zeros(self.config.d_model, dtype=self.dtype)
        for stage in self.stages:
            reads = self._reads(stage, writes, bias, (other, gap), mask)
            found = RULES[stage.kind](self, stage, reads, hidden, see)
            if stage.kind == "logits":
                return Ran(found, writes)
            writes = torch.cat([writes, see("writes", stage.number, found)], dim=1)
            bias = bias + self.bias(stage)
        raise AssertionError("the last stage is the unembedding")

    def _reads(self, stage: Stage, writes: Tensor, bias: Tensor, others: Others, mask: Tensor | None) -> Tensor:
        """[input, channels or 1, position, d_model]: the stream as each channel has it."""
        stream = writes.sum(dim=1, keepdim=True) + bias
        other, gap = others
        if mask is None or (other is None and gap is None):
            return stream
        off_by = other[:, : stage.writers] - writes if gap is None else gap[:, : stage.writers]
        off = mask[:, stage.rows, : stage.writers] @ off_by.flatten(2)
        found: Tensor = stream + off.reshape(*off.shape[:2], *off_by.shape[2:])
        return found

    def bias(self, stage: Stage) -> Tensor:
        """[d_model]: what a stage adds to the stream beside its nodes."""
        maps = self.parts.layers[stage.layer]
        found: Tensor = (maps.linear if stage.kind == "heads" else maps.linear_2).b
        return found

    def split(self, stage: Stage, role: str) -> Tensor:
        """[d_model, head, d_head] of the query, key or value weights of a layer."""
        w = getattr(self.parts.layers[stage.layer], role).w
        found: Tensor = w.unflatten(1, (len(stage.nodes), -1))
        return found


def _heads(net: Net, stage: Stage, reads: Tensor, hidden: Any, see: See) -> Tensor:
    """What each head writes."""
    maps, n = net.parts.layers[stage.layer], len(stage.nodes)
    sides = []
    for i, (name, role) in enumerate(zip("qkv", ("query", "key", "value"), strict=True)):
        own = reads if reads.shape[1] == 1 else reads[:, i * n : (i + 1) * n]
        made = own @ net.split(stage, role).movedim(1, 0) + getattr(maps, role).b.unflatten(0, (n, 1, -1))
        sides.append(see(name, stage.number, made))
    q, k, v = sides
    scores = net.how.arrays.scores(q, k) * net.how.heads[stage.layer].scale
    pattern = see("pattern", stage.number, net.how.arrays.softmax(scores, hidden))
    mixed = see("mixed", stage.number, pattern @ v)
    found: Tensor = mixed @ maps.linear.w.unflatten(0, (n, -1))
    return found


def _mlp(net: Net, stage: Stage, reads: Tensor, hidden: Any, see: See) -> Tensor:
    """What all neurons of a layer write together."""
    maps = net.parts.layers[stage.layer]
    neurons = see("neurons", stage.number, net.how.activation(reads[:, 0] @ maps.linear_1.w + maps.linear_1.b))
    found: Tensor = (neurons @ maps.linear_2.w)[:, None]
    return found


def _neurons(net: Net, stage: Stage, reads: Tensor, hidden: Any, see: See) -> Tensor:
    """What each neuron writes."""
    maps = net.parts.layers[stage.layer]
    own = reads[:, 0] @ maps.linear_1.w if reads.shape[1] == 1 else _by_neuron(reads, maps.linear_1.w)
    neurons = see("neurons", stage.number, net.how.activation(own + maps.linear_1.b))
    found: Tensor = neurons.movedim(2, 1)[..., None] * maps.linear_2.w[:, None]
    return found


def _by_neuron(reads: Tensor, w: Tensor) -> Tensor:
    """[input, position, neuron] of what each neuron reads [input, neuron, position, d_model]."""
    found: Tensor = (reads @ w.T[..., None])[..., 0].movedim(1, 2)
    return found


def _logits(net: Net, stage: Stage, reads: Tensor, hidden: Any, see: See) -> Tensor:
    found: Tensor = net.parts.unembed(reads[:, 0])
    return found


RULES = {"heads": _heads, "mlp": _mlp, "neurons": _neurons, "logits": _logits}


def _stages(config: Any, by_neuron: bool) -> Iterator[Stage]:
    """Every stage, in order. A layer without heads, or without neurons, has none for them."""
    writers, first = 1, 0
    for kind, number, nodes, channels in _nodes(config, by_neuron):
        yield Stage(number, kind, nodes, channels, writers, first)
        writers, first = writers + len(nodes), first + len(channels)


def _nodes(config: Any, by_neuron: bool) -> Iterator[tuple[str, int, tuple[str, ...], tuple[tuple[str, str], ...]]]:
    for layer, (n_heads, _, d_mlp) in enumerate(config.widths):
        heads = tuple(head_name(layer, i) for i in range(n_heads))
        if heads:
            yield "heads", 2 * layer, heads, tuple((head, channel) for channel in "qkv" for head in heads)
        if d_mlp and by_neuron:
            neurons = tuple(mlp_name(layer, i) for i in range(d_mlp))
            yield "neurons", 2 * layer + 1, neurons, tuple((neuron, "in") for neuron in neurons)
        elif d_mlp:
            yield "mlp", 2 * layer + 1, (mlp_name(layer),), ((mlp_name(layer), "in"),)
    yield "logits", 2 * config.n_layers, (LOGITS,), ((LOGITS, "out"),)


def in_pieces(count: int, each: int, most: int) -> Iterator[slice]:
    """Slices of so many rows, that of each piece the numbers (`each` a row) are at most `most`."""
    rows = max(1, most // max(1, each))
    yield from (slice(start, min(count, start + rows)) for start in range(0, count, rows))


def as_ids(ids: Ids) -> Tensor:
    """Ids as PyTorch has them."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(ids, np.int64))


def sequence(edges: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    """Scores by edge."""
    return dict(zip(edges, map(float, values), strict=True))
