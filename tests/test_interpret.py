"""What programs mean: the interpreter against a second reading of the language, and its corner cases."""

from __future__ import annotations

import itertools
import math
import operator
import random
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import (
    CONSTRUCT_LENGTH,
    CONSTRUCT_VOCAB,
    CONSTRUCTS,
    Case,
    any_value,
    booleans,
    cases,
    fractions,
    indices,
    integers,
    length,
    tokens,
)

from raspc import InputError, InvalidProgram, interpret, rasp, values
from raspc.rasp import Comparison

DEFAULTS = [None, 0, 1.5, "_", True, (1, "x")]


class Reading:
    """The definitions of the language, read one position and one pair of positions at a time."""

    def __init__(self, xs: Sequence[Any], causal: bool) -> None:
        self.xs, self.causal = list(xs), causal
        self.known: dict[tuple[int, ...], Any] = {}

    def __call__(self, expr: rasp.SOp) -> list[Any]:
        """The values of an s-op."""
        return [self.at(expr, i) for i in range(len(self.xs))]

    def at(self, expr: rasp.Expr, i: int) -> Any:
        """The value of an s-op at one position."""
        if (id(expr), i) not in self.known:
            self.known[id(expr), i] = self.fresh(expr, i)
        return self.known[id(expr), i]

    def fresh(self, expr: Any, i: int) -> Any:
        """The same, not looked up."""
        match expr:
            case rasp.TokensType():
                return self.xs[i]
            case rasp.IndicesType():
                return i
            case rasp.LengthType():
                return i + 1 if self.causal else len(self.xs)
            case rasp.Full():
                return expr.fill
            case rasp.ConstantSOp():
                return expr.value[i]
            case rasp.SelectorWidth():
                return len(self.keys(expr.selector, i))
            case rasp.Aggregate():
                return average([self.at(expr.sop, k) for k in self.keys(expr.selector, i)], expr.default)
            case rasp.Sum():
                chosen = [self.at(expr.sop, k) for k in self.keys(expr.selector, i)]
                return float(sum(map(Fraction, chosen))) if chosen else expr.default
        args = [self.at(arg, i) for arg in expr.args]
        if expr.none_in_none_out and None in args:
            return None
        try:
            return expr.f(*args)
        except ArithmeticError:
            return None
        except ValueError:  # math.sqrt(-1), math.log(0)
            return None

    def keys(self, selector: Any, query: int) -> list[int]:
        """The keys that a selector selects at a query."""
        visible = range(query + 1 if self.causal else len(self.xs))
        return [key for key in visible if self.selects(selector, query, key)]

    def selects(self, selector: Any, query: int, key: int) -> bool:
        """One entry of a selector."""
        match selector:
            case rasp.Select():
                return bool(selector.predicate(self.at(selector.keys, key), self.at(selector.queries, query)))
            case rasp.ConstantSelector():
                return selector.value[query][key]
            case rasp.Best():
                return key in self.best(selector, query)
            case rasp.SelectorAnd():
                return self.selects(selector.fst, query, key) and self.selects(selector.snd, query, key)
            case rasp.SelectorOr():
                return self.selects(selector.fst, query, key) or self.selects(selector.snd, query, key)
        return not self.selects(selector.inner, query, key)

    def best(self, selector: Any, query: int) -> list[int]:
        """The keys that nobody beats."""
        keys = self.keys(selector.selector, query)
        scores = {key: self.at(selector.score, key) for key in keys}
        beats = operator.gt if selector.end == "max" else operator.lt
        return [key for key in keys if not any(beats(scores[other], scores[key]) for other in keys)]


def average(chosen: list[Any], default: Any) -> Any:
    """The default, the one value, or the exact mean rounded."""
    if not chosen:
        return default
    if all(value == chosen[0] for value in chosen):
        return chosen[0]
    return float(sum(map(Fraction, chosen))) / len(chosen)


def alike(xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    """Equal at every position; numbers to within rounding."""
    return len(xs) == len(ys) and all(
        math.isclose(x, y, rel_tol=1e-12, abs_tol=1e-12) if values.is_number(x) and values.is_number(y) else x == y
        for x, y in zip(xs, ys, strict=True)
    )


@given(cases())
@settings(max_examples=150, deadline=None)
def test_agrees_with_a_second_reading(case: Case) -> None:
    """Random programs of every construct mean what their definitions say, causal and not."""
    program = case.program
    assert alike(interpret(program, case.xs, case.causal), Reading(case.xs, case.causal)(program))


@pytest.mark.parametrize("name", CONSTRUCTS)
@pytest.mark.parametrize("causal", [False, True])
def test_each_construct(name: str, causal: bool) -> None:
    """Every construct means what its definition says, on every short input."""
    program = CONSTRUCTS[name]
    for n in range(1, CONSTRUCT_LENGTH + 1):
        for xs in itertools.product(CONSTRUCT_VOCAB, repeat=n):
            assert alike(interpret(program, xs, causal), Reading(xs, causal)(program))


@given(cases())
@settings(max_examples=100, deadline=None)
def test_causal_programs_do_not_look_ahead(case: Case) -> None:
    """Under the causal mask, the values of a prefix are the first values of the whole."""
    program = case.program
    if not case.causal:
        program = rasp.Aggregate(rasp.Select(indices, indices, Comparison.LEQ), tokens == case.vocab[0])
    whole = interpret(program, case.xs, causal=True)
    for n in range(1, len(case.xs) + 1):
        assert alike(interpret(program, case.xs[:n], causal=True), whole[:n])


@given(cases(max_operations=5), any_value)
@settings(max_examples=50, deadline=None)
def test_names_and_encodings_mean_nothing(case: Case, note: Any) -> None:
    """Annotations are advice: the values stay the same."""
    program = case.program
    plain = interpret(program, case.xs, case.causal)
    for twin in (
        rasp.numerical(program),
        rasp.categorical(program),
        program.named("x"),
        program.annotated(note=note),
    ):
        assert interpret(twin, case.xs, case.causal) == plain


def test_inputs() -> None:
    """Tokens, positions and lengths; nothing on the empty input."""
    assert tokens("abc") == ["a", "b", "c"]
    assert indices("abc") == [0, 1, 2]
    assert length("abc") == [3, 3, 3]
    assert length("abc", causal=True) == [1, 2, 3]
    assert interpret(rasp.SelectorWidth(rasp.Select(tokens, tokens, Comparison.EQ)), []) == []


def test_rows_of_a_selector_are_queries() -> None:
    """Entry [query][key] is predicate(key, query); the mask hides later keys, from a negation too."""
    less = rasp.Select(tokens, tokens, Comparison.LT)
    assert less([1, 3, 2]) == [[False] * 3, [True, False, True], [True, False, False]]
    assert less([1, 3, 2], causal=True) == [[False] * 3, [True, False, False], [True, False, False]]
    assert (~less)([1, 3], causal=True) == [[True, False], [False, True]]


@pytest.mark.parametrize("how", Comparison)
@given(x=fractions, y=integers)
def test_comparisons(how: Comparison, x: float, y: int) -> None:
    """Each named predicate is that of Python, called as predicate(key, query)."""
    python = {"TRUE": True, "FALSE": False}.get(how.name)
    wanted = python if python is not None else eval(f"{x} {how.value} {y}")
    assert how(x, y) is wanted
    assert rasp.Select(rasp.Full(x), rasp.Full(y), how)("a") == [[wanted]]


NONE_AT_B = rasp.Map({"a": 1, "c": 3}.get, tokens)


@pytest.mark.parametrize(
    "program",
    [
        rasp.Map(lambda x: x + 1, NONE_AT_B),
        rasp.Map(lambda x: "never called on None", NONE_AT_B),
        rasp.SequenceMap(lambda x, y: 0, NONE_AT_B, indices),
        rasp.SequenceMap(lambda x, y: 0, indices, NONE_AT_B),
        rasp.map(lambda x, y, z: 0, indices, tokens, NONE_AT_B),
        rasp.LinearSequenceMap(NONE_AT_B, indices, 0, 1),
        NONE_AT_B == 1,
        NONE_AT_B.is_in([1, None]),
        ~NONE_AT_B,
        rasp.where(NONE_AT_B, 1, 2),
    ],
)
def test_none_in_none_out(program: rasp.SOp) -> None:
    """A function of None is None, and is not called."""
    assert [value is None for value in program("abc")] == [False, True, False]


def test_where_chooses_before_it_looks() -> None:
    """A None in the branch that is not chosen does not matter."""
    assert rasp.where(tokens == "b", 0, NONE_AT_B)("abc") == [1, 0, 3]
    assert rasp.where(tokens == "b", NONE_AT_B, 0)("abc") == [0, None, 0]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1 / x,
        lambda x: 1 // x,
        lambda x: 1 % x,
        lambda x: 0.0 ** (x - 1),
        lambda x: math.log(x),
        lambda x: math.log2(x),
        lambda x: math.sqrt(x - 1),
        lambda x: math.acos(x + 2),
        lambda x: math.exp(1000 - 1000 * x),
        lambda x: 10.0 ** (400 - 400 * x),
        lambda x: math.fmod(1, x),
    ],
)
def test_an_arithmetic_error_gives_none(f: Callable[[Any], Any]) -> None:
    """Division by zero, a logarithm of 0, overflow: None, since a model cannot raise."""
    assert rasp.Map(f, tokens)([0]) == [None]
    assert rasp.SequenceMap(lambda x, y: f(x), tokens, tokens)([0]) == [None]


def test_division_by_an_index() -> None:
    """tokens / indices is None at position 0."""
    assert (tokens / indices)([4, 4, 5]) == [None, 4, 2.5]


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (rasp.Map(lambda x: {"a": 1}[x], tokens), "KeyError"),
        (rasp.Map(lambda x: x + 1, tokens), "TypeError"),
        (rasp.Map(lambda x: int(x), tokens), "ValueError"),
        (rasp.Map(lambda x: [x], tokens), "TypeError: unhashable"),
        (rasp.Map(lambda x: (-8) ** 0.5, tokens), "complex"),
        (rasp.SequenceMap(lambda x, y: x < y, tokens, indices), "TypeError"),
        (rasp.Select(tokens, tokens, lambda key, query: key.missing), "AttributeError"),
        (rasp.Select(tokens, indices, Comparison.LT), "TypeError"),
        (rasp.Select(NONE_AT_B, tokens, lambda key, query: True), "a key is None"),
        (rasp.Select(tokens, NONE_AT_B, lambda key, query: True), "a query is None"),
        (rasp.Select(NONE_AT_B, tokens, Comparison.TRUE), "a key is None"),
        (rasp.Aggregate(rasp.Select(tokens, tokens, Comparison.TRUE), tokens), "unequal values"),
        (rasp.Aggregate(rasp.Select(tokens, tokens, Comparison.TRUE), NONE_AT_B), "unequal values"),
        (rasp.ConstantSOp([1, 2]), "constant of length 2"),
        (rasp.ConstantSOp([1, 2, 3, 4]), "constant of length 4"),
        (rasp.ConstantSOp([1, 2], check_length=False), "constant of length 2"),
        (rasp.ConstantSelector([[True]]), "constant of length 1"),
    ],
)
def test_other_exceptions_mean_undefined(program: rasp.Expr, what: str) -> None:
    """Where a function or predicate fails otherwise, the program is undefined: InputError says why."""
    with pytest.raises(InputError, match=what):
        program(["a", "b", "c"])


def test_an_undefined_program_is_named() -> None:
    """The error names the expression, the position and the values."""
    broken = rasp.Map(lambda x: {"a": 1}[x], tokens).named("lookup")
    with pytest.raises(InputError, match=r"lookup is undefined at position 1: .*KeyError: 'b' for \('b'\)"):
        (broken + 1)("ab")


def test_input_errors_are_value_errors() -> None:
    """Tracr raises ValueError where we raise InputError."""
    with pytest.raises(ValueError, match="unequal"):
        rasp.Aggregate(rasp.Select(tokens, tokens, Comparison.TRUE), tokens)("ab")


def test_constants_longer_than_the_input() -> None:
    """Without the check of the length, a constant is cut to the input."""
    assert rasp.ConstantSOp([1, 2, 3], check_length=False)("ab") == [1, 2]
    triangle = rasp.ConstantSelector([[1, 0, 0], [1, 1, 0], [1, 1, 1]], check_length=False)
    assert triangle("ab") == [[True, False], [True, True]]
    assert (~triangle)("ab", causal=True) == [[False, False], [False, False]]


@pytest.mark.parametrize("default", DEFAULTS)
def test_the_rules_of_an_aggregate(default: Any) -> None:
    """None selected: the default; one: its value; equal ones: that value; numbers: their mean."""
    key_is = lambda value: rasp.Select(tokens, rasp.Full(value), Comparison.EQ)  # noqa: E731
    as_text = rasp.Map(str, tokens)
    assert rasp.Aggregate(key_is(9), tokens, default)([1, 2]) == [default] * 2
    assert rasp.Aggregate(key_is(2), as_text, default)([1, 2]) == ["2", "2"]
    assert rasp.Aggregate(key_is(2), as_text, default)([2, 2, 1]) == ["2"] * 3
    everything = rasp.Select(tokens, tokens, Comparison.TRUE)
    assert rasp.Aggregate(everything, tokens, default)([1, 2, 3]) == [2, 2, 2]
    assert rasp.Aggregate(everything, tokens == 1, default)([1, 2]) == [0.5, 0.5]
    assert rasp.Aggregate(everything, NONE_AT_B, default)("bb") == [None, None]


def test_the_default_is_none() -> None:
    """An aggregate without a default gives None where nothing is selected."""
    assert rasp.Aggregate(rasp.Select(tokens, tokens, Comparison.FALSE), tokens)("a") == [None]


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_mean_does_not_depend_on_order(numbers: list[float], rng: random.Random) -> None:
    """The sum is rounded once, so that any order gives the same mean."""
    shuffled = rng.sample(numbers, len(numbers))
    everything = rasp.Select(indices, indices, Comparison.TRUE)
    mean = rasp.Aggregate(everything, tokens)
    assert set(mean(numbers)) == set(mean(shuffled))
    if len(set(numbers)) > 1:
        assert mean(numbers)[0] == math.fsum(numbers) / len(numbers)


def test_a_mean_is_rounded_once() -> None:
    """A sum from left to right would lose the 1."""
    mean = rasp.Aggregate(rasp.Select(indices, indices, Comparison.TRUE), tokens)
    assert mean([1e16, 1, -1e16, 3])[0] == 1


def test_equal_values_are_one_value() -> None:
    """True, 1 and 1.0 select each other and are no mixture."""
    same = rasp.Select(tokens, tokens, Comparison.EQ)
    assert rasp.SelectorWidth(same)([True, 1, 1.0, 0]) == [3, 3, 3, 1]
    assert rasp.Aggregate(same, tokens)([True, 1, 1.0]) == [1, 1, 1]


def test_numpy_values_become_plain() -> None:
    """A NumPy scalar as a token or from a function is a number like any other."""
    import numpy as np

    found = rasp.Map(np.sqrt, tokens)(np.array([4.0, 9.0]))
    assert found == [2, 3]
    assert {type(value) for value in found} == {float}


def test_a_shared_dag_takes_linear_time() -> None:
    """Forty stages of x = x + x are forty nodes, not 2^40 calls."""
    x: rasp.SOp = tokens
    for _ in range(40):
        x = x + x
    start = time.process_time()
    assert x([1, 2]) == [2**40, 2**41]
    assert time.process_time() - start < 0.1


def test_a_shared_selector_takes_linear_time() -> None:
    """The same for selectors, and for both in turn."""
    selector: rasp.Selector = rasp.Select(tokens, tokens, Comparison.EQ)
    for _ in range(40):
        selector = selector & selector | ~selector & selector
    start = time.process_time()
    assert rasp.SelectorWidth(selector)([1, 2, 1]) == [2, 1, 2]
    assert time.process_time() - start < 0.1


def test_a_long_chain_needs_no_recursion() -> None:
    """Three thousand nodes one after another."""
    x: rasp.SOp = tokens
    for _ in range(1500):
        x = rasp.Aggregate(rasp.Select(indices, indices, Comparison.EQ), x + 1)
    assert x([0, 5]) == [1500, 1505]


def test_only_expressions_have_a_meaning() -> None:
    """Anything else is refused in one line."""
    with pytest.raises(InvalidProgram, match="needed an s-op or a selector"):
        interpret("tokens", "ab")  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), booleans)
def test_de_morgan(xs: list[int], causal: bool) -> None:
    """Not (a and b) is not a or not b."""
    a, b = rasp.Select(tokens, tokens, Comparison.LT), rasp.Select(indices, tokens, Comparison.EQ)
    assert (~(a & b))(xs, causal=causal) == (~a | ~b)(xs, causal=causal)
    assert (~(a | b))(xs, causal=causal) == (~a & ~b)(xs, causal=causal)
