"""Blocks: heads and neurons on named spaces. The paper's *craft* (Lindner et al. 2023, section 3.3).

A space is an ordered set of named directions. Reads and writes are linear maps between spaces; where a
space lies in the residual stream is nobody's concern before the weights are assembled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float64]

WHERE_GIVEN: Mapping[str, bool] = MappingProxyType({"where_given": True})
"""Of a field that a file has only where it is not its default."""

BOS = "bos"
"""The space of one direction that is 1 at BOS and 0 elsewhere, in every layer."""


@dataclass(frozen=True)
class Space:
    """An ordered set of directions; a label is `variable:value` or `variable:feature`."""

    name: str
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Read:
    """An affine map from the residual stream to `width` numbers: Σ x[space] @ maps[space] + bias."""

    maps: Mapping[str, Matrix]
    bias: Matrix

    @property
    def width(self) -> int:
        """How many numbers are read."""
        return len(self.bias)


@dataclass(frozen=True, eq=False)
class Write:
    """A linear map from `width` numbers to the stream: x[space] += numbers @ maps[space] + bias[space]."""

    maps: Mapping[str, Matrix]
    bias: Mapping[str, Matrix] = field(default_factory=dict)


SOFT = 64.0
"""Heads that are less sharp than this are so because their scores carry rounding."""


@dataclass(frozen=True, eq=False)
class Head:
    """One attention head. Shapes: r score directions, c value directions.

    The score of a key for a query is scale·(query read · key read) + the sink's score where the key is BOS;
    `sink` is in units of the scale unless `log_sink` is given, which is the score itself. The scale is a
    power of two that makes one unit at least `sharpness` after the division that the target does.
    `selector` names what the head implements. `kind` is "pick", "mean", "sum" or "width"; `single`: at most one key is
    ever selected, by structure. `steep`: how many score directions are steep, the last ones; `shortfall`: how far
    below 0 they put the score of a selected key, in units of the scale (`raspc.blocks.scores.steep`). `own`: what BOS
    scores for itself as a query beside its sink, in these units too.
    """

    name: str
    selector: str
    query: Read
    key: Read
    value: Read
    write: Write
    sink: float
    sharpness: float
    kind: str
    single: bool
    log_sink: float | None = None
    steep: int = 0
    shortfall: float = 0.0
    own: float = 2.0

    def scale(self, divisor: float) -> float:
        """The factor on queries: a power of two; one of five quarters, six or seven where sharpness is kept small.

        `divisor`: what the target divides products of queries and keys by (`Target.score_divisor`).

        Scores that carry rounding part by as much as the factor is larger than it must be.
        """
        least = self.sharpness * divisor
        power = float(2.0 ** np.floor(np.log2(least)))
        return (
            power * float(np.ceil(4 * least / power)) / 4
            if self.sharpness < SOFT
            else float(2.0 ** np.ceil(np.log2(least)))
        )


@dataclass(frozen=True, eq=False)
class Products:
    """relu(gate)·times, one number for each gated neuron, written to spaces by `out` [neurons, dims].

    What a family whose neurons are gated computes in place of all neurons of a block; see
    `raspc.blocks.neurons.products`.
    """

    gate: Read
    times: Read
    out: Mapping[str, Matrix]

    @property
    def size(self) -> int:
        """How many gated neurons there are."""
        return self.gate.width


@dataclass(frozen=True, eq=False)
class Neurons:
    """relu(read) written: a set of neurons that computes one variable.

    `slack` [n]: how far the read of a neuron that is half of a step may be off before the step is no longer
    flat; 0 for the other neurons, of which at most `reach` are near their threshold at once. `lead` [n]: how far
    from the foot of a ramp the nearest value lies that it lifts; 0 for neurons of no steep feature. `products`: what
    computes the same in a family whose neurons are gated, where it is a product.
    """

    name: str
    read: Read
    write: Write
    slack: Matrix
    reach: int
    lead: Matrix
    products: Products | None = field(default=None, metadata=WHERE_GIVEN)


Block: TypeAlias = Head | Neurons


def reads_of(block: Block) -> tuple[Read, ...]:
    """All that a block reads."""
    return (block.query, block.key, block.value) if isinstance(block, Head) else (block.read,)
