"""Long programs: the same answers, and as much work and as many parameters a step however many steps there are."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import pytest
from benchmarks.programs import CHAINS, LENGTH, VOCAB, chain
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc.blocks.storage import functions
from raspc.graph.build import build
from raspc.layout import lives
from raspc.layout.lives import FOREVER, Life, all_at_once
from raspc.numbers.options import SMALLEST
from raspc.plan.plan import Plan
from raspc.plan.planning import planned


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", CHAINS)
def test_the_same_answers(name: str, level: int) -> None:
    """A chain of 24 steps, each in a layer of its own, computes what the interpreter says."""
    program = chain(CHAINS[name], 24)
    model = raspc.compile(program, VOCAB, LENGTH, optimize=level, certify=False)
    assert model.config.n_layers == 24
    draw = random.Random(0)
    for _ in range(20):
        tokens = draw.choices(VOCAB, k=draw.randint(1, LENGTH))
        assert model.apply(["BOS", *tokens]).decoded[1:] == raspc.interpret(program, tokens)


def plan_of(name: str, steps: int) -> Plan:
    """The plan of a chain at level 2."""
    return planned(build(chain(CHAINS[name], steps), VOCAB, LENGTH), SMALLEST)


@pytest.mark.parametrize("name", CHAINS)
def test_a_step_takes_as_much_however_many_there_are(name: str) -> None:
    """Twice the steps are twice the layers, which are no wider: dimensions are used again."""
    short, long = plan_of(name, 20), plan_of(name, 40)
    assert long.layout.d_model <= short.layout.d_model <= 16
    assert long.layout.d_mlp <= short.layout.d_mlp <= 64
    assert long.schedule.n_layers == 2 * short.schedule.n_layers


def test_neurons_read_what_is_there_in_time() -> None:
    """A sum of many picks, modulo 3, is computed of the sum before it rather than of all combinations."""
    sizes = [one.design.size for one in plan_of("(x + shift(x)) % 3", 20).storage.variables if one and one.design]
    assert len(sizes) == 20 and max(sizes) <= 64


def test_each_function_is_designed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many searches for neurons as there are functions, with as many candidates of layouts as for a short chain."""
    calls: list[str] = []
    design, filling = functions.choose, lives._Filling.run

    def designed(*args: Any, **options: Any) -> Any:
        calls.append("design")
        return design(*args, **options)

    def filled(self: Any) -> dict[str, int]:
        calls.append("layout")
        return filling(self)

    monkeypatch.setattr(functions, "choose", designed)
    monkeypatch.setattr(lives._Filling, "run", filled)
    plan_of("(shift(x) + tokens) % 3", 40)
    assert calls.count("design") == 40 and calls.count("layout") <= len(lives.ROOM)


spans = st.lists(
    st.tuples(st.integers(-1, 18), st.integers(0, 6), st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=14
)


@given(spans, st.booleans())
def test_all_at_once_keeps_spaces_apart(found: list[tuple[int, int, int, int]], is_output_first: bool) -> None:
    """Two spaces that share a dimension are there one after the other; what the output is read from comes first."""
    some = [Life(f"s{i}", size, born, (born + 1 + more) | 1, cost) for i, (born, more, size, cost) in enumerate(found)]
    output = [Life("output", 2, 19, FOREVER | 1, 2)] if is_output_first else []
    for start in all_at_once([*output, *some], [0] * 10):
        assert set(start) == {life.name for life in (*output, *some)} and start.get("output", 0) == 0
        for one, other in combinations([*output, *some], 2):
            apart = start[one.name] + one.size <= start[other.name] or start[other.name] + other.size <= start[one.name]
            assert apart or one.may_precede(other) or other.may_precede(one)
