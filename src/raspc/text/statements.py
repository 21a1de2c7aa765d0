"""The rules of statements: see `evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from raspc.text import syntax
from raspc.text.frames import WORDS, Frame, Steps
from raspc.text.kinds import Function
from raspc.text.source import TextError
from raspc.text.syntax import Node
from raspc.text.targets import items_of, unpack


def _expression_statement(node: syntax.ExpressionStatement, frame: Frame) -> Steps:
    return (yield node.value, frame)


def _assignment(node: syntax.Assignment, frame: Frame) -> Steps:
    values = []
    for value in node.values:
        values.append((yield value, frame))
    unpack(node.targets, values, frame)
    return None


def _loop(node: syntax.Loop, frame: Frame) -> Steps:
    """Unrolled; the loop's own names keep their last values."""
    for item in items_of((yield node.iterable, frame), frame.at(node.iterable)):
        unpack(node.targets, [item], frame)
        for statement in node.body:
            yield statement, frame
    return None


def _define(node: syntax.Define, frame: Frame) -> Steps:
    defaults = {}
    for parameter in node.parameters:
        if parameter.default is not None:
            defaults[parameter.name] = yield parameter.default, frame
    _check_parameters(node, frame)
    frame.bind(node.name, Function(node, frame.source, (frame.names, *frame.outer), defaults))
    return None


def _check_parameters(node: syntax.Define, frame: Frame) -> None:
    names: set[str] = set()
    for parameter in node.parameters:
        name = parameter.name
        if name in WORDS or name in names:
            fault = "is a word of the language" if name in WORDS else "is a parameter already"
            raise TextError(f'"{name}" {fault}; name the parameter otherwise', frame.at(parameter))
        names.add(name)


def unbound(function: Function) -> Iterator[syntax.Name]:
    """The names in a function's body that have no value now, neither inside nor around it, in their order."""
    node = function.define
    inside = list(syntax.walk(*node.body, *node.results))
    bound = {*function.parameters, *_bound(inside)}.union(*function.scopes)
    free = {n.id: n for n in sorted(inside, key=lambda n: -n.start) if isinstance(n, syntax.Name) and n.id not in bound}
    return iter(sorted(free.values(), key=lambda n: n.start))


def _bound(nodes: Iterable[Node]) -> Iterator[str]:
    """Every name that is bound somewhere among these nodes, inner functions included."""
    for node in nodes:
        if isinstance(node, (syntax.Assignment, syntax.Loop, syntax.Comprehension)):
            yield from (target.id for target in node.targets)
        elif isinstance(node, syntax.Define):
            yield from (node.name.id, *(parameter.name for parameter in node.parameters))


def _load(node: syntax.Load, frame: Frame) -> Steps:
    raise TextError("load stands outside functions and loops", frame.at(node))
    yield  # the rule is a generator like the others


def _command(node: syntax.Command, frame: Frame) -> Steps:
    """The value that the command names; who runs the text carries it out."""
    return (yield node.value, frame) if node.value else None


RULES: dict[type[Node], Callable[[Any, Frame], Steps]] = {
    syntax.ExpressionStatement: _expression_statement,
    syntax.Assignment: _assignment,
    syntax.Loop: _loop,
    syntax.Define: _define,
    syntax.Load: _load,
    syntax.Command: _command,
}
