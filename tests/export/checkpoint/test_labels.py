"""What the logits of a classifier are called."""

from __future__ import annotations

import pytest
from tests.export.checkpoint.stocks import stock

from raspc.errors import InputError
from raspc.export.checkpoint.labels import settings
from raspc.target.stock import Answer


def test_labels_are_the_answers() -> None:
    """In the order of the columns, whatever order they are listed in."""
    found = settings(stock("ab", answers=[Answer(1, 2), Answer(0, "b"), Answer(2, None)]))
    assert found == {
        "id2label": {"0": "b", "1": "2", "2": "None"}, "label2id": {"b": 0, "2": 1, "None": 2}
    }  # fmt: skip


def test_a_number_is_a_regression() -> None:
    """The number alone; beside signs of special values there is no class for it."""
    number = Answer(0, None, "number")
    assert settings(stock("ab", answers=[number]))["problem_type"] == "regression"
    mixed = settings(stock("ab", answers=[number, Answer(1, None, "special")]))
    assert mixed["id2label"] == {"0": "number", "1": "is:None"} and "problem_type" not in mixed


def test_labels_of_equal_text_are_refused() -> None:
    """With the remedy."""
    with pytest.raises(InputError, match="2 and '2' are different words of equal text"):
        settings(stock("ab", answers=[Answer(0, 2), Answer(1, "2")]))


def test_a_language_model_has_no_labels() -> None:
    """Its logits are tokens."""
    assert settings(stock("ab", exit="lm")) == {}
