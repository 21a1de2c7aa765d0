"""The rules of expressions: see `evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raspc.rasp import Selector, SOp
from raspc.text import syntax
from raspc.text.calls import bind, bind_builtin
from raspc.text.examine import apply_to
from raspc.text.frames import Cascade, Frame, Poison, Steps, placed, unknown
from raspc.text.kinds import Builtin, Comparator, Function, Value, constant, is_atom, kind
from raspc.text.operators import BINARY, Refused, binary, choose, index, prefix
from raspc.text.source import TextError
from raspc.text.syntax import Node
from raspc.text.targets import items_of, unpack


def _literal(node: syntax.Literal, frame: Frame) -> Value:
    return node.value


def _operator(node: syntax.Operator, frame: Frame) -> Value:
    return Comparator(node.symbol)


def _name(node: syntax.Name, frame: Frame) -> Value:
    try:
        value = frame.find(node.id)
    except KeyError:
        raise unknown(node, frame) from None
    if isinstance(value, Poison):
        raise Cascade(f'"{node.id}" has no value, since its definition failed', frame.at(node))
    return value


def _prefix(node: syntax.Prefix, frame: Frame) -> Steps:
    operand = yield node.operand, frame
    return placed(prefix(node.operator.symbol, operand), node, frame)


def _chain(node: syntax.Chain, frame: Frame) -> Steps:
    """Operators applied by precedence, from the left: one pass over the operands as they come."""
    values = [(yield node.operands[0], frame)]
    waiting: list[syntax.Operator] = []
    for operator, operand in zip(node.operators, node.operands[1:], strict=True):
        while waiting and _precedence(waiting[-1]) >= _precedence(operator):
            _apply(waiting.pop(), values, frame)
        waiting.append(operator)
        values.append((yield operand, frame))
    while waiting:
        _apply(waiting.pop(), values, frame)
    return values[0]


def _precedence(operator: syntax.Operator) -> int:
    return BINARY[operator.symbol].precedence


def _apply(operator: syntax.Operator, values: list[Value], frame: Frame) -> None:
    right, left = values.pop(), values.pop()
    try:
        values.append(placed(binary(operator.symbol, left, right), operator, frame))
        frame.budget.hold(values[-1])
    except Refused as error:
        raise TextError(str(error), frame.at(operator)) from error


def _choice(node: syntax.Choice, frame: Frame) -> Steps:
    condition = yield node.condition, frame
    if isinstance(condition, SOp):
        chosen = yield node.chosen, frame
        otherwise = yield node.otherwise, frame
        return placed(choose(chosen, condition, otherwise), node, frame)
    if not (is_atom(condition) or isinstance(condition, (list, dict))):
        where = frame.at(node.condition)
        raise TextError(f"a condition is a boolean or an s-op; found {kind(condition)}", where)
    return (yield (node.chosen if condition else node.otherwise), frame)


def _index(node: syntax.Index, frame: Frame) -> Steps:
    container = yield node.container, frame
    at = yield node.index, frame
    return placed(index(container, at), node, frame)


def _list(node: syntax.ListOf, frame: Frame) -> Steps:
    items = []
    for item in node.items:
        items.append((yield item, frame))
    return items


def _pair(node: syntax.Pair, frame: Frame) -> Steps:
    key = yield node.key, frame
    value = yield node.value, frame
    try:
        return constant(key), value
    except TypeError as error:
        raise TextError(f"a key of a dictionary is an atom or a list of atoms; found {kind(key)}: {error}",
                        frame.at(node.key)) from error  # fmt: skip


def _dict(node: syntax.DictOf, frame: Frame) -> Steps:
    pairs = []
    for pair in node.pairs:
        pairs.append((yield pair, frame))
    return dict(pairs)


def _list_comprehension(node: syntax.Comprehension, frame: Frame) -> Steps:
    items = []
    inner = Frame(frame.source, frame.budget, {}, frame.names, *frame.outer)
    for item in items_of((yield node.iterable, frame), frame.at(node.iterable)):
        unpack(node.targets, [item], inner)
        items.append((yield node.item, inner))
    return items


def _dict_comprehension(node: syntax.Comprehension, frame: Frame) -> Steps:
    return dict((yield from _list_comprehension(node, frame)))


def _call(node: syntax.Call, frame: Frame) -> Steps:
    callee = yield node.callee, frame
    given: list[Value] = []
    named: dict[str, Value] = {}
    for argument in node.arguments:
        if isinstance(argument, syntax.Keyword):
            named[argument.name] = yield argument.value, frame
        else:
            given.append((yield argument, frame))
    if isinstance(callee, Function):
        return (yield from _body(callee, bind(callee, given, named), frame))
    if isinstance(callee, Builtin):
        return placed(_built(callee, bind_builtin(callee, given, named), node, frame), node, frame)
    if isinstance(callee, (SOp, Selector)):
        return apply_to(callee, given, named, frame.at(node))
    raise TextError(f"{kind(callee)} cannot be called", frame.at(node.callee))


def _built(callee: Builtin, arguments: list[Value], node: syntax.Call, frame: Frame) -> Value:
    try:
        value = callee.call(*arguments)
    except Refused as error:
        culprit = node if error.argument is None else _argument(callee, error.argument, node)
        raise TextError(str(error), frame.at(culprit)) from error
    frame.budget.hold(value)
    return value


def _argument(callee: Builtin, number: int, node: syntax.Call) -> syntax.Node:
    """What the call gives for a parameter, by its place or by its name; the whole call where it gives nothing."""
    name = callee.parameters[number].rstrip("?")
    for place, argument in enumerate(node.arguments):
        if argument.name == name if isinstance(argument, syntax.Keyword) else place == number:
            return argument
    return node


def _body(function: Function, arguments: dict[str, Value], frame: Frame) -> Steps:
    inner = Frame(function.source, frame.budget, arguments, *function.scopes)
    for statement in function.define.body:
        yield statement, inner
    results = []
    for result in function.define.results:
        results.append((yield result, inner))
    return results[0] if len(results) == 1 else results


LEAVES: dict[type[Node], Callable[[Any, Frame], Value]] = {
    syntax.Literal: _literal,
    syntax.Operator: _operator,
    syntax.Name: _name,
}
"""The rules that need no other node's value."""

RULES: dict[type[Node], Callable[[Any, Frame], Steps]] = {
    syntax.Prefix: _prefix,
    syntax.Chain: _chain,
    syntax.Choice: _choice,
    syntax.Index: _index,
    syntax.ListOf: _list,
    syntax.Pair: _pair,
    syntax.DictOf: _dict,
    syntax.ListComprehension: _list_comprehension,
    syntax.DictComprehension: _dict_comprehension,
    syntax.Call: _call,
}
