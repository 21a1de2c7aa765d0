"""What a stock family adds to what can go wrong: norms, activations, rotations, and what of the weights is no program.

The proof of a model in a family's parameters is that of the plain model that they hold, read off them, with errors
besides, which are bounded here. u is the unit roundoff of float32, n how wide the stream is, s its root mean square.

- RMSNorm is the identity where |x|² < c²·2⁻²⁵, for the smallest constant c: then x² vanishes beside it in whatever
  order squares are added up, the mean square is s², its root exact, and the gain s gives back what was there.
- LayerNorm gives each x_i as (1 + ρ)·x_i, with |ρ| ≤ |x|²/2ns² + (n + 8)·u, off by 3u·|x_i| and, as the mean m is taken
  out of each number and out of the one that holds 0, by 2(n + 6)·u·|m| besides. No sum is exact after it.
- relu(z) = act(K·z)/K but for 0.2785/K (SiLU) or 0.17/K (GELU, both forms), wherever z is.
- A rotation by an angle a leaves a pair of which one is 0 as it is, in float32, while a < 2⁻¹²·√2.
- Weights that are none of the plain model, in the frame, are strays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from raspc.numbers.precision import PRECISIONS, Precision
from raspc.stock.frame import NULL, RMS
from raspc.stock.model import frame_of, strays
from raspc.stock.sizes import largest_of
from raspc.target.families import FAMILIES, HUGE_THETA
from raspc.weights.certificate import Link
from raspc.weights.model import Model

BESIDE_RELU = {"relu": 0.0, "silu": 0.2785, "gelu": 0.17, "gelu_tanh": 0.1701}
"""How far act(z) is from relu(z) at most."""
UNIT = PRECISIONS["float32"].unit


@dataclass(frozen=True)
class Loose:
    """Errors that a family adds: of one neuron, and of each number of the stream, in parts of itself and besides.

    `exactly`: numbers that are read are those that are stored, so that sums of few digits do not round.
    """

    neuron: float = 0.0
    rate: float = 0.0
    constant: float = 0.0

    @property
    def exactly(self) -> bool:
        """Whether what is read is what is stored."""
        return self.rate == 0 and self.constant == 0


FIRM = Loose()
"""Of the plain model there are none."""


def loose_of(model: Model) -> Loose:
    """The errors that the family of a model adds."""
    held = model.config.held
    if held is None:
        return FIRM
    frame, neuron = frame_of(model), BESIDE_RELU[model.config.activation] / held.step_sharpness
    if frame.kind != NULL:
        return Loose(neuron)
    largest = largest_of(model.plain)
    n, size = frame.width, float((largest**2).sum()) + 1.0
    rate = size / (2 * n * frame.scale**2) + (n + 11) * UNIT
    mean = (float(largest.sum()) + 1.0) / n + n * UNIT * float(frame.constants.max())
    return Loose(neuron, rate, 2 * (n + 6) * UNIT * mean)


def links_of_family(model: Model, precision: Precision) -> Iterator[Link]:
    """The decisions that a family adds."""
    held = model.config.held
    if held is None:
        return
    for name, size in strays(model).items():
        yield Link("stray weights", name, size, 0.0, "of a weight that is none of the plain model")
    frame, family = frame_of(model), FAMILIES[model.config.family]
    size = float((largest_of(model.plain) ** 2).sum())
    if frame.kind == RMS:
        yield Link("norm", family.name, size, frame.least**2 * 2.0**-25, "of squares that vanish beside a constant")
    else:
        room = frame.width * frame.scale**2 * (2.0**-10 if precision.narrow else 2.0**-20)
        yield Link("norm", family.name, size, room, "of squares beside those of constants")
        if precision.narrow:
            yield Link("mean", family.name, np.inf, 0.0, "of a mean that is taken out in a narrow format")
    if family.rotary:
        width = model.config.widths[0].d_head
        slowest = model.config.n_ctx * HUGE_THETA ** (-2 * (width // 4) / width)
        yield Link("rotation", family.name, slowest, 2.0**-12, "of the angle that turns a query or a key")
