"""`raspc run`: one input through a compiled model."""

from __future__ import annotations

from typing import Any

from raspc import jsonvalues
from raspc.cli import syntax
from raspc.cli.options import Directory, Json, Tokens
from raspc.cli.output import answer, say


def run(directory: Directory, tokens: Tokens, as_json: Json = False) -> None:
    """Run the model on TOKENS and print its answer, one value for each token."""
    from raspc.weights import load

    model = load(directory)
    inputs = typed_input(tokens, model.config)
    decoded = model.apply(inputs).decoded[1:]
    report = {"input": _encoded(inputs[1:]), "output": _encoded(decoded)}
    answer(report, as_json, lambda: say(syntax.show_all(decoded)))


def typed_input(tokens: list[str], config: Any) -> list[Any]:
    """The tokens that the words stand for, opened with BOS where they are not."""
    typed = [syntax.token(token, config.vocab) for token in tokens]
    return typed if typed[:1] == [config.bos] else [config.bos, *typed]


def _encoded(items: list[Any]) -> list[Any]:
    return [jsonvalues.encode(item) for item in items]
