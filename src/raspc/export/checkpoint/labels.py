"""The labels of a classifier of tokens: what its logits are called, and which of them is a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from raspc.export.checkpoint.vocabulary import check_texts, text_of
from raspc.target.stock import Answer, Stock

FORMS: Mapping[str, str] = MappingProxyType({"value": "{}", "number": "number", "special": "is:{}"})
"""What a column is called, by what it says: the value, or that it is the number, or a sign of a special value."""


def settings(stock: Stock) -> dict[str, Any]:
    """What `config.json` says of the logits of a classifier; of a language model nothing.

    A single number is what transformers calls a regression. Raises InputError for labels of one text.
    """
    if stock.exit != "labels":
        return {}
    names = labels(stock.answers)
    found: dict[str, Any] = {
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
    }
    return found | ({"problem_type": "regression"} if names == ["number"] else {})


def labels(answers: Sequence[Answer]) -> list[str]:
    """The name of each column. Raises InputError for values of one text."""
    check_texts([answer.value for answer in answers if answer.says != "number"])
    in_order = sorted(answers, key=lambda answer: answer.column)
    return [FORMS[answer.says].format(text_of(answer.value)) for answer in in_order]
