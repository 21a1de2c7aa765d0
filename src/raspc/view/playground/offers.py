"""What the playground offers: texts that can be edited, and the library's programs by name, with their source."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from raspc import library, text
from raspc.values import Value
from raspc.view.show import show


def programs() -> list[dict[str, Any]]:
    """Every program that is offered: how it is named and written, and what it is compiled with."""
    return [*_texts(), *_built(), *_writers()]


def _texts() -> Iterator[dict[str, Any]]:
    for one in text.programs().values():
        found = {"name": one.name, "description": one.description, "source": one.source}
        yield found | _defaults(one.vocab, one.max_seq_len, one.causal)


def _built() -> Iterator[dict[str, Any]]:
    for one in library.PROGRAMS.values():
        yield _by_name(one.name, one.description, one.build) | _defaults(one.vocab, one.max_seq_len, one.causal)


def _writers() -> Iterator[dict[str, Any]]:
    for one in library.WRITERS.values():
        writing = {"generate": True, "stop": show(one.stop), "prompts": one.prompts}
        yield _by_name(one.name, one.description, one.build) | _defaults(one.vocab, one.max_seq_len, True) | writing


def _by_name(name: str, description: str, build: Callable[..., Any]) -> dict[str, Any]:
    return {"name": name, "description": description, "library": name, "source": source_of(build)}


def _defaults(vocab: tuple[Value, ...], max_seq_len: int, causal: bool) -> dict[str, Any]:
    words = json.dumps(list(vocab), ensure_ascii=False)
    plain = {"where": "", "generate": False, "stop": "", "prompts": ""}
    return {"vocab": words, "max_seq_len": max_seq_len, "causal": causal} | plain


@cache
def source_of(build: Callable[..., Any]) -> str:
    """The Python of a builder, and behind it of what it calls in its own module; "" where nobody has it."""
    try:
        return "\n\n".join(textwrap.dedent(inspect.getsource(one)).rstrip() for one in _with_helpers(build)) + "\n"
    except (OSError, TypeError):
        return ""


def _with_helpers(build: Callable[..., Any]) -> list[Callable[..., Any]]:
    """The builder, and the functions of its module that it names, and those that these name."""
    found: list[Callable[..., Any]] = []
    waiting = [inspect.unwrap(build)]
    while waiting:
        one = waiting.pop(0)
        if one in found:
            continue
        found.append(one)
        home = vars(inspect.getmodule(one))
        named = [
            node.id
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(one))))
            if isinstance(node, ast.Name)
        ]
        others = [inspect.unwrap(home[name]) for name in named if inspect.isroutine(home.get(name))]
        waiting += [other for other in others if other.__module__ == one.__module__]
    return found
