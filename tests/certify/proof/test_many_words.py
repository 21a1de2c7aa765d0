"""Many words are told apart by two digits: the proof looks at each pair of digits once, and sees every word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import raspc
from raspc import library
from raspc.certify.proof import grids, selecting
from raspc.graph import digits, store

WORDS = [f"w{i}" for i in range(100)]


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """100 words are compared by digits, and their rows merged; what is returned fills with (keys, queries)."""
    monkeypatch.setattr(digits, "LARGE", 50)
    monkeypatch.setattr(store, "LARGE", 50)
    monkeypatch.setattr(grids, "MANY", 50)
    seen: list[tuple[int, int]] = []
    pairwise = selecting._pairwise

    def noted(key: grids.Rows, query: grids.Rows, *args: object) -> selecting.Apart:
        seen.append((len(key.number), len(query.number)))
        return pairwise(key, query, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(selecting, "_pairwise", noted)
    return seen


@pytest.mark.parametrize("level", [1, 2])
def test_ten_digits_stand_for_a_hundred_words(level: int, few_are_many: list[tuple[int, int]]) -> None:
    """Proved, by no more pairs than digits have."""
    model = raspc.compile(library.hist(), WORDS, 6, optimize=level)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    if level == 2:
        assert few_are_many and max(few_are_many) == (10, 10)


@pytest.mark.parametrize("word", [0, 37, 99])
def test_a_single_wrong_word_is_seen(word: int, few_are_many: list[tuple[int, int]]) -> None:
    """One word of a hundred with the digits of another: not proved, whichever it is."""
    model = raspc.compile(library.hist(), WORDS, 6, optimize=2)
    params = {name: np.array(model.params[name]) for name in model.params}
    params["token_embed/embeddings"][word] = params["token_embed/embeddings"][(word + 55) % 100]
    broken = replace(model, params=params, certificate=None)
    assert raspc.certificate(broken).verdict != "proved"
