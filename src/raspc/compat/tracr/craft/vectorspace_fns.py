"""Linear and bilinear functions between named spaces (Lindner et al. 2023, section 3.3)."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from raspc.compat.tracr.craft.bases import (
    Array,
    BasisDirection,
    VectorInBasis,
    VectorSpaceWithBasis,
    join_vector_spaces,
)


class VectorFunction(abc.ABC):
    """A function from one space to another."""

    input_space: VectorSpaceWithBasis
    output_space: VectorSpaceWithBasis

    @abc.abstractmethod
    def __call__(self, x: VectorInBasis) -> VectorInBasis:
        """The image of a vector, or of an array of vectors."""


@dataclass
class Linear(VectorFunction):
    """x → x · matrix, over the sorted directions of both spaces; the matrix is [input, output].

    Raises ValueError for a matrix of another shape; called on a vector of another space, TypeError.
    """

    input_space: VectorSpaceWithBasis
    output_space: VectorSpaceWithBasis
    matrix: Array

    def __post_init__(self) -> None:
        self.matrix = _checked(self.matrix, self.input_space, self.output_space)

    def __call__(self, x: VectorInBasis) -> VectorInBasis:
        _require(x, self.input_space, "the input")
        return VectorInBasis(self.output_space.basis, x.magnitudes @ self.matrix)

    @classmethod
    def from_action(
        cls,
        input_space: VectorSpaceWithBasis,
        output_space: VectorSpaceWithBasis,
        action: Callable[[BasisDirection], VectorInBasis],
    ) -> Linear:
        """Takes each direction to what `action` gives. Raises TypeError for an image outside the space."""
        images = [action(direction) for direction in input_space.basis]
        for direction, image in zip(input_space.basis, images, strict=True):
            _require(image, output_space, f"the image of {direction}")
        rows = [image.magnitudes for image in images]
        return cls(input_space, output_space, np.reshape(rows, (input_space.num_dims, output_space.num_dims)))

    @classmethod
    def combine_in_parallel(cls, fns: Sequence[Linear]) -> Linear:
        """The sum of the functions, each on its own part of a common input and output."""
        inputs = join_vector_spaces(*(fn.input_space for fn in fns))
        outputs = join_vector_spaces(*(fn.output_space for fn in fns))
        parts = [project(inputs, fn.input_space).matrix @ fn.matrix @ project(fn.output_space, outputs).matrix
                 for fn in fns]  # fmt: skip
        return cls(inputs, outputs, sum(parts, np.zeros((inputs.num_dims, outputs.num_dims))))


def project(from_space: VectorSpaceWithBasis, to_space: VectorSpaceWithBasis) -> Linear:
    """Keeps the components along the directions that both spaces have; the others are 0."""
    return Linear(from_space, to_space, _overlap(from_space, to_space))


def _overlap(rows: VectorSpaceWithBasis, columns: VectorSpaceWithBasis) -> Array:
    place = {direction: i for i, direction in enumerate(columns.basis)}
    matrix = np.zeros((rows.num_dims, columns.num_dims))
    for i, direction in enumerate(rows.basis):
        if direction in place:
            matrix[i, place[direction]] = 1
    return matrix


@dataclass
class ScalarBilinear:
    """x, y → x · matrix · y, over the sorted directions of both spaces; the matrix is [left, right].

    Raises ValueError for a matrix of another shape; called on a vector of another space, TypeError.
    """

    left_space: VectorSpaceWithBasis
    right_space: VectorSpaceWithBasis
    matrix: Array

    def __post_init__(self) -> None:
        self.matrix = _checked(self.matrix, self.left_space, self.right_space)

    def __call__(self, x: VectorInBasis, y: VectorInBasis) -> float:
        _require(x, self.left_space, "the left vector")
        _require(y, self.right_space, "the right vector")
        return float((x.magnitudes.T @ self.matrix @ y.magnitudes).item())

    @classmethod
    def from_action(
        cls,
        left_space: VectorSpaceWithBasis,
        right_space: VectorSpaceWithBasis,
        action: Callable[[BasisDirection, BasisDirection], float],
    ) -> ScalarBilinear:
        """The form that takes each pair of directions to what `action` gives."""
        entries = [[action(left, right) for right in right_space.basis] for left in left_space.basis]
        return cls(left_space, right_space, np.reshape(entries, (left_space.num_dims, right_space.num_dims)))

    @classmethod
    def combine_in_parallel(cls, fns: Sequence[ScalarBilinear]) -> ScalarBilinear:
        """The sum of the forms, each reading its part of a common left and a common right vector."""
        left = join_vector_spaces(*(fn.left_space for fn in fns))
        right = join_vector_spaces(*(fn.right_space for fn in fns))
        parts = [_overlap(left, fn.left_space) @ fn.matrix @ _overlap(fn.right_space, right) for fn in fns]
        return cls(left, right, sum(parts, np.zeros((left.num_dims, right.num_dims))))


def _checked(matrix: Array, rows: VectorSpaceWithBasis, columns: VectorSpaceWithBasis) -> Array:
    found = np.asarray(matrix, dtype=float)
    if found.shape != (rows.num_dims, columns.num_dims):
        raise ValueError(f"found a matrix of shape {found.shape}, needed {(rows.num_dims, columns.num_dims)}")
    return found


def _require(x: VectorInBasis, space: VectorSpaceWithBasis, what: str) -> None:
    if x not in space:
        raise TypeError(f"{what}: found a vector over {x.basis_directions}, needed one over {space.basis}")
