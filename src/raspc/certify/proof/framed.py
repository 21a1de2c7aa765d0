"""What a stock family adds to what can go wrong: norms, activations, rotations, and what of the weights is no program.

The proof of a model in a family's parameters is that of the plain model that they hold, read off them, with errors
besides (`loose`), which are bounded here. u is the unit roundoff of float32, n how wide the stream is, s its root mean
square, ε what is added to the mean square.

- RMSNorm is the identity where |x|² < c²·2⁻²⁵, for the smallest constant c: then x² vanishes beside it in whatever
  order squares are added up, the mean square is s², its root exact, and the gain s gives back what was there.
- In a narrow format it is the identity as soon as ρ, below, is rounded away: a quarter of the unit roundoff.
- Gemma stores of a gain what exceeds 1, which in a narrow format is another gain, off by a part g of itself. The norm
  multiplies before it stores, so that the factor is (1 + ρ)·(1 + g), rounded once more.
- Else it gives (1 + ρ)·x, with |ρ| ≤ (|x|² + nε)/2ns² + (n + 8)·u, and rounds each number on the way: the gain is a
  power of two, so that only the product with the inverse of the root does.
- LayerNorm does so too, and takes out the mean m, which is that of x and of what stands for a constant, and what it
  rounds of the large constants: n·u·max C. It is taken out before or after that product, which rounds by u·(|x| + |m|)
  once more at most, or by u·|m| in the number that holds 0: 2u·|x| + 3u·|m| in all.
- Where the stream itself goes through a norm, once a sublayer (BERT), these errors add up; only the constants are the
  same after each norm as before, so that a number has the factor of all norms since it was written, which lies between
  (1 + ρ) and its inverse; it differs from number to number.
- relu(z) = act(K·z)/K but for 0.2785/K (SiLU) or 0.17/K (GELU, both forms), and to the last digit where z is 0, or
  |K·z| so large that e^(−|K·z|) is nothing. A gate multiplies what was
  read of a constant by what was read of x, so that the factor of a norm is there twice.
- A rotation by an angle a leaves a pair of which one is 0 as it is, in float32, while a < 2⁻¹²·√2, and makes the
  other a times as large, which vanishes in products for a < 2⁻²⁴. Pairs that turn on purpose: `turned`.
- Weights that are none of the plain model, in the frame, are strays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.dusty import Dust
from raspc.certify.proof.loose import FIRM, Loose
from raspc.certify.proof.placed import links_of_places
from raspc.certify.proof.turned import links_of_rotation
from raspc.numbers.precision import PRECISIONS, Precision
from raspc.stock.frame import MIRRORED, NULL, RMS, Frame
from raspc.stock.model import attention_biases, frame_of, strays
from raspc.stock.sizes import Extent, extent_of
from raspc.stock.storing import gain_error, gain_of, given
from raspc.target.families import FAMILIES, Family
from raspc.target.stocked import STOCK
from raspc.weights.certificate import Link
from raspc.weights.model import Model

BESIDE_RELU = {"relu": 0.0, "silu": 0.2785, "gelu": 0.17, "gelu_tanh": 0.1701}
"""How far act(z) is from relu(z) at most."""
NARROW_BESIDE_RELU = 0.172
"""How far GELU is from relu at most, in bfloat16 or float16, by any of its forms, however it is rounded on the way."""
QUIET, SMALL_QUIET = 104.0, 21.0
"""From |K·z| on act(K·z) is relu(K·z): e to minus this is 0 in float32, or, times itself, in float16."""
UNIT = PRECISIONS["float32"].unit
OWN, OF_MEAN = 2.1, 3.2
"""How many units of roundoff of itself, and of the mean, a norm leaves a number off by; a little more than is shown."""


def loose_of(model: Model) -> Loose:
    """The errors that the family of a model adds."""
    held = model.config.held
    if held is None:
        return FIRM
    frame, family, extent = frame_of(model), FAMILIES[model.config.family], _extent(model)
    quiet = (SMALL_QUIET if model.precision.highest < 100 else QUIET) / held.step_sharpness
    steps = Loose(BESIDE_RELU[family.activation] / held.step_sharpness, quiet, held.step_sharpness)
    norms = 2 * model.config.n_layers + 1
    if frame.kind == NULL:
        return _after_layer_norm(frame, family, extent, steps, norms)
    if frame.kind == MIRRORED:
        return replace(_narrowly(family, held.step_sharpness), dust=_dust(frame, family, extent, norms))
    gain = gain_error(frame.scale, family.norms, model.precision)
    exact = frame.kind != RMS or is_identity(frame, extent, gain)
    if exact or is_rounded_away(frame, family, extent, model.precision):
        return steps
    common, added = _factor(frame, family, extent, gain), np.zeros(len(extent.largest))
    if model.plan is not None and "linear" not in family.biased:
        added = sum((np.abs(one) for one in attention_biases(model.plan).values()), added)
    twice = common + 6 * UNIT if family.gate is not None else 0.0
    base = 2 * common + 12 * UNIT
    return replace(steps, common=common, rate=OWN * UNIT, written=twice, base=base, added=added)


def _extent(model: Model) -> Extent:
    """What the stream holds; the number of a place for a while, where positions are made of these."""
    return extent_of(model.plain, model.config.max_seq_len if model.config.tells_by_distance else 0)


def is_identity(frame: Frame, extent: Extent, gain: float = 0.0) -> bool:
    """Whether RMSNorm leaves all numbers as they are, bit for bit. `gain`: what its gain is off by, of itself."""
    return gain == 0 and extent.squares < frame.least**2 * 2.0**-25


def is_rounded_away(frame: Frame, family: Family, extent: Extent, precision: Precision) -> bool:
    """Whether a narrow format stores of what RMSNorm gives the number that was there: it is nearer than any other.

    The norm works in float32, and what it gives is stored before the gain, a power of two, multiplies it; or after that
    (Gemma), where the gain need be none.
    """
    gain = gain_error(frame.scale, family.norms, precision)
    return precision.narrow and _factor(frame, family, extent, gain) + OWN * UNIT < precision.unit / 4


def _narrowly(family: Family, sharpness: float) -> Loose:
    """What steps are off by in a narrow format: nothing from |K·z| = 16 on, for any GELU."""
    beside = 0.0 if family.activation == "relu" else NARROW_BESIDE_RELU
    return Loose(beside / sharpness, (16.0 if beside else 0.0) / sharpness, sharpness)


def _dust(frame: Frame, family: Family, extent: Extent, norms: int) -> Dust:
    """What a layer norm leaves in a mirrored frame: the mean is 0 but for what is rounded.

    A running mean is off by 3u·|y| for each of the n numbers, by 3u·|mean so far| and, once more, by u·|sum so far|;
    a plain sum by u·|sum so far|. No such sum is further from 0 than S, half of the size of all numbers: so m is at
    most u·S·(1 + (6 + 3·ln n + 3)/n).
    """
    half = float(np.abs(frame.constants).sum()) + extent.total + 1.0
    mean = 1.01 * UNIT * half * (1 + (9 + 3 * np.log(frame.width)) / frame.width)
    return Dust(mean * norms, norms) if family.norms.post else Dust(mean)


def _factor(frame: Frame, family: Family, extent: Extent, gain: float = 0.0) -> float:
    """How far the factor that a norm leaves is from 1 at most.

    `gain`: what its gain is off by, of itself; a product with one that is no power of two rounds once more.
    """
    n, sides = frame.width, 2.0 if frame.kind == MIRRORED else 1.0
    size = sides * extent.squares + 1.0 + n * family.norms.eps
    part = size / (2 * n * frame.scale**2) + (n + 8) * UNIT
    return (1 + part) * (1 + gain) * (1 + UNIT) - 1 if gain else part


def _after_layer_norm(frame: Frame, family: Family, extent: Extent, steps: Loose, norms: int) -> Loose:
    """What a LayerNorm leaves of numbers; `norms`: how many a number goes through where the stream does."""
    n, factor = frame.width, _factor(frame, family, extent)
    mean = (extent.total + 1.0) / n + n * UNIT * float(np.abs(frame.constants).max())
    if not family.norms.post:
        return replace(steps, common=factor, rate=OWN * UNIT, constant=OF_MEAN * UNIT * mean, mean=mean)
    rate, constant = 2 * factor + OWN * UNIT * norms, OF_MEAN * UNIT * mean * norms
    return replace(steps, rate=rate, constant=constant, mean=mean)


def unframed(model: Model, frame: Frame, family: Family) -> Iterator[str]:
    """Parameters that do not hold what the frame says, looked at as they are: gains, biases of norms, and constants."""
    norms, width = family.norms, frame.width
    names = [name.format(i=i) for i in range(model.config.n_layers) for name in (norms.attention, norms.mlp)]
    gain = gain_of(frame.scale, norms, model.precision)
    for name in (*names, *(once for once in (norms.first, norms.last) if once is not None)):
        if not (np.asarray(model.params[f"{name}.weight"]) == gain).all():
            yield f"{name}.weight"
        if norms.centred and np.asarray(model.params[f"{name}.bias"]).any():
            yield f"{name}.bias"
    table = f"{family.token_embed}.weight"
    tokens = np.asarray(model.params[table], np.float64)
    tokens = given(tokens, width, model.precision) if family.embed_scale else tokens
    k, sides = len(frame.constants), 2 if frame.kind == MIRRORED else 1
    beside = tokens[:, frame.own : width // sides]
    whole = sides * float((frame.constants**2).sum()) == width * frame.scale**2
    whole = whole and (frame.kind != NULL or float(frame.constants.sum()) == 0)
    if not (whole and (beside[:, :k] == frame.constants).all() and not beside[:, k:].any()):
        yield table
    if frame.kind == NULL:
        yield from _mean_is_read(model, frame, family)
    if frame.kind == MIRRORED:
        yield from _one_sided(model, frame, family)


def _read_maps(model: Model, family: Family) -> Iterator[tuple[str, Matrix]]:
    """What reads the stream, [width, columns]."""
    modules = family.modules
    inward = dict.fromkeys((modules.query, modules.key, modules.value, modules.linear_1))
    names = [name.format(i=i) for i in range(model.config.n_layers) for name in inward]
    for name in (*names, family.classes[STOCK[family.name].exit][1]):
        weights = np.asarray(model.params[f"{name}.weight"], np.float64)
        yield f"{name}.weight", weights if family.rows_are_inputs and name in names else weights.T


def _mean_is_read(model: Model, frame: Frame, family: Family) -> Iterator[str]:
    """Maps that do not take the mean out of what they read: by the number that holds 0, as often as by all others."""
    for name, read in _read_maps(model, family):
        off = np.abs(read[frame.null] + read[: frame.own].sum(axis=0))
        if (off > 2 * UNIT * np.abs(read[: frame.own]).sum(axis=0)).any():
            yield name


def _one_sided(model: Model, frame: Frame, family: Family) -> Iterator[str]:
    """Tables and maps of which one half is not the other with the other sign."""
    found = dict(_read_maps(model, family))
    for table in (family.token_embed, family.pos_embed):
        if table is not None:
            found[f"{table}.weight"] = np.asarray(model.params[f"{table}.weight"], np.float64).T
    for i in range(model.config.n_layers):
        for name in (family.modules.linear.format(i=i), family.modules.linear_2.format(i=i)):
            weights = np.asarray(model.params[f"{name}.weight"], np.float64)
            found[f"{name}.weight"] = weights.T if family.rows_are_inputs else weights
            found[f"{name}.bias"] = np.asarray(model.params[f"{name}.bias"], np.float64)[:, None]
    for name, read in found.items():
        if (read[: frame.half] != -read[frame.half :]).any():
            yield name


def links_of_family(model: Model, precision: Precision) -> Iterator[Link]:
    """The decisions that a family adds."""
    held = model.config.held
    if held is None:
        return
    for name, size in strays(model).items():
        yield Link("stray weights", name, size, 0.0, "of a weight that is none of the plain model")
    frame, family = frame_of(model), FAMILIES[model.config.family]
    for name in unframed(model, frame, family):
        yield Link("stray weights", name, np.inf, 0.0, "of a number that the frame must have")
    extent, gain = _extent(model), gain_error(frame.scale, family.norms, model.precision)
    size = extent.squares
    if precision.narrow:
        part = _factor(frame, family, extent, gain) + OWN * UNIT
        yield Link("norm", family.name, part, precision.unit / 4, "of itself, which is rounded away")
    elif frame.kind == RMS and is_identity(frame, extent, gain):
        yield Link("norm", family.name, size, frame.least**2 * 2.0**-25, "of squares that vanish beside a constant")
    else:
        room = frame.width * frame.scale**2 * 2.0**-10
        yield Link("norm", family.name, size, room, "of squares beside those of constants")
    yield from links_of_rotation(model)
    yield from links_of_places(model, loose_of(model), precision)
