"""The parameters of a plain model by what they do, in float64: where a conversion begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from raspc.errors import InputError
from raspc.stock.frame import Floats
from raspc.stock.multiplying import NONE, Gates, gates_in
from raspc.stock.turning import Turned, turned_in
from raspc.target import Layer
from raspc.target.families import Family
from raspc.weights.model import Model


class Map(NamedTuple):
    """x → x · w + b."""

    w: Floats
    b: Floats


@dataclass(frozen=True, eq=False)
class Placing:
    """How positions come into the stream where no table has them (`raspc.stock.placing`).

    By the last `heads` heads, and the neurons of the first layer from `start` to `stop`. `biases` [buckets, all heads]:
    what scores get by the distance of key and query.
    """

    biases: Floats
    heads: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Plainly:
    """Tables [n, d_model], the maps of each layer, and the head.

    `divisor`: what products of queries and keys are divided by. `bos`: the dimension that says whether it is BOS.
    `turned`: the heads that a rotation may rank, so that nothing has to read positions. `gates`: what gated neurons
    multiply, in place of some neurons. `placing`: what makes positions, in place of the table.
    """

    token_embed: Floats
    pos_embed: Floats
    layers: tuple[Layer[Map], ...]
    unembed: Map
    n_heads: int
    d_head: int
    divisor: float
    bos: int
    turned: tuple[Turned, ...] = ()
    gates: Gates = NONE
    placing: Placing | None = None

    @property
    def own_heads(self) -> int:
        """How many heads a layer has, without those that make positions."""
        return self.n_heads - (0 if self.placing is None else self.placing.heads)

    @property
    def d_model(self) -> int:
        """The width of the stream."""
        return int(self.token_embed.shape[1])

    @property
    def d_mlp(self) -> int:
        """How many neurons a layer has."""
        return int(self.layers[0].linear_1.w.shape[1])

    @property
    def has_positions(self) -> bool:
        """Whether the table of positions says anything."""
        return bool(self.pos_embed.any())


def plainly(model: Model, family: Family) -> Plainly:
    """The parameters of a model of the target `plain`, for a family.

    Raises InputError where layers have widths of their own.
    """
    config, names = model.config, model.config.target.names
    n_heads, d_head, _ = config.width_for("a stock architecture")
    arrays = {name: np.asarray(array, np.float64) for name, array in model.params.items()}
    layers = tuple(
        Layer(*(Map(arrays[called.w], arrays[called.b]) for called in layer)) for layer in names.layers(config.n_layers)
    )
    unembed = Map(arrays[names.unembed.w], arrays[names.unembed.b])
    return Plainly(
        arrays[names.token_embed], arrays[names.pos_embed], layers, unembed, n_heads, d_head,
        config.target.score_divisor(d_head), _bos(model), turned_in(model, config.target.score_divisor(d_head)),
        gates_in(model, family),
    )  # fmt: skip


def _bos(model: Model) -> int:
    """The dimension that is 1 at BOS and 0 elsewhere. Raises InputError for a stream in another basis."""
    config, found = model.config, model.alignment.bos
    tokens = np.asarray(model.params[config.target.names.token_embed])
    if found is None or tokens[config.bos_id, found] != 1 or np.delete(tokens[:, found], config.bos_id).any():
        raise InputError("this model has no dimension that tells BOS, as compiled ones have; export the compiled one")
    return found


def without_attention_bias(found: Plainly) -> Plainly:
    """The same function, in which no attention adds a constant to the stream: what is before it adds it instead.

    The maps of that attention read the stream without it, so their biases take it away.
    """
    layers, tokens = list(found.layers), found.token_embed
    for i, layer in enumerate(layers):
        added = layer.linear.b
        if not added.any():
            continue
        inward = {role: _less(getattr(layer, role), added) for role in ("query", "key", "value")}
        layers[i] = layer._replace(**inward, linear=Map(layer.linear.w, np.zeros_like(added)))
        if i == 0:
            tokens = tokens + added
        else:
            before = layers[i - 1].linear_2
            layers[i - 1] = layers[i - 1]._replace(linear_2=Map(before.w, before.b + added))
    return replace(found, token_embed=tokens, layers=tuple(layers))


def _less(read: Map, added: Floats) -> Map:
    return Map(read.w, read.b - added @ read.w)
