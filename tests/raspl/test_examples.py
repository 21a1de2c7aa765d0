"""The example programs write what they should: token after token, by interpretation and by a compiled model."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import raspc
from raspc import UncertainProgram
from raspc.rasp import SOp
from raspc.raspl import examples
from raspc.raspl.examples import END, EQUALS, HINT, PLUS, START, STOP


def number(value: int, base: int, places: int, backwards: bool = False) -> list[int]:
    """Digits, each behind its index hint."""
    pairs = [(HINT + place, value // base**place % base) for place in range(places)]
    return list(itertools.chain(*(pairs if backwards else pairs[::-1])))


def sums(base: int, places: int, backwards: bool, some: slice = slice(None)) -> Iterator[tuple[list[int], list[int]]]:
    """Prompts and answers of all sums that have so many digits, or of some of these."""
    top = base**places
    pairs = [(one, other) for one in range(top) for other in range(top - one)]
    for a, b in pairs[some]:
        prompt = [*number(a, base, places), PLUS, *number(b, base, places), EQUALS]
        yield prompt, [*number(a + b, base, places, backwards), END]


def counts(most: int) -> Iterator[tuple[list[int], list[int]]]:
    """Prompts and answers of all counts from a to b, a ≤ b."""
    for a, b in itertools.combinations_with_replacement(range(most), 2):
        yield [a, b, START], [*range(a, b + 1), STOP]


def written(next_tokens: Callable[[list[int]], list[Any]], prompt: list[int], stop: int, most: int) -> list[int]:
    """What a program writes behind a prompt, its last token appended until it stops."""
    xs = list(prompt)
    while len(xs) < most and (len(xs) == len(prompt) or xs[-1] != stop):
        xs.append(next_tokens(xs)[-1])
    return xs[len(prompt) :]


PROGRAMS: dict[str, tuple[SOp, list[tuple[list[int], list[int]]]]] = {
    "count": (examples.count(), list(counts(7))),
    "addition": (examples.addition(), list(sums(10, 2, False, slice(0, None, 61)))),
    "addition of three places": (examples.addition(), list(sums(10, 3, False, slice(5, None, 9973)))),
    "binary addition": (examples.addition(2), list(sums(2, 3, False))),
    "reversed addition": (examples.reversed_addition(), list(sums(10, 2, True, slice(0, None, 61)))),
    "reversed addition of three places": (examples.reversed_addition(), list(sums(10, 3, True, slice(5, None, 9973)))),
    "reversed binary addition": (examples.reversed_addition(2), list(sums(2, 3, True))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_interpreted(name: str) -> None:
    """Every answer, token by token: the program says at each position of prompt and answer what comes next."""
    program, tasks = PROGRAMS[name]
    for prompt, answer in tasks:
        said = raspc.interpret(program, [*prompt, *answer[:-1]])
        assert said[len(prompt) - 1 :] == answer, prompt


WRITERS: dict[str, tuple[SOp, list[int], int, list[tuple[list[int], list[int]]]]] = {
    "count": (examples.count(), [*range(-2, 5)], 8, list(counts(5))),
    "addition": (examples.addition(2), [*range(-3, 2), 100, 101], 14, list(sums(2, 2, False))),
    "reversed addition": (examples.reversed_addition(2), [*range(-3, 2), 100, 101], 14, list(sums(2, 2, True))),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_model_writes_the_answers(name: str) -> None:
    """With `generate=True`, by itself, for every prompt."""
    program, vocab, longest, tasks = WRITERS[name]
    prompts, stop = [prompt for prompt, _ in tasks], tasks[0][1][-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        model = raspc.compile(program, vocab, longest, optimize=2, generate=True, stop=stop, prompts=prompts)
    assert model.config.causal
    for prompt, answer in tasks:
        assert model.generate(prompt) == answer, prompt


def test_the_next_token_at_every_position() -> None:
    """Without `generate` a model gives it too, and is the program on its inputs; an answer is written bit by bit."""
    model = raspc.compile(examples.count(), range(-2, 3), 6, optimize=2)
    assert model.config.causal and raspc.check(model, limit=3_000, program=examples.count()).ok
    for prompt, answer in counts(3):
        assert written(lambda xs: model.apply(["BOS", *xs]).decoded[1:], prompt, STOP, 7) == answer
