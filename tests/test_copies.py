"""Programs and models cross process boundaries, and their copies mean the same."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from typing import Any

import pytest

import raspc
from raspc import library, rasp
from raspc.text import load_program

PROGRAMS = sorted(library.PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_library_programs_pickle(name: str) -> None:
    """The copy gives the same answers, under the same names."""
    entry = library.get(name)
    program = entry.program
    twin = pickle.loads(pickle.dumps(program))
    xs = list(entry.vocab)[: entry.max_seq_len] or [0]
    assert answer(twin, xs, entry.causal) == answer(program, xs, entry.causal)
    assert [expr.name for expr in rasp.topological(twin)] == [expr.name for expr in rasp.topological(program)]


def answer(program: rasp.SOp, xs: list[Any], causal: bool) -> Any:
    """The answer, or the words of the refusal."""
    try:
        return program(xs, causal=causal)
    except raspc.InputError as error:
        return str(error)


def test_what_operators_and_texts_build_pickles() -> None:
    """Constants on either side, rounding, membership, promises, selectors; RASP's own text."""
    at = rasp.Select(rasp.indices - 1, 1 - rasp.indices, rasp.Comparison.LEQ)
    built = [
        round(rasp.Aggregate(at, rasp.indices) / 3, 1),
        rasp.tokens.is_in("ab") & ~(rasp.tokens == "a"),
        rasp.assume(rasp.indices % 2, {0, 1}),
        rasp.LinearSequenceMap(rasp.indices, rasp.length, 2, -1),
        rasp.SelectorWidth(rasp.latest(at) | ~at),
        load_program('a = (2 ^ indices + 1) % 5; b = [4, 5, 6][a % 3] if tokens == "a" else -a; c = round(b / 2);'),
    ]
    for program in built:
        assert pickle.loads(pickle.dumps(program))("abba") == program("abba")
    assert pickle.loads(pickle.dumps(at))("ab") == at("ab")


def test_a_copy_is_one_program() -> None:
    """What is shared stays shared, and a long chain does not exhaust the stack."""
    shared = rasp.indices + 1
    twin = pickle.loads(pickle.dumps(shared * shared))
    assert twin.children[0] is twin.children[1]
    other = copy.deepcopy([twin, twin.children[0]])
    assert other[0] is not twin
    assert other[0].children[0] is other[0].children[1] is other[1]
    assert other[0]("ab") == twin("ab")
    long = rasp.indices
    for _ in range(5_000):
        long = long + 1
    assert pickle.loads(pickle.dumps(long))("a") == copy.deepcopy(long)("a") == [5_000]


def test_models_and_programs_reach_a_spawned_process() -> None:
    """A fresh interpreter, not a fork: all that it gets is the pickle."""
    model = raspc.compile(library.hist(), "ab", 4)
    model.apply(["BOS", "a"])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(model.apply, (["BOS", "a", "b", "a"],)).decoded == ["BOS", 2, 1, 2]
        assert pool.apply(library.hist(), ("aba",)) == [2, 1, 2]
