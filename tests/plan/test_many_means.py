"""Means of which there are many: they are compared by a small model, or refused, before anything grows with them."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import rasp
from raspc.blocks.reading import features
from raspc.blocks.scores import selection
from raspc.rasp import Comparison, indices, tokens

SO_FAR = rasp.Select(indices, indices, Comparison.LEQ)
SHARE = rasp.Aggregate(SO_FAR, rasp.map(float, tokens == "a"))
AS_OFTEN = rasp.SelectorWidth(rasp.Select(SHARE, SHARE, Comparison.EQ))


def parameters(model: Any) -> int:
    """How many there are."""
    return sum(array.size for array in model.params.values())


def answer(text: str) -> list[int]:
    """At how many positions the share of "a" so far is what it is here; in whole numbers, without RASP."""
    shares = [Fraction(text[: i + 1].count("a"), i + 1) for i in range(len(text))]
    return [Counter(shares)[share] for share in shares]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_an_equality_of_many_means_is_by_their_digits(level: int) -> None:
    """491 values at 40 positions: 45 directions for the flags of two digits, not one for each value."""
    longest = 40
    model = raspc.compile(AS_OFTEN, "ab", longest, optimize=level, certify=False)
    assert model.config.d_model < 45 + 2 * longest + 12 and parameters(model) < 700_000
    rng = random.Random(level)
    texts = ["".join(rng.choices("ab", k=n)) for n in (1, 2, 3, 17, *[longest] * 20)]
    texts += ["ab" * 20, "aab" * 13, "b" * 40]
    found = model.apply_batch([["BOS", *text] for text in texts]).decoded
    assert [list(row)[1 : len(text) + 1] for row, text in zip(found, texts, strict=True)] == list(map(answer, texts))


def test_what_is_done_to_find_a_basis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not many more features than digits have flags are made independent, however many values there are."""
    seen: list[tuple[int, int]] = []
    basis = features.basis

    def counted(columns: Any, spanned: Any) -> Any:
        seen.append(np.asarray(columns).shape)
        return basis(columns, spanned)

    monkeypatch.setattr(features, "basis", counted)
    raspc.compile(AS_OFTEN, "ab", 50, optimize=2, certify=False)
    rows, columns = max(seen)
    assert rows > 700 and columns < 5 * np.sqrt(rows), "those of keys, and those of queries"


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_comparison_with_too_many_directions_is_refused_at_once(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no digits tell takes a direction for each value: it is refused before that many features are looked at."""
    monkeypatch.setattr(selection, "DIRECTIONS", 50)
    monkeypatch.setattr(features, "basis", None)
    near = rasp.SelectorWidth(rasp.Select(SHARE.named("share"), SHARE.named("share"), lambda k, q: abs(k - q) < 0.01))
    with pytest.raises(raspc.UnsupportedProgram, match=r"share.* directions; needed at most 50 .*compare fewer"):
        raspc.compile(near, "ab", 20, optimize=level)
    monkeypatch.undo()
    monkeypatch.setattr(selection, "DIRECTIONS", 5)
    odd = rasp.SelectorWidth(rasp.Select(tokens, tokens, lambda k, q: (k * q) % 7 < 3))
    assert raspc.compile(odd, range(7), 3, optimize=level).config.d_head > 5, "what is embedded is as it is"


@pytest.mark.parametrize("level", [0, 2])
def test_flags_that_are_restored_are_proved(level: int) -> None:
    """129 values: two neurons for each flag clear away what its steps round, so that the bounds tell all answers."""
    model = raspc.compile(AS_OFTEN, "ab", 20, optimize=level, disabled_passes=["carry_errors"])
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert parameters(model) < 200_000
    texts = ["ab" * 10, "aab" * 6, "b" * 20, "abbabaabbaababbabaab", "a"]
    assert [model(list(text)) for text in texts] == list(map(answer, texts))
