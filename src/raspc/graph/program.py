"""From a graph back to a program: the same s-ops and selectors, with tables looked up in place of callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from raspc import rasp
from raspc import values as V
from raspc.errors import InputError
from raspc.graph import nodes as N
from raspc.graph.nodes import Bits, Domain, Graph, Listed, Node

Made = rasp.SOp | rasp.Selector


def as_program(graph: Graph) -> rasp.SOp:
    """A program that means what the graph means, on inputs of up to the graph's longest length.

    Its callables look up the graph's tables, so that it can be tabulated again, for shorter inputs too.
    """
    made: list[Made] = []
    for place, node in enumerate(graph.nodes):
        expr = _RULES[type(node)](graph, node, made)
        names = graph[place].names
        if names:
            expr = expr.named(names[0])
        elif graph[place].called is not None:
            expr = expr.annotated(assigned=graph[place].called)
        made.append(expr)
    output = made[graph.output]
    assert isinstance(output, rasp.SOp)
    return output


def _table(graph: Graph, node: Any, made: Sequence[Made]) -> rasp.SOp:
    if not node.args:
        return rasp.Full(node.listed.values[int(node.cells)])
    domains = [graph.variable(arg).domain for arg in node.args]
    args = [made[arg] for arg in node.args]
    found = rasp.map(_lookup(node, [d for d in domains if isinstance(d, Listed)]), *args)
    return found if node.numerical is None else _advised(found, node.numerical)


def _advised(sop: rasp.SOp, numerical: bool) -> rasp.SOp:
    return rasp.numerical(sop) if numerical else rasp.categorical(sop)


def _lookup(node: Any, domains: Sequence[Listed]) -> Callable[..., Any]:
    cells: Mapping[tuple[Any, ...], int] = {
        tuple(V.key(domain.values[i]) for domain, i in zip(domains, ids, strict=True)): int(node.cells[ids])
        for ids in product(*(range(len(domain)) for domain in domains))
    }
    values = node.listed.values

    def look(*args: Any) -> Any:
        number = cells.get(tuple(V.key(_nearest(d, arg)) for d, arg in zip(domains, args, strict=True)), -1)
        if number < 0:
            raise InputError(f"no value for {args!r}")
        return values[number]

    return look


def _nearest(domain: Domain, value: Any) -> Any:
    """The value of the set that this is: a mean that was computed in another order is the nearest number."""
    assert isinstance(domain, Listed)
    if V.key(value) in domain.index or not V.is_number(value):
        return value
    return min((v for v in domain.values if V.is_number(v)), key=lambda v: abs(v - value), default=value)


def _select(graph: Graph, node: Any, made: Sequence[Made]) -> rasp.Selector:
    keys, queries = graph.variable(node.key).listed, graph.variable(node.query).listed
    cells: Bits = node.cells

    def predicate(key: Any, query: Any) -> bool:
        bit = int(cells[keys.id(_nearest(keys, key)), queries.id(_nearest(queries, query))])
        if bit < 0:
            raise InputError(f"nothing is said of the key {key!r} and the query {query!r}")
        return bool(bit)

    return rasp.Select(made[node.key], made[node.query], predicate)


def _gate(graph: Graph, node: Any, made: Sequence[Made]) -> rasp.Selector:
    all_or_none = rasp.Comparison.TRUE if node.op == "and" else rasp.Comparison.FALSE
    found: Any = None
    for arg in node.args:
        one: Any = made[arg]
        found = one if found is None else (found & one if node.op == "and" else found | one)
    return found if found is not None else rasp.Select(rasp.tokens, rasp.tokens, all_or_none)


def _best(graph: Graph, node: Any, made: Sequence[Any]) -> rasp.Selector:
    return rasp.best(made[node.selector], made[node.score], node.end)


def _aggregate(graph: Graph, node: Any, made: Sequence[Any]) -> rasp.SOp:
    found = rasp.Aggregate(made[node.selector], made[node.source], default=node.default, single=node.single)
    return found if node.numerical is None else _advised(found, node.numerical)


def _affine(graph: Graph, node: Any, made: Sequence[Any]) -> Any:
    total: Any = node.bias
    for arg, coef in zip(node.args, node.coefs, strict=True):
        total = total + coef * made[arg]
    return total


def _sign(graph: Graph, node: Any, made: Sequence[Any]) -> Any:
    total, gap = _affine(graph, node, made), node.gap
    return rasp.Map(lambda x: 0 if abs(x) < gap / 2 else 1 if x > 0 else -1, total)


_RULES: Mapping[type[Node], Callable[[Graph, Any, Sequence[Made]], Any]] = {
    N.Token: lambda graph, node, made: rasp.tokens,
    N.Index: lambda graph, node, made: rasp.indices,
    N.Length: lambda graph, node, made: rasp.length,
    N.Table: _table,
    N.Affine: _affine,
    N.Sign: _sign,
    N.Width: lambda graph, node, made: rasp.SelectorWidth(made[node.selector]),
    N.Aggregate: _aggregate,
    N.Sum: lambda graph, node, made: rasp.Sum(made[node.selector], made[node.source]),
    N.Select: _select,
    N.Gate: _gate,
    N.Best: _best,
}
