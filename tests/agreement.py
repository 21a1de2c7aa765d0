"""Compiled against interpreted: what the tests of compiled models share."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import raspc
from raspc import UncertainProgram, values
from raspc.numbers.promise import is_kept
from raspc.rasp import SOp

LEVELS = (0, 1, 2)
CHUNK = 256


def agree(x: Any, y: Any) -> bool:
    """One value, or numbers as near as is promised; y is the expected one."""
    if values.is_number(x) and values.is_number(y):
        return is_kept(x, y)
    return values.same(x, y)


def alike(xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    """As long as each other, and in agreement at every position."""
    return len(xs) == len(ys) and all(map(agree, xs, ys))


def some_inputs(vocab: Iterable[Any], max_seq_len: int, most: int = 200, extra: int = 40) -> Iterator[list[Any]]:
    """All short inputs, about `most`, and `extra` random longer ones, the longest among them."""
    tokens = sorted(vocab, key=values.order)
    longest = max((n for n in range(1, max_seq_len + 1) if len(tokens) ** n <= most), default=0)
    for n in range(1, longest + 1):
        yield from map(list, itertools.product(tokens, repeat=n))
    rng = random.Random(max_seq_len)
    for i in range(extra if longest < max_seq_len else 0):
        few = rng.sample(tokens, rng.randint(1, min(len(tokens), 4))) if i % 4 == 3 else tokens
        yield rng.choices(few, k=rng.randint(longest + 1, max_seq_len) if i % 2 else max_seq_len)


def compiled(program: SOp, vocab: Iterable[Any], max_seq_len: int, **options: Any) -> Any:
    """The model, without warnings of what could not be proved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        return raspc.compile(program, vocab=set(vocab), max_seq_len=max_seq_len, **options)


def answers(model: Any, inputs: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The decoded outputs of a model, BOS left out, in batches."""
    rows = [["BOS", *xs] for xs in inputs]
    return [
        out[1:]
        for start in range(0, len(rows), CHUNK)
        for out in model.apply_batch(rows[start : start + CHUNK]).decoded
    ]


def differences(
    program: SOp, model: Any, inputs: Iterable[Sequence[Any]], causal: bool = False
) -> list[tuple[Any, ...]]:
    """Each input on which model and interpreter differ, with what they give."""
    tried = list(inputs)
    wanted = [raspc.interpret(program, xs, causal=causal) for xs in tried]
    return [
        (xs, want, got)
        for xs, want, got in zip(tried, wanted, answers(model, tried), strict=True)
        if not alike(got, want)
    ]
