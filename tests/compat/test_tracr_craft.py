"""Vectors on named directions: what Hypothesis finds out about them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc.compat.tracr.craft.bases import (
    BasisDirection,
    VectorInBasis,
    VectorSpaceWithBasis,
    direct_sum,
    ensure_dims,
    join_vector_spaces,
)
from raspc.compat.tracr.craft.vectorspace_fns import Linear, ScalarBilinear, project

DIRECTIONS = st.builds(
    BasisDirection, st.sampled_from(["a", "b", 1]), st.sampled_from([None, 1, 2.5, "x", True, (1, 2)])
)
SPACES = st.builds(VectorSpaceWithBasis, st.lists(DIRECTIONS, unique=True, max_size=6))


@st.composite
def vectors(draw: st.DrawFn) -> VectorInBasis:
    """A vector with small integer magnitudes."""
    space = draw(SPACES)
    numbers = st.lists(st.integers(-5, 5), min_size=space.num_dims, max_size=space.num_dims)
    return VectorInBasis(space.basis, np.array(draw(numbers), float))


@given(SPACES, st.randoms())
def test_the_order_of_directions_does_not_matter(space: VectorSpaceWithBasis, rng: st.DrawFn) -> None:
    """Whatever order they are given in, directions of mixed types are sorted, and magnitudes with them."""
    shuffled = list(space.basis)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert VectorSpaceWithBasis(shuffled) == space
    numbers = {direction: float(i) for i, direction in enumerate(space.basis)}
    vector = VectorInBasis(shuffled, np.array([numbers[d] for d in shuffled]))
    assert vector.magnitudes.tolist() == list(numbers.values())


@given(vectors(), SPACES)
def test_projection_is_linear_and_there_and_back(v: VectorInBasis, space: VectorSpaceWithBasis) -> None:
    """Into a larger space and back is the identity, and the method is the function."""
    own = VectorSpaceWithBasis(v.basis_directions)
    larger = join_vector_spaces(own, space)
    assert v.project(larger).project(own) == v == project(larger, own)(v.project(larger))
    assert (v + v).project(space) == v.project(space) * 2.0
    assert v.project(space) == project(own, space)(v)


@given(vectors())
def test_arithmetic(v: VectorInBasis) -> None:
    """The vector space laws that people use."""
    assert v - v == 0 * v == -v + v and (2 * v) / 2 == v
    assert VectorInBasis.sum([v, v, v]) == 3 * v == sum([v, v, v])
    assert VectorInBasis.stack([v, v], axis=0).magnitudes.shape == (2, len(v.basis_directions))
    assert v in VectorSpaceWithBasis(v.basis_directions)


@given(SPACES, SPACES)
def test_sums_of_spaces(a: VectorSpaceWithBasis, b: VectorSpaceWithBasis) -> None:
    """A join takes every direction once; a direct sum refuses directions that both have."""
    joined = join_vector_spaces(a, b)
    assert a.issubspace(joined) and b.issubspace(joined)
    if set(a.basis) & set(b.basis):
        with pytest.raises(ValueError, match="twice"):
            direct_sum(a, b)
    else:
        assert direct_sum(a, b) == joined


@given(SPACES, SPACES, st.integers(0, 2**32 - 1))
def test_functions_are_their_actions(a: VectorSpaceWithBasis, b: VectorSpaceWithBasis, seed: int) -> None:
    """A function made from the action of another is the other; in parallel, functions add."""
    matrix = np.random.default_rng(seed).integers(-3, 4, (a.num_dims, b.num_dims)).astype(float)
    linear = Linear(a, b, matrix)
    again = Linear.from_action(a, b, lambda d: linear(a.vector_from_basis_direction(d)))
    assert np.array_equal(again.matrix, matrix)
    assert np.array_equal(Linear.combine_in_parallel([linear, linear]).matrix, 2 * matrix)
    form = ScalarBilinear(a, b, matrix)
    left, right = list(a.basis), list(b.basis)
    by_action = ScalarBilinear.from_action(a, b, lambda x, y: float(matrix[left.index(x), right.index(y)]))
    assert np.array_equal(by_action.matrix, matrix)
    for x, row in zip(a.basis_vectors(), matrix, strict=True):
        assert [form(x, y) for y in b.basis_vectors()] == row.tolist()
    assert np.array_equal(ScalarBilinear.combine_in_parallel([form, form]).matrix, 2 * matrix)


def test_in_parallel_on_different_spaces() -> None:
    """Each function reads and writes its own part."""
    a, b, c = (VectorSpaceWithBasis.from_names([name]) for name in "abc")
    joint = Linear.combine_in_parallel([Linear(a, c, np.array([[2.0]])), Linear(b, c, np.array([[3.0]]))])
    assert joint.matrix.tolist() == [[2.0], [3.0]]


def test_names_of_directions() -> None:
    """A direction prints as its name, with its value if it has one."""
    space = VectorSpaceWithBasis.from_values("x", [2, 1])
    assert [str(d) for d in space.basis] == ["x:1", "x:2"]
    assert str(BasisDirection("one")) == "one" and BasisDirection("one") not in space


def test_what_does_not_fit_is_refused() -> None:
    """Shapes are ValueErrors, vectors of other spaces TypeErrors, as in Tracr."""
    a, b = VectorSpaceWithBasis.from_names(["a"]), VectorSpaceWithBasis.from_names(["b"])
    va, vb = a.basis_vectors()[0], b.basis_vectors()[0]
    for refused in (
        lambda: VectorInBasis(a.basis, np.zeros(2)),
        lambda: Linear(a, b, np.zeros((2, 2))),
        lambda: ScalarBilinear(a, b, np.zeros((1, 2))),
        lambda: ensure_dims(a, 2, "the space"),
        lambda: a.vector_from_basis_direction(BasisDirection("z")),
    ):
        with pytest.raises(ValueError, match=r"."):
            refused()
    for refused in (
        lambda: va + vb,
        lambda: Linear(a, b, np.ones((1, 1)))(vb),
        lambda: ScalarBilinear(a, b, np.ones((1, 1)))(vb, vb),
        lambda: Linear.from_action(a, b, lambda d: va),
    ):
        with pytest.raises(TypeError, match=r"."):
            refused()
