"""The rules of statements: see `evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from raspc.text import syntax
from raspc.text.frames import Frame, Steps, unknown
from raspc.text.kinds import Function, Results, Value
from raspc.text.source import TextError
from raspc.text.syntax import Node
from raspc.text.targets import items_of, unpack


def _expression_statement(node: syntax.ExpressionStatement, frame: Frame) -> Steps:
    return (yield node.value, frame)


def _assignment(node: syntax.Assignment, frame: Frame) -> Steps:
    values = []
    for value in node.values:
        values.append((yield value, frame))
    if len(node.targets) == 1 and isinstance(values[0], Results):
        names = ", ".join(f"a{i}" for i in range(len(values[0])))
        raise TextError(f"this gives {len(values[0])} results; write {names} = …", frame.at(node))
    unpack(node.targets, values, frame)
    return None


def _loop(node: syntax.Loop, frame: Frame) -> Steps:
    """Unrolled; the loop's own names end with it."""
    hidden = {t.id: frame.names[t.id] for t in node.targets if t.id in frame.names}
    for item in items_of((yield node.iterable, frame), frame.at(node.iterable)):
        unpack(node.targets, [item], frame)
        for statement in node.body:
            yield statement, frame
    for target in node.targets:
        frame.names.pop(target.id, None)
    frame.names.update(hidden)
    return None


def _define(node: syntax.Define, frame: Frame) -> Steps:
    defaults = {}
    for parameter in node.parameters:
        if parameter.default is not None:
            defaults[parameter.name] = yield parameter.default, frame
    frame.bind(node.name, define(node, frame, defaults))
    return None


def define(node: syntax.Define, frame: Frame, defaults: dict[str, Value]) -> Function:
    """The function, with the present values of the names that its body mentions.

    Raises TextError for a name that has no value anywhere, and for recursion.
    """
    inside = list(syntax.walk(*node.body, *node.results))
    bound = _parameters(node, frame).union(_bound(inside))
    mentioned = [n for n in inside if isinstance(n, syntax.Name) and n.id not in frame.reserved]
    captured = {}
    for name in sorted(mentioned, key=lambda n: n.start):
        if name.id in captured:
            continue
        try:
            captured[name.id] = frame.find(name.id)
        except KeyError:
            if name.id not in bound:
                raise _unknown_inside(node, name, frame) from None
    return Function(node, frame.source, captured, defaults)


def _parameters(node: syntax.Define, frame: Frame) -> set[str]:
    names: set[str] = set()
    for parameter in node.parameters:
        name = parameter.name
        if name in frame.reserved or name in names:
            fault = "is a name of the language" if name in frame.reserved else "is a parameter already"
            raise TextError(f'"{name}" {fault}; name the parameter otherwise', frame.at(parameter))
        names.add(name)
    return names


def _bound(nodes: Iterable[Node]) -> Iterator[str]:
    """Every name that is bound somewhere among these nodes, inner functions included."""
    for node in nodes:
        if isinstance(node, (syntax.Assignment, syntax.Loop, syntax.Comprehension)):
            yield from (target.id for target in node.targets)
        elif isinstance(node, syntax.Define):
            yield from (node.name.id, *(parameter.name for parameter in node.parameters))


def _unknown_inside(node: syntax.Define, name: syntax.Name, frame: Frame) -> TextError:
    if name.id == node.name.id:
        return TextError(f'"{name.id}" calls itself; RASP has no recursion', frame.at(name))
    return unknown(name, frame)


def _load(node: syntax.Load, frame: Frame) -> Steps:
    raise TextError("load stands outside functions and loops", frame.at(node))
    yield  # the rule is a generator like the others


RULES: dict[type[Node], Callable[[Any, Frame], Steps]] = {
    syntax.ExpressionStatement: _expression_statement,
    syntax.Assignment: _assignment,
    syntax.Loop: _loop,
    syntax.Define: _define,
    syntax.Load: _load,
}
