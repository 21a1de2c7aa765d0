"""Random programs in C-RASP and B-RASP: text and tree mean the same, interpreted, and in models of every level."""

from __future__ import annotations

import random
import warnings

import pytest
from tests.agreement import some_inputs
from tests.test_agreement import all_levels_agree
from tests.text.dialects.formulas import Program, random_brasp, random_crasp

import raspc
from raspc import UncertainProgram, UnsupportedProgram
from raspc.rasp import SOp
from raspc.text import load_program

GROWN = {"crasp": random_crasp, "brasp": random_brasp}


def grown(dialect: str, seed: int) -> tuple[Program, SOp]:
    """A random program as a tree, and as it is read from its text."""
    rng = random.Random(f"{dialect}:{seed}")
    program = GROWN[dialect](rng, "abc")
    bare = dialect == "crasp" and rng.random() < 0.4 and "('count', '<'," not in repr(program)
    read = load_program(program.text(rng, bare), dialect=dialect)
    assert isinstance(read, SOp)
    return program, read


@pytest.mark.parametrize("dialect", GROWN)
def test_text_and_tree_mean_the_same(dialect: str) -> None:
    """On every input up to three tokens and some longer ones; every program has another form, some have none twice."""
    for seed in range(30):
        program, read = grown(dialect, seed)
        for xs in some_inputs("abc", 8, 39, 6):
            assert raspc.interpret(read, xs) == program.meaning(xs), (seed, xs)


@pytest.mark.parametrize("dialect", GROWN)
@pytest.mark.parametrize("seed", range(5))
def test_all_levels(dialect: str, seed: int) -> None:
    """Interpreter, graph, blocks and weights agree, at levels 0, 1 and 2."""
    _, read = grown(dialect, seed)
    all_levels_agree(read, "abc", 6, False, list(some_inputs("abc", 6, 39, 12)))


@pytest.mark.parametrize("dialect", GROWN)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_formats(dialect: str, dtype: str) -> None:
    """Models in narrow formats answer as the tree does; none of these programs is refused at level 2."""
    for seed in range(4):
        program, read = grown(dialect, seed)
        model = raspc.compile(read, "abc", 6, dtype=dtype, optimize=2)
        inputs = list(some_inputs("abc", 6, 39, 12))
        for xs, (_, *found) in zip(inputs, model.apply_batch([["BOS", *xs] for xs in inputs]).decoded, strict=True):
            assert found == program.meaning(xs), (seed, xs)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", GROWN)
def test_many_random_programs(dialect: str) -> None:
    """More of them, in models of every level and format."""
    for seed in range(100, 160):
        program, read = grown(dialect, seed)
        for level in (0, 1, 2):
            for dtype in ("float32", "bfloat16", "float16"):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UncertainProgram)
                    try:
                        model = raspc.compile(read, "abc", 7, dtype=dtype, optimize=level)
                    except UnsupportedProgram:
                        continue
                for xs in some_inputs("abc", 7, 39, 10):
                    assert model.apply(["BOS", *xs]).decoded[1:] == program.meaning(xs), (seed, level, dtype, xs)
