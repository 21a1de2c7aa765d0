"""Random lists of blocks, and every schedule of them, by brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import strategies as st

from raspc.blocks.spaces import Block, Head, Neurons, Read, Write
from raspc.layout.schedule import dependencies


def neurons(name: str, reads: list[str], size: int) -> Neurons:
    """So many neurons that read these spaces and write one of their own."""
    read = Read({space: np.zeros((1, size)) for space in reads}, np.zeros(size))
    return Neurons(name, read, Write({name: np.zeros((size, 1))}), np.zeros(size), 0, np.zeros(size))


def head(name: str, reads: list[str]) -> Head:
    """A head that reads these spaces and writes one of its own."""
    nothing, value = Read({}, np.zeros(0)), Read({space: np.zeros((1, 1)) for space in reads}, np.zeros(1))
    return Head(name, "all", nothing, nothing, value, Write({name: np.zeros((1, 1))}), 0.0, 256.0, "mean", False)


@st.composite
def block_lists(draw: st.DrawFn) -> list[Block]:
    """Up to seven heads and sets of neurons, each of which reads any that come before."""
    blocks: list[Block] = []
    for i in range(draw(st.integers(1, 7))):
        reads = [f"b{j}" for j in range(i) if draw(st.integers(0, 3)) == 0]
        size = draw(st.integers(0, 9))
        blocks.append(head(f"b{i}", reads) if draw(st.booleans()) else neurons(f"b{i}", reads, size))
    return blocks


def all_schedules(blocks: list[Block], layers: int) -> list[tuple[int, ...]]:
    """Every way to put the blocks into the stages of so many layers."""
    needs = dependencies(blocks)
    options = [range(int(isinstance(block, Neurons)), 2 * layers, 2) for block in blocks]
    return [
        stages
        for stages in product(*options)
        if all(stages[j] < stages[i] for i, need in enumerate(needs) for j in need)
    ]
