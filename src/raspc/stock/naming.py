"""The arrays of a model under a family's names, in its layout and in its number format."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from raspc.errors import InputError
from raspc.numbers.precision import Precision
from raspc.stock.frame import Floats, Frame
from raspc.stock.parts import Parts
from raspc.stock.plainly import Map
from raspc.stock.storing import gain_of, scaled
from raspc.target import Layer
from raspc.target.distances import BUCKETS
from raspc.target.families import Family
from raspc.target.stock import Array


def named(
    parts: Parts, head: Floats, family: Family, frame: Frame, exit: str, precision: Precision
) -> dict[str, Array]:
    """Every parameter of the family's class for an exit. `head`: [width, columns].

    Raises InputError for a number that the format does not hold.
    """
    found = dict(_named(parts, head, family, frame, exit, precision))
    return {name: _stored(name, array, precision) for name, array in found.items()}


def _named(
    parts: Parts, head: Floats, family: Family, frame: Frame, exit: str, precision: Precision
) -> Iterator[tuple[str, Floats]]:  # fmt: skip
    tokens = parts.token_embed
    yield f"{family.token_embed}.weight", scaled(tokens, frame.width, precision) if family.embed_scale else tokens
    if family.pos_embed is not None and parts.pos_embed is not None:
        before = np.zeros((family.pos_offset, frame.width))
        yield f"{family.pos_embed}.weight", np.vstack([before, parts.pos_embed])
    gates = parts.gates or (None,) * len(parts.layers)
    for i, (layer, gate) in enumerate(zip(parts.layers, gates, strict=True)):
        yield from _layer(layer, family, parts.n_heads, i)
        if family.gate is not None and gate is not None:
            yield from _linear(family.gate.format(i=i), gate, family, has_bias=False)
        for norm in (family.norms.attention, family.norms.mlp):
            yield from _norm(norm.format(i=i), family, frame, precision)
    for once in (family.norms.first, family.norms.last):
        if once is not None:
            yield from _norm(once, family, frame, precision)
    name, sizes = family.classes[exit][1], {"n_heads": parts.n_heads, "d_model": frame.width}
    yield f"{name}.weight", head.T
    if exit == "labels":
        yield f"{name}.bias", np.zeros(head.shape[1])
    if family.relative is not None:
        none = np.zeros((BUCKETS, parts.n_heads))
        yield f"{family.relative}.weight", none if parts.placing is None else parts.placing.biases
    for name, shape in family.idle.items():
        yield name, np.zeros([sizes[n] if isinstance(n, str) else n for n in shape])


def _layer(layer: Layer[Map], family: Family, n_heads: int, i: int) -> Iterator[tuple[str, Floats]]:
    maps = layer._asdict()
    if family.fused is not None:
        query, key, value = (maps.pop(role) for role in ("query", "key", "value"))
        yield from _linear(
            family.modules.query.format(i=i), fused([query, key, value], family.fused, n_heads), family, has_bias=True
        )
    for role, map_ in maps.items():
        yield from _linear(getattr(family.modules, role).format(i=i), map_, family, role in family.biased)


def fused(maps: list[Map], how: str, n_heads: int) -> Map:
    """Query, key and value as one map: side by side, or head by head."""
    if how == "side by side":
        return Map(np.hstack([map_.w for map_ in maps]), np.concatenate([map_.b for map_ in maps]))
    width = len(maps[0].w)
    w = np.stack([map_.w.reshape(width, n_heads, -1) for map_ in maps], axis=2)
    b = np.stack([map_.b.reshape(n_heads, -1) for map_ in maps], axis=1)
    return Map(w.reshape(width, -1), b.reshape(-1))


def unfused(w: Floats, how: str, n_heads: int) -> list[Floats]:
    """The weights [in, out] of query, key and value in one map: the inverse of `fused`."""
    if how == "side by side":
        return np.split(w, 3, axis=1)
    heads = w.reshape(len(w), n_heads, 3, -1)
    return [heads[:, :, j].reshape(len(w), -1) for j in range(3)]


def _linear(name: str, map_: Map, family: Family, has_bias: bool) -> Iterator[tuple[str, Floats]]:
    yield f"{name}.weight", map_.w if family.rows_are_inputs else map_.w.T
    if has_bias:
        yield f"{name}.bias", map_.b


def _norm(name: str, family: Family, frame: Frame, precision: Precision) -> Iterator[tuple[str, Floats]]:
    yield f"{name}.weight", np.full(frame.width, gain_of(frame.scale, family.norms, precision))
    if family.norms.centred:
        yield f"{name}.bias", np.zeros(frame.width)


def _stored(name: str, array: Floats, precision: Precision) -> Array:
    """The array as the format holds it."""
    with np.errstate(over="ignore"):
        found = precision.round(array) if precision.narrow else array
        held = np.ascontiguousarray(found, np.float32)
    if not np.isfinite(held).all():
        other = "for bfloat16, " if precision.dtype == "float16" else ""
        raise InputError(
            f"{name} holds a number that {precision.dtype} lacks, whose largest is {precision.largest:,.0f}; compile "
            f"for fewer tokens, {other}or with target=…, which leaves out steep scores, where that was not done"
        )
    return held
