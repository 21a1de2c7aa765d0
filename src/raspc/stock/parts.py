"""A model in the shape of a family, before its arrays have the family's names: the maps of a framed stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from raspc.stock.frame import Floats, Frame
from raspc.stock.plainly import Map, Placing, Plainly
from raspc.stock.turning import Turned, pairs_of, rotation_of
from raspc.target import Layer
from raspc.target.families import Family
from raspc.target.rotation import Rotation

ON = 128.0
"""What a neuron reads that is to be on at every position: so far from 0 every activation gives what it reads."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Tables [n, width], the maps of each layer, and what neurons are gated by; biases that are 0 are left as such.

    `rotation`: by which positions are ranked; None where nothing that is in use turns. `placing`: what makes positions,
    and the biases by which; None where a table has them, or nothing reads any.
    """

    token_embed: Floats
    pos_embed: Floats | None
    layers: tuple[Layer[Map], ...]
    gates: tuple[Map, ...]
    n_heads: int
    d_head: int
    d_mlp: int
    rotation: Rotation | None = None
    placing: Placing | None = None


def parts_of(found: Plainly, family: Family, frame: Frame, n_heads: int, d_head: int, sharpness: float) -> Parts:
    """The maps of a family that compute what a plain model does. `sharpness`: K of relu(z) = act(K·z)/K."""
    always_on = any(layer.linear_2.b.any() for layer in found.layers) and "linear_2" not in family.biased
    d_mlp = found.gates.d_mlp(found.d_mlp) + always_on
    rotation, sizes = rotation_of(found.turned, family, d_head, len(found.pos_embed)), (n_heads, d_head, d_mlp)
    made = [
        _layer(i, found, family, frame, sizes, sharpness, [one for one in found.turned if one.layer == i], rotation)
        for i in range(len(found.layers))
    ]
    positions = frame.written(found.pos_embed) if family.pos_embed is not None else None
    return Parts(
        frame.embedding(found.token_embed), positions, tuple(layer for layer, _ in made),
        tuple(gate for _, gate in made if gate is not None), n_heads, d_head, d_mlp, rotation,
        found.placing,
    )  # fmt: skip


def _layer(
    number: int, found: Plainly, family: Family, frame: Frame, sizes: tuple[int, int, int], sharpness: float,
    turned: Sequence[Turned], rotation: Rotation | None,
) -> tuple[Layer[Map], Map | None]:  # fmt: skip
    layer, (n_heads, d_head, d_mlp) = found.layers[number], sizes
    divisor = sqrt(d_head) if family.scales_scores else 1.0
    into = slots_of(family, found.d_head, d_head)

    turns = pairs_of(turned, rotation, n_heads, into.start) if rotation else None

    def inward(read: Map, factor: float = 1.0, side: int | None = None) -> Map:
        """The heads of a plain map in the columns of a family's heads; those of a `side` that turn in their pairs."""
        w = np.zeros((found.d_model, n_heads, d_head))
        b = np.zeros((n_heads, d_head))
        w[:, : found.n_heads, into] = factor * read.w.reshape(found.d_model, found.n_heads, found.d_head)
        b[: found.n_heads, into] = factor * read.b.reshape(found.n_heads, found.d_head)
        if turns is not None and side is not None:
            for one in turned:
                columns = slice(into.start + one.start, into.start + one.stop)
                w[:, one.head, columns], b[one.head, columns] = 0.0, 0.0
            b += factor * turns[side]
            w[found.bos] -= factor * turns[side]  # nothing of it at BOS
        return Map(frame.read(w.reshape(found.d_model, -1), b.reshape(-1)), np.zeros(b.size))

    mixed = np.zeros((n_heads, d_head, frame.width))
    plain_mixed = frame.written(layer.linear.w).reshape(found.n_heads, found.d_head, frame.width)
    mixed[: found.n_heads, into] = plain_mixed
    out = Map(mixed.reshape(-1, frame.width), frame.written(layer.linear.b[None])[0])
    neurons, gate, back = _neurons(number, found, family, frame, d_mlp, sharpness)
    factor = divisor / found.divisor
    scored = inward(layer.query, factor, side=0), inward(layer.key, side=1)
    return Layer(*scored, inward(layer.value), out, neurons, back), gate


def slots_of(family: Family, own: int, d_head: int) -> slice:
    """Which columns of a head hold the `own` ones of a plain one: with RoPE pairs that turn by nothing, one of each."""
    first = d_head // 4 if family.rotary else 0
    return slice(first, first + own)


def _neurons(
    number: int, found: Plainly, family: Family, frame: Frame, d_mlp: int, sharpness: float
) -> tuple[Map, Map | None, Map]:
    """What neurons read, what gates them, and what they write; the last one is always on where a bias needs it."""
    layer, gates = found.layers[number], found.gates
    kept, own = gates.kept(number, found.d_mlp), gates.d_mlp(found.d_mlp)
    w, up = np.zeros((2, found.d_model, d_mlp))
    b, through = np.zeros(d_mlp), np.full(d_mlp, 1 / sharpness)
    rows, n = np.zeros((d_mlp, found.d_model)), len(kept)
    w[:, :n], b[:n] = sharpness * layer.linear_1.w[:, kept], sharpness * layer.linear_1.b[kept]
    rows[:n] = layer.linear_2.w[kept]
    for one, place in gates.places(number, found.d_mlp):
        w[:, place], b[place] = sharpness * one.gate, sharpness * one.gate_bias
        up[:, place], through[place] = one.times / sharpness, one.times_bias / sharpness
        rows[place] = one.out
    back, bias = frame.written(rows), frame.written(layer.linear_2.b[None])[0]
    if d_mlp > own:
        b[own], back[own], through[own] = ON, bias / ON, 1.0
        bias = np.zeros_like(bias)
    read = Map(frame.read(w, b), np.zeros(d_mlp))
    if family.gate is None:
        back[:own] /= sharpness
        return read, None, Map(back, bias)
    return Map(frame.read(up, through), np.zeros(d_mlp)), read, Map(back, bias)
