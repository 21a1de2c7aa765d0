"""Number formats: how many digits weights and activations have, how sums are taken, and rounding to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from raspc.errors import InputError, wrong_kind

Numbers: TypeAlias = NDArray[np.float64]

SUMMATIONS: Mapping[str, Callable[[Numbers], Numbers]] = MappingProxyType(
    {
        "any order": lambda n: n,
        "blocked": lambda n: 256.0 + np.ceil(n / 256),
        "pairwise": lambda n: 24.0 + np.log2(np.maximum(1.0, n / 128)),
    }
)
"""How many roundings a term of a sum of n terms goes through, at most.

"any order" holds for every algorithm that adds n numbers; "blocked": blocks of 256, then their sums;
"pairwise": blocks of 128 in eight lanes, then a tree, as NumPy's and PyTorch's own sums do (Higham, "Accuracy
and Stability of Numerical Algorithms", section 4.2).
"""


@dataclass(frozen=True)
class Precision:
    """A format and a way to compute in it.

    `bits`: digits of the significand of weights and activations, every one of which is rounded when it is
    stored. `sum_bits`: the same of the accumulator of a product of matrices and inside the softmax.
    `factor_bits`: what factors of such a product are rounded to (TF32). `rounded_probabilities`: the softmax
    is stored with `bits` before it multiplies values. `highest`, `lowest`: exponents of the largest and of the
    smallest normal number. `weight_error`: how far off, relative to its size, every weight may be besides.
    """

    name: str
    bits: int
    sum_bits: int
    factor_bits: int
    highest: int
    lowest: int
    rounded_probabilities: bool = True
    summation: str = "any order"
    weight_error: float = 0.0

    @property
    def unit(self) -> float:
        """The unit roundoff of what is stored."""
        return float(2.0**-self.bits)

    @property
    def sum_unit(self) -> float:
        """The unit roundoff of a sum."""
        return float(2.0**-self.sum_bits)

    @property
    def factor_unit(self) -> float:
        """The unit roundoff of a factor; 0 where factors are used as they are stored."""
        return float(2.0**-self.factor_bits) if self.factor_bits < self.bits else 0.0

    @property
    def probability_unit(self) -> float:
        """The unit roundoff of what the softmax gives."""
        return self.unit if self.rounded_probabilities else self.sum_unit

    def to_json(self) -> dict[str, str]:
        """The options of `precision_of` that give this precision."""
        return {
            "name": self.name,
            "summation": self.summation,
            "accumulate": "stored" if self.sum_bits == self.bits and self.narrow else "float32",
            "probabilities": "stored" if self.rounded_probabilities else "float32",
        }

    @property
    def narrow(self) -> bool:
        """Whether integers above a few hundred or thousand are already inexact."""
        return self.bits < 16

    @property
    def dtype(self) -> str:
        """The dtype of arrays that a model for this precision runs in: its own if it is narrow, else float32."""
        return self.name if self.narrow else "float32"

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return float((2.0 - 2.0 * self.unit) * 2.0**self.highest)

    def roundings(self, terms: Numbers | float) -> Numbers:
        """How many roundings a term of such a sum goes through, at most."""
        most = np.asarray(terms, np.float64)
        return np.minimum(most, SUMMATIONS[self.summation](most))

    def round(self, numbers: Numbers, bits: int | None = None) -> Numbers:
        """The nearest numbers of the format, ties to even; infinite where too large."""
        given = np.asarray(numbers, np.float64)
        if bits is None and self.bits in (24, 53):
            return given if self.bits == 53 else _single(given)
        return _rounded(given, bits or self.bits, self)

    def holds(self, numbers: Numbers) -> bool:
        """Whether every number is one of the format, as small integers are without much looking."""
        given = np.asarray(numbers, np.float64)
        rest = given[(np.abs(given) > 2.0 ** min(self.bits, self.highest)) | (np.rint(given) != given)]
        return bool(np.array_equal(self.round(rest), rest))


def _single(numbers: Numbers) -> Numbers:
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32).astype(np.float64)


def _rounded(numbers: Numbers, bits: int, precision: Precision) -> Numbers:
    finite = np.isfinite(numbers)
    _, exponent = np.frexp(np.where(finite, numbers, 0.0))
    step = np.ldexp(1.0, np.maximum(exponent - bits, precision.lowest - bits + 1))
    found = np.where(finite, np.rint(np.where(finite, numbers, 0.0) / step) * step, numbers)
    return np.where(np.abs(found) > precision.largest, np.copysign(np.inf, found), found)


PRECISIONS: Mapping[str, Precision] = MappingProxyType(
    {
        "float64": Precision("float64", 53, 53, 53, 1023, -1022),
        "float32": Precision("float32", 24, 24, 24, 127, -126),
        "tf32": Precision("tf32", 24, 24, 11, 127, -126),
        "bfloat16": Precision("bfloat16", 8, 24, 8, 127, -126),
        "float16": Precision("float16", 11, 24, 11, 15, -14),
    }
)
"""By name. Narrow ones add up in float32; see `precision_of` for other ways."""


def precision_of(
    name: str, summation: str = "any order", accumulate: str = "float32", probabilities: str = ""
) -> Precision:
    """The precision of that name.

    `summation`: a key of SUMMATIONS. `accumulate`: "float32", or "stored" for sums that are rounded as what is stored
    is. `probabilities`: "stored" (the default) or "float32": what the softmax gives is not rounded to the
    narrow format before it multiplies values, as in a fused kernel.

    Raises InputError for an unknown name, TypeError for what is no string.
    """
    known = {"dtype": (name, PRECISIONS), "summation": (summation, SUMMATIONS)}
    known |= {"accumulate": (accumulate, {"float32": 0, "stored": 0})}
    known |= {"probabilities": (probabilities or "stored", {"float32": 0, "stored": 0})}
    for option, (value, options) in known.items():
        if not isinstance(value, str):
            raise wrong_kind(option, value, "a string")
        if value not in options:
            raise InputError(f"unknown {option} {value!r}; known are {', '.join(options)}")
    found = replace(PRECISIONS[name], summation=summation)
    if accumulate == "stored":
        found = replace(found, sum_bits=found.bits)
    return replace(found, rounded_probabilities=probabilities != "float32")
