"""What a family stores of gains and of embeddings, where its class does not use these numbers as they are.

Gemma stores of a gain what exceeds 1, and multiplies embeddings by the root of its width. In float32 both come out as
they should. In bfloat16 2⁸ − 1 is a number, and 2¹¹ − 1 is stored as 2¹¹: that gain is 2¹¹ + 1, off by 2⁻¹¹ of itself,
which the norm rounds away. Of 2⁹ it would be off by 2⁻⁹, which is as much as half the distance of two numbers: no scale
is one that is off by more than an eighth of the unit roundoff. The root is stored, too: of a width of 12 it is 3.46875.
"""

from __future__ import annotations

import numpy as np

from raspc.numbers.precision import Precision
from raspc.stock.frame import Floats
from raspc.target.families import Norms


def gain_of(scale: float, norms: Norms, precision: Precision) -> float:
    """What the weights of a norm hold, where it is to give back what it divides by `scale`."""
    return float(np.float32(precision.round(np.array(scale - norms.from_one))))


def gain_error(scale: float, norms: Norms, precision: Precision) -> float:
    """How far the gain that these weights are is from `scale`, of itself; norms add 1 in float32."""
    return abs(float(np.float32(norms.from_one) + np.float32(gain_of(scale, norms, precision))) / scale - 1)


def has_gain(scale: float, norms: Norms, precision: Precision) -> bool:
    """Whether the weights of a norm in that format can give back what it divides by `scale`."""
    return not norms.from_one or gain_error(scale, norms, precision) <= precision.unit / 8


def root_of(width: int, precision: Precision) -> float:
    """What embeddings are multiplied by, in the format."""
    return float(precision.round(np.array(np.float32(width**0.5), np.float64)))


def given(table: Floats, width: int, precision: Precision) -> Floats:
    """The embeddings that a stored table gives, once it is multiplied by that."""
    product = np.asarray(table, np.float32) * np.float32(root_of(width, precision))
    return precision.round(product.astype(np.float64))


def scaled(table: Floats, width: int, precision: Precision) -> Floats:
    """The table that gives `table`, number for number in the format. Raises ValueError where there is none."""
    wanted = _single(precision.round(table))
    near = _single(precision.round(wanted / root_of(width, precision)))
    found = near
    for towards in (np.inf, -np.inf):
        wrong = given(found, width, precision) != wanted
        found = np.where(wrong, _next(near, towards, precision), found)
    if (given(found, width, precision) != wanted).any():
        raise ValueError(f"a number of the table has no quotient by the root of {width}")
    return found


def _single(numbers: Floats) -> Floats:
    return numbers.astype(np.float32).astype(np.float64)


def _next(numbers: Floats, towards: float, precision: Precision) -> Floats:
    """The next number of the format in that direction."""
    if not precision.narrow:
        return np.nextafter(numbers.astype(np.float32), np.float32(towards)).astype(np.float64)
    _, exponent = np.frexp(np.where(numbers == 0, 1.0, numbers))
    return precision.round(numbers + np.copysign(np.ldexp(1.0, exponent - precision.bits), towards))
