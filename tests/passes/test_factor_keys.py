"""Keys such as token + 3·index are compared by two digits: narrower models, the same answers, proved."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import library, rasp
from raspc.graph.build import build
from raspc.passes.factor_keys import digits_of, factor_keys
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
KEYS = {
    "token + 3·index": T + 3 * I,
    "token − 3·index": T - 3 * I,
    "5·token − 2·index + 7": 5 * T - 2 * I + 7,
    "lexicographic, the index first": T + 20 * I,
    "lexicographic, the token first": 20 * T - I,
}
WIDTHS = {
    "below": rasp.SelectorWidth(rasp.Select(KEYS["token + 3·index"], KEYS["token + 3·index"], Comparison.LT)),
    "at or above": rasp.SelectorWidth(rasp.Select(KEYS["token − 3·index"], KEYS["token − 3·index"], Comparison.GEQ)),
    "as high": rasp.SelectorWidth(rasp.Select(KEYS["token + 3·index"], KEYS["token + 3·index"], Comparison.EQ)),
}


@pytest.mark.parametrize("name", [*KEYS, *WIDTHS])
def test_it_counts_what_it_counted(name: str) -> None:
    """Ranks and widths on random inputs, negative tokens among them; every model is proved."""
    program = WIDTHS[name] if name in WIDTHS else library.sort(T, KEYS[name])
    vocab, length = (-3, -1, 0, 2, 5, 8), 9
    before = build(program, vocab, length)
    assert factor_keys(before) is not before
    model = raspc.compile(program, vocab, length, optimize=2)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    draw = random.Random(name)
    for _ in range(40):
        tokens = draw.choices(vocab, k=draw.randint(1, length))
        assert model.apply(["BOS", *tokens]).decoded[1:] == raspc.interpret(program, tokens)


def test_digits_make_the_number() -> None:
    """factor·high + low is the key, up to a constant; low stays below the factor."""
    graph = build(library.sort(T, KEYS["5·token − 2·index + 7"]), (-3, 0, 1, 4), 7)
    found_digits = digits_of(graph)
    assert found_digits
    for place, digits in found_digits.items():
        assert digits.low.max() in (1, 4)
        tokens, places = np.array([-3, 0, 1, 4]), np.arange(7)
        keys = 5 * tokens[:, None] - 2 * places[None, :] + 7
        found = (digits.low.max() + 1) * digits.high + digits.low
        assert (found - found.min() == keys - keys.min()).all(), place


@pytest.mark.parametrize(("key", "layers", "most"), [(T + 3 * I, 3, 40), (T + 32 * I, 2, 42), (32 * T + I, 2, 42)])
def test_a_sort_by_such_a_key_is_narrow(key: SOp, layers: int, most: int) -> None:
    """By one direction for each block of keys it took 62 dimensions, and 367 where the factor is large."""
    model = raspc.compile(library.sort(T, key), range(32), 32, optimize=2, certify=False)
    assert model.config.n_layers == layers
    assert model.config.d_model <= most


def test_other_keys_are_left_alone() -> None:
    """One variable, no factor, no comparison, or a count: there are no digits."""
    for key in (T, T + I, T * I, rasp.SelectorWidth(rasp.Select(T, T, Comparison.EQ)) + 3 * T):
        before = build(library.sort(T, key), (0, 1, 2, 3), 5)
        assert factor_keys(before) is before


@pytest.mark.parametrize("vocab", [range(300), [f"w{i:03d}" for i in range(300)]])
def test_many_tokens_are_compared_by_two_digits(vocab: Any) -> None:
    """300 numbers or words in order: 29 dimensions, where there was a direction or two for every five tokens."""
    program, tokens = library.sort_unique(), list(vocab)
    model = raspc.compile(program, tokens, 24, optimize=2)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    plain = raspc.compile(program, tokens, 24, optimize=2, certify=False, disabled_passes=["factor_keys"])
    assert model.config.n_layers == plain.config.n_layers and 3 * model.config.d_model < plain.config.d_model
    draw = random.Random(0)
    for _ in range(20):
        chosen = draw.sample(tokens, draw.randint(1, 24))
        assert model.apply(["BOS", *chosen]).decoded[1:] == raspc.interpret(program, chosen)
