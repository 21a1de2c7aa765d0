"""Vectors over named directions (Lindner et al. 2023, section 3.3).

The directions of a space or a vector are always sorted, so that equal sets of directions are equal spaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from raspc import values

Name = int | str
Value = int | float | bool | str | tuple[Any, ...]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class BasisDirection:
    """A named axis: a variable, and the value of it that the axis stands for, if any."""

    name: Name
    value: Value | None = None

    def __str__(self) -> str:
        return str(self.name) if self.value is None else f"{self.name}:{self.value}"

    def __lt__(self, other: BasisDirection) -> bool:
        return self._place() < other._place()

    def _place(self) -> tuple[Any, ...]:
        return values.order(self.name), values.order(self.value)


@dataclass(eq=False)
class VectorInBasis:
    """A vector, or an array of vectors whose last axis is the directions.

    Raises ValueError where the last axis does not fit the directions.
    """

    basis_directions: Sequence[BasisDirection]
    magnitudes: Array

    def __post_init__(self) -> None:
        directions, self.magnitudes = list(self.basis_directions), np.asarray(self.magnitudes)
        if self.magnitudes.shape[-1:] != (len(directions),):
            raise ValueError(
                f"found magnitudes of shape {self.magnitudes.shape}, needed {len(directions)} along the last "
                "axis, one for each direction"
            )
        order = sorted(range(len(directions)), key=lambda i: directions[i])
        self.basis_directions = [directions[i] for i in order]
        self.magnitudes = np.take(self.magnitudes, order, axis=-1)

    def __add__(self, other: VectorInBasis) -> VectorInBasis:
        return self._with(self.magnitudes + self._matching(other))

    def __radd__(self, other: Any) -> VectorInBasis:
        """Lets `sum` start from 0."""
        return self if isinstance(other, int | float) and other == 0 else self + other

    def __sub__(self, other: VectorInBasis) -> VectorInBasis:
        return self._with(self.magnitudes - self._matching(other))

    def __mul__(self, scalar: float) -> VectorInBasis:
        return self._with(self.magnitudes * scalar)

    __rmul__ = __mul__

    def __truediv__(self, scalar: float) -> VectorInBasis:
        return self._with(self.magnitudes / scalar)

    def __neg__(self) -> VectorInBasis:
        return self._with(-self.magnitudes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VectorInBasis):
            return NotImplemented
        same = self.basis_directions == other.basis_directions
        return same and np.array_equal(self.magnitudes, other.magnitudes)

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def sum(cls, vectors: Sequence[VectorInBasis]) -> VectorInBasis:
        """The sum of vectors over the same directions. Raises TypeError for others."""
        first, *rest = vectors
        return cls(first.basis_directions, np.sum([first.magnitudes, *map(first._matching, rest)], axis=0))

    @classmethod
    def stack(cls, vectors: Sequence[VectorInBasis], axis: int = 0) -> VectorInBasis:
        """An array of vectors over the same directions. Raises TypeError for others."""
        first, *rest = vectors
        stacked = np.stack([first.magnitudes, *map(first._matching, rest)], axis=axis)
        return cls(first.basis_directions, stacked)

    def project(self, basis: VectorSpaceWithBasis | Sequence[BasisDirection]) -> VectorInBasis:
        """The components along these directions; 0 along those that the vector lacks."""
        wanted = basis.basis if isinstance(basis, VectorSpaceWithBasis) else list(basis)
        column = {direction: self.magnitudes[..., i] for i, direction in enumerate(self.basis_directions)}
        zero = np.zeros(self.magnitudes.shape[:-1])
        columns = [column.get(direction, zero) for direction in wanted]
        return VectorInBasis(wanted, np.stack(columns, axis=-1) if columns else zero[..., None][..., :0])

    def add_directions(self, added: VectorSpaceWithBasis | Sequence[BasisDirection] | VectorInBasis) -> VectorInBasis:
        """The vector in a larger space: 0 along directions that it lacks.

        Given a vector, the sum of both, each in the directions of both.
        """
        more = added.basis if isinstance(added, VectorSpaceWithBasis) else added
        if isinstance(more, VectorInBasis):
            mine = self.add_directions(more.basis_directions)
            return mine + more.add_directions(self.basis_directions)
        return self.project(list({**dict.fromkeys(self.basis_directions), **dict.fromkeys(more)}))

    def remove_directions(self, removed: VectorSpaceWithBasis | Sequence[BasisDirection]) -> VectorInBasis:
        """The vector without what it has along these directions."""
        gone = set(removed.basis if isinstance(removed, VectorSpaceWithBasis) else removed)
        return self.project([direction for direction in self.basis_directions if direction not in gone])

    def _with(self, magnitudes: Array) -> VectorInBasis:
        return VectorInBasis(self.basis_directions, magnitudes)

    def _matching(self, other: VectorInBasis) -> Array:
        if self.basis_directions != other.basis_directions:
            raise TypeError(f"two vectors over different directions: {self} and {other}; project one of them")
        return other.magnitudes


@dataclass
class VectorSpaceWithBasis:
    """The space that a set of directions spans.

    Raises ValueError where a direction is given twice.
    """

    basis: Sequence[BasisDirection]

    def __post_init__(self) -> None:
        self.basis = sorted(self.basis)
        if len(set(self.basis)) < len(self.basis):
            raise ValueError(f"a direction stands twice in {list(map(str, self.basis))}")

    @property
    def num_dims(self) -> int:
        """How many directions there are."""
        return len(self.basis)

    def __contains__(self, item: VectorInBasis | BasisDirection) -> bool:
        """A direction is in if it is one of the basis; a vector, if its directions are exactly the basis."""
        if isinstance(item, BasisDirection):
            return item in self.basis
        return set(self.basis) == set(item.basis_directions)

    def issubspace(self, other: VectorSpaceWithBasis) -> bool:
        """True where the other space has all directions of this one."""
        return set(self.basis) <= set(other.basis)

    def basis_vectors(self) -> Sequence[VectorInBasis]:
        """The unit vectors, in the order of the directions."""
        return [VectorInBasis(self.basis, row) for row in np.eye(self.num_dims)]

    def vector_from_basis_direction(self, basis_direction: BasisDirection) -> VectorInBasis:
        """The unit vector along a direction. Raises ValueError for one that is not in the space."""
        i = list(self.basis).index(basis_direction)
        return VectorInBasis(self.basis, np.eye(self.num_dims)[i])

    def null_vector(self) -> VectorInBasis:
        """The zero."""
        return VectorInBasis(self.basis, np.zeros(self.num_dims))

    @classmethod
    def from_names(cls, names: Iterable[Name]) -> VectorSpaceWithBasis:
        """One direction for each name."""
        return cls([BasisDirection(name) for name in names])

    @classmethod
    def from_values(cls, name: Name, values: Iterable[Value]) -> VectorSpaceWithBasis:
        """One direction for each value of the variable `name`."""
        return cls([BasisDirection(name, value) for value in values])


def direct_sum(*vs: VectorSpaceWithBasis) -> VectorSpaceWithBasis:
    """The space of all directions. Raises ValueError where two of the spaces share one."""
    return VectorSpaceWithBasis([direction for space in vs for direction in space.basis])


def join_vector_spaces(*vs: VectorSpaceWithBasis) -> VectorSpaceWithBasis:
    """The space of all directions; the spaces may share some."""
    return VectorSpaceWithBasis(list({direction for space in vs for direction in space.basis}))


def ensure_dims(vs: VectorSpaceWithBasis, num_dims: int, name: str = "vector space") -> None:
    """Raises ValueError where the space has not so many dimensions."""
    if vs.num_dims != num_dims:
        raise ValueError(f"{name}: found {vs.num_dims} dimensions {vs.basis}, needed {num_dims}")
