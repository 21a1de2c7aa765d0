"""Random programs in RASP-L against the reference on arrays, interpreted and in models of every level and format."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest
from tests.agreement import alike, some_inputs
from tests.raspl import reference
from tests.test_agreement import all_levels_agree

import raspc
from raspc import CertificateError, UncertainProgram, UnsupportedProgram, rasp, raspl

VOCAB = (0, 1, 3)


def grown(rng: random.Random, r: Any, x: Any, depth: int) -> Any:
    """A random program of whole numbers in the primitives of `r`, about the input `x`."""
    if depth == 0:
        return rng.choice([x, r.indices(x), x])
    one, other = (grown(rng, r, x, depth - 1) for _ in range(2))
    small = rng.randint(0, 3)
    compare = rng.choice([r.equals, r.leq, r.lt, r.geq, r.gt])
    made = {
        "kqv": lambda: r.kqv(one, x, other, compare, small, rng.choice(["mean", "max", "min"])),
        "width": lambda: r.sel_width(r.select(one, small, compare)),
        "shift_right": lambda: r.shift_right(one, small, -1),
        "cumsum": lambda: r.cumsum(one > small),
        "where": lambda: r.where(one > x, other, small),
        "mask": lambda: r.mask(one, other > 1, small),
        "extreme": lambda: rng.choice([r.maximum, r.minimum, r.argmax, r.argmin, r.first_true, r.mode])(one),
        "seen": lambda: rng.choice([r.num_prev, r.has_seen, r.firsts, r.lasts])(one, x),
        "index_select": lambda: r.index_select(x, one, small),
        "binary_mode": lambda: r.tok_map(r.binary_mode(one), int),
        "induct": lambda: r.induct(x, one, rng.randint(1, 2)),
        "induct_kqv": lambda: r.induct_kqv(x, x, one, 1, small),
        "induct_prev": lambda: r.induct_prev(x, one, -1),
        "maps": lambda: r.seq_map(one, r.tok_map(x, lambda v: v % 3), lambda a, b: a - b),
        "sum": lambda: one + small * x,
    }  # fmt: skip
    return made[rng.choice(list(made))]()


def wanted(seed: int, xs: list[int], depth: int = 2) -> list[int]:
    """What the reference says of an input."""
    return [int(v) for v in grown(random.Random(seed), reference, np.array(xs), depth)]


def program(seed: int, depth: int = 2) -> rasp.SOp:
    """The same program on s-ops."""
    made: rasp.SOp = grown(random.Random(seed), raspl, rasp.tokens, depth)
    return made


def test_interpreted_as_the_reference() -> None:
    """60 programs, on short inputs and longer ones."""
    for seed in range(60):
        made = program(seed)
        for xs in some_inputs(VOCAB, 8, 39, 8):
            assert raspc.interpret(made, xs) == wanted(seed, xs), (seed, xs)


@pytest.mark.parametrize("seed", range(12))
def test_all_levels(seed: int) -> None:
    """Interpreter, graph, blocks and weights agree, at levels 0, 1 and 2, in a causal model."""
    all_levels_agree(program(seed), VOCAB, 5, True, list(some_inputs(VOCAB, 5, 39, 10)))


def answers_as_the_reference(seed: int, **options: Any) -> bool:
    """Whether a model is made; it answers as the reference does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        try:
            model = raspc.compile(program(seed), VOCAB, 5, **options)
        except (UnsupportedProgram, CertificateError):
            return False
    inputs = list(some_inputs(VOCAB, 5, 39, 10))
    for xs, (_, *found) in zip(inputs, model.apply_batch([["BOS", *xs] for xs in inputs]).decoded, strict=True):
        assert alike(found, wanted(seed, xs)), (seed, options, xs)
    return True


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_formats(dtype: str) -> None:
    """Models in narrow formats answer so too, where the program is not refused."""
    assert sum(answers_as_the_reference(seed, dtype=dtype, optimize=2) for seed in range(8)) >= 6


@pytest.mark.slow
def test_many_random_programs() -> None:
    """More of them, in models of every level and format."""
    made = [
        answers_as_the_reference(seed, dtype=dtype, optimize=level)
        for seed in range(100, 160)
        for level in (0, 1, 2)
        for dtype in ("float32", "bfloat16", "float16")
    ]
    assert sum(made) >= 0.8 * len(made)
