"""What a design costs: neurons, waiting for what is decoded first, and rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.reading import features as F
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.tables import JOINT_LIMIT
from raspc.numbers.choice import Choice

NOISE = 2.0**-9
"""A design that rounds by more than this part of what a neuron writes is avoided."""
NOISE_TIED = 2.0**-16
"""The same for what a head that averages several keys compares: the score scale multiplies its error."""
NOISE_ANSWER = 2.0**-5
"""The same for the answer, of which only the greatest logit matters."""
CHOICE = Choice(
    "soonest", "neurons",
    "neurons that need not wait for others are preferred, however many they are",
    "by size (optimize=\"size\") plans are made without it too",
    "no layer that neurons could do without",
)  # fmt: skip

LATE = 1e6
"""What waiting for a decoded variable costs, in neurons."""
WAITS = 64
"""The same where the design would have to wait as long for another variable: what decoding the first may cost."""


def cost(ready: Readiness, design: Design | None, roots: Sequence[int], noise: float = NOISE) -> float:
    """Neurons; a design that must wait for a decoded variable costs more than any that need not.

    `roots`: of the variable that is computed. One whose many steep steps would drown the result in rounding (more than
    `noise`) is the last resort.
    """
    if design is None:
        return np.inf
    drowned = float(design.noise(ready.unit).max(initial=0.0)) > noise * max(
        1.0, float(np.abs(design.out).max(initial=0.0))
    )
    return design.price + waiting(ready, roots, design.axes, design.features) + 1e9 * drowned


def waiting(ready: Readiness, roots: Sequence[int], axes: Sequence[int], features: Sequence[Matrix]) -> float:
    """What it costs that neurons wait for what they read to be decoded: little where the roots come as late."""
    if not ready.is_late(axes, features):
        return 0.0
    return late(ready) if ready.delays(roots, axes, features) else WAITS


def late(ready: Readiness) -> float:
    """What a layer more costs, in neurons."""
    return LATE if ready.options.has("soonest") else WAITS


def decoding_cost(ready: Readiness, sums: Sequence[F.Sum | None]) -> float:
    """How many neurons decode what these sums read: two a step."""
    costs = 0
    for root, part in {(r, p.tobytes()): (r, p) for found in sums if found for r, p in found.parts}.values():
        if not ready.is_ready(root, part):
            order = np.argsort(ready.position(root)[0], kind="stable")
            costs += 2 * int((np.diff(part[order]) != 0).sum())
    return costs


def is_stored(design: Design, ready: Readiness) -> bool:
    """Whether a narrow format holds all weights, features and sums of a design, so that nothing is rounded.

    Of neurons that are shut far below their thresholds nothing is asked.
    """
    holds = ready.precision.holds
    if not (holds(design.bias) and holds(design.out) and holds(design.base)):
        return False
    products = np.zeros((*[1] * len(design.axes), design.size))
    for axis, (features, weights) in enumerate(zip(design.features, design.weights, strict=True)):
        if not (holds(features) and holds(weights)) or ready.position(design.axes[axis])[1] > 0:
            return False
        part = features @ weights
        shape = [len(part) if a == axis else 1 for a in range(len(design.axes))]
        products = products + part.reshape([*shape, design.size])
        if products.size > JOINT_LIMIT << 6:
            return False
    open_ = products + design.bias > 0  # a product and its bias may be stored one after the other
    return holds(np.where(open_, products, 0.0)) and holds(np.where(open_, products + design.bias, 0.0))
