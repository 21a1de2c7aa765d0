"""A graph as text that people read, and as JSON that files hold. Both parse back; neither runs code.

The text has one line a node:  %3 = table(%1, %2) [0,1,1,2] : {0, 1, 2} "target"
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raspc import jsonvalues
from raspc import values as V
from raspc.errors import ModelFormatError, UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.domain import EVERYTHING
from raspc.graph.domain import Domain as Where
from raspc.graph.nodes import Domain, Graph, Interval, Listed, Node, Variable
from raspc.graph.scores import ranks
from raspc.graph.selectors import most_keys
from raspc.graph.writing import Writing
from raspc.rasp.expressions import ENDS
from raspc.regular.automaton import Automaton

FORMAT = 1


@dataclass(frozen=True)
class GraphLimits:
    """What a file may claim, all its nodes together, before anything is built: nodes, values of value sets, cells
    of tables; and the longest input. Pass larger ones to read a larger graph."""

    nodes: int = 100_000
    values: int = 1 << 22
    cells: int = 1 << 24
    max_seq_len: int = 1 << 20


DEFAULT_LIMITS = GraphLimits()


def to_json(graph: Graph) -> dict[str, Any]:
    """The graph as JSON data. Raises UnsupportedProgram for values that JSON cannot hold."""
    return {
        "format": FORMAT,
        "nodes": [node_to_json(node, graph.total) for node in graph.nodes],
        "output": graph.output,
        "max_seq_len": graph.max_seq_len,
        "causal": graph.causal,
        "exact_length": graph.exact_length,
        "notes": list(graph.notes),
        **({"total": True} if graph.total else {}),
        **({} if graph.where == EVERYTHING else {"where": _where_to_json(graph.where)}),
    }


def _where_to_json(where: Where) -> dict[str, Any]:
    """The inputs that a program is for. Raises UnsupportedProgram for a function, which no file holds."""
    if where.predicate is not None:
        raise UnsupportedProgram(
            f"where: {where.written} is a Python function, which cannot be saved; give a regular expression over "
            "tokens or an s-op, or a maximum length at which all inputs can be tried"
        )
    condition = None if where.condition is None else to_json(where.condition)
    writing = {} if where.writing is None else {"writing": _writing_to_json(where.writing)}
    return {"written": where.written, "automaton": _moves_of(where.automaton), "condition": condition, **writing}


def _moves_of(found: Automaton | None) -> dict[str, Any] | None:
    if found is None:
        return None
    accepting = np.flatnonzero(found.accepting).tolist()
    return {"states": found.n_states, "moves": _run_lengths(found.moves), "accepting": accepting}


def _writing_to_json(writing: Writing) -> dict[str, Any]:
    known = {"written": writing.written, "tried": writing.tried, "every": writing.every}
    return {"prompts": _moves_of(writing.prompts), "stop": jsonvalues.encode(writing.stop), **known}


def _writing_from_json(obj: Any, graph: Graph, limits: GraphLimits) -> Writing | None:
    if obj is None:
        return None
    _need(isinstance(obj["written"], str) and isinstance(obj["every"], bool), "what is written must be a string")
    tried = _int(obj["tried"], "tried")
    stop = jsonvalues.decode(obj["stop"])
    _need(stop is None or any(V.same(stop, token) for token in graph.vocab), "the stop is no token")
    _need(graph.causal, "a program that writes is causal")
    prompts = None if obj["prompts"] is None else _automaton(obj["prompts"], len(graph.vocab), limits)
    return Writing(prompts, stop, obj["written"], tried, obj["every"])


def _where_from_json(obj: Any, graph: Graph, limits: GraphLimits) -> Where:
    if obj is None:
        return EVERYTHING
    _need(isinstance(obj["written"], str), "what is written of the inputs must be a string")
    automaton = None if obj["automaton"] is None else _automaton(obj["automaton"], len(graph.vocab), limits)
    condition = obj["condition"]
    if condition is not None:
        _need("where" not in condition, "a condition has no condition")
        condition = _graph(condition, limits)
        sides = [(side.vocab, side.max_seq_len, side.causal) for side in (condition, graph)]
        _need(sides[0] == sides[1], "the condition is of another vocabulary, length or mask than the graph")
        _need(isinstance(condition.variable(condition.output).domain, Listed), "a condition is True or False")
    writing = _writing_from_json(obj.get("writing"), graph, limits)
    told = automaton is not None or condition is not None or writing is not None
    _need(told, "where must say which inputs")
    return Where(automaton, condition, None, obj["written"], writing)


def _automaton(obj: Mapping[str, Any], n_tokens: int, limits: GraphLimits) -> Automaton:
    """An automaton whose moves lead to its own states."""
    states = _int(obj["states"], "states")
    _need(states >= 0 and states * n_tokens <= limits.cells, f"an automaton of {states} states")
    _need(sum(abs(count) for count in obj["moves"][1::2]) == states * n_tokens, "the moves do not fit the states")
    moves = _cells(obj["moves"]).reshape(states, n_tokens) if states else np.zeros((0, n_tokens), np.int32)
    _need(bool(((moves >= -1) & (moves < states)).all()), "a move names no state")
    accepting = np.zeros(states, bool)
    ends = [_int(end, "a state") for end in obj["accepting"]]
    _need(all(0 <= end < states for end in ends), "an accepting state is no state")
    accepting[ends] = True
    return Automaton(moves, accepting)


def node_to_json(node: Node, total: bool = False) -> dict[str, Any]:
    """One node: its kind, its fields, its value set, its names; of a `total` graph, whether nobody can force it."""
    obj: dict[str, Any] = {"kind": type(node).__name__.lower()}
    fields = {name: write(getattr(node, name)) for name, write in _WRITERS[type(node)].items()}
    obj.update((name, value) for name, value in fields.items() if name not in _OPTIONAL or value != _OPTIONAL[name])
    if isinstance(node, Variable):
        obj["domain"] = _domain_to_json(node.domain)
    if isinstance(node, N.Table) and node.promise:
        obj["promise"] = node.promise
    if total and isinstance(node, Variable) and not node.free:
        obj["bound"] = True
    if node.names:
        obj["names"] = list(node.names)
    told = (("called", node.called), ("numerical", node.numerical))
    return obj | {name: value for name, value in told if value is not None}


def from_json(obj: Any, limits: GraphLimits = DEFAULT_LIMITS) -> Graph:
    """The inverse of `to_json`. Raises ModelFormatError for anything else, and nothing else."""
    try:
        return _graph(obj, limits)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
        raise ModelFormatError(f"graph: malformed: {type(error).__name__}: {error}") from error


def _graph(obj: Mapping[str, Any], limits: GraphLimits) -> Graph:
    _need(obj["format"] == FORMAT, f"format {obj['format']!r}, needed {FORMAT}")
    raw = obj["nodes"]
    _need(isinstance(raw, list) and bool(raw), "needed a list of nodes")
    _need(len(raw) <= limits.nodes, f"found {len(raw)} nodes, needed at most {limits.nodes}")
    length = _int(obj["max_seq_len"], "max_seq_len")
    _need(1 <= length <= limits.max_seq_len, f"max_seq_len must be from 1 to {limits.max_seq_len}")
    _need(isinstance(obj["causal"], bool), "causal must be true or false")
    _check_totals(raw, limits)
    nodes: list[Node] = []
    for place, item in enumerate(raw):
        node = _node(item, place, _flag(obj.get("total", False)))
        _check_node(node, place, nodes, length)
        nodes.append(node)
    output = _int(obj["output"], "output")
    _need(0 <= output < len(nodes) and isinstance(nodes[output], Variable), "the output must be a variable")
    _need(sum(isinstance(node, N.Token) for node in nodes) == 1, "there must be one token node")
    exact = obj["exact_length"]
    _need(exact is None or isinstance(exact, int), "exact_length must be an integer or null")
    notes = obj["notes"]
    _need(isinstance(notes, list) and all(isinstance(n, str) for n in notes), "notes must be strings")
    found = Graph(tuple(nodes), output, length, obj["causal"], exact, tuple(notes))
    found = replace(found, where=_where_from_json(obj.get("where"), found, limits))
    if found.where.is_everything:
        _check_counts(found)
    return found


def _check_totals(raw: list[Mapping[str, Any]], limits: GraphLimits) -> None:
    """What all tables and value sets together claim, before any is built."""
    values, cells = 0, 0
    for item in raw:
        domain = item.get("domain", {})
        span = domain["range"][1] - domain["range"][0] + 1 if "range" in domain else len(domain.get("values", ()))
        values += max(0, span)
        cells += sum(abs(count) for count in item.get("cells", ())[1::2])
    _need(values <= limits.values, f"value sets of {values} values in all, at most {limits.values}")
    _need(cells <= limits.cells, f"tables of {cells} cells in all, at most {limits.cells}")


def _node(item: Mapping[str, Any], place: int, total: bool) -> Node:
    kind = _KINDS.get(item["kind"])
    if kind is None:
        raise ModelFormatError(f"graph: %{place} has the unknown kind {str(item['kind'])[:40]!r}")
    given = {**_OPTIONAL, **item}
    fields = {name: _READERS[name](given[name]) for name in _WRITERS[kind]}
    if issubclass(kind, Variable):
        fields["domain"] = _domain_from_json(item["domain"])
    if issubclass(kind, N.Table) and "promise" in item:
        fields["promise"] = _text(item["promise"])
    names = item.get("names", [])
    _need(isinstance(names, list) and all(isinstance(n, str) for n in names), "names must be strings")
    called, numerical = item.get("called"), item.get("numerical")
    _need(called is None or isinstance(called, str), "called must be a string or absent")
    _need(numerical is None or isinstance(numerical, bool), "numerical must be true, false or absent")
    node: Node = kind(**fields, names=tuple(names), called=called, numerical=numerical)
    return node if _flag(item.get("bound", not total)) else N.freed(node)


def _check_node(node: Node, place: int, before: list[Node], length: int) -> None:
    """Every reference goes back, and every table fits the value sets of its arguments."""
    for ref in node.refs:
        if not 0 <= ref < place:
            raise ModelFormatError(f"graph: %{place} refers to %{ref}, which does not come before it (a cycle?)")
    _CHECKS[type(node)](node, place, before, length)


def _listed(before: list[Node], ref: int, place: int) -> Listed:
    node = before[ref]
    if not isinstance(node, Variable) or not isinstance(node.domain, Listed):
        raise ModelFormatError(f"graph: %{place} needs %{ref} to have a listed value set")
    return node.domain


def _check_table(node: N.Table, place: int, before: list[Node], length: int) -> None:
    shape = tuple(len(_listed(before, arg, place)) for arg in node.args)
    _need(isinstance(node.domain, Listed), f"%{place}: a table needs a listed value set")
    _need(math.prod(shape) == node.cells.size, f"%{place}: the table does not fit its arguments")
    object.__setattr__(node, "cells", node.cells.reshape(shape))
    _need(bool(((node.cells >= -1) & (node.cells < len(node.listed))).all()), f"%{place}: a cell names no value")


def _check_select(node: N.Select, place: int, before: list[Node], length: int) -> None:
    shape = (len(_listed(before, node.key, place)), len(_listed(before, node.query, place)))
    _need(shape[0] * shape[1] == node.cells.size, f"%{place}: the table does not fit its variables")
    _need(bool(((node.cells >= -1) & (node.cells <= 1)).all()), f"%{place}: a cell is not -1, 0 or 1")
    object.__setattr__(node, "cells", node.cells.reshape(shape).astype(np.int8))


def _check_gate(node: N.Gate, place: int, before: list[Node], length: int) -> None:
    _need(node.op in ("and", "or"), f"%{place}: unknown gate")
    _need(all(_is_made_of_tables(before[a]) for a in node.args), f"%{place}: a gate of variables or of best keys")


def _is_made_of_tables(node: Node) -> bool:
    return isinstance(node, N.Pattern) and not isinstance(node, N.Best)


def _check_best(node: N.Best, place: int, before: list[Node], length: int) -> None:
    _need(_is_made_of_tables(before[node.selector]), f"%{place}: the best of a variable or of best keys")
    _need(node.end in ENDS, f"%{place}: unknown end of a score")
    score = _listed(before, node.score, place)
    _need(bool((ranks(score, node.end) >= 0).any()), f"%{place}: a score without numbers")


def _check_affine(node: N.Affine, place: int, before: list[Node], length: int) -> None:
    _need(len(node.args) == len(node.coefs), f"%{place}: as many coefficients as arguments")
    _need(isinstance(node.domain, Interval), f"%{place}: an affine node needs an interval")
    _need(all(isinstance(before[a], Variable) for a in node.args), f"%{place}: an affine node of selectors")


def _check_sign(node: N.Sign, place: int, before: list[Node], length: int) -> None:
    _need(len(node.args) == len(node.coefs), f"%{place}: as many coefficients as arguments")
    _need(all(isinstance(before[a], Variable) for a in node.args), f"%{place}: the sign of a selector")
    _need(node.gap > 0, f"%{place}: a sign without a gap")
    _need(isinstance(node.domain, Listed) and {-1, 0, 1} <= set(node.listed.index), f"%{place}: a sign is −1, 0 or 1")


def _check_width(node: N.Width, place: int, before: list[Node], length: int) -> None:
    _need(_is_made_of_tables(before[node.selector]), f"%{place}: a width of a variable or of best keys")
    _need(node.by is None or isinstance(before[node.by], N.Index), f"%{place}: keys are counted by their positions")
    values = node.domain.values if isinstance(node.domain, Listed) else ()
    top = len(values) - (values[:1] == (0,))
    ok = 1 <= top <= length and values in (tuple(range(top + 1)), tuple(range(1, top + 1)))
    _need(ok, f"%{place}: the value set of a count must be 0…n or 1…n for as many keys as can be selected")


def _check_counts(graph: Graph) -> None:
    """Where every input is permitted, a count holds as many keys as its selector can select."""
    for place, node in enumerate(graph.nodes):
        if isinstance(node, N.Width):
            most = most_keys(graph.nodes, node.selector, graph.max_seq_len)
            whole = node.listed.values[-1] >= most
            _need(whole, f"%{place}: the value set of a count must be 0…n or 1…n for as many keys as can be selected")


def _check_aggregate(node: N.Aggregate, place: int, before: list[Node], length: int) -> None:
    _need(isinstance(before[node.selector], N.Pattern), f"%{place}: an aggregate over a variable")
    _need(isinstance(before[node.source], Variable), f"%{place}: an aggregate of a selector")


def _check_sum(node: N.Sum, place: int, before: list[Node], length: int) -> None:
    _need(_is_made_of_tables(before[node.selector]), f"%{place}: a sum over a variable or over best keys")
    source = before[node.source]
    _need(isinstance(source, Variable), f"%{place}: a sum of a selector")
    _need(not node.domain.specials, f"%{place}: a sum that is no number")


def _check_index(node: N.Index, place: int, before: list[Node], length: int) -> None:
    _need(isinstance(node.domain, Listed) and node.domain.values == tuple(range(length)), f"%{place}: not 0…N−1")


def _check_length(node: N.Length, place: int, before: list[Node], length: int) -> None:
    ok = isinstance(node.domain, Listed) and node.domain.values == tuple(range(1, length + 1))
    _need(ok, f"%{place}: the value set of the length must be 1…N")


def _check_token(node: N.Token, place: int, before: list[Node], length: int) -> None:
    _need(isinstance(node.domain, Listed) and len(node.domain) > 0, f"%{place}: an empty vocabulary")


_CHECKS: dict[type[Node], Callable[[Any, int, list[Node], int], None]] = {
    N.Token: _check_token,
    N.Index: _check_index,
    N.Length: _check_length,
    N.Table: _check_table,
    N.Affine: _check_affine,
    N.Sign: _check_sign,
    N.Width: _check_width,
    N.Aggregate: _check_aggregate,
    N.Sum: _check_sum,
    N.Select: _check_select,
    N.Gate: _check_gate,
    N.Best: _check_best,
}


def _domain_to_json(domain: Domain) -> dict[str, Any]:
    if isinstance(domain, Listed):
        run = _run_of_integers(domain.values)
        return {"range": run} if run else {"values": [jsonvalues.encode(v) for v in domain.values]}
    return {"lo": domain.lo, "hi": domain.hi, "specials": [jsonvalues.encode(v) for v in domain.specials]}


def _run_of_integers(values: tuple[Any, ...]) -> list[int] | None:
    if len(values) < 4 or any(type(v) is not int for v in values):
        return None
    low, high = values[0], values[-1]
    is_run = high - low == len(values) - 1 and values == tuple(range(low, high + 1))
    return [low, high] if is_run else None


def _domain_from_json(obj: Mapping[str, Any]) -> Domain:
    if "range" in obj:
        low, high = (_int(x, "range") for x in obj["range"])
        _need(low <= high, "a range that runs backwards")
        return Listed(tuple(range(low, high + 1)))
    if "values" in obj:
        _need(isinstance(obj["values"], list) and bool(obj["values"]), "an empty value set")
        domain = Listed(tuple(jsonvalues.decode(v) for v in obj["values"]))
        _need(len(domain.index) == len(domain), "a value set holds one value twice")
        return domain
    return Interval(_number(obj["lo"]), _number(obj["hi"]), tuple(jsonvalues.decode(v) for v in obj["specials"]))


def _need(ok: bool, fault: str) -> None:
    if not ok:
        raise ModelFormatError(f"graph: {fault}")


def _int(obj: Any, what: str) -> int:
    _need(isinstance(obj, int) and not isinstance(obj, bool), f"{what} must be an integer")
    return int(obj)


def _number(obj: Any) -> float:
    _need(isinstance(obj, int | float) and not isinstance(obj, bool), f"{obj!r} must be a number")
    return float(obj)


def _places(obj: Any) -> tuple[int, ...]:
    _need(isinstance(obj, list), "references must be a list")
    return tuple(_int(x, "a reference") for x in obj)


def _cells(obj: Any) -> N.Ids:
    """Run lengths [value, count, value, count, …] as an array."""
    _need(isinstance(obj, list) and len(obj) % 2 == 0, "cells must be run lengths")
    values = np.array([_int(x, "a cell") for x in obj[::2]], np.int64)
    counts = np.array([_int(x, "a count") for x in obj[1::2]], np.int64)
    _need(bool((counts > 0).all()), "a count must be positive")
    _need(bool((np.abs(values) < 1 << 30).all()), "a cell names no value")
    return np.repeat(values, counts).astype(np.int32)


def _run_lengths(cells: N.Ids) -> list[int]:
    flat = np.asarray(cells).ravel().astype(np.int64)
    starts = np.flatnonzero(np.diff(flat, prepend=flat[0] - 1))
    counts = np.diff(np.append(starts, flat.size))
    return [int(x) for x in np.stack([flat[starts], counts], axis=1).ravel()]


def _flag(obj: Any) -> bool:
    _need(isinstance(obj, bool), "a flag must be true or false")
    return bool(obj)


def _text(obj: Any) -> str:
    _need(isinstance(obj, str), "needed a string")
    return str(obj)


def _list(obj: Any) -> list[Any]:
    return list(obj)


_READERS: dict[str, Callable[[Any], Any]] = {
    "args": _places,
    "cells": _cells,
    "raises": _flag,
    "coefs": lambda obj: tuple(_number(x) for x in obj),
    "bias": _number,
    "gap": _number,
    "selector": lambda obj: _int(obj, "a reference"),
    "source": lambda obj: _int(obj, "a reference"),
    "default": jsonvalues.decode,
    "may_be_empty": _flag,
    "pick": _flag,
    "proof": _text,
    "key": lambda obj: _int(obj, "a reference"),
    "query": lambda obj: _int(obj, "a reference"),
    "op": _text,
    "score": lambda obj: _int(obj, "a reference"),
    "end": _text,
    "single": _flag,
    "by": lambda obj: None if obj is None else _int(obj, "a reference"),
}

_OPTIONAL: dict[str, Any] = {"single": False, "by": None}
"""Fields that are left out where they are so."""

_WRITERS: dict[type[Node], dict[str, Callable[[Any], Any]]] = {
    N.Token: {},
    N.Index: {},
    N.Length: {},
    N.Table: {"args": _list, "cells": _run_lengths, "raises": bool},
    N.Affine: {"args": _list, "coefs": _list, "bias": float},
    N.Sign: {"args": _list, "coefs": _list, "bias": float, "gap": float},
    N.Width: {"selector": int, "by": lambda by: by},
    N.Aggregate: {
        "selector": int, "source": int, "default": jsonvalues.encode, "may_be_empty": bool, "pick": bool, "proof": str,
        "single": bool,
    },
    N.Sum: {"selector": int, "source": int},
    N.Select: {"key": int, "query": int, "cells": _run_lengths},
    N.Gate: {"op": str, "args": _list},
    N.Best: {"selector": int, "score": int, "end": str},
}  # fmt: skip

_KINDS: dict[str, type[Any]] = {kind.__name__.lower(): kind for kind in _WRITERS}


def to_text(graph: Graph) -> str:
    """One line a node; parses back with `from_text`."""
    head = {k: v for k, v in to_json(graph).items() if k != "nodes"}
    lines = [json.dumps(head, sort_keys=True)]
    for place, node in enumerate(graph.nodes):
        obj = node_to_json(node, graph.total)
        kind, refs = obj.pop("kind"), ", ".join(f"%{ref}" for ref in node.refs)
        for name in ("args", "selector", "source", "key", "query", "score", "by"):
            obj.pop(name, None)
        lines.append(f"%{place} = {kind}({refs}) {json.dumps(obj, sort_keys=True)}")
    return "\n".join(lines) + "\n"


_REF_FIELDS: dict[str, tuple[str, ...]] = {
    "width": ("selector", "by"),
    "aggregate": ("selector", "source"),
    "sum": ("selector", "source"),
    "select": ("key", "query"),
    "best": ("selector", "score"),
}


def from_text(text: str, limits: GraphLimits = DEFAULT_LIMITS) -> Graph:
    """The inverse of `to_text`. Raises ModelFormatError; names the line."""
    head, *lines = text.strip().splitlines() or [""]
    nodes: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=2):
        try:
            left, _, rest = line.partition(" = ")
            kind, _, rest = rest.partition("(")
            refs, _, body = rest.partition(") ")
            obj = {"kind": kind, **jsonvalues.loads(body.encode())}
            places = [int(ref.strip().lstrip("%")) for ref in refs.split(",") if ref.strip()]
            _need(left == f"%{len(nodes)}", f"found {left}, needed %{len(nodes)}")
            names = _REF_FIELDS.get(kind)
            names = names[:1] if names and kind == "width" and len(places) == 1 else names
            obj.update(zip(names, places, strict=True) if names else {"args": places})
            nodes.append(obj)
        except (ValueError, TypeError, ModelFormatError) as error:
            raise ModelFormatError(f"graph text, line {number}: {error}") from error
    first = jsonvalues.loads(head.encode("utf-8", "replace"), "graph text, line 1")
    _need(isinstance(first, dict), "the first line of the text must be an object")
    return from_json({**first, "nodes": nodes}, limits)
