"""Graph text in, plan text out: what is stored and for whom, scores, blocks, layers, in golden files."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from tests.wild import Wild, wild_programs

from raspc import library
from raspc.blocks.spaces import BOS
from raspc.errors import UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.nodes import Variable
from raspc.graph.serial import from_text, to_text
from raspc.numbers.options import Level, Options
from raspc.numbers.precision import PRECISIONS
from raspc.plan.planning import plan_by, planned
from raspc.plan.text import plan_text

GRAPHS = Path(__file__).parent.parent / "golden" / "graph"
SMALL = sorted(path.stem for path in GRAPHS.glob("*.txt"))

LARGER = {
    "most_freq": (library.most_freq(), "abc", 4),
    "shuffle_dyck1": (library.get("shuffle_dyck1").program, "()", 4),
    "double_hist": (library.get("double_hist").program, "ab", 4),
    "palindrome": (library.get("palindrome").program, "ab", 4),
}
"""Programs that take steep scores, sums of counts, several layers."""


def plan_of(graph: str, options: Options) -> str:
    """Graph text in, plan text out; of what is refused the message."""
    try:
        return plan_text(planned(from_text(graph), options))
    except UnsupportedProgram as error:
        return f"refused: {error}\n"


@pytest.mark.parametrize(("name", "level"), list(product(SMALL, Level)), ids=str)
def test_small_programs(name: str, level: Level, golden: Callable[[str, str], None]) -> None:
    """Each kind of node, each kind of value set, at every level."""
    text = (GRAPHS / f"{name}.txt").read_text(encoding="utf-8")
    golden(f"plan/{name}-O{level.value}.txt", plan_of(text, Options(level)))


@pytest.mark.parametrize(("name", "level"), list(product(LARGER, (Level.NAMED, Level.COMPACT))), ids=str)
def test_larger_programs(name: str, level: Level, golden: Callable[[str, str], None]) -> None:
    """Programs for which more is to be decided."""
    text = to_text(build(*LARGER[name]))
    golden(f"plan/{name}-O{level.value}.txt", plan_of(text, Options(level)))


@pytest.mark.parametrize("name", ["hist_causal", "sort", "reverse"])
def test_narrow_formats(name: str, golden: Callable[[str, str], None]) -> None:
    """In bfloat16 counts are integers, and scores carry no rounding."""
    text = (GRAPHS / f"{name}.txt").read_text(encoding="utf-8")
    options = Options(Level.COMPACT, PRECISIONS["bfloat16"])
    golden(f"plan/{name}-O2-bfloat16.txt", plan_of(text, options))


def test_a_design_is_told(golden: Callable[[str, str], None]) -> None:
    """What is taken from a lower level, and what is given up, in the lines after the first."""
    text = (GRAPHS / "hist_causal.txt").read_text(encoding="utf-8")
    design = Options(Level.COMPACT, stored=Level.NAMED, given_up=("steep", "decode_terms"))
    assert plan_text(plan_by(from_text(text), design)).splitlines()[1:3] == [
        "what is stored is decided as at -O1", "given up: steep, decode_terms"
    ]  # fmt: skip


@given(wild_programs())
def test_everything_is_told(wild: Wild) -> None:
    """Any plan can be printed, and names each variable, each space and each block."""
    graph = build(wild.build(), wild.vocab, wild.max_seq_len, wild.causal)
    try:
        plan = planned(graph, Options(Level.COMPACT))
    except UnsupportedProgram:
        return
    text = str(plan)
    labels = [
        label for label, node in zip(plan.graph.labels, plan.graph.nodes, strict=True) if isinstance(node, Variable)
    ]
    told = [
        *labels,
        *(space.name for space in plan.lowered.spaces if space.name != BOS),
        *(block.name for block in plan.lowered.blocks),
    ]
    assert [name for name in told if name not in text] == []
