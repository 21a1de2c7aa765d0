"""Schedules: what a block reads is there before it, heads and neurons take turns, and no layer is wasted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wild import Wild, wild_programs

from raspc import UnsupportedProgram, rasp
from raspc.blocks.spaces import Block, Head, Neurons, Read, Write
from raspc.graph.build import build
from raspc.layout.schedule import Schedule, dependencies, greedy
from raspc.numbers.options import Level, Options
from raspc.plan.planning import planned

NOTHING = Read({}, np.zeros(1))
_SAME = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
_REAL = planned(build(rasp.SelectorWidth(_SAME) * rasp.indices, (1, 2), 3)).lowered.blocks
HEAD = next(b for b in _REAL if isinstance(b, Head))
NEURONS = next(b for b in _REAL if isinstance(b, Neurons))


def block(name: str, is_head: bool, reads: list[str]) -> Block:
    """A block that writes the space of its name."""
    read = Read({space: np.ones((1, 1)) for space in reads}, np.zeros(1))
    write = Write({name: np.ones((1, 1))})
    if is_head:
        return replace(HEAD, name=name, query=read, key=NOTHING, value=read, write=write)
    return replace(NEURONS, name=name, read=read, write=write)


@st.composite
def dags(draw: st.DrawFn) -> list[Block]:
    """Up to twelve blocks; each may read any before it, and what is embedded."""
    kinds = draw(st.lists(st.booleans(), max_size=12))
    blocks: list[Block] = []
    for i, is_head in enumerate(kinds):
        read = draw(st.sets(st.sampled_from(["embedded", *(f"b{j}" for j in range(i))])))
        blocks.append(block(f"b{i}", is_head, sorted(read)))
    return blocks


def respects(blocks: list[Block], found: Schedule) -> None:
    """Each block after all that it reads, heads in even stages and neurons in odd ones."""
    assert len(found.stages) == len(blocks)
    for i, need in enumerate(dependencies(blocks)):
        assert found.stages[i] % 2 == isinstance(blocks[i], Neurons)
        assert all(found.stages[j] < found.stages[i] for j in need)


def least_layers(blocks: list[Block]) -> int:
    """The longest chain, by brute force: each block in the first stage that what it reads allows."""
    stage: dict[str, int] = {}
    for b in blocks:
        reads = (b.query, b.key, b.value) if isinstance(b, Head) else (b.read,)
        first = max((stage[space] + 1 for read in reads for space in read.maps if space in stage), default=0)
        stage[b.name] = first + (first % 2 != isinstance(b, Neurons))
    return max((s // 2 + 1 for s in stage.values()), default=1)


@settings(max_examples=300)
@given(dags())
def test_greedy(blocks: list[Block]) -> None:
    """Dependencies hold, and there are no more layers than the longest chain needs."""
    found = greedy(blocks)
    respects(blocks, found)
    assert found.n_layers == least_layers(blocks)
    assert greedy(blocks) == found


def test_blocks_with_room_to_wait_even_out_the_heads() -> None:
    """Three heads that nobody waits for, beside a chain of three: no layer holds all of them."""
    chain = [block("b0", True, []), block("b1", True, ["b0"]), block("b2", True, ["b1"])]
    free = [block(f"b{i}", True, []) for i in (3, 4, 5)]
    found = greedy([*chain, *free])
    heads = [found.stages.count(stage) for stage in (0, 2, 4)]
    assert heads == [2, 2, 2]


@settings(max_examples=60)
@given(wild_programs())
def test_schedules_of_programs(wild: Wild) -> None:
    """Of whole programs at every option level, with spaces written before they are read."""
    try:
        graph = build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
        found = [planned(graph, Options(Level(level))) for level in (0, 1, 2)]
    except UnsupportedProgram:
        return
    for stage in found:
        blocks = list(stage.lowered.blocks)
        respects(blocks, stage.schedule)
        written = {space for b in blocks for space in b.write.maps}
        known = {"bos", *stage.lowered.embeddings, *stage.lowered.positions, *written}
        read = {space for b in blocks for r in ((b.query, b.key, b.value) if isinstance(b, Head) else (b.read,))
                for space in r.maps}  # fmt: skip
        assert read | set(stage.lowered.output.maps) <= known
        assert stage.layout.heads.n_heads == max(1, *(stage.schedule.stages.count(s) for s in range(0, 60, 2)))
