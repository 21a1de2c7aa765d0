"""From text to syntax tree: Lark's LALR parser, whose reductions build the nodes as they happen.

No step recurses, so nesting is bounded by memory alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from raspc.text import syntax
from raspc.text.faults import Fault, syntax_fault
from raspc.text.layout import LineEnds
from raspc.text.source import Source, TextError
from raspc.text.syntax import Node

Children = list[Any]

WORD = re.compile(r"[\w-]+")


def parse(source: Source) -> tuple[Node, ...]:
    """The statements of a source, in order.

    Raises TextError at the first place that the grammar does not accept.
    """
    try:
        return parser().parse(source.text)  # type: ignore[return-value]
    except UnexpectedInput as error:
        fault = syntax_fault(source.text, error)
    except Fault as error:
        fault = error
    raise TextError(fault.message, source.at(fault.start, fault.end))


@cache
def parser() -> Lark:
    """The parser, built once in a process."""
    grammar = files("raspc.text").joinpath("rasp.lark").read_text(encoding="utf-8")
    return Lark(
        grammar, parser="lalr", lexer="basic", transformer=_Builder(), postlex=LineEnds(), maybe_placeholders=False
    )


def _only(children: Children) -> Any:
    return children[0]


def _all(children: Children) -> tuple[Any, ...]:
    return tuple(children)


def _spanning(kind: Callable[..., Node]) -> Callable[[_Builder, Children], Node]:
    """A node of this kind from its parts, from the start of the first to the end of the last."""
    return lambda self, parts: kind(parts[0].start, parts[-1].end, *parts)


def _literal(read: Callable[[str], Any]) -> Callable[[_Builder, Children], Node]:
    def build(self: _Builder, children: Children) -> Node:
        (token,) = children
        return syntax.Literal(token.start_pos, token.end_pos, _read(read, token))

    return build


def _read(read: Callable[[str], Any], token: Token) -> Any:
    try:
        return read(token)
    except ValueError as error:
        raise Fault(str(error), token.start_pos or 0, token.end_pos or 0) from error


def _integer(digits: str) -> int:
    if len(digits) > 1000:
        raise ValueError(f"an integer of {len(digits)} digits; at most 1000 are read")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("this number is beyond the range of floats")
    return value


def _string(quoted: str) -> str:
    """What stands between the quotes, as it stands: strings of RASP have no escapes."""
    return quoted[1:-1]


def _names(children: Sequence[Token]) -> tuple[syntax.Name, ...]:
    return tuple(_name(token) for token in children)


def _name(token: Token) -> syntax.Name:
    return syntax.Name(token.start_pos or 0, token.end_pos or 0, str(token))


def _enclosed(kind: Callable[..., Node], drop: int) -> Callable[[_Builder, Children], Node]:
    """A node in brackets; `drop` more tokens (`for`) stand among its parts."""

    def build(self: _Builder, children: Children) -> Node:
        first, *parts, last = children
        kept = [part for part in parts if not isinstance(part, Token)]
        return kind(first.start_pos, last.end_pos, *(kept if drop else [tuple(kept)]))

    return build


class _Builder(Transformer[Token, Any]):
    """One method for each rule of the grammar."""

    start = body = parameters = arguments = exprs = staticmethod(_all)
    statement = staticmethod(_only)
    targets = staticmethod(_names)

    integer = _literal(_integer)
    float = _literal(_float)
    string = _literal(_string)
    boolean = _literal("True".__eq__)
    list = _enclosed(syntax.ListOf, drop=0)
    dict = _enclosed(syntax.DictOf, drop=0)
    list_comprehension = _enclosed(syntax.ListComprehension, drop=1)
    dict_comprehension = _enclosed(syntax.DictComprehension, drop=1)
    pair = _spanning(syntax.Pair)
    prefix = _spanning(syntax.Prefix)
    choice = _spanning(syntax.Choice)
    expression_statement = _spanning(syntax.ExpressionStatement)

    def name(self, children: Children) -> Node:
        return _name(children[0])

    def comparison(self, children: Children) -> Node:
        (token,) = children
        return syntax.Operator(token.start_pos, token.end_pos, str(token))

    binary_op = in_op = prefix_op = word_op = comparison

    def word(self, children: Children) -> Node:
        operator, _, operand, closing = children
        return syntax.Prefix(operator.start, closing.end_pos, operator, operand)

    def chain(self, children: Children) -> Node:
        return syntax.Chain(children[0].start, children[-1].end, tuple(children[::2]), tuple(children[1::2]))

    def brackets(self, children: Children) -> Node:
        opening, inner, closing = children
        return syntax.Brackets(opening.start_pos, closing.end_pos, inner)

    def trailed(self, children: Children) -> Node:
        node, trailer = children
        return trailer(node)  # type: ignore[no-any-return]

    def call(self, children: Children) -> Callable[[Node], Node]:
        arguments = children[1] if len(children) == 3 else ()
        end = children[-1].end_pos
        return lambda callee: syntax.Call(callee.start, end, callee, arguments)

    def index(self, children: Children) -> Callable[[Node], Node]:
        _, index, closing = children
        return lambda container: syntax.Index(container.start, closing.end_pos, container, index)

    def keyword(self, children: Children) -> Node:
        token, value = children
        return syntax.Keyword(token.start_pos, value.end, str(token), value)

    def parameter(self, children: Children) -> Node:
        token, default = children if len(children) == 2 else (*children, None)
        return syntax.Parameter(token.start_pos, token.end_pos, str(token), default)

    def assignment(self, children: Children) -> Node:
        targets, values = children
        return syntax.Assignment(targets[0].start, values[-1].end, targets, values)

    def load(self, children: Children) -> Node:
        keyword, token = children
        file = syntax.Literal(token.start_pos, token.end_pos, _string(token))
        return syntax.Load(keyword.start_pos, token.end_pos, file)

    def define(self, children: Children) -> Node:
        keyword, name, _, *parameters, body, results = children
        given = parameters[0] if parameters else ()
        return syntax.Define(keyword.start_pos, name.end_pos, _name(name), given, body, results)

    def returns(self, children: Children) -> tuple[Node, ...]:
        return children[1]  # type: ignore[no-any-return]

    def command(self, children: Children) -> Node:
        opening, *rest = children
        value = next((part for part in rest if isinstance(part, Node)), None)
        end = value.end if value else opening.end_pos
        return syntax.Command(opening.start_pos, end, tuple(WORD.findall(opening)), value)

    def loop(self, children: Children) -> Node:
        keyword, targets, iterable, body = children
        return syntax.Loop(keyword.start_pos, iterable.end, targets, iterable, body)
