"""Designs of MLPs compute exactly the grid that they are given, for every grid; undefined cells are free."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.blocks.grids import computed, grids, slackened, wanted

import raspc
from raspc import rasp
from raspc.blocks.neurons.cells import cells, gate
from raspc.blocks.neurons.cubes import cubes, leaves
from raspc.blocks.neurons.gated import gated_lines
from raspc.blocks.neurons.grid import Grid, merge
from raspc.blocks.neurons.steps import line
from raspc.graph.nodes import Floats

positions = st.one_of(st.integers(-9, 9).map(float), st.integers(-40, 40).map(lambda n: n / 7))
noises = st.sampled_from([0.0, 1e-7, 0.01, 0.05])


def drawn(data: st.DataObject, grid: Grid, axis: int) -> Floats:
    """A position along a line for each value of a variable."""
    size = grid.classes.shape[axis]
    return np.array(data.draw(st.lists(positions, min_size=size, max_size=size)))


def flags(data: st.DataObject, grid: Grid) -> list[bool]:
    """Of each variable, whether its gates are squares of numbers."""
    return [data.draw(st.booleans()) for _ in grid.axes]


@settings(max_examples=300)
@given(grids(), st.data())
def test_cells(grid: Grid, data: st.DataObject) -> None:
    """One neuron a cell, after equal slices have been merged."""
    design = cells(grid, flags(data, grid))
    assert design is not None
    assert np.array_equal(computed(design, grid), wanted(grid))
    assert design.size <= (grid.classes >= 0).sum()


@settings(max_examples=200)
@given(grids(), st.data())
def test_cubes(grid: Grid, data: st.DataObject) -> None:
    """One neuron a cube: exact, and no more of them than cells."""
    design = cubes(grid, flags(data, grid))
    assert design is not None
    assert np.array_equal(computed(design, grid), wanted(grid))
    assert design.size <= (grid.classes >= 0).sum()


def test_a_chain_of_cases_takes_a_cube_for_each_value() -> None:
    """The first of four that is not 0: 7 values of each and no more, where there are 8⁴ cells."""
    values = np.indices((8, 8, 8, 8))
    first = np.select([v > 0 for v in values], list(values), 0).astype(np.int32)
    assert len(list(leaves(first))) == 4 * 7 + 1
    design = cubes(Grid((0, 1, 2, 3), first, np.arange(8.0)[:, None]), [True] * 4)
    assert design is not None and design.size <= 28


@settings(max_examples=300)
@given(grids(), st.data(), noises)
def test_line(grid: Grid, data: st.DataObject, noise: float) -> None:
    """A staircase: exact, also when the sum is off by the noise; refused only where classes lie too close."""
    lines = [drawn(data, grid, axis) for axis in range(grid.classes.ndim)]
    design = line(grid, lines, noise)
    along = sum(line.reshape([-1 if a == i else 1 for a in range(grid.classes.ndim)]) for i, line in enumerate(lines))
    known = grid.classes >= 0
    s, c = np.broadcast_to(along, known.shape)[known], grid.classes[known]
    gaps = np.abs(s[:, None] - s[None, :])[c[:, None] != c[None, :]]
    event("refused" if design is None else "built")
    if design is None:
        assert gaps.min() < max(8 * noise, 1e-8 * max(1.0, np.abs(s).max()))
        return
    assert gaps.min(initial=np.inf) > 0
    for shift in (0.0, noise, -noise) if design.axes else (0.0,):
        found = computed(design, grid, shift, design.axes[0] if design.axes else None)
        np.testing.assert_allclose(found, wanted(grid), atol=1e-6)
    assert (
        np.array_equal(np.log2(np.abs(design.weights[0])) % 1, np.zeros_like(design.weights[0])) if design.axes else 1
    )


@settings(max_examples=300)
@given(grids(min_axes=2), st.data(), noises)
def test_gated_lines(grid: Grid, data: st.DataObject, noise: float) -> None:
    """A staircase for each cell of the other variables: exact, also when the position is off by the noise."""
    axis = data.draw(st.integers(0, grid.classes.ndim - 1))
    position = drawn(data, grid, axis)
    design = gated_lines(grid, axis, position, flags(data, grid), noise)
    event("refused" if design is None else "built")
    if design is None:
        # cells that were merged share a staircase, so the clash may be between any two values of the variable
        apart = np.abs(position[:, None] - position[None, :])[~np.eye(len(position), dtype=bool)]
        assert apart.min() < max(8 * noise, 1e-8 * max(1.0, np.abs(position).max()))
        assert len(np.unique(grid.classes[grid.classes >= 0])) > 1
        return
    for shift in (0.0, noise, -noise):
        found = computed(design, grid, shift, grid.axes[axis])
        np.testing.assert_allclose(found, wanted(grid), atol=1e-6)
    np.testing.assert_allclose(slackened(design, grid, design.size), wanted(grid), atol=1e-6)


@settings(max_examples=300)
@given(grids())
def test_merging_contradicts_nothing(grid: Grid) -> None:
    """Cells that fall together hold one class, or none can occur; in any order of the axes."""
    for axes in (range(grid.classes.ndim), range(grid.classes.ndim)[::-1]):
        numbers, small = merge(grid, axes)
        places = [numbers[list(axes).index(axis)] for axis in range(grid.classes.ndim)]
        there = small[np.ix_(*places)]
        known = grid.classes >= 0
        assert np.array_equal(there[known], grid.classes[known])


@given(grids(max_axes=1))
def test_equal_values_are_merged(grid: Grid) -> None:
    """Of one variable, no more values are left than classes."""
    (numbers,), small = merge(grid, (0,))
    assert len(small) == numbers.max() + 1 == max(1, len(np.unique(grid.classes[grid.classes >= 0])))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.booleans())
def test_gates(values: list[int], squares: bool) -> None:
    """1 at one merged value, at most 0 at the others."""
    dense = np.unique(np.array(values), return_inverse=True)[1].ravel()
    found = gate(dense, squares)
    at = found.features @ found.weights + found.bias
    hot = dense[:, None] == np.arange(dense.max() + 1)
    assert (at[hot] == 1).all()
    assert (at[~hot] <= 0).all()


def test_a_boolean_and_is_one_neuron() -> None:
    """The smallest design is found: 1 only where both are."""
    design = cells(Grid((0, 1), np.array([[0, 0], [0, 1]], np.int32), np.array([[0.0], [1.0]])), [False] * 2)
    assert design is not None
    assert design.size == 1


def test_the_diagonal_is_not_merged_away() -> None:
    """Where only the diagonal can occur, rows may be merged, or columns, but not both."""
    classes = np.where(np.eye(3, dtype=bool), np.arange(3), -1).astype(np.int32)
    grid = Grid((0, 1), classes, np.array([[1.0], [2.0], [3.0]]))
    for design in (cells(grid, [True, True]), gated_lines(grid, 1, np.arange(3.0), [True] * 2, 0.0)):
        assert design is not None
        assert np.array_equal(computed(design, grid), wanted(grid))


@pytest.mark.parametrize("level", [1, 2])
def test_none_lies_far_beyond_all_numbers_on_a_line(level: int) -> None:
    """The place of the last marker, which may be None, compared with the index: some steps, at any length."""
    marker = rasp.Select(rasp.tokens, rasp.Full("="), rasp.Comparison.EQ)
    program = rasp.Aggregate(rasp.latest(marker), rasp.indices) == rasp.indices - 1
    model = raspc.compile(program, "a=", 40, optimize=level)
    assert model.certificate is not None and model.certificate.proved and raspc.check(model, limit=500).ok
    assert model.config.d_mlp <= 6
