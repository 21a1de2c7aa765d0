"""The frame: constant dimensions beside what a program stores, which keep a normalisation still.

    rms       [x, C, 0 …]                  Σ C² = D · s², so that the root mean square is s as long as x² is small
                                           beside C²
    null      [x, h, C, 0, 0 …]            Σ C = 0, so that the mean is that of x and h alone; a dimension that holds 0
                                           takes it out of every read
    mirrored  [x, C, 0 …, −x, −C, 0 …]     the mean is 0; a read takes half of each side

D is the width of the stream and s, the scale, a power of two. The constants are whole numbers whose squares add up to D
(or to half of it), times s: Lagrange's theorem gives four of them at most. Of whole numbers that add up to 0 five are
enough for any even D: four wherever it is a sum of three squares x² + y² + z², as are the halves of x + y + z,
x − y − z, −x + y − z and −x − y + z; and else a fifth leaves one. For an odd D they are halves of such numbers.

Biases are read from a dimension too. After RMS, which leaves all numbers as they are, it is a constant that is a power
of two. So it is in a mirrored frame, which is for narrow formats: these round away what a norm leaves them off by. In a
null frame numbers stay a little off. There it is h, which is 1 everywhere but at BOS, and at BOS its indicator: so what
is to be 0 at BOS, or but for BOS, is 0 exactly, however large its weights are.
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
    """A stream of `width` dimensions that holds `held` of a program, in the dimension `bos` whether it is BOS.

    For `kind` and `scale` see above.
    """

    kind: str
    held: int
    width: int
    scale: float
    bos: int

    @cached_property
    def constants(self) -> Floats:
        """What the constant dimensions hold; of the mirrored ones the first half."""
        return self.scale * _unit_constants(self.kind, self.width)

    @property
    def null(self) -> int:
        """The dimension that holds 0, of a null frame."""
        return self.own + len(self.constants)

    @property
    def least(self) -> float:
        """The smallest constant."""
        return float(self.constants.min())

    @property
    def half(self) -> int:
        """How far a mirror image lies from what it shows."""
        return self.width // 2

    @property
    def own(self) -> int:
        """How many dimensions there are before the constants."""
        return self.held + (self.kind == NULL)

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each dimension beyond those of the program, in the order of the stream."""
        k, names = len(self.constants), ["frame:not BOS"] * (self.own - self.held)
        names += [f"frame:constant {i}" for i in range(k)]
        if self.kind == NULL:
            names += ["frame:null"]
        if self.kind == MIRRORED:
            names += ["frame:empty"] * (self.half - self.held - len(names))
            names += [f"frame:minus {i}" for i in range(self.half)]
        return (*names, *["frame:empty"] * (self.width - self.held - len(names)))

    def embedding(self, x: Floats) -> Floats:
        """Rows [n, held] of a table as rows of the stream, with the constants."""
        rows = self.written(x)
        rows[:, self.own : self.own + len(self.constants)] = self.constants
        if self.kind == NULL:
            rows[:, self.held] = 1 - x[:, self.bos]
        if self.kind == MIRRORED:
            rows[:, self.half : 2 * self.half] = -rows[:, : self.half]
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
        found[: self.held] = w
        if self.kind == NULL:
            found[self.bos] += b
            found[self.held] = b
            stored = found[: self.own].astype(np.float32).astype(np.float64)  # from which it is made again
            found[self.null] = -stored.sum(axis=0)
            return found
        found[self.held + self._of_biases] = b / self.constants[self._of_biases]
        if self.kind == MIRRORED:
            found /= 2
            found[self.half : 2 * self.half] = -found[: self.half]
        return found

    def unread(self, found: Floats) -> tuple[Floats, Floats]:
        """The inverse of `read`."""
        if self.kind == NULL:
            w, b = found[: self.held].copy(), found[self.held].copy()
            w[self.bos] = _apart(w[self.bos], b)
            return w, b
        whole = found * (2 if self.kind == MIRRORED else 1)
        place = self._of_biases
        return whole[: self.held], whole[self.held + place] * self.constants[place]

    @cached_property
    def _of_biases(self) -> int:
        """The constant that is a power of two."""
        return next(i for i, c in enumerate(self.constants) if np.frexp(c)[0] == 0.5)


def _apart(total: Floats, b: Floats) -> Floats:
    """w where `total` is w + b as float32 rounds it: of all such w the one of the fewest digits."""
    step = 2.0 * np.spacing(np.abs(total).astype(np.float32)).astype(np.float64)
    short = np.round((total - b) / step) * step
    return np.where((short + b).astype(np.float32) == total, short, total - b)


def fitting(kind: str, held: int, scale: float, steps: int, least: int = 1, bos: int = 0) -> Frame:
    """The narrowest frame, of at least `least` dimensions, whose width is a multiple of `steps`."""
    return next(frames(kind, held, scale, steps, least, bos))


def frames(kind: str, held: int, scale: float, steps: int, least: int = 1, bos: int = 0) -> Iterator[Frame]:
    """All frames of such a width, the narrowest first."""
    width = -(-max(held + 1, least) // steps) * steps
    while True:
        k = len(_unit_constants(kind, width))
        needed = {RMS: held + k, NULL: held + k + 2, MIRRORED: 2 * (held + k)}[kind]
        if needed <= width and (kind != MIRRORED or width % 2 == 0):
            yield Frame(kind, held, width, scale, bos)
        width += steps


def _unit_constants(kind: str, width: int) -> Floats:
    """The constants of a frame of scale 1."""
    if kind == RMS:
        return np.array(squares(width, with_power=True), np.float64)
    if kind == NULL:
        return (
            np.array(balanced(width), np.float64) if width % 2 == 0 else np.array(balanced(4 * width), np.float64) / 2
        )
    return np.array(squares(width // 2, with_power=True), np.float64) if width % 2 == 0 else np.zeros(width)


@lru_cache(maxsize=1024)
def squares(n: int, with_power: bool = False) -> tuple[int, ...]:
    """The fewest whole numbers whose squares add up to n, the largest first; the smallest is as large as can be.

    `with_power`: one of them is a power of two.
    """
    powers = [1 << i for i in range(isqrt(n).bit_length())]
    for k in range(1, 6):
        if with_power:
            found = [(*rest, p) for p in powers if p * p <= n for rest in _sums_of(k - 1, n - p * p, isqrt(n))]
        else:
            found = list(_sums_of(k, n, isqrt(n)))
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


@lru_cache(maxsize=1024)
def balanced(n: int) -> tuple[int, ...]:
    """The fewest whole numbers that add up to 0 and whose squares add up to n, which is even; none larger than need be.

    The first is the largest, the others descend.
    """
    for k in range(2, 6):
        for top in range(isqrt((n - 1) // k) + 1, isqrt(n) + 1):
            rest = next(_adding_up(k - 1, -top, n - top * top, top, top), None)
            if rest is not None:
                return (top, *rest)
    raise AssertionError(f"{n} is no sum of the squares of five numbers that add up to 0")


def _adding_up(k: int, total: int, n: int, first: int, most: int) -> Iterator[tuple[int, ...]]:
    """k whole numbers other than 0, from `first` down to −`most`, that add up to `total`, and their squares to n."""
    if k == 1:
        if total * total == n > 0 and -most <= total <= first:
            yield (total,)
        return
    if k == 2:  # they are half of the total and a half of the root, more and less
        apart = isqrt(max(2 * n - total * total, 0))
        high, low = (total + apart) // 2, (total - apart) // 2
        if high + low == total and high * high + low * low == n and high * low and -most <= low and high <= first:
            yield (high, low)
        return
    for one in range(min(first, isqrt(n)), -most - 1, -1):
        if k * one < total:
            return
        left = n - one * one
        if one and left > 0 and (total - one) ** 2 <= (k - 1) * left:
            yield from ((one, *rest) for rest in _adding_up(k - 1, total - one, left, one, most))
