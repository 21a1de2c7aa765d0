"""A task: a model, a question to ask of it, and the pairs of inputs to ask it on. It is all that a method may see.

The question is which edges, or nodes, the answer depends on where others are corrupted: see `raspc.lab.under` for the
four corruptions. What is true of it is apart, in `raspc.lab.against`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc import arguments
from raspc.certify.checking.answers import model_ids
from raspc.errors import InputError
from raspc.lab.activations import Floats, Seen, inputs_for, most_inputs
from raspc.lab.net import Net, Ran, See, as_ids, in_pieces, unseen
from raspc.lab.under import CORRUPTIONS, differ, pairs_of
from raspc.run.plain import Ids
from raspc.weights.model import Model

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor: TypeAlias = Any

GRANULARITIES = ("component", "neuron")
DTYPES = ("float64", "float32")
MOST_PAIRS = 1 << 16
NUMBERS = 1 << 23
"""How many numbers one piece of a run may hold."""
MOST_EDGES = 1 << 18


@dataclass(frozen=True, eq=False)
class Task:
    """A model, a question, and the pairs to ask it on.

    `corruption`: what a corrupted edge carries. `clean` [pair, position]: ids, BOS first, padded. `corrupt` [pair,
    position]: the inputs of the other run, which have the same lengths; for "zero" and "mean" the clean ones. `order`
    [pair, position]: which position of the other run stands at each position, which "shuffle" changes. `pool` [input,
    position]: the inputs of which "mean" is the mean. `exhaustive`: whether the pairs are all that there are.

    `edges` are called as EAP-IG calls them, `input->a0.h0<q>`: every writer with every later reader, the embeddings
    being one node. `nodes`: all that write.
    """

    name: str
    model: Model = field(repr=False)
    corruption: str
    granularity: str
    dtype: str
    seed: int
    clean: Ids = field(repr=False)
    corrupt: Ids = field(repr=False)
    order: Ids = field(repr=False)
    pool: Ids = field(repr=False)
    exhaustive: bool
    edges: tuple[str, ...] = field(repr=False)
    nodes: tuple[str, ...] = field(repr=False)

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return len(self.clean)

    def facts(self) -> dict[str, Any]:
        """What every result carries: plain data."""
        return {
            "task": self.name, "corruption": self.corruption, "granularity": self.granularity, "dtype": self.dtype,
            "pairs": self.pairs, "exhaustive": self.exhaustive, "seed": self.seed,
        }  # fmt: skip

    @cached_property
    def net(self) -> Net:
        """The model, to be run along its edges, in the dtype of the task."""
        return Net(self.model, self.granularity, self.dtype)

    @cached_property
    def module(self) -> Any:
        """The model as a plain PyTorch module, in the dtype of the task."""
        return self.model.to("torch", dtype=self.dtype)

    @cached_property
    def real(self) -> NDArray[np.bool_]:
        """[pair, position]: where an answer counts; neither at BOS nor at padding."""
        found: NDArray[np.bool_] = self.clean != self.model.config.pad_id
        found[:, 0] = False
        return found

    @cached_property
    def ids(self) -> Tensor:
        """The clean inputs, for PyTorch."""
        return as_ids(self.clean)

    @cached_property
    def pieces(self) -> tuple[slice, ...]:
        """The pairs in pieces that can be run at once."""
        readers, writers = self.net.shape
        each = self.clean.shape[1] * self.model.config.d_model * (readers + 3 * writers)
        return tuple(in_pieces(self.pairs, each, NUMBERS))

    @cached_property
    def base(self) -> Ran:
        """The clean run: logits, and what each node wrote."""
        return self._ran(self.ids)

    @cached_property
    def other(self) -> Tensor:
        """[pair, node, position, d_model]: what each node wrote in the other run, which a corrupted edge carries."""
        import torch

        if self.corruption == "zero":
            return torch.zeros_like(self.base.writes)
        if self.corruption == "mean":
            return self._mean()[:, : self.clean.shape[1]].expand_as(self.base.writes)
        theirs = self._ran(as_ids(self.corrupt)).writes
        order = as_ids(self.order)[:, None, :, None].expand_as(theirs)
        return torch.take_along_dim(theirs, order, dim=2)

    @cached_property
    def broken(self) -> Tensor:
        """[pair, position, column]: the logits where every edge is corrupted."""
        return self.logits(self.edges)

    @cached_property
    def toward(self) -> Tensor:
        """[pair, position, column]: the direction of logits in which an answer is told from what it would be broken.

        Of a categorical answer: +1 at it, −1 at the broken answer, or where this is the same at the next likely one.
        Of a number: the unit vector from the broken answer. All is 0 where no answer counts.
        """
        import torch

        clean, broken = self.base.logits, self.broken
        if self.model.config.output.kind == "categorical":
            right, foil = clean.argmax(dim=-1), broken.argmax(dim=-1)
            one = torch.nn.functional.one_hot(right, clean.shape[-1])
            likely = clean.masked_fill(one.bool(), -torch.inf).argmax(dim=-1)
            foil = torch.where(foil == right, likely, foil)
            found = (one - torch.nn.functional.one_hot(foil, clean.shape[-1])).to(clean.dtype)
        else:
            gap = clean - broken
            size = gap.norm(dim=-1, keepdim=True)
            found = torch.where(size > 1e-6, gap / size.clamp_min(1e-6), 0.0)
        return found * torch.from_numpy(self.real)[..., None]

    def metric(self, logits: Tensor, pairs: slice = slice(None)) -> Tensor:
        """[pair]: how far the logits tell the answer from the broken one, as the mean over positions.

        The logit difference of Wang et al. (2023), and its like for numbers. It falls where something helpful is
        corrupted. `pairs`: those that the logits are of.
        """
        count = as_ids(self.real[pairs].sum(axis=1)).clamp_min(1)
        found: Tensor = (logits * self.toward[pairs]).sum(dim=(1, 2)) / count
        return found

    def logits(self, corrupted: Collection[str]) -> Tensor:
        """[pair, position, column]: the logits where these edges are corrupted together."""
        import torch

        mask = self.net.mask(corrupted)
        with torch.no_grad():
            return torch.cat(
                [self.net.run(self.ids[cut], self.other[cut], mask).logits for cut in self.pieces]
            )  # fmt: skip

    def without(self, edges: Collection[str]) -> set[str]:
        """All other edges."""
        return set(self.edges) - set(edges)

    def changed(self, corrupted: Collection[str]) -> float:
        """The share of answers that change where these edges are corrupted together."""
        off = differ(self.model, self.base.logits.numpy(), self.logits(corrupted).numpy())
        return float(off[self.real].mean())

    def out_of(self, node: str) -> tuple[str, ...]:
        """The edges that a node writes to."""
        return tuple(edge for edge in self.edges if edge.startswith(f"{node}->"))

    def _ran(self, ids: Tensor, see: See = unseen) -> Ran:
        import torch

        with torch.no_grad():
            found = [self.net.run(ids[cut], see=see) for cut in in_pieces(len(ids), self._each, NUMBERS)]
        return Ran(torch.cat([one.logits for one in found]), torch.cat([one.writes for one in found]))

    @property
    def _each(self) -> int:
        return int(self.clean.shape[1] * self.model.config.d_model * 2 * self.net.shape[1])

    def _mean(self) -> Tensor:
        """[node, position, d_model]: over the inputs that have the position."""
        import torch

        total: Tensor = torch.zeros(())
        count = np.maximum((self.pool != self.model.config.pad_id).sum(axis=0), 1)
        with torch.no_grad():
            for cut in in_pieces(len(self.pool), self._each, NUMBERS):
                ids = as_ids(self.pool[cut])
                real = (ids != self.model.config.pad_id)[:, None, :, None]
                total = total + (self.net.run(ids).writes * real).sum(dim=0)
        return total / as_ids(count)[:, None]


def task(
    model: Model, corruption: str = "shuffle", *, pairs: int = 64, seed: int = 0, dtype: str = "float64",
    granularity: str = "component", name: str | None = None,
) -> Task:  # fmt: skip
    """A task on a model. `pairs`: the most pairs that are drawn, with `seed`; all, where there are fewer.

    `name`: what to call it, by default after the output and the level, `reverse-O0`.

    Raises InputError for another corruption, dtype or granularity, for a model that normalises its stream, and for one
    with too many edges; TypeError for what is no model.
    """
    arguments.an(Model, "model", model, "a compiled model")
    for argument, value, known in (
        ("corruption", corruption, CORRUPTIONS), ("dtype", dtype, DTYPES), ("granularity", granularity, GRANULARITIES)
    ):  # fmt: skip
        if value not in known:
            raise InputError(f"{argument} is {value!r}, needed one of {', '.join(map(repr, known))}")
    for argument, number, least, most in (("pairs", pairs, 1, MOST_PAIRS), ("seed", seed, 0, 2**63)):
        arguments.whole(argument, number, least, most)
    net = Net(model, granularity, dtype)
    if len(net.places) > MOST_EDGES:
        raise InputError(f"the model has {len(net.places):,} edges, more than {MOST_EDGES:,}; ask for components")
    seen = inputs_for(model.as_written, most_inputs(model), seed)
    ids = model_ids(model, seen.batch)
    base, source, order, exhaustive = pairs_of(seen, corruption, pairs, seed)
    clean, corrupt, order = trimmed(model, ids[base], ids[source], order)
    return Task(
        _name(model) if name is None else name, model, corruption, granularity, dtype, seed, clean, corrupt, order,
        _pool(seen, ids), exhaustive, tuple(net.places), net.writers,
    )  # fmt: skip


def trimmed(model: Model, *arrays: Any) -> Iterator[Any]:
    """The arrays without positions at which all are padding."""
    widest = int((arrays[0] != model.config.pad_id).sum(axis=1).max())
    return (array[:, :widest] for array in arrays)


def _pool(seen: Seen, ids: Ids) -> Ids:
    return ids[:, : 1 + int(seen.batch.lengths.max())]


def _name(model: Model) -> str:
    graph = model.as_written
    return f"{graph.labels[graph.output]}-O{model.options.level.value}"


def answers_of(task: Task, logits: Floats) -> NDArray[np.bool_]:
    """[pair, position]: where these logits give another answer than the clean run, of those that count."""
    return differ(task.model, task.base.logits.numpy(), logits) & task.real
