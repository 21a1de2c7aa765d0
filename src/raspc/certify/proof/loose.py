"""What a stock family makes of the numbers that a plain model would compute: how far off they are when they are read.

A norm gives each number x of the stream as (1 + ρ)·(x + e). The factor is one for all numbers at a position, so that it
moves no threshold: a neuron gives (1 + ρ)·relu(z), and a score is off by a part of itself. Each e is of its own. A mean
m that is taken out stands in every number alike, and what reads them takes it away again: that rounds more numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.certify.proof.dusty import Dust
from raspc.graph.nodes import Bits, Floats


@dataclass(frozen=True, eq=False)
class Loose:
    """Errors that a family adds.

    `neuron`: of what one neuron gives, where what it reads is nearer to 0 than `quiet`, and not 0: elsewhere it is
    relu to the last digit. `steep`: K, which all that neurons read is multiplied by. `common`: |ρ| at most. `rate`,
    `constant`: |e| ≤ rate·|x| + constant. `mean`: |m| at most. `written`: the part of itself that what neurons write is
    off by, all of it alike; `base`: that of the constants that they add. `added` [dims]: what stands in each dimension
    of the stream besides the program's number, and is taken away again by who reads it. `dust`: what the norm leaves of
    numbers in a mirrored frame.
    """

    neuron: float = 0.0
    quiet: float = np.inf
    steep: float = 1.0
    common: float = 0.0
    rate: float = 0.0
    constant: float = 0.0
    mean: float = 0.0
    written: float = 0.0
    base: float = 0.0
    added: Floats | None = None
    dust: Dust | None = None

    @property
    def exactly(self) -> bool:
        """Whether numbers that are read are those that are stored, so that sums of few digits do not round."""
        return self.common == self.rate == self.constant == self.mean == 0

    @property
    def part(self) -> float:
        """The part of itself that a product of two numbers, which are read at two positions, is off by."""
        return 2.01 * (self.common + self.rate + self.constant)

    def of(self, numbers: Matrix, dims: slice, listed: bool = True) -> Matrix:
        """|e| of numbers of that size, [rows, dims] or [dims].

        What is 0 exactly stays the mean, as the number does that takes it away. `listed`: these are all numbers, and
        not the ends of an interval.
        """
        beside = 0.0 if self.added is None else 2 * self.rate * self.added[dims]
        some = (numbers > 0) | (not listed)
        found: Matrix = self.rate * numbers + self.constant * some + beside
        return found

    def near(self, reads: Matrix, off: Matrix) -> Bits:
        """Where neurons that read these numbers, or numbers that are so far off, may give something else than relu.

        What is dust and should be 0 gives no more than that: |act(x)| ≤ |x|.
        """
        some = (reads != 0) | ((off > 0) & (self.dust is None))
        return np.asarray((np.abs(reads) - off < self.quiet) & some)

    def of_biases(self, bias: Floats) -> Floats:
        """How far off constants are that are read from a number of the stream, 1 or a power of two."""
        return np.asarray((self.rate + self.constant) * np.abs(bias))


FIRM = Loose()
"""Of the plain model there are none."""
