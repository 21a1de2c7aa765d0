"""A set of neurons that computes one variable: what it reads, its weights, what it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from raspc.blocks.spaces import WHERE_GIVEN, Matrix
from raspc.graph.nodes import Floats

NEURON_LIMIT = 1 << 15
"""The most neurons of one design."""


Worth: TypeAlias = Callable[[int, Sequence[int], Sequence[Matrix]], bool]
"""Whether a design of so many neurons, which reads these features of these axes, is worth making."""


def always(size: int, axes: Sequence[int], features: Sequence[Matrix]) -> bool:
    """Every design is."""
    return True


@dataclass(frozen=True, eq=False)
class Multiplied:
    """relu(Σ_i features_i @ gates_i + gate_bias)·(Σ_i features_i @ times_i + times_bias) @ out, by gated neurons.

    The features are those of a design, `off` [c] is about how far rounding moves each output.
    """

    gates: tuple[Matrix, ...]
    gate_bias: Floats
    times: tuple[Matrix, ...]
    times_bias: Floats
    out: Matrix
    off: Floats


@dataclass(frozen=True, eq=False)
class Design:
    """relu(Σ_i features_i[value_i] @ weights_i + bias) @ out + base, for input variables i.

    `gap`: the least distance along a line between values that are told apart; infinite for cells.
    `slack`, `reach` and `lead`: see `raspc.blocks.spaces.Neurons`; no `lead` stands for zeros. `products`: the same as
    products, for a target that has gated neurons.
    """

    axes: tuple[int, ...]
    features: tuple[Matrix, ...]
    weights: tuple[Matrix, ...]
    bias: Floats
    out: Matrix
    base: Floats
    gap: float
    slack: Floats
    reach: int = 0
    lead: Floats | None = None
    products: Multiplied | None = field(default=None, metadata=WHERE_GIVEN)

    @property
    def leads(self) -> Floats:
        """`lead` of each neuron."""
        return np.zeros(self.size) if self.lead is None else self.lead

    @property
    def size(self) -> int:
        """The number of neurons."""
        return len(self.bias)

    @property
    def price(self) -> int:
        """The number of neurons that the target has for it."""
        return self.size if self.products is None else len(self.products.gate_bias)

    def noise(self, unit: float) -> Floats:
        """[c] about how far rounding with this unit moves each output: a unit of all that the neurons can write."""
        if self.products is not None:
            return self.products.off
        top = self.bias
        for features, weights in zip(self.features, self.weights, strict=True):
            top = top + _greatest(features, weights)
        return unit * np.maximum(top, 0.0) @ np.abs(self.out)


def _greatest(features: Matrix, weights: Matrix) -> Floats:
    """The greatest entry of each column of features @ weights; 0 where none is positive."""
    if features.shape[1] > 1 and len(features):
        return (features @ weights).max(axis=0, initial=0.0)  # type: ignore[no-any-return]
    low, high = features.min(initial=0.0), features.max(initial=0.0)
    return np.maximum(low * weights, high * weights).max(axis=0, initial=0.0)  # type: ignore[no-any-return]


def beside(one: Design, other: Design) -> Design:
    """Both designs of the same variable, which they read along the same line; outputs side by side."""
    if one.axes != other.axes or not all(map(np.array_equal, one.features, other.features)):
        raise ValueError(f"designs that stand side by side read the same features: {one.axes} and {other.axes}")
    out = np.zeros((one.size + other.size, one.out.shape[1] + other.out.shape[1]))
    out[: one.size, : one.out.shape[1]], out[one.size :, one.out.shape[1] :] = one.out, other.out
    return Design(
        one.axes, one.features, tuple(map(np.hstack, zip(one.weights, other.weights, strict=True))),
        np.concatenate([one.bias, other.bias]), out, np.concatenate([one.base, other.base]), min(one.gap, other.gap),
        np.concatenate([one.slack, other.slack]), max(one.reach, other.reach),
        np.concatenate([one.leads, other.leads]),
    )  # fmt: skip


def evened(design: Design) -> Design:
    """A line whose steps are all as steep as the steepest: of multiples of a power of two, all reads then are too.

    Ratios of slopes are powers of two, and a steeper ramp is a narrower one. Other designs stay as they are.
    """
    if not _is_line(design):
        return design
    slopes = np.abs(np.vstack(design.weights)).max(axis=0)
    ratio = slopes.max(initial=0.0) / slopes
    half = np.tile([0.5, -0.5], design.size // 2)
    return replace(
        design,
        weights=tuple(w * ratio for w in design.weights),
        bias=half + ratio * (design.bias - half),
        slack=ratio * (design.slack + 0.5) - 0.5,
    )


def _is_line(design: Design) -> bool:
    """Whether all neurons are halves of steps along one sum."""
    rows = np.vstack([np.zeros((0, design.size)), *design.weights])
    if not len(rows) == len(design.weights) > 0 or (rows != rows[:1]).any() or design.size % 2:
        return False
    return bool((design.slack > 0).all() and np.allclose(design.bias[::2] - design.bias[1::2], 1.0))
