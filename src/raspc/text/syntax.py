"""The syntax tree: plain data, each node with the offsets between which it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a program between two offsets of its source."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, a string, or a boolean."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name where its value is needed."""

    id: str


@dataclass(frozen=True, slots=True)
class Operator(Node):
    """An operator where it stands; also `==` as an argument of select."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Prefix(Node):
    """`not x`, `-x`, `+x`, `round(x)`, `indicator(x)`."""

    operator: Operator
    operand: Node


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Operands with binary operators between them, as written; one more operand than operators."""

    operands: tuple[Node, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class Brackets(Node):
    """`(inner)`: they group, and show that the grouping is meant."""

    inner: Node


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`chosen if condition else otherwise`."""

    chosen: Node
    condition: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`container[index]`."""

    container: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Keyword(Node):
    """`name=value` among the arguments of a call."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A parameter of a function, with its default if it has one."""

    name: str
    default: Node | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`callee(arguments)`."""

    callee: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b, c]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pair(Node):
    """`key: value` of a dictionary."""

    key: Node
    value: Node


@dataclass(frozen=True, slots=True)
class DictOf(Node):
    """`{k: v, …}`."""

    pairs: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """`[item for targets in iterable]`, or with a pair in braces."""

    item: Node
    targets: tuple[Name, ...]
    iterable: Node


@dataclass(frozen=True, slots=True)
class ListComprehension(Comprehension):
    """A comprehension that gives a list."""


@dataclass(frozen=True, slots=True)
class DictComprehension(Comprehension):
    """A comprehension that gives a dictionary."""


@dataclass(frozen=True, slots=True)
class ExpressionStatement(Node):
    """An expression whose value is shown at the prompt."""

    value: Node


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """`a, b = value, …`."""

    targets: tuple[Name, ...]
    values: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Load(Node):
    """`load "file"`."""

    file: Literal


@dataclass(frozen=True, slots=True)
class Define(Node):
    """`def name(parameters) { body; return results; }`."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Node, ...]
    results: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """`for targets in iterable { body }`."""

    targets: tuple[Name, ...]
    iterable: Node
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Command(Node):
    """What the prompt is told: `set example "ab"`, `full seq display on`, `exit`."""

    words: tuple[str, ...]
    value: Node | None


def walk(*nodes: Node) -> Iterator[Node]:
    """Every node at or below these, in no promised order; without recursion, at any depth."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        stack.extend(children(node))


def children(node: Node) -> Iterator[Node]:
    """The nodes that a node is made of."""
    for field in CHILDREN[type(node)]:
        child = getattr(node, field)
        if isinstance(child, Node):
            yield child
        elif isinstance(child, tuple):
            yield from child


CHILDREN: dict[type[Node], tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind) if f.type not in ("int", "str", "Any", "tuple[str, ...]"))
    for kind in Node.__subclasses__() + Comprehension.__subclasses__()
}
"""The fields of each kind of node that hold nodes."""
