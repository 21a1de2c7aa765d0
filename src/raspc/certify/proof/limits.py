"""The greatest length for which a program can be compiled in a precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from raspc.errors import CertificateError, UnsupportedProgram
from raspc.numbers.precision import Precision


def longest(make: Callable[[int], object], most: int) -> int:
    """The greatest length up to `most` for which `make` gives a model, if it does for shorter ones; 0 for none."""
    best, step = 0, 1
    while best + step <= most and _works(make, best + step):
        best, step = best + step, 2 * step
    while step > 0:
        if best + step <= most and _works(make, best + step):
            best += step
        step //= 2
    return best


def _works(make: Callable[[int], object], length: int) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            make(length)
        except (CertificateError, UnsupportedProgram):
            return False
    return True


def could_do(precision: Precision, best: int) -> str:
    """What to say where a length was refused."""
    if best == 0:
        return f"in {precision.name} this program cannot be compiled for any length"
    return f"in {precision.name} this program compiles up to length {best}"
