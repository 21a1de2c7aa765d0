"""The frame: constant dimensions beside what a program stores, which keep a normalisation still.

    rms       [x, C, 0 …]              Σ C² = D · s², so that the root mean square is s as long as x² is small beside C²
    null      [x, C, −C, 0, 0 …]       the mean is that of x alone; a dimension that holds 0 takes it out of every read
    mirrored  [x, C, 0 …, −x, −C, …]   the mean is 0; a read takes half of each side

D is the width of the stream and s, the scale, a power of two. The constants are whole numbers whose squares add up to D
(or to half of it), times s: Lagrange's theorem gives four of them at most. One of them is a power of two: of it biases
are read without rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RMS, NULL, MIRRORED = "rms", "null", "mirrored"


@dataclass(frozen=True)
class Frame:
    """A stream of `width` dimensions that holds `held` of a program; see above for `kind` and `scale`."""

    kind: str
    held: int
    width: int
    scale: float

    @cached_property
    def constants(self) -> Floats:
        """What the constant dimensions hold, the largest first; of the mirrored ones the first half."""
        return self.scale * _unit_constants(self.kind, self.width)

    @property
    def least(self) -> float:
        """The smallest constant."""
        return float(self.constants.min())

    @property
    def half(self) -> int:
        """How far a mirror image lies from what it shows."""
        return self.width // 2

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each dimension beyond those of the program, in the order of the stream; "" for theirs."""
        k, names = len(self.constants), [""] * self.held
        names += [f"frame:constant {i}" for i in range(k)]
        if self.kind == NULL:
            names += [f"frame:minus constant {i}" for i in range(k)] + ["frame:null"]
        if self.kind == MIRRORED:
            names += ["frame:empty"] * (self.half - len(names))
            names += [f"frame:minus {name or i}" for i, name in enumerate(names)]
        return (*names, *["frame:empty"] * (self.width - len(names)))

    def embedding(self, x: Floats) -> Floats:
        """Rows [n, held] of a table as rows of the stream, with the constants."""
        rows, k = self.written(x), len(self.constants)
        rows[:, self.held : self.held + k] = self.constants
        if self.kind == NULL:
            rows[:, self.held + k : self.held + 2 * k] = -self.constants
        if self.kind == MIRRORED:
            rows[:, self.half + self.held : self.half + self.held + k] = -self.constants
        return rows

    def written(self, x: Floats) -> Floats:
        """What is added to the stream, [n, held] → [n, width]."""
        rows = np.zeros((len(x), self.width))
        rows[:, : self.held] = x
        if self.kind == MIRRORED:
            rows[:, self.half : self.half + self.held] = -x
        return rows

    def read(self, w: Floats, b: Floats) -> Floats:
        """A linear map x · w + b as one of the stream, [held, n] and [n] → [width, n]."""
        found = np.zeros((self.width, w.shape[1]))
        place, k = self.held + self._of_biases, len(self.constants)
        constant = self.constants[self._of_biases]
        if self.kind == RMS:
            found[: self.held], found[place] = w, b / constant
            return found
        found[place] = b / (2 * constant)
        if self.kind == NULL:
            found[: self.held], found[place + k] = w, -found[place]
            found[self.held + 2 * k] = -w.sum(axis=0)
            return found
        found[: self.held] = w / 2
        found[self.half : 2 * self.half] = -found[: self.half]
        return found

    @cached_property
    def _of_biases(self) -> int:
        """The constant that is a power of two."""
        return next(i for i, c in enumerate(self.constants) if np.frexp(c)[0] == 0.5)


def fitting(kind: str, held: int, scale: float, steps: int, least: int = 1) -> Frame:
    """The narrowest frame, of at least `least` dimensions, whose width is a multiple of `steps`."""
    return next(frames(kind, held, scale, steps, least))


def frames(kind: str, held: int, scale: float, steps: int, least: int = 1) -> Iterator[Frame]:
    """All frames of such a width, the narrowest first."""
    width = -(-max(held + 1, least) // steps) * steps
    while True:
        k = len(_unit_constants(kind, width)) if kind != MIRRORED or width % 2 == 0 else width
        needed = {RMS: held + k, NULL: held + 2 * k + 1, MIRRORED: 2 * (held + k)}[kind]
        if needed <= width:
            yield Frame(kind, held, width, scale)
        width += steps


def _unit_constants(kind: str, width: int) -> Floats:
    """The constants of a frame of scale 1."""
    if kind == RMS:
        return np.array(squares(width), np.float64)
    if width % 2 == 0:
        return np.array(squares(width // 2), np.float64)
    return np.array(squares(2 * width), np.float64) / 2


@lru_cache(maxsize=1024)
def squares(n: int) -> tuple[int, ...]:
    """The fewest whole numbers, one of them a power of two, whose squares add up to n; the smallest as large as can be.

    Four do for nearly all n, and five for the others.
    """
    powers = [1 << i for i in range(isqrt(n).bit_length())]
    for k in range(5):
        found = [(*rest, p) for p in powers if p * p <= n for rest in _sums_of(k, n - p * p, isqrt(n - p * p))]
        if found:
            return max((tuple(sorted(one, reverse=True)) for one in found), key=lambda one: (one[-1], one))
    raise AssertionError(f"{n} is no sum of five squares, which Lagrange excludes")


def _sums_of(k: int, n: int, most: int) -> Iterator[tuple[int, ...]]:
    """The ways to write n as a sum of k squares of numbers from 1 to `most`, the largest first."""
    if k == 0:
        if n == 0:
            yield ()
        return
    if k == 1:
        if n > 0 and (root := isqrt(n)) ** 2 == n and root <= most:
            yield (root,)
        return
    for first in range(min(most, isqrt(n)), 0, -1):
        if k * first * first < n:
            break
        yield from ((first, *rest) for rest in _sums_of(k - 1, n - first * first, first))
