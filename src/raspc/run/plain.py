"""The forward pass in NumPy: oracle 3, and the definition that every export must equal.

It is `raspc.run.forward` on the parameters of a model; here they are cast to one dtype, and masks that hide nothing
are left out. `raspc.run.fast` and `raspc.run.rounded` run the same weights quicker and in narrow formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from raspc.run import forward as run
from raspc.run.arrays import NUMPY
from raspc.run.parts import Parts, parts_of
from raspc.run.trace import Trace
from raspc.target import READERS, Sizes, Wiring
from raspc.target import Layer as Maps
from raspc.target.stocked import Held

Array = npt.NDArray[Any]
Ids = npt.NDArray[np.intp]


class Setting(Sizes, Wiring, Protocol):
    """What these passes must be told of a model beside its parameters; `raspc.weights.Config` has these."""

    @property
    def bos_id(self) -> int: ...
    @property
    def pad_id(self) -> int: ...
    @property
    def held(self) -> Held | None: ...


class Linear(NamedTuple):
    """x → x · w + b."""

    w: Array
    b: Array

    def __call__(self, x: Array) -> Array:
        y: Array = x @ self.w
        y += self.b
        return y


Layer = Maps[Linear]
"""One attention and one MLP layer."""


@dataclass(frozen=True, eq=False)
class Weights(Parts):
    """The parameters of a model in one dtype, by layer rather than by name; what a layer has not is of width 0."""

    token_embed: Array
    pos_embed: Array
    layers: tuple[Layer, ...]
    unembed: Linear
    config: Setting

    @cached_property
    def how(self) -> run.How:
        """How they are run, with scales in their dtype, in which NumPy multiplies quicker."""
        how, dtype = run.how(self.config, NUMPY), self.pos_embed.dtype.type
        return replace(how, heads=tuple(run.Heads(number, dtype(scale)) for number, scale in how.heads))


def prepare(params: Mapping[str, Any], config: Setting, dtype: npt.DTypeLike = np.float32) -> Weights:
    """The parameters cast to `dtype` and grouped by layer."""
    cast = {name: np.asarray(array).astype(dtype, copy=False) for name, array in params.items()}
    parts = parts_of(cast, config.target, config.widths, Linear)
    layers = tuple(_whole(layer, parts.token_embed[:0]) for layer in parts.layers)
    return Weights(**(vars(parts) | {"layers": layers}), config=config)


def _whole(layer: Maps[Linear | None], none: Array) -> Layer:
    """The layer with maps from and to nothing for those that it has not. `none`: no rows as wide as the stream."""
    bias = np.zeros(none.shape[1], none.dtype)
    inward, outward = Linear(none.T, bias[:0]), Linear(none, bias)
    pairs = zip(Maps._fields, layer, strict=True)
    return Maps(*(found or (inward if role in READERS else outward) for role, found in pairs))


def forward(weights: Weights, ids: Ids) -> Array:
    """The logits [batch, position, d_vocab_out] of a batch of ids [batch, position]; nothing else is kept."""
    found: Array = run.forward(weights, ids, hidden(weights.config, ids), weights.how)
    return found


def trace(weights: Weights, ids: Ids) -> Trace[Array]:
    """The same pass, with every activation kept."""
    return run.trace(weights, ids, hidden(weights.config, ids), weights.how)


def hidden_keys(config: Setting, ids: Ids, dtype: npt.DTypeLike) -> Array | None:
    """What the mask adds to the logits, [batch or 1, 1, query or 1, key]: 0, or −∞ where a key is hidden."""
    found = hidden(config, ids)
    return None if found is None else np.where(found, -np.inf, 0).astype(dtype)


def hidden(config: Setting, ids: Ids) -> npt.NDArray[np.bool_] | None:
    """True where a key is hidden from a query, [batch or 1, 1, query or 1, key]; None where none is."""
    padding = ids == config.pad_id
    if not np.count_nonzero(padding):  # which is quicker than any()
        padding = padding[:1]  # one mask for all inputs
        if not config.causal:
            return None
    found: npt.NDArray[np.bool_] = run.hidden_keys(padding, config.causal, NUMPY)
    return found
