"""How well scores rank what is true above what is not. Equal scores count as they would in the mean over all orders."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]
Marks: TypeAlias = NDArray[np.bool_]


def auroc(values: Values, true: Marks) -> float | None:
    """The chance that something true has a higher score than something false, where an equal one counts half.

    None where all are true, or none is. (Hanley and McNeil 1982.)
    """
    up, down = values[true], np.sort(values[~true])
    if not len(up) or not len(down):
        return None
    below, upto = np.searchsorted(down, up, "left"), np.searchsorted(down, up, "right")
    return float((below + upto).sum() / 2 / (len(up) * len(down)))


def average_precision(values: Values, true: Marks) -> float | None:
    """The precision at each score that a true one has, in the mean over true ones. All of one score come together.

    It is what scikit-learn's `average_precision_score` gives. None where nothing is true.
    """
    if not true.any():
        return None
    levels = np.unique(values)[::-1]
    taken = np.array([(values >= level).sum() for level in levels])
    hits = np.array([(true & (values >= level)).sum() for level in levels])
    gained = np.diff(np.concatenate([[0], hits])) / true.sum()
    return float((gained * hits / taken).sum())


def at_size(values: Values, true: Marks, size: int) -> tuple[float | None, float | None]:
    """Precision and recall of the `size` highest; of equal ones at the border as many as fit, in the mean over which.

    None for a precision of none, and for a recall where nothing is true.
    """
    if size < 1:
        return None, 0.0 if true.any() else None
    border = np.sort(values)[::-1][min(size, len(values)) - 1]
    above, at = values > border, values == border
    hits = float((true & above).sum() + (true & at).sum() * (min(size, len(values)) - above.sum()) / at.sum())
    return hits / size, hits / float(true.sum()) if true.any() else None


def highest(values: Values, size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The places of the `size` highest. Which of equal ones is left to chance, not to their order."""
    order = np.lexsort((rng.random(len(values)), -values))
    return np.sort(order[:size])


def has_border(values: Values, size: int) -> bool:
    """Whether it is left to chance which are the `size` highest."""
    if not 0 < size < len(values):
        return False
    ranked = np.sort(values)[::-1]
    return bool(ranked[size - 1] == ranked[size])


def as_arrays(scores: Any, truth: Any, absolute: bool) -> tuple[tuple[str, ...], Values, Marks]:
    """Names, scores (without their signs, if `absolute`), and which are true."""
    names = tuple(scores)
    values = np.array([float(scores[name]) for name in names], np.float64)
    return names, np.abs(values) if absolute else values, np.array([name in truth for name in names], bool)
