"""Blocks from what is stored: each reads what is there, writes spaces of its own, and is silent at BOS."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from tests.wild import Wild, wild_programs

from raspc.blocks.lower import Lowered, lower
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.spaces import BOS, Head, Read, reads_of
from raspc.blocks.storage.stored import Storage
from raspc.blocks.storage.storing import store
from raspc.errors import UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.nodes import Graph
from raspc.numbers.options import Level, Options
from raspc.passes.pipeline import run_passes


def lowered(wild: Wild, level: Level) -> tuple[Graph, Storage, Lowered] | None:
    """What is stored of the program of a case, and its blocks; None where it is refused."""
    options = Options(level)
    try:
        graph = run_passes(build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal), options)[0]
        ready = Readiness.of(graph, options)
        storage = store(ready)
        return graph, storage, lower(ready, storage)
    except UnsupportedProgram:
        return None


def at_bos(read: Read, held: Lowered) -> np.ndarray:
    """What a read sees at BOS."""
    return np.asarray(read.bias + sum(held.at_bos[space] @ matrix for space, matrix in read.maps.items()))


@given(wild_programs())
def test_blocks_read_what_is_there(wild: Wild) -> None:
    """Spaces that are embedded, or that a block before writes; each space is written once."""
    for level in Level:
        if (found := lowered(wild, level)) is None:
            continue
        there = {BOS, *found[2].embeddings, *found[2].positions}
        for block in found[2].blocks:
            assert {space for read in reads_of(block) for space in read.maps} <= there
            assert not set(block.write.maps) & there
            there |= set(block.write.maps)
        assert set(found[2].output.maps) <= there
        assert {space.name for space in found[2].spaces} == there


@given(wild_programs())
def test_bos_is_no_key_and_fires_no_neuron(wild: Wild) -> None:
    """Scores of BOS as key or query come from its sink alone, and no neuron is open at BOS."""
    for level in Level:
        if (found := lowered(wild, level)) is None:
            continue
        for block in found[2].blocks:
            if isinstance(block, Head):
                assert np.allclose(at_bos(block.key, found[2]), 0, atol=1e-9)
                assert np.allclose(at_bos(block.query, found[2]), 0, atol=1e-9)
            else:
                assert (at_bos(block.read, found[2]) <= 1e-9 * (1 + np.abs(block.read.bias))).all()


@given(wild_programs())
def test_the_spaces_are_those_that_are_stored(wild: Wild) -> None:
    """Variables live in the groups of their records, those of level 2 only as far as somebody reads them."""
    for level in Level:
        if (found := lowered(wild, level)) is None:
            continue
        graph, storage, blocks = found
        for place, groups in blocks.home.items():
            own = [group.space for group in storage[place].groups]
            assert {group.space for group in groups} <= set(own)
            assert level.compact or len(groups) == len(own)
        assert all(storage.variables[place] is not None for place in blocks.place_of_block)
        assert len(graph) == len(storage.variables)
