"""Features: real functions of one variable, as vectors over its value set.

Of an interval a feature is a vector too: the factor of the number, then the value at each special value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Domain, Floats, Ids, Interval, Listed
from raspc.graph.tables import Joint

TOLERANCE = 1e-9
NEAR, FAR = 1e-12, 1e-6
"""What lies so near a code, relatively, is in its span, and what lies so far off is not, whatever the rounding."""
MANY, FEW = 64, 8
"""From so many indicators on beside so few other columns, most are known to be independent without any arithmetic."""
SURE = 1e-3
"""The least singular value of what says so."""


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
    places = np.flatnonzero(~domain.is_number)
    columns: Matrix = np.zeros((len(domain), len(places)))
    columns[places, np.arange(len(places))] = 1.0
    return columns


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
        (joint.sums[key],) = _additive(joint, feature[None])
    found: Sum | None = joint.sums[key]
    return found


def look_for_sums(joint: Joint, features: Sequence[Floats]) -> None:
    """Which of many features are sums, found all at once, for `additive` to remember."""
    new = {key: feature for feature in features if (key := feature.tobytes()) not in joint.sums}
    if new:
        joint.sums.update(zip(new, _additive(joint, np.stack(list(new.values()))), strict=True))


def _additive(joint: Joint, features: Matrix) -> list[Sum | None]:
    """Each of several features [c, values] as a sum."""
    if not joint.roots:
        return [Sum(float(one), ()) for one in _there(features, joint.cells)]
    if len(joint.roots) == 1:
        return [Sum(0.0, ((joint.roots[0], one),)) for one in _there(features, joint.cells)]
    if joint.hub is None:
        return [_by_steps(joint, one) for one in features] if joint.steps is not None else [None] * len(features)
    corner, used = joint.hub
    constants = features[:, joint.cells[corner]]
    lines = [_there(features, joint.cells[joint.line(corner, axis)]) for axis in range(len(used))]
    parts = [np.where(here, line - constants[:, None], 0.0) for here, line in zip(used, lines, strict=True)]
    there = joint.one_each  # a feature that is no sum shows it at one cell for each value, almost always
    likely = sum((part[:, place] for part, place in zip(parts, there, strict=True)), constants[:, None])
    found: list[Sum | None] = [None] * len(features)
    for i in np.flatnonzero(_near(likely, features[:, joint.cells[there]]).all(axis=1)).tolist():
        own = [part[i].copy() for part in parts]
        if _is_sum(joint.cells, features[i], constants[i], own):
            found[i] = Sum(float(constants[i]), tuple(p for p in zip(joint.roots, own, strict=True) if p[1].any()))
    return found


def _by_steps(joint: Joint, feature: Floats) -> Sum | None:
    """A feature of two variables as a sum, told from cell to cell: each tells the part of one more value."""
    parts = [np.zeros(size) for size in joint.cells.shape]
    for axis, values, others in (joint.steps or ())[1:]:
        cells = joint.cells[others, values] if axis else joint.cells[values, others]
        parts[axis][values] = feature[cells] - parts[1 - axis][others]
    found = _is_sum(joint.cells, feature, 0.0, parts)
    return Sum(0.0, tuple(p for p in zip(joint.roots, parts, strict=True) if p[1].any())) if found else None


def _there(features: Matrix, cells: Ids) -> Matrix:
    """The features [c, values] at each cell; what has no value counts as the first: the same for all features."""
    return features.take(np.maximum(cells, 0), axis=1)


def _near(found: Floats, wanted: Floats) -> NDArray[np.bool_]:
    """Where two numbers are the same, up to rounding."""
    return np.asarray(np.abs(found - wanted) <= TOLERANCE * np.maximum(1, np.abs(wanted)))


def _is_sum(cells: Ids, feature: Floats, constant: float, parts: Sequence[Floats]) -> bool:
    """Whether the feature is the constant plus the parts, at each cell that is known."""
    grid, total = feature.take(np.maximum(cells, 0)), np.array(constant)
    for axis, part in enumerate(parts):
        total = total + part.reshape([-1 if a == axis else 1 for a in range(len(parts))])
    return bool((_near(total, grid) | (cells < 0)).all())


def basis(columns: Matrix, spanned: Matrix) -> Matrix:
    """The first columns that are independent of the constant, of `spanned`, and of one another.

    What is left out can be expressed by what is there (`express`), however near to it or to a constant it lies.
    """
    if not columns.shape[1] or _holds_identity(spanned):
        return columns[:, :0]
    first = orthonormal(np.hstack([np.ones((len(columns), 1)), spanned]))
    ahead, rest = _surely(columns, first)
    sizes = np.sqrt((columns[:, ahead:] ** 2).sum(axis=0))
    left = first if not ahead else orthonormal(first[rest])
    others = _independent(columns[rest, ahead:], spanned[rest], left, np.maximum(1.0, sizes))
    return columns[:, [*range(ahead), *(ahead + place for place in others)]]


def _independent(columns: Matrix, spanned: Matrix, first: Matrix, sizes: Floats) -> list[int]:
    """The places of these columns; `first`: an orthogonal basis of the constant and of `spanned`."""
    rows, count = len(columns), first.shape[1]
    frame = np.zeros((rows, min(rows, count + columns.shape[1])), order="F")
    frame[:, :count] = first
    chosen: list[int] = []
    for place, column in enumerate(columns.T):
        if count >= rows:  # everything is spanned
            break
        known = frame[:, :count]
        rest = column - known @ (column @ known)
        rest -= known @ (rest @ known)
        left = sqrt(rest @ rest)
        off = left / sizes[place]
        if off > FAR or (off > NEAR and not in_span(np.hstack([spanned, columns[:, chosen]]), column)):
            chosen.append(place)
            frame[:, count] = rest / left
            count += 1
    return chosen


def _surely(columns: Matrix, first: Matrix) -> tuple[int, NDArray[np.intp] | slice]:
    """How many of the first columns are indicators that are surely independent, and the rows that they leave.

    Of indicators of rows none is in the span of the others and of a frame of orthogonal columns, if the rows that are
    left hold the frame: with s its least singular value there, each is s/√(s² + 1) or more away from the span. What
    comes after these is independent if it is so on the rows that are left.
    """
    many = len(columns)
    units = (columns == 1.0).sum(axis=0) == 1
    units &= (columns != 0.0).sum(axis=0) == 1
    most = columns.shape[1] if units.all() else int(units.argmin())
    if most < MANY or first.shape[1] > FEW:
        return 0, slice(None)
    places = columns[:, :most].argmax(axis=0)
    low, high = 0, most + 1 if len(np.unique(places)) == most else 1
    while high - low > 1:
        middle = (low + high) // 2
        rest = np.delete(np.arange(many), places[:middle])
        enough = len(rest) >= first.shape[1]
        held = enough and np.linalg.svd(first[rest], compute_uv=False).min(initial=1.0) > SURE
        low, high = (middle, high) if held else (low, middle)
    return (low, np.delete(np.arange(many), places[:low])) if low else (0, slice(None))


def _holds_identity(code: Matrix) -> bool:
    """Whether one of the blocks of columns is one-hot, so that it spans everything."""
    rows = len(code)
    ones = np.flatnonzero((code != 0).sum(axis=0) == 1)
    return bool(len(ones) >= rows and (code[:, ones] != 0).any(axis=1).all())


def orthonormal(columns: Matrix) -> Matrix:
    """A basis of what the columns span, of orthogonal columns of length 1."""
    if columns.shape[1] == 1:
        return columns / np.linalg.norm(columns)
    u, s, _ = np.linalg.svd(columns, full_matrices=False)
    frame: Matrix = u[:, s > 1e-9 * s.max()]
    return frame


WHOLE = (1, 2, 1 << 12)
"""Weights are whole numbers if they can be, else of so many parts: a digit of a position is a part of it."""


def express(code: Matrix, features: Matrix, with_constant: bool = True) -> tuple[Matrix, Floats] | None:
    """(W, c) with code @ W + c = features, exactly up to rounding; None if there is no such W."""
    dims, count = code.shape[1], features.shape[1]
    if dims == len(code) and np.array_equal(code, np.eye(dims)):
        return features.copy(), np.zeros(count)
    places = {code[:, i].tobytes(): i for i in range(dims)}
    weights, constant = np.zeros((dims, count)), np.zeros(count)
    open_columns = []
    flat = (features == features[:1]).all(axis=0)
    for j, feature in enumerate(np.ascontiguousarray(features.T)):
        place = places.get(feature.tobytes())
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
    solution: Matrix = np.asarray(np.linalg.lstsq(design, features, rcond=None)[0], np.float64)
    for candidate in (*(np.round(solution * parts) / parts for parts in WHOLE), solution):
        if _gives(design, candidate, features):
            constant = candidate[-1] if with_constant else np.zeros(features.shape[1])
            return np.asarray(candidate[: code.shape[1]], np.float64), np.asarray(constant, np.float64)
    return None


SOME = 256
"""So many features are compared at one time; the first time a few, which most combinations do not give."""


def _gives(design: Matrix, weights: Matrix, features: Matrix) -> bool:
    """Whether the features are these combinations, up to rounding."""
    many = features.shape[1]
    for low, high in pairwise(
        [*range(0, many, SOME), many] if many <= SOME else [0, 4, *range(SOME, many, SOME), many]
    ):
        part = features[:, low:high]
        error = np.abs(design @ weights[:, low:high] - part)
        if not np.all(error <= TOLERANCE * np.maximum(1.0, np.abs(part))):
            return False
    return True


def in_span(code: Matrix, feature: Floats, with_constant: bool = True) -> bool:
    """Whether the feature is an affine function of the code's columns."""
    return express(code, feature[:, None], with_constant) is not None


def stacked(columns: Sequence[Floats], rows: int) -> Matrix:
    """Columns side by side; of none, an empty matrix with that many rows."""
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))
