"""Values that count as one: what reads them is right on every input, at every level, or it is refused in words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.agreement import LEVELS, alike, answers

import raspc
from raspc import UnsupportedProgram, rasp
from raspc.graph.build import build
from raspc.graph.nodes import Listed
from raspc.numbers import arithmetic
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
everything = rasp.Select(I, I, Comparison.TRUE)
ABC = ("a", "b", "c")


def mean(x: SOp) -> SOp:
    """Over all positions."""
    return rasp.Aggregate(everything, x)


def share(token: str) -> SOp:
    """How much of the input is this token."""
    return mean(token == T)


def before(x: SOp) -> SOp:
    """The value one position to the left."""
    return rasp.Aggregate(rasp.Select(I, I, lambda key, query: key == query - 1), x, default=0)


def mapped(f: Callable[[Any], Any], x: SOp) -> SOp:
    """Any function of one s-op."""
    return rasp.Map(f, x)


AB = share("a") + share("b")
"""0.4 + 0.2 is 0.6000000000000001, and 0.2 + 0.4 too; 0.6 is met as 0.6 + 0."""
TABLE = {0: "none", 0.5: "half", 0.6: "six", 1: "all"}

PROGRAMS: dict[str, tuple[SOp, tuple[Any, ...], int]] = {
    "a sum above a decimal": (AB > 0.6, ABC, 5),
    "a sum that is a decimal": (AB == 0.6, ABC, 5),
    "a sum in a dictionary": (mapped(TABLE.get, AB), ABC, 5),
    "a sum of three": (share("a") + share("b") + share("c") == 1, ABC, 5),
    "a sum, floor divided": (AB // 0.2, ABC, 5),
    "a sum, modulo": (AB % 0.3, ABC, 4),
    "a sum, as a word": (mapped(str, AB), ABC, 5),
    "a sum, in a branch": (rasp.where(AB > 0.6, T, "no"), ABC, 5),
    "a sum as a key": (rasp.SelectorWidth(rasp.Select(AB, 0.6 + 0 * I, Comparison.GT)), ABC, 5),
    "a sum as a query": (rasp.SelectorWidth(rasp.Select(I * 0.2, AB, lambda key, query: key < query)), ABC, 5),
    "a sum that was moved": (before(AB) > 0.6, ABC, 5),
    "a sum of a sum": (AB + AB > 1.2, ABC, 5),
    "a sum and its mean": (mean(rasp.Aggregate(rasp.Select(I, I, Comparison.LEQ), T == "a") + AB) > 0.6, ABC, 3),
    "a sum beside another variable": (rasp.SequenceMap(lambda x, i: x + i > 1.6, AB, I), ABC, 5),
    "a difference that is 0 but for rounding": (AB - 0.6 == 0, ABC, 5),
    "a sum of halves": (mean(T) + mean(T) + mean(T) == 1.5, (0, 1), 4),
    "a tie-break": (share("a") + I * 1e-10 > 0.5, ("a", "b"), 4),
    "a mean of decimals": (mean(T) > 0.15, (0.1, 0.2), 4),
    "a mean of three decimals": (mean(T) > 0.2, (0.1, 0.2, 0.3), 4),
    "a mean of both signs": (mean(T) == 0, (-0.3, 0.1, 0.2), 3),
    "a mean, rounded": (round(mean(T), 1), (0, 1, 2), 4),
    "a mean, rounded down": (mapped(lambda x: int(x / 0.1), share("a")), ("a", "b"), 5),
    "a mean of decimals, modulo": (mean(T) % 0.3, (0.1, 0.2, 0.3), 3),
    "a mean, as a word": (mapped(str, mean(T)), (0, 2), 3),
    "a branch that gives True or 1": (mapped(lambda x: x is True, rasp.where(T == 1, True, 1)), (0, 1), 2),
    "an operand of or": (mapped(str, (T == 1) | T), (0, 1), 3),
    "a default of 0 beside False": (mapped(str, before(T == 1)), (0, 1), 3),
    "large whole numbers": (rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ)), (2**53, 2**53 + 1), 2),
    "the order of large whole numbers": (
        rasp.SelectorWidth(rasp.Select(T, T + 1, Comparison.LT)), (5, 2**53, 2**53 + 1), 2),
    "a mean of values that count as one": (
        rasp.Aggregate(rasp.Select(T, T, Comparison.GEQ), T % (1 / 3)) == 8.326672684688674e-17, (0, 1, 2), 3),
    "products of decimals": (rasp.SequenceMap(lambda x, y: x * y == 0.06, T, mean(T)), (0.1, 0.2, 0.3), 3),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_tells_near_values_apart_is_exact(name: str) -> None:
    """The model agrees with the interpreter of expressions on every input, at every level."""
    program, vocab, longest = PROGRAMS[name]
    inputs = [list(xs) for n in range(1, longest + 1) for xs in product(vocab, repeat=n)]
    wanted = [raspc.interpret(program, xs) for xs in inputs]
    for level in LEVELS:
        model = raspc.compile(program, vocab, longest, optimize=level)
        for xs, want, got in zip(inputs, wanted, answers(model, inputs), strict=True):
            assert alike(got, want), (level, xs, want, got)


def test_an_example_meets_both_values() -> None:
    """The first program tells apart two sums that do occur: without them it would show nothing."""
    held = {x for xs in product(ABC, repeat=5) for x in raspc.interpret(AB, list(xs))}
    assert {0.6, 0.6000000000000001} <= held


def test_near_values_count_as_one_where_readers_agree() -> None:
    """A sum that is compared with a number between its values is one table over its values, near ones merged."""
    graph = build((AB.named("sum") > 0.5), ABC, 5)
    (place,) = [place for place, node in enumerate(graph.nodes) if "sum" in node.names]
    domain = graph.variable(place).domain
    assert isinstance(domain, Listed)
    near = [x for x in domain.values if abs(x - 0.6) < 1e-6]
    assert len(near) == 1
    assert any(getattr(node, "args", ()) == (place,) for node in graph.nodes)


def test_what_cannot_be_told_apart_is_refused_with_both_values_and_an_input_for_each() -> None:
    """A mean of many decimals: too many counts to list, so the two sums and how to round them are named."""
    vocab = tuple(x / 10 for x in range(1, 7))
    with pytest.raises(UnsupportedProgram) as refusal:
        raspc.compile(mean(T).named("average") > 0.3, vocab, 6)
    said = str(refusal.value)
    assert "average" in said and "round(x, 6)" in said
    assert said.count("(on [") == 2
    (_, first, rest) = said.split("(on [", 2)
    for part in (first, rest):
        xs = [float(x) for x in part.split("]")[0].split(",")]
        assert abs(raspc.interpret(mean(T), xs)[0] - 0.3) < 1e-9


def test_a_sum_whose_merged_values_are_magnified_is_right_or_refused() -> None:
    """What is one value at 1e-10 is not at a million times that."""
    program = (share("a") + I * 1e-10) * 1e12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            model = raspc.compile(rasp.numerical(rasp.Map(lambda x: x % 1e3, program)), ("a", "b"), 4)
        except (raspc.RaspcError, raspc.UncertainProgram):  # refused, or told to be measured
            return
    for xs in product(("a", "b"), repeat=4):
        wanted = raspc.interpret(rasp.Map(lambda x: x % 1e3, program), list(xs))
        assert alike(answers(model, [xs])[0], wanted)


def test_means_of_numbers_that_stand_for_near_ones() -> None:
    """Remainders differ by 1e-14, and so do their means, though no sum is rounded: right, or refused."""
    rest = (I + T) % 0.7
    average = rasp.Aggregate(rasp.Select(I, T, Comparison.LT), rest - 0.10000000000000075, default=-1)
    program, vocab = rasp.SequenceMap(lambda x, y: True if x > y else y, average, rest), (1, 10, 100)
    for level in LEVELS:
        try:
            model = raspc.compile(program, vocab, 3, optimize=level)
        except UnsupportedProgram as refusal:
            assert "cannot tell apart" in str(refusal)
            continue
        for xs in product(vocab, repeat=3):
            assert alike(answers(model, [xs])[0], raspc.interpret(program, xs))


@pytest.mark.parametrize("numbers", [[0.1, 0.2, 0.3], [1e16, 1.0, -1e16], [1, 2, 3], [0.1] * 7, [1e300, -1e300, 1e284]])
def test_sums_of_a_batch_are_those_of_the_interpreter(numbers: list[float]) -> None:
    """`arithmetic.sums` rounds once, as `math.fsum` does."""
    selector = np.ones((len(numbers), 1, 1), bool)
    assert arithmetic.sums(selector, np.array([numbers], float))[0, 0] == math.fsum(numbers)


def test_a_mean_of_the_largest_floats() -> None:
    """Their sum is beyond floats, their mean is not."""
    assert arithmetic.mean([1.5e308, 1.7e308], None) == 1.6e308


def test_a_value_that_no_input_has_is_said_to_be_so() -> None:
    """The bound of a mean of means counts values that cannot occur; the refusal does not pretend that they do."""
    everything = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE)
    mean = rasp.Aggregate(everything, rasp.Aggregate(everything, rasp.tokens) * rasp.tokens)
    with pytest.raises(UnsupportedProgram, match=r"tells 1 \(on \[1\]\) from 0\.9+\d* \(on none of the 363 inputs"):
        raspc.compile(mean == 1, [0, 1, 2], 5)
