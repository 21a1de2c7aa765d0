"""The forward pass of stock families in NumPy: norms, gates, rotations and other activations around the shared pass.

Attention and the stream are those of `raspc.run.forward`. Each map is preceded by the norm of what it reads, or where
a family normalises the stream itself (BERT), the stream is normalised once something is added to it.

In a narrow format every map, norm, probability and sum is rounded to it, as the classes of `transformers` do; norms and
the softmax work in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from raspc.numbers.precision import Precision
from raspc.run import forward as run
from raspc.run.arrays import NUMPY, Arrays
from raspc.run.plain import Array, Ids, Linear, Setting
from raspc.run.plain import hidden as hidden_from
from raspc.run.rounded import rounding_of
from raspc.run.trace import Recorder, See, Trace, unseen
from raspc.target import Layer
from raspc.target.distances import bucket_of
from raspc.target.families import HUGE_THETA, Family, Norms
from raspc.target.stocked import STOCK

Map = Callable[[Any], Any]
Rounding = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class StockWeights:
    """A model in a family's parameters: tables, the maps of each layer, the norms after what is added, the head."""

    config: Setting
    family: Family
    token_embed: Array
    pos_embed: Array | None
    first: Map
    layers: tuple[tuple[Layer[Map], tuple[Map, Map]], ...]
    head: Map
    arrays: Arrays
    store: Rounding

    @property
    def scale(self) -> Any:
        """What products of queries and keys are multiplied by."""
        return np.float32(self.config.target.score_scale(self.config.widths[0].d_head))


def prepared(
    params: Mapping[str, Any], config: Setting, dtype: Any = np.float32, precision: Precision | None = None
) -> StockWeights:  # fmt: skip
    """The parameters by what they do, in `dtype`; rounded as a narrow `precision` does."""
    family = STOCK[config.target.name].family
    store: Rounding = _as_it_is if precision is None else rounding_of(precision)
    held = {name: store(np.asarray(array).astype(dtype, copy=False)) for name, array in params.items()}
    parts = _Parts(family, held, config, store)
    tokens = held[f"{family.token_embed}.weight"]
    if family.embed_scale:
        tokens = store(tokens * store(np.full(1, config.d_model**0.5, tokens.dtype)))
    positions = None if family.pos_embed is None else held[f"{family.pos_embed}.weight"][family.pos_offset :]
    layers, first = tuple(map(parts.layer, range(len(config.widths)))), parts.once(family.norms.first)
    biases = None if family.relative is None else held[f"{family.relative}.weight"]
    return StockWeights(config, family, tokens, positions, first, layers, parts.head(), _arrays(store, biases), store)


def logits(weights: StockWeights, ids: Ids, see: See = unseen) -> Array:
    """The logits [batch, position, d_vocab_out] of padded ids [batch, position]."""
    store = weights.store
    x = weights.token_embed[ids]
    if weights.pos_embed is not None:
        x = store(x + weights.pos_embed[: ids.shape[1]])
    layers = [partial(_run_layer, layer, after, weights) for layer, after in weights.layers]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # exponentials of what is far from 0
        found: Array = run.through(layers, weights.head, weights.first(x), hidden_from(weights.config, ids), see)
    return found


def trace(weights: StockWeights, ids: Ids) -> Trace[Array]:
    """The same pass, with every activation kept."""
    recorder: Recorder[Array] = Recorder()
    logits(weights, ids, recorder)
    return recorder.trace()


def _run_layer(
    maps: Layer[Map], after: tuple[Map, Map], weights: StockWeights, x: Any, hidden: Any, see: See
) -> Any:  # fmt: skip
    attended = run.attention(maps, x, hidden, weights.config.widths[0].n_heads, weights.scale, weights.arrays, see)
    x = see("residuals", after[0](weights.store(x + see("layer_outputs", attended))))
    computed = run.neurons(maps, x, _as_it_is, weights.arrays, see)
    return see("residuals", after[1](weights.store(x + see("layer_outputs", computed))))


def _as_it_is(x: Any) -> Any:
    return x


def _arrays(store: Rounding, biases: Array | None = None) -> Arrays:
    """NumPy's, with scores and probabilities stored. `biases` [buckets, heads]: what scores get by distance."""
    if store is _as_it_is and (biases is None or not biases.any()):
        return NUMPY

    def scores(q: Any, k: Any) -> Any:
        found = store(NUMPY.scores(q, k))
        return found if biases is None else store(found + _by_distance(biases, q.shape[-2]))

    return Arrays(
        NUMPY.rows, NUMPY.places, NUMPY.split, lambda x: NUMPY.joined(store(x)), scores,
        lambda s, hidden: store(NUMPY.softmax(store(s), hidden)),
        NUMPY.zeros, NUMPY.activations,
    )  # fmt: skip


def _by_distance(biases: Array, n: int) -> Array:
    """[heads, query, key]: what scores of n places get by the distance of key and query."""
    places = np.arange(n)
    found: Array = biases[bucket_of(places[None, :] - places[:, None], len(biases))].transpose(2, 0, 1)
    return found


@dataclass(frozen=True)
class _Parts:
    family: Family
    held: Mapping[str, Array]
    config: Setting
    store: Rounding

    def layer(self, i: int) -> tuple[Layer[Map], tuple[Map, Map]]:
        """The maps of a layer, each behind the norm of what it reads; and what the stream goes through afterwards."""
        family, names = self.family, Layer(*(name.format(i=i) for name in self.family.modules))
        norms = [self.norm(name.format(i=i)) for name in (family.norms.attention, family.norms.mlp)]
        before, after = ([_as_it_is] * 2, norms) if family.norms.post else (norms, [_as_it_is] * 2)
        query, key, value = self.inward(names)
        if family.rotary:
            query, key = _then(query, self.turned), _then(key, self.turned)
        maps = Layer(
            _then(before[0], query), _then(before[0], key), _then(before[0], value), self.linear(names.linear),
            _then(before[1], self.neurons(names, i)), self.linear(names.linear_2),
        )  # fmt: skip
        return maps, (after[0], after[1])

    def inward(self, names: Layer[str]) -> list[Map]:
        """Query, key and value, which may be one map."""
        if self.family.fused is None:
            return [self.linear(name) for name in (names.query, names.key, names.value)]
        whole, n = self.map(names.query), self.config.widths[0].n_heads
        if self.family.fused == "side by side":
            parts = [(w, b) for w, b in zip(np.split(whole.w, 3, axis=1), np.split(whole.b, 3), strict=True)]
        else:
            w = whole.w.reshape(len(whole.w), n, 3, -1)
            b = whole.b.reshape(n, 3, -1)
            parts = [(w[:, :, j].reshape(len(w), -1), b[:, j].reshape(-1)) for j in range(3)]
        return [self.stored(Linear(np.ascontiguousarray(w), b)) for w, b in parts]

    def map(self, name: str) -> Linear:
        """The weights [in, out] and the bias, which is 0 where a family has none."""
        w = self.held[f"{name}.weight"]
        w = w if self.family.rows_are_inputs and name != self.family.classes[self.exit][1] else w.T
        bias = self.held.get(f"{name}.bias")
        return Linear(np.ascontiguousarray(w), np.zeros(w.shape[1], w.dtype) if bias is None else bias)

    @property
    def exit(self) -> str:
        return STOCK[self.family.name].exit

    def linear(self, name: str) -> Map:
        """A map, stored."""
        return self.stored(self.map(name))

    def stored(self, read: Linear) -> Map:
        """What a map gives, stored."""
        return lambda x: self.store(read(x))

    def neurons(self, names: Layer[str], i: int) -> Map:
        """What neurons give; gated ones the activation of the gate times the other map."""
        activation, read = NUMPY.activations[self.family.activation], self.linear(names.linear_1)
        if self.family.gate is None:
            return lambda x: self.store(activation(read(x)))
        gate = self.linear(self.family.gate.format(i=i))
        return lambda x: self.store(self.store(activation(gate(x))) * read(x))

    def norm(self, name: str) -> Map:
        """A norm with its gain."""
        gain = self.held[f"{name}.weight"] + self.family.norms.from_one
        bias = self.held.get(f"{name}.bias")
        return partial(_normed, norms=self.family.norms, gain=gain, bias=bias, store=self.store)

    def once(self, name: str | None) -> Map:
        """A norm that is not of a layer."""
        return _as_it_is if name is None else self.norm(name)

    def head(self) -> Map:
        """What gives logits."""
        return _then(self.once(self.family.norms.last), self.linear(self.family.classes[self.exit][1]))

    def turned(self, x: Any) -> Any:
        """Rotary positions: the halves of a head are pairs, turned by the position times the frequency of a pair."""
        n, d, _ = self.config.widths[0]
        theta = np.float32(HUGE_THETA if self.config.held is None else self.config.held.rope_theta)
        frequency = 1 / theta ** (np.arange(0, d, 2, dtype=np.float32) / np.float32(d))
        angle = np.arange(x.shape[-2], dtype=np.float32)[:, None] * frequency
        cos, sin = (np.tile(f(angle), 2)[:, None, :].astype(x.dtype) for f in (np.cos, np.sin))
        heads = x.reshape(*x.shape[:-1], n, d)
        other = np.concatenate((-heads[..., d // 2 :], heads[..., : d // 2]), axis=-1)
        return self.store(heads * cos + other * sin).reshape(x.shape)


def _then(first: Map, second: Map) -> Map:
    """One map after the other."""
    if first is _as_it_is or second is _as_it_is:
        return second if first is _as_it_is else first
    return lambda x: second(first(x))


def _normed(x: Any, norms: Norms, gain: Any, bias: Any, store: Rounding) -> Any:
    """RMSNorm (Zhang and Sennrich 2019) or LayerNorm (Ba et al. 2016); a gain, and for the latter a bias."""
    if norms.centred:
        x = x - x.mean(-1, keepdims=True)
    root = np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(norms.eps))
    scaled = x / root
    if norms.centred:
        return store(scaled * gain + (0 if bias is None else bias))
    return store((scaled if norms.from_one else store(scaled)) * gain)
