"""The tabulated program as lines that read like RASP: tables that are familiar functions get their names."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence, Set
from typing import Any

import numpy as np

from raspc import values as V
from raspc.graph import nodes as N
from raspc.graph.nodes import UNDEFINED, Graph, Listed, Node
from raspc.graph.selectors import tells_position
from raspc.view.show import shortened, show

Segment = str | int
"""A piece of a line: text, or the place of a node, to be shown by its label."""

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod,
    "//": operator.floordiv, **COMPARISONS,
    "and": lambda x, y: x and y, "or": lambda x, y: x or y,
}  # fmt: skip
MOST_CELLS = 1 << 15
"""Tables with more cells than this are not compared with familiar functions."""
_SIGNS = (" + ", " - ")
MOST_PAIRS = 6
"""How many rows of a table a line shows."""


def line(graph: Graph, place: int) -> list[Segment]:
    """What the node is, as text and references."""
    node = graph[place]
    return _RULES[type(node)](graph, node)


def text(graph: Graph, place: int) -> str:
    """The same with the labels of the nodes written out."""
    return "".join(graph.labels[part] if isinstance(part, int) else part for part in line(graph, place))


def inlined(graph: Graph, place: int, folded: Set[int]) -> str:
    """The same with the lines of the nodes in `folded` in place of their labels, in brackets where they need them."""
    parts = line(graph, place)
    return "".join(_piece(graph, parts, i, folded) for i in range(len(parts)))


def _piece(graph: Graph, parts: list[Segment], i: int, folded: Set[int]) -> str:
    part = parts[i]
    if isinstance(part, str):
        return part
    if part not in folded:
        return graph.labels[part]
    text, inner = inlined(graph, part, folded), line(graph, part)
    before, after = (parts[j] if 0 <= j < len(parts) else "" for j in (i - 1, i + 1))
    is_argument = str(before).endswith(("(", ", ")) and str(after).startswith((")", ","))
    is_one_piece = len(inner) == 1 or str(inner[0]).endswith("(")
    is_sum = all(isinstance(piece, int) or piece.startswith(_SIGNS) for piece in inner if piece != "")
    opens_a_sum = is_sum and before == "" and str(after).startswith(_SIGNS)
    return text if is_argument or is_one_piece or opens_a_sum else f"({text})"


def is_constant(node: Node) -> bool:
    """Whether the node is one value everywhere, which formulas hold in its place."""
    return isinstance(node, N.Table) and not node.args


def remark(node: Node) -> str:
    """What the compiler proved or assumed of the node; "" for most."""
    if isinstance(node, N.Aggregate):
        kind = f"pick, by {node.proof}" if node.pick else "mean"
        kind = f"{kind} that one key is selected" if node.proof == "promise" else kind
        return kind if not node.may_be_empty else f"{kind}; may select nothing"
    return ""


def literal(value: Any) -> str:
    """A value as a program writes it: words in quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else show(value)


def value_set(domain: Any) -> str:
    """The value set in a few words."""
    if isinstance(domain, Listed):
        return shortened([show(value) for value in domain.values], 12)
    return " or ".join([f"{domain.lo:.6g} … {domain.hi:.6g}", *map(show, domain.specials)])


def _input(graph: Graph, node: Node) -> list[Segment]:
    words: dict[type[Node], str] = {N.Token: "the input", N.Index: "0, 1, 2, …", N.Length: "how many tokens"}
    return [words[type(node)]]


def _affine(graph: Graph, node: N.Affine | N.Sign) -> list[Segment]:
    parts: list[Segment] = []
    for coef, arg in zip(node.coefs, node.args, strict=True):
        sign = " - " if coef < 0 else " + "
        factor = "" if abs(coef) == 1 else f"{abs(coef):.6g}·"
        parts += [(sign if parts else sign.strip(" +")) + factor, arg]
    if node.bias or not parts:
        parts.append(f"{' - ' if node.bias < 0 else ' + '}{abs(node.bias):.6g}")
    return parts


def _sign(graph: Graph, node: N.Sign) -> list[Segment]:
    return ["sign(", *_affine(graph, node), ")"]


def _width(graph: Graph, node: N.Width) -> list[Segment]:
    return ["selector_width(", node.selector, ")"]


def _aggregate(graph: Graph, node: N.Aggregate) -> list[Segment]:
    default = f", default={literal(node.default)}" if node.may_be_empty else ""
    promise = ", single=True" if node.single else ""
    return ["aggregate(", node.selector, ", ", node.source, f"{default}{promise})"]


def _sum(graph: Graph, node: N.Sum) -> list[Segment]:
    return ["aggregate_sum(", node.selector, ", ", node.source, ")"]


def _gate(graph: Graph, node: N.Gate) -> list[Segment]:
    parts: list[Segment] = []
    for arg in node.args:
        parts += [f" {node.op} ", arg] if parts else [arg]
    return parts or ["every key" if node.op == "and" else "no key"]


def _best(graph: Graph, node: N.Best) -> list[Segment]:
    if tells_position(graph.nodes, node.score, graph.causal):
        return ["latest(" if node.end == "max" else "earliest(", node.selector, ")"]
    return ["best(", node.selector, ", ", node.score, f", {node.end})"]


def _select(graph: Graph, node: N.Select) -> list[Segment]:
    keys, queries = graph.variable(node.key).listed, graph.variable(node.query).listed
    return ["select(", node.key, ", ", node.query, f", {_predicate(node.cells, keys, queries)})"]


def _predicate(cells: N.Bits, keys: Listed, queries: Listed) -> str:
    known = cells != UNDEFINED
    if known.any() and (cells[known] == 1).all():
        return "all"
    name = _familiar(cells, [keys, queries], COMPARISONS, lambda value: int(bool(value)))
    return name or _by_one(cells, keys, queries) or "table"


def _by_one(cells: N.Bits, keys: Listed, queries: Listed) -> str:
    """The predicate where it looks at the key alone, or at the query alone."""
    for word, axis, domain in (("key", 1, keys), ("query", 0, queries)):
        high = cells.max(axis=axis, keepdims=True)
        if ((cells == high) | (cells == UNDEFINED)).all():
            chosen = [literal(value) for value, bit in zip(domain.values, high.ravel(), strict=True) if bit == 1]
            return f"{word} == {chosen[0]}" if len(chosen) == 1 else f"{word} in {{{shortened(chosen, between=', ')}}}"
    return ""


def _table(graph: Graph, node: N.Table) -> list[Segment]:
    if not node.args:
        return [literal(node.listed.values[int(node.cells)])]
    domains = [graph.variable(arg).listed for arg in node.args]
    ids = {V.key(value): i for i, value in enumerate(node.listed.values)}
    if len(node.args) == 2:
        name = _familiar(node.cells, domains, BINARY, lambda value: ids.get(V.key(value), UNDEFINED))
        if name:
            return [node.args[0], f" {name} ", node.args[1]]
    if len(node.args) == 1:
        return _map(node, domains[0], ids)
    parts: list[Segment] = ["table("]
    for i, arg in enumerate(node.args):
        parts += [", ", arg] if i else [arg]
    return [*parts, ")"]


def _map(node: N.Table, domain: Listed, ids: dict[Any, int]) -> list[Segment]:
    """One argument: itself under a promise, its negation, a comparison or sum with a constant, else its rows."""
    encode = lambda value: ids.get(V.key(value), UNDEFINED)  # noqa: E731
    if _matches(node.cells, [domain], lambda x: x, encode) and (node.promise or node.raises):
        return _promised(node, domain)
    if node.cells.tolist() == list(range(len(domain))) and domain.identity == node.listed.identity:
        return [node.args[0]]
    if _matches(node.cells, [domain], lambda x: not x, encode):
        return [node.args[0], " == 0"] if _is_sign(domain) else ["not ", node.args[0]]
    for constant in domain.values if len(domain) <= 16 else ():
        for name in ("==", "!=", "<", "<=", ">", ">="):
            compare = COMPARISONS[name]
            if _matches(node.cells, [domain], lambda x, f=compare, c=constant: f(x, c), encode):
                return [node.args[0], f" {name} {literal(constant)}"]
    if (shift := _constant(node, domain, lambda x, y: y - x)) is not None:
        return [node.args[0], f" {'-' if shift < 0 else '+'} {show(abs(shift))}"]
    if (factor := _constant(node, domain, lambda x, y: y / x if x else None if y else ...)) is not None:
        return [node.args[0], f" * {show(factor)}"]
    pairs = [
        f"{literal(x)} → {literal(node.listed.values[i])}"
        for x, i in zip(domain.values, node.cells, strict=True)
        if i != UNDEFINED
    ]
    shown = ", ".join(pairs[:MOST_PAIRS]) + (f", … ({len(pairs)})" if len(pairs) > MOST_PAIRS else "")
    return ["map(", node.args[0], f": {shown})"]


def _promised(node: N.Table, domain: Listed) -> list[Segment]:
    """A variable of which only some values can be."""
    kept = [literal(value) for value, cell in zip(domain.values, node.cells, strict=True) if cell != UNDEFINED]
    return ["assume(", node.args[0], f", {{{shortened(kept, between=', ')}}})"]


def _is_sign(domain: Listed) -> bool:
    """Whether the values are −1, 0 and 1 (and None, perhaps)."""
    numbers = [value for value in domain.values if value is not None]
    return len(numbers) == 3 and all(V.is_number(value) for value in numbers) and sorted(numbers) == [-1, 0, 1]


def _constant(node: N.Table, domain: Listed, between: Callable[[Any, Any], Any]) -> Any:
    """What stands between x and f(x), where it is the same for all numbers x (`...` fits any), else None."""
    pairs = [
        (x, node.listed.values[i])
        for x, i in zip(domain.values, node.cells, strict=True)
        if i != UNDEFINED and x is not None
    ]
    if not pairs or not all(V.is_number(x) and V.is_number(y) for x, y in pairs):
        return None
    found = {between(x, y) for x, y in pairs} - {...}
    return found.pop() if len(found) == 1 and len(pairs) > 1 else None


def _familiar(
    cells: Any, domains: Sequence[Listed], named: dict[str, Callable[..., Any]], encode: Callable[[Any], int]
) -> str:
    if cells.size > MOST_CELLS or not (cells != UNDEFINED).any():
        return ""
    return next((name for name, f in named.items() if _matches(cells, domains, f, encode)), "")


def _matches(cells: Any, domains: Sequence[Listed], function: Callable[..., Any], encode: Callable[[Any], int]) -> bool:
    """Whether the table is that function wherever it is defined; None in, None out."""
    for place in np.ndindex(*cells.shape):
        if cells[place] == UNDEFINED:
            continue
        args = [domain.values[i] for domain, i in zip(domains, place, strict=True)]
        try:
            value = None if any(arg is None for arg in args) else function(*args)
            if encode(value) != cells[place]:
                return False
        except (TypeError, ArithmeticError, ValueError):
            return False
    return True


_RULES: dict[type[Node], Callable[..., list[Segment]]] = {
    N.Token: _input,
    N.Index: _input,
    N.Length: _input,
    N.Table: _table,
    N.Affine: _affine,
    N.Sign: _sign,
    N.Width: _width,
    N.Aggregate: _aggregate,
    N.Sum: _sum,
    N.Select: _select,
    N.Gate: _gate,
    N.Best: _best,
}
