"""The inputs that a compression is trained and measured on, with what the compiled model does on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raspc.certify.checking.check import expected_numbers
from raspc.compress import core
from raspc.errors import InputError
from raspc.graph.evaluate import Batch, run_graph
from raspc.graph.nodes import UNDEFINED, Graph, Interval
from raspc.graph.permitted import frame_of, permits, sampled
from raspc.weights.model import Model

CELLS = 1 << 30
"""The most numbers that a pass over a pool keeps: 4 GiB of float32. Long inputs are fewer for it."""

TOLERANCE = 0.01
"""A number counts as right if it is this near."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Inputs as ids [input, position]; the compiled model's logits and layer outputs on them, with one run.

    `batch` is the same for the graph, `exhaustive` if these are all inputs.
    """

    model: Model
    ids: Tensor
    batch: Batch
    exhaustive: bool

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.model.tabulated

    @cached_property
    def target(self) -> core.Pass:
        """The compiled model's pass, in float64 kept as float32."""
        wide = core.tensors(self.model.params, torch.float64)
        eye = torch.eye(self.model.config.d_model, dtype=torch.float64)[None]
        shape = core.Frame.of(self.model.config)
        with torch.no_grad():
            found = core.forward(core.folded(wide, eye, shape.n_layers), wide, None, self.ids, shape)
        return core.Pass(found.logits.float(), [x.float() for x in found.outputs], [x.float() for x in found.stream])

    def some(self, count: int) -> Tensor:
        """The places of so many inputs, always the same ones.

        Drawn at random: inputs in lexicographic order at equal distances would all end in the same few tokens.
        """
        order = torch.randperm(len(self.ids), generator=torch.Generator().manual_seed(0))
        return order[:count]

    @cached_property
    def tokens(self) -> Tensor:
        """[input, position]: true where there is BOS or a token."""
        return self.ids != self.model.config.pad_id

    @cached_property
    def real(self) -> Tensor:
        """[input, position]: true where there is a token that is not BOS."""
        return self.tokens & (self.ids != self.model.config.bos_id)

    @cached_property
    def answers(self) -> Answers:
        """What the program says."""
        column = run_graph(self.graph, self.batch).column(self.graph.output)
        if self.model.config.output.kind == "categorical":
            return Answers(column.ids, None, None)
        special, which, numbers = expected_numbers(column, self.graph.variable(self.graph.output).domain)
        return Answers(np.where(special, which, UNDEFINED), np.asarray(special), np.asarray(numbers))

    @property
    def commonest(self) -> float:
        """The share of the commonest word among the answers; 0 of numbers."""
        if self.answers.special is not None:
            return 0.0
        said = self.answers.ids[self.real[:, 1:].numpy()]
        return float(np.bincount(said).max() / len(said))

    def right(self, logits: Any, answers: Answers | None = None) -> NDArray[np.bool_]:
        """[…, input, position − 1]: where logits [..., input, position, out] say what the program says."""
        return (answers or self.answers).right(np.asarray(logits)[..., 1:, :])


@dataclass(frozen=True, eq=False)
class Answers:
    """The program's answers: ids of a categorical output; else ids of specials, where they are, and the numbers."""

    ids: NDArray[Any]
    special: NDArray[Any] | None
    numbers: NDArray[Any] | None

    def right(self, logits: NDArray[Any], tolerance: float = TOLERANCE) -> NDArray[np.bool_]:
        """Where logits without BOS agree."""
        if self.special is None or self.numbers is None:
            found: NDArray[np.bool_] = logits.argmax(-1) == self.ids
            return found
        near: NDArray[np.bool_] = np.abs(logits[..., 0] - self.numbers) <= tolerance
        indicators = logits[..., 1:]
        if not indicators.shape[-1]:
            return np.asarray(near & ~self.special)
        says = indicators.max(-1) > 0.5
        return np.asarray(np.where(self.special, says & (indicators.argmax(-1) == self.ids), near & ~says))


def make_pool(model: Model, most: int, inputs: Sequence[Sequence[Any]] | None = None, seed: int = 0) -> Pool:
    """All inputs if there are at most `most`, else as many random ones; or the `inputs` given, without BOS.

    Inputs on which the program is undefined are left out. Long inputs are fewer, so that memory is bounded. Raises
    InputError for a model without a graph, for an output that no loss can be taken of, for inputs that the model cannot
    take or that are too many.
    """
    model.config.width_for("compression")
    graph = model.graph
    if graph is None:
        raise InputError("the model holds no graph to compress against; compile it again, or load a whole directory")
    domain = graph.variable(graph.output).domain
    if isinstance(domain, Interval) and not (math.isfinite(domain.lo) and math.isfinite(domain.hi)):
        raise InputError(
            f"{graph.labels[graph.output]}: found values in an interval without bounds; needed one from which a "
            "squared error can be sampled; limit the output with min and max"
        )
    config, room = model.config, CELLS // _cells(model)
    if room < (needed := 1 if inputs is None else len(inputs)):
        raise InputError(
            f"found {needed} inputs of up to {config.max_seq_len} tokens, needed at most {room} that are so long; "
            "use fewer inputs or a shorter maximum length"
        )
    if inputs is None:
        most = min(most, room)
        few = _count(len(graph.vocab), config.max_seq_len, most) <= most
        ids, exhaustive = (_all(model), True) if few else (_random(model, most, seed), False)
    else:
        if not inputs:
            raise InputError("no inputs given; needed one or more to train on")
        ids, exhaustive = model.encode_batch([[config.bos, *tokens] for tokens in inputs]), False
    batch = batch_of_ids(model, ids)
    kept = ~run_graph(graph, batch).undefined & permits(graph.where, graph.vocab, batch)
    if not kept.any():
        raise InputError("the program is undefined on every input given; needed one on which it is defined")
    return Pool(model, torch.tensor(ids[kept]), batch_of_ids(model, ids[kept]), exhaustive)


def _cells(model: Model) -> int:
    """The numbers that a pass over one input keeps: the outputs and streams of all layers, and the weights of heads."""
    config = model.config
    length = config.max_seq_len + 1
    own = sum(layer.d_mlp + 2 * layer.n_heads * length for layer in config.widths)
    return length * (4 * config.n_layers * config.d_model + own)


def _count(words: int, longest: int, most: int) -> int:
    """How many inputs there are; no more than one beyond `most` is told."""
    total, of_length = 0, 1
    for _ in range(longest):
        of_length *= words
        total += of_length
        if total > most:
            return most + 1
    return total


def batch_of_ids(model: Model, ids: NDArray[Any]) -> Batch:
    """The same inputs for the graph, which numbers tokens as the model does and knows no BOS."""
    tokens = np.where(ids[:, 1:] == model.config.pad_id, UNDEFINED, ids[:, 1:]).astype(np.int32)
    return Batch(tokens, (tokens >= 0).sum(axis=1), model.config.causal)


def _all(model: Model) -> NDArray[Any]:
    words, longest = range(len(model.tabulated.vocab)), model.config.max_seq_len
    pad, bos = model.config.pad_id, model.config.bos_id
    return np.array(
        [[bos, *tokens] + [pad] * (longest - n) for n in range(1, longest + 1) for tokens in product(words, repeat=n)],
        dtype=np.intp,
    )


def _random(model: Model, count: int, seed: int) -> NDArray[Any]:
    """Half of the full length, half of all lengths."""
    if not model.tabulated.where.is_everything:
        batch = sampled(frame_of(model.tabulated), count, (seed, 0))
        tokens = np.where(batch.ids < 0, model.config.pad_id, batch.ids)
        return np.hstack([np.full((len(tokens), 1), model.config.bos_id), tokens]).astype(np.intp)
    rng, longest = np.random.default_rng(seed), model.config.max_seq_len
    ids = rng.integers(0, len(model.tabulated.vocab), (count, longest))
    lengths = np.where(np.arange(count) % 2, longest, rng.integers(1, longest + 1, count))
    ids[np.arange(longest) >= lengths[:, None]] = model.config.pad_id
    return np.hstack([np.full((count, 1), model.config.bos_id), ids]).astype(np.intp)
