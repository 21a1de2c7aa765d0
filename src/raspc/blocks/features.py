"""Features: real functions of one variable, as vectors over its value set.

Of an interval a feature is a vector too: the factor of the number, then the value at each special value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Domain, Floats, Interval, Listed
from raspc.graph.tables import Joint

TOLERANCE = 1e-9


def size(domain: Domain) -> int:
    """The length of a feature vector."""
    return len(domain) if isinstance(domain, Listed) else 1 + len(domain.specials)


def number(domain: Domain) -> Floats:
    """The number itself; 0 at special values."""
    return domain.numbers if isinstance(domain, Listed) else np.eye(1, size(domain))[0]


def special_indicators(domain: Domain) -> Matrix:
    """[size, specials]: one indicator for each value that is not a number."""
    if isinstance(domain, Interval):
        return np.eye(size(domain))[:, 1:]
    return np.eye(len(domain))[:, ~domain.is_number]


def numeric_code(domain: Domain) -> Matrix:
    """[size, 1 + specials]: the number, then an indicator for each special value.

    No number column if there is none but zeros to store.
    """
    columns = [special_indicators(domain)]
    if isinstance(domain, Interval) or domain.is_number.any():
        columns.insert(0, number(domain)[:, None])
    return np.hstack(columns)


@dataclass(frozen=True, eq=False)
class Sum:
    """A feature as a constant and a sum of features of the roots."""

    constant: float
    parts: tuple[tuple[int, Floats], ...]


def additive(joint: Joint, feature: Floats) -> Sum | None:
    """The feature of a listed node as a sum of features of its roots, or None if it is none. Remembered.

    A function of several variables is a sum of functions of one if it equals what it is along the axes
    through one hub; combinations that cannot occur are free.
    """
    key = feature.tobytes()
    if key not in joint.sums:
        joint.sums[key] = _additive(joint, feature)
    found: Sum | None = joint.sums[key]
    return found


def _additive(joint: Joint, feature: Floats) -> Sum | None:
    known = joint.cells >= 0
    grid = feature[np.maximum(joint.cells, 0)]  # what has no value counts as the first: the same for all features
    if not joint.roots:
        return Sum(float(grid), ())
    if len(joint.roots) == 1:
        return Sum(0.0, ((joint.roots[0], grid),))
    used = [known.any(axis=tuple(a for a in range(known.ndim) if a != axis)) for axis in range(known.ndim)]
    for hub in product(*((0, extent - 1) for extent in known.shape)):
        lines = [tuple(slice(None) if a == axis else hub[a] for a in range(known.ndim)) for axis in range(known.ndim)]
        if not known[hub] or any((used[axis] & ~known[line]).any() for axis, line in enumerate(lines)):
            continue
        constant = float(grid[hub])
        parts = [np.where(used[axis], grid[line] - constant, 0.0) for axis, line in enumerate(lines)]
        total = constant + sum(
            part.reshape([-1 if a == axis else 1 for a in range(known.ndim)]) for axis, part in enumerate(parts)
        )
        if np.all((np.abs(total - grid) <= TOLERANCE * np.maximum(1, np.abs(grid))) | ~known):
            return Sum(constant, tuple(p for p in zip(joint.roots, parts, strict=True) if p[1].any()))
        return None
    return None


def basis(columns: Matrix, spanned: Matrix) -> Matrix:
    """The first columns that are independent of the constant, of `spanned`, and of one another."""
    rows = len(columns)
    if not columns.shape[1] or _holds_identity(spanned):
        return columns[:, :0]
    frame = _orthonormal(np.hstack([np.ones((rows, 1)), spanned]))
    chosen: list[int] = []
    for place in range(columns.shape[1]):
        column = columns[:, place]
        rest = column - frame @ (frame.T @ column)
        rest = rest - frame @ (frame.T @ rest)
        if np.linalg.norm(rest) > 1e-7 * max(1.0, float(np.linalg.norm(column))):
            chosen.append(place)
            frame = np.hstack([frame, (rest / np.linalg.norm(rest))[:, None]])
    return columns[:, chosen]


def _holds_identity(code: Matrix) -> bool:
    """Whether one of the blocks of columns is one-hot, so that it spans everything."""
    rows = len(code)
    ones = np.flatnonzero((code != 0).sum(axis=0) == 1)
    return bool(len(ones) >= rows and (code[:, ones] != 0).any(axis=1).all())


def _orthonormal(columns: Matrix) -> Matrix:
    if columns.shape[1] == 1:
        return columns / np.linalg.norm(columns)
    u, s, _ = np.linalg.svd(columns, full_matrices=False)
    frame: Matrix = u[:, s > 1e-9 * s.max()]
    return frame


def express(code: Matrix, features: Matrix, with_constant: bool = True) -> tuple[Matrix, Floats] | None:
    """(W, c) with code @ W + c = features, exactly up to rounding; None if there is no such W."""
    dims, count = code.shape[1], features.shape[1]
    if dims == len(code) and np.array_equal(code, np.eye(dims)):
        return features.copy(), np.zeros(count)
    places = {code[:, i].tobytes(): i for i in range(dims)}
    weights, constant = np.zeros((dims, count)), np.zeros(count)
    open_columns = []
    flat = (features == features[:1]).all(axis=0)
    for j in range(count):
        place = places.get(np.ascontiguousarray(features[:, j]).tobytes())
        if place is not None:
            weights[place, j] = 1.0
        elif with_constant and flat[j]:
            constant[j] = features[0, j]
        else:
            open_columns.append(j)
    if open_columns:
        solved = _solve(code, features[:, open_columns], with_constant)
        if solved is None:
            return None
        weights[:, open_columns], constant[open_columns] = solved
    return weights, constant


def _solve(code: Matrix, features: Matrix, with_constant: bool) -> tuple[Matrix, Floats] | None:
    design = np.hstack([code, np.ones((len(code), int(with_constant)))])
    if not design.shape[1]:
        return None
    solution = np.linalg.lstsq(design, features, rcond=None)[0]
    for candidate in (np.round(solution), np.round(solution * 2) / 2, solution):
        error = np.abs(design @ candidate - features)
        if np.all(error <= TOLERANCE * np.maximum(1.0, np.abs(features))):
            constant = candidate[-1] if with_constant else np.zeros(features.shape[1])
            return np.asarray(candidate[: code.shape[1]], np.float64), np.asarray(constant, np.float64)
    return None


def in_span(code: Matrix, feature: Floats, with_constant: bool = True) -> bool:
    """Whether the feature is an affine function of the code's columns."""
    return express(code, feature[:, None], with_constant) is not None


def stacked(columns: Sequence[Floats], rows: int) -> Matrix:
    """Columns side by side; of none, an empty matrix with that many rows."""
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))
