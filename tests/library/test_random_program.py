"""Random programs: every construct, well-typed, reproducible, as text and as expressions."""

from __future__ import annotations

import inspect
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import Case, cases, vocabularies

from raspc import InputError, InvalidProgram, interpret, rasp
from raspc.library import random_program, random_script

VOCAB = ("a", "b", "c", 1, 2)
CONSTRUCTS = {
    kind
    for kind in vars(rasp).values()
    if inspect.isclass(kind) and issubclass(kind, rasp.Expr) and not kind.__name__.startswith("_")
} - {rasp.Expr, rasp.SOp, rasp.Selector, rasp.Elementwise}


def outcome(program: rasp.SOp, xs: list[Any], causal: bool) -> list[Any] | None:
    """The answer, or None where the program is undefined."""
    try:
        return interpret(program, xs, causal)
    except InputError:
        return None


def samples(vocab: tuple[Any, ...], rng: random.Random, count: int = 12) -> list[list[Any]]:
    """Random inputs of length 1 to 5."""
    return [rng.choices(vocab, k=rng.randint(1, 5)) for _ in range(count)]


def test_every_construct_occurs() -> None:
    """Each class of the language, each operator, each encoding, and every kind of predicate."""
    nodes = [
        node
        for seed in range(300)
        for node in rasp.topological(random_program(random.Random(seed), operations=10, vocab=VOCAB))
    ]
    assert {type(node) for node in nodes} == CONSTRUCTS
    operators = {node.operation[0] for node in nodes if isinstance(node, rasp.Elementwise) and node.operation}
    assert operators >= {
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne",
        "_and", "_or",
    }  # fmt: skip
    assert {node.given_encoding for node in nodes if isinstance(node, rasp.SOp)} == {None, *rasp.Encoding}
    assert any(node.given_name for node in nodes)
    predicates = {node.predicate for node in nodes if isinstance(node, rasp.Select)}
    assert predicates > set(rasp.Comparison)
    defaults = {type(node.default) for node in nodes if isinstance(node, rasp.Aggregate)}
    assert defaults >= {type(None), int, float, str, bool, tuple}
    assert any(node.single for node in nodes if isinstance(node, rasp.Aggregate))
    assert any(isinstance(node.selector, rasp.Best) for node in nodes if isinstance(node, rasp.Best))
    assert any(not node.none_in_none_out for node in nodes if isinstance(node, rasp.NaryMap))


@pytest.mark.parametrize("causal", [False, True])
def test_few_are_undefined(causal: bool) -> None:
    """Under 3 % of the programs are undefined on any of the inputs tried."""
    undefined = 0
    for seed in range(200):
        rng = random.Random(seed)
        program = random_program(rng, rng.randint(5, 12), VOCAB, causal=causal)
        undefined += any(outcome(program, xs, causal) is None for xs in samples(VOCAB, rng))
    assert undefined / 200 < 0.03


@given(cases())
@settings(max_examples=100, deadline=None)
def test_defined_over_any_vocabulary(case: Case) -> None:
    """Numbers, words, booleans, mixtures: programs that are grown over a vocabulary are defined on it."""
    assert outcome(case.program, case.xs, case.causal) is not None


def test_most_say_something() -> None:
    """Most programs give more than one value."""
    varied = 0
    for seed in range(200):
        rng = random.Random(seed)
        program = random_program(rng, 8, VOCAB)
        varied += len({repr(value) for xs in samples(VOCAB, rng) for value in interpret(program, xs)}) > 1
    assert varied > 120


@pytest.mark.parametrize("operations", [1, 5, 12])
def test_size(operations: int) -> None:
    """About as many operations as were asked for."""
    sizes = [len(random_script(random.Random(seed), operations).lines) for seed in range(60)]
    assert operations * 0.9 <= sum(sizes) / len(sizes) <= operations * 1.5 + 1


@pytest.mark.parametrize("make", [random.Random, np.random.default_rng])
def test_equal_seeds_give_equal_programs(make: Any) -> None:
    """Either kind of generator serves, and determines the program."""
    first, second, other = (str(random_script(make(seed))) for seed in (3, 3, 4))
    assert first == second != other
    assert isinstance(random_program(make(3)), rasp.SOp)


@given(vocabularies(), st.integers(0, 10**6), st.booleans())
@settings(max_examples=50, deadline=None)
def test_the_script_is_the_program(vocab: tuple[Any, ...], seed: int, causal: bool) -> None:
    """The text, run as Python, defines the expression that `build` gives."""
    script = random_script(random.Random(seed), 6, vocab, 4, causal)
    scope: dict[str, Any] = {}
    exec(str(script), scope)
    for xs in samples(vocab, random.Random(seed), 5):
        assert interpret(scope["program"], xs[:4], causal) == interpret(script.build(), xs[:4], causal)


def test_shrinking_ends_in_a_leaf() -> None:
    """Smaller scripts are smaller, are programs, and lead down to almost nothing."""
    script = random_script(random.Random(1), 10)
    steps = 0
    while smaller := list(script.smaller()):
        assert all(len(other.lines) < len(script.lines) for other in smaller)
        script, steps = smaller[-1], steps + 1
    assert len(script.lines) == 0
    assert steps > 1


def test_every_smaller_script_is_a_program() -> None:
    """No stand-in leaves a name undefined."""
    for seed in range(20):
        for smaller in random_script(random.Random(seed), 8).smaller():
            assert isinstance(smaller.build(), rasp.SOp)


def test_no_operations() -> None:
    """At least one operation."""
    with pytest.raises(InvalidProgram, match="found 0 operations"):
        random_program(random.Random(0), operations=0)
