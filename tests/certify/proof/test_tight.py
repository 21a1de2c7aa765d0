"""Bounds are near enough to prove long inputs, and still bounds: sums in any order, causes that readers share."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import raspc
from raspc import library, rasp
from raspc.certify.proof.causes import Alone, Causes
from raspc.certify.proof.rounding import grain_of, of_sum
from raspc.numbers.precision import PRECISIONS
from raspc.study.certifying import certificate
from raspc.weights.model import Model

SINGLE = PRECISIONS["float32"]
numbers = st.floats(-1e3, 1e3, width=32)


def long(name: str, tokens: int, length: int, level: int) -> Model:
    """A program of the library over whole numbers, or letters."""
    program = library.get(name).program
    vocab = [chr(97 + i) for i in range(tokens)] if name == "reverse" else list(range(tokens))
    return raspc.compile(program, vocab, length, optimize=level)


LONG = [("reverse", 8, 200, 0), ("reverse", 8, 200, 1), ("reverse", 8, 200, 2), ("sort", 64, 64, 1),
        ("sort", 64, 64, 2), ("hist", 64, 64, 2)]  # fmt: skip


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize(("name", "tokens", "length", "level"), LONG)
def test_long_inputs_are_proved(name: str, tokens: int, length: int, level: int) -> None:
    """One-hot codes of 200 values, ranks of 64 keys, a count as one number."""
    assert long(name, tokens, length, level).certificate.verdict == "proved"


def added(terms: list[np.float32], random: Random) -> np.float32:
    """A sum along a tree that is drawn at random: any two of what is left are added next."""
    left = list(terms)
    while len(left) > 1:
        one, other = (left.pop(random.randrange(len(left))) for _ in range(2))
        left.append(one + other)
    return left[0]


@given(st.lists(numbers, min_size=1, max_size=8), st.randoms(use_true_random=False), st.booleans())
def test_a_sum_along_any_tree_errs_no_more_than_its_bound(found: list[float], random: Random, cancels: bool) -> None:
    """Also where it comes to nearly nothing, and all that is positive is added first."""
    terms = [np.float32(x) for x in (*found, *(-x * (1 + 2**-20) for x in found if cancels))]
    exact = sum(float(x) for x in terms)
    up, down = (sum(max(0.0, sign * float(x)) for x in terms) for sign in (1, -1))
    bound = of_sum(*(np.array(float(x)) for x in (len(terms), max(up, down), up + down, abs(exact))), SINGLE)
    orders = [added(terms, random) for _ in range(4)]
    orders.append(np.add.accumulate(np.array(sorted(terms, reverse=True), np.float32))[-1])
    assert all(abs(float(x) - exact) <= bound for x in orders)


@given(st.lists(st.integers(-(2**27), 2**27), min_size=1, max_size=8), st.integers(-30, 0), st.randoms())
def test_rounding_keeps_the_grain(whole: list[int], power: int, random: Random) -> None:
    """Sums of multiples of a power of two are multiples of it, however they round."""
    grain = 2.0**power
    found = added([np.float32(x * grain) for x in whole], random)
    assert grain_of(np.array(float(found))) >= grain


@given(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5), st.randoms(use_true_random=False))
def test_errors_of_common_causes(rows: int, causes: int, width: int, random: Random) -> None:
    """Whatever each cause is, no number, and no difference of two, errs by more than is told of it."""
    rng = np.random.default_rng(random.randrange(1 << 30))
    size, moves = rng.random((rows, causes)), rng.normal(size=(causes, width))
    found, apart = Causes(size, moves), Causes(size, moves - moves[:, :1])
    directions: NDArray[np.float64] = rng.normal(size=(3, width))
    for _ in range(5):
        error = (size * rng.choice([-1.0, -0.3, 1.0], size.shape)) @ moves
        assert (np.abs(error) <= found.total() + 1e-12).all()
        assert (np.abs(error - error[:, :1]) <= apart.total() + 1e-12).all()
        assert (np.abs(error @ directions.T) <= found.along(directions) + 1e-12).all()


def test_causes_that_move_one_direction_are_one() -> None:
    """Their bounds are the same when they are gathered; and so are those of numbers that err alone."""
    rng = np.random.default_rng(4)
    size, moves = rng.random((6, 40)), rng.normal(size=(40, 5))
    lone = rng.random(40) < 0.8
    moves[lone] *= np.eye(5)[rng.integers(0, 4, lone.sum())]
    plain, directions = Causes(size, moves), rng.normal(size=(3, 5))
    gathered, others = plain.gathered(), np.array([0, 3, 4])
    assert len(gathered.moves) == (~lone).sum() + 4 < len(moves)
    apart, alone = Causes(size[:, :5], np.eye(5)), Alone(size[:, :5], np.eye(5))
    for one, other in ((plain, gathered), (apart, alone)):
        assert np.allclose(one.total(), other.total(), rtol=1e-12)
        assert (one.along(directions) <= other.along(directions) + 1e-12).all()
        assert (one.between(2, others) <= other.between(2, others) + 1e-12).all()
    assert np.allclose(apart.along(directions), alone.along(directions), rtol=1e-12)
    assert np.allclose(apart.between(2, others), alone.between(2, others), rtol=1e-12)


@pytest.mark.parametrize("part", [0, 1])
def test_a_step_that_takes_less_than_it_gives_is_no_step(part: int) -> None:
    """Where the two halves of a step do not cancel, what is read of it errs with every number read."""
    program = rasp.map(lambda count: count % 3, library.hist())
    model = raspc.compile(program, range(8), 24, optimize=2)
    assert model.certificate.proved
    params = {name: np.array(array) for name, array in model.params.items()}
    outward = params["transformer/layer_0/mlp/linear_2/w"]
    half = int(np.flatnonzero(outward.any(axis=1))[part])
    outward[half] *= 1.25
    broken = replace(model, params=params)
    assert not certificate(broken).proved and not raspc.check(broken, limit=3000).ok
