"""Positions by biases, where a family has no table of them: what heads and neurons of the first layer write instead.

A head for each binary digit tells it by biases (`raspc.target.distances`). Together they write the number of a place,
0 for BOS, into the first dimension of positions. Neurons read it and bend it to what the table says: each column is a
chain of straight pieces, with one neuron max(0, place − j) for each place j at which some column bends.

    heads      x[first] = place = Σ 2ⁱ · digit i
    neurons    x += Σ aⱼ · max(0, place − j), so that x[first] is no place any more, but its column of the table

They stand beside the heads and the neurons that the first layer has anyhow, which therefore read no position: the
schedule of a model that is compiled for such a family lets none of them (`raspc.layout.schedule`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from raspc.stock.frame import Floats
from raspc.stock.plainly import Map, Placing, Plainly
from raspc.target import Layer
from raspc.target.distances import RAISED, biases_for, bucket_of, buckets_for, digits_of


def reads_too_soon(found: Plainly) -> bool:
    """Whether the first layer reads positions, which are not there before its end; or BOS has one."""
    dims = found.pos_embed.any(axis=0)
    layer = found.layers[0]
    read = any(getattr(layer, role).w[dims].any() for role in ("query", "key", "value", "linear_1"))
    return read or bool(found.pos_embed[0].any())


def placed(found: Plainly) -> Plainly:
    """The same model with heads and neurons that make its table of positions, in place of it.

    Requires that nothing reads it too soon.
    """
    table, d_head = found.pos_embed, found.d_head
    n_ctx, digits, first = len(table), digits_of(len(table)), int(np.flatnonzero(table.any(axis=0))[0])
    at, out = bends_of(table, first)
    start = _used(found.layers[0])
    neurons = slice(start, start + len(at))
    layers = tuple(_wider(layer, digits * d_head, max(found.d_mlp, neurons.stop)) for layer in found.layers)
    layer = layers[0]
    for digit in range(digits):
        column = (found.n_heads + digit) * d_head
        layer.query.b[column], layer.key.w[found.bos, column] = found.divisor, RAISED
        layer.value.b[column], layer.value.w[found.bos, column] = 1.0, -1.0
        layer.linear.w[column, first] = 2.0**digit
    layer.linear_1.w[first, neurons], layer.linear_1.b[neurons] = 1.0, -at
    layer.linear_2.w[neurons] = out
    biases = np.hstack([np.zeros((buckets_for(n_ctx), found.n_heads)), biases_for(n_ctx)])
    return replace(
        found, pos_embed=np.zeros_like(table), layers=layers, n_heads=found.n_heads + digits,
        placing=Placing(biases, digits, neurons.start, neurons.stop),
    )  # fmt: skip


def bends_of(table: Floats, first: int) -> tuple[Floats, Floats]:
    """The places j of the neurons max(0, place − j), and what they write, [neurons, d_model].

    They make the rows of a table [n_ctx, d_model] of the numbers of places, which the dimension `first` holds.
    """
    wanted = table.copy()
    wanted[:, first] -= np.arange(len(table))
    slopes = np.diff(wanted, axis=0)
    turns = np.diff(slopes, axis=0, prepend=0.0)
    at = np.flatnonzero(turns.any(axis=1))
    return at.astype(np.float64), turns[at]


def _used(layer: Layer[Map]) -> int:
    """How many neurons of a layer there are up to the last one that does anything."""
    used = layer.linear_1.w.any(axis=0) | layer.linear_2.w.any(axis=1) | (layer.linear_1.b != 0)
    return int(np.flatnonzero(used).max(initial=-1)) + 1


def _wider(layer: Layer[Map], columns: int, neurons: int) -> Layer[Map]:
    """The same with more columns of heads, and with so many neurons; those that are new do nothing."""
    more = neurons - layer.linear_1.w.shape[1]
    query, key, value = (_with_columns(read, columns) for read in (layer.query, layer.key, layer.value))
    neurons_in, neurons_out = _with_columns(layer.linear_1, more), _with_rows(layer.linear_2, more)
    return Layer(query, key, value, _with_rows(layer.linear, columns), neurons_in, neurons_out)


def _with_columns(read: Map, more: int) -> Map:
    return Map(np.pad(read.w, ((0, 0), (0, more))), np.pad(read.b, (0, more)))


def _with_rows(write: Map, more: int) -> Map:
    return Map(np.pad(write.w, ((0, more), (0, 0))), write.b.copy())


@dataclass(frozen=True, eq=False)
class Told:
    """The heads and neurons that make positions, as the parameters of a family have them.

    `biases` [buckets, heads]. `query`, `key`, `value`: what these heads read of the program's stream, heads × `d_head`
    columns; `out` [heads × d_head, d_model], what they write. `neurons`, `back`: the same of the neurons.
    `divisor`: what products are divided by. `bos`: the dimension that says whether it is BOS.
    """

    biases: Floats
    query: Map
    key: Map
    value: Map
    out: Floats
    neurons: Map
    back: Floats
    n_ctx: int
    d_head: int
    divisor: float
    bos: int

    @cached_property
    def own(self) -> Floats:
        """[n_ctx, heads]: the score of a place itself."""
        found: Floats = self._against(self._keys) + self.biases[0]
        return found

    @cached_property
    def bos_key(self) -> Floats:
        """[n_ctx, heads]: the score of BOS."""
        found: Floats = self._against(self._keys[:1])
        found += self.biases[bucket_of(-np.arange(self.n_ctx), len(self.biases))]
        return found

    @property
    def lead(self) -> float:
        """By how much one of the two leads the other and all keys besides; no lead where tokens change a score."""
        if any(np.delete(read.w, self.bos, axis=0).any() for read in (self.query, self.key, self.value)):
            return 0.0
        apart, best = np.abs(self.own - self.bos_key), np.maximum(self.own, self.bos_key)
        lead = float(apart[1:].min(initial=np.inf))
        places = np.arange(self.n_ctx)
        back, ahead = (self.biases[bucket_of(sign * places[1:], len(self.biases))] for sign in (-1, 1))
        others = self._against(self._keys[-1:])
        none = np.full((1, back.shape[1]), -np.inf)
        earlier = np.vstack([none, none, np.maximum.accumulate(back, axis=0)])[: self.n_ctx]
        later = np.vstack([none, np.maximum.accumulate(ahead, axis=0)])[::-1]
        return min(lead, float((best - others - np.maximum(earlier, later)).min(initial=np.inf)))

    @property
    def reach(self) -> float:
        """The size of all that a score is a sum of."""
        query, key = (np.abs(array).max(axis=0) for array in (self._at_places(self.query), self._keys))
        products = (query * key).sum(axis=-1) / self.divisor
        return float(products.max(initial=0.0) + np.abs(self.biases).max(initial=0.0))

    @property
    def terms(self) -> int:
        """Of how many products, that are not 0, a score is a sum."""
        query, key = (array.any(axis=(0, 1)) for array in (self._at_places(self.query), self._keys))
        return int(np.count_nonzero(query & key))

    @cached_property
    def places(self) -> Floats:
        """[n_ctx, d_model]: what the heads write at each place, where each moves what BOS or the place itself has."""
        values = self._at_places(self.value)
        moved = np.where((self.bos_key > self.own)[..., None], values[0], values)
        found: Floats = moved.reshape(self.n_ctx, -1) @ self.out
        return found

    @property
    def fired(self) -> Floats:
        """[n_ctx, neurons]: what the neurons give at each place."""
        return np.maximum(0.0, self.places @ self.neurons.w + self.neurons.b)

    @property
    def table(self) -> Floats:
        """[n_ctx, d_model]: what stands for a table of positions once the first layer has run."""
        return self.places + self.fired @ self.back

    def _at_places(self, read: Map) -> Floats:
        """[n_ctx, heads, d_head]: what is read at BOS, and at tokens, of which there is no more to read."""
        rows = np.repeat(read.b[None], self.n_ctx, axis=0)
        rows[0] += read.w[self.bos]
        return rows.reshape(self.n_ctx, -1, self.d_head)

    @cached_property
    def _keys(self) -> Floats:
        """[n_ctx, heads, d_head]: the keys, that of BOS first; those of tokens are alike."""
        return self._at_places(self.key)

    def _against(self, keys: Floats) -> Floats:
        """[n_ctx, heads]: what the query of each place scores with one of these, or with its own, without biases."""
        found: Floats = (self._at_places(self.query) * keys).sum(axis=-1) / self.divisor
        return found
