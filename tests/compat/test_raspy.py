"""RASPy's notation against an eager reading of the same code, interpreted and compiled."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agreement import alike, some_inputs
from tests.compat.eager_raspy import World
from tests.test_agreement import all_levels_agree

import raspc
from raspc import InputError, InvalidProgram
from raspc.compat import raspy

Program = Callable[[Any], Any]
"""Of the names of the notation, `r`: a sequence."""


def shifted(r: Any, n: int, seq: Any, default: Any = 0) -> Any:
    """n places to the right."""
    return (r.key(r.indices) == r.query(r.indices - n)).value(seq, default=default)


def least(r: Any) -> Any:
    """The least of all, as people write it."""
    before = r.key(r.indices) < r.query(r.indices)
    smaller = (before & (r.key(r.tokens) == r.query(r.tokens))) | (r.query(r.tokens) > r.key(r.tokens))
    return (r.key(smaller.value(1)) == r.query(0)).value(r.tokens).name("least")


WORDS: dict[str, Program] = {
    "flip": lambda r: (r.key(r.indices) == r.query(r.length - r.indices - 1)).value(r.tokens).name("flip"),
    "histogram": lambda r: (r.key(r.tokens) == r.query(r.tokens)).value(1),
    "shift": lambda r: shifted(r, 1, r.tokens, "_"),
    "shift, 0 by default": lambda r: shifted(r, 2, r.tokens),
    "length": lambda r: (r.key(1) == r.query(1)).value(1) - r.length,
    "places of a": lambda r: (r.key(r.tokens) == r.query("a")).value(r.indices, default=-1),
    "has": lambda r: r.tokens.has("a"),
    "has the next": lambda r: r.tokens.has(shifted(r, 1, r.tokens, "_")),
    "where": lambda r: r.where(r.tokens == "b", r.indices, r.tokens),
    "either": lambda r: ((r.tokens == "a") & (r.indices > 0)) | (r.tokens != "c"),
    "not": lambda r: ~(r.tokens == "a"),
    "not selected": lambda r: (~((r.key(r.tokens) != r.query(r.tokens)) | (r.key(r.indices) >= r.query(2)))).value(1),
    "joined words": lambda r: r.tokens + "-" + r.tokens.map(str.upper),
}  # fmt: skip
NUMBERS: dict[str, Program] = {
    "sum so far": lambda r: (r.key(r.indices) <= r.query(r.indices)).value(r.tokens),
    "sum of what is below": lambda r: (r.query(r.tokens) >= r.key(r.tokens)).value(r.tokens * 2, default=-1),
    "mean": lambda r: ((r.key(1) == r.query(1)).value(r.tokens) / r.length).round(),
    "least": least,
    "arithmetic": lambda r: 1 - 2 * r.indices + r.tokens // 2 - r.tokens % 2 + (-r.tokens) ** 2,
    "a count of truths": lambda r: (r.query(r.indices) > r.key(r.indices)).value(r.tokens > 1),
    "has a number": lambda r: r.tokens.has(r.indices).map(int),
    "reflected": lambda r: 7 // (1 + r.tokens) + 2**r.tokens + 5 % (r.indices + 2),
}  # fmt: skip
CASES = {name: (program, "abc") for name, program in WORDS.items()} | {
    name: (program, (0, 1, 2, 3)) for name, program in NUMBERS.items()
}


def wanted(program: Program, xs: list[Any]) -> list[Any]:
    """What the eager reading says."""
    found: list[Any] = program(World(xs)).held
    return found


@pytest.mark.parametrize("name", CASES)
def test_interpreted_as_the_eager_reading(name: str) -> None:
    """On short inputs and random longer ones."""
    program, vocab = CASES[name]
    made = program(raspy)
    for xs in some_inputs(vocab, 9, 39, 60):
        assert made(xs) == wanted(program, xs), xs


@pytest.mark.parametrize("name", CASES)
def test_compiled(name: str) -> None:
    """A model answers so too."""
    program, vocab = CASES[name]
    model = raspc.compile(program(raspy).program, vocab, 5, optimize=2)
    inputs = list(some_inputs(vocab, 5, 84, 20))
    for xs, (_, *found) in zip(inputs, model.apply_batch([["BOS", *xs] for xs in inputs]).decoded, strict=True):
        assert alike(found, wanted(program, xs)), xs


def test_words_are_not_added() -> None:
    """Several selected words, or a word beside a number, are refused with an input; one word is moved."""
    every = raspy.key(1) == raspy.query(1)
    with pytest.raises(InputError, match="the word 'a' and what is selected beside it have no sum"):
        every.value(raspy.tokens)("aa")
    with pytest.raises(InputError, match="average of unequal values"):
        every.value(raspy.tokens)("ab")
    with pytest.raises(InputError, match="the word 'a' and what is selected beside it"):
        every.value(raspy.tokens)(["a", 1])
    with pytest.raises(raspc.UnsupportedProgram, match="undefined on the input"):
        raspc.compile(every.value(raspy.tokens).program, "ab", 3)
    assert every.value(raspy.tokens)(["a"]) == ["a"]


WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "two keys": (lambda: raspy.key(1) == raspy.key(1), InvalidProgram, "key.…. is compared with query"),
    "a key and a number": (lambda: raspy.key(1) == 1, InvalidProgram, "key.…. is compared with query"),
    "a selector as a sequence": (lambda: raspy.tokens + (raspy.key(1) == raspy.query(1)), InvalidProgram,
                                 "found a selector where a sequence is needed"),
    "a key as a sequence": (lambda: raspy.where(raspy.key(1), 1, 2), InvalidProgram, "found a selector where"),
    "a sequence as a selector": (lambda: (raspy.key(1) == raspy.query(1)) & raspy.tokens, InvalidProgram,
                                 "where a selector is needed"),
    "a truth value": (lambda: bool(raspy.tokens == 1), InvalidProgram, "a sequence or a selector has no truth value"),
    "a chain": (lambda: raspy.key(1) == raspy.query(1) == raspy.key(1), InvalidProgram, "has no truth value"),
    "a list by default": (lambda: (raspy.key(1) == raspy.query(1)).value(raspy.tokens, default=[1]), InvalidProgram,
                          "not a value of RASP"),
    "an s-op beside it": (lambda: (raspc.rasp.indices + raspy.tokens)("ab"), InputError, "unhashable type: 'Seq'"),
    "a name that is none": (lambda: raspy.tokens.name(3), TypeError, "the name is 3, of type int; needed text"),
    "no function": (lambda: raspy.tokens.map(3), InvalidProgram, "cannot be called"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name: str) -> None:
    """One line that says what was found."""
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call()


def grown(rng: random.Random, r: Any, depth: int) -> Any:
    """A random sequence of numbers, for numbers as tokens."""
    if depth == 0:
        return rng.choice([r.tokens, r.indices, r.length])
    parts = [grown(rng, r, depth - 1) for _ in range(2)]
    kind = rng.randrange(7)
    if kind < 3:
        compare = rng.choice(["__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__ne__"])
        side = rng.choice([(r.key, r.query), (r.query, r.key)])
        selector = getattr(side[0](parts[0]), compare)(side[1](rng.choice([r.tokens, r.indices, 1])))
        if rng.random() < 0.4:
            selector = rng.choice([selector & (r.key(r.indices) < r.query(r.indices)), ~selector])
        return selector.value(rng.choice([1, parts[1], r.tokens]), default=rng.choice([0, -1]))
    if kind == 3:
        return r.where(parts[0] > rng.randint(0, 3), parts[1], rng.randint(0, 3))
    if kind == 4:
        return parts[0].map(lambda x: x % 3)
    return parts[0] + parts[1] if kind == 5 else parts[0] - 2 * parts[1]


@pytest.mark.parametrize("seed", range(8))
def test_random_programs(seed: int) -> None:
    """They mean what the eager reading says; all levels agree."""
    program = lambda r: grown(random.Random(seed), r, 2)  # noqa: E731
    inputs = list(some_inputs((0, 1, 3), 5, 39, 12))
    made = program(raspy)
    for xs in inputs:
        assert made(xs) == wanted(program, xs), xs
    all_levels_agree(made.program, (0, 1, 3), 5, False, inputs)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_formats(dtype: str) -> None:
    """Whole numbers stay exact in models of narrow formats."""
    for name in ("flip", "histogram", "shift", "sum so far"):
        program, vocab = CASES[name]
        model = raspc.compile(program(raspy).program, vocab, 5, optimize=2, dtype=dtype)
        for xs in some_inputs(vocab, 5, 20, 10):
            assert model.apply(["BOS", *xs]).decoded[1:] == wanted(program, xs), (name, xs)


def test_the_adapter_is_small() -> None:
    """150 lines at most; and it names what it offers."""
    assert Path(str(raspy.__file__)).read_text(encoding="utf-8").count("\n") <= 150
    assert set(raspy.__all__) >= {"key", "query", "tokens", "indices", "length", "where"}
