"""A program as RASP's own text: from its graph, so that functions of Python are written out as operators or tables.

What RASP's text has no words for (tuples, infinities, large tables) is refused.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice, product
from random import Random
from typing import Any, cast

import numpy as np

from raspc import values as V
from raspc.errors import InputError, UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.evaluate import batch_of, decoded, run_graph
from raspc.graph.nodes import UNDEFINED, Graph, Node
from raspc.graph.selectors import tells_position
from raspc.rasp import SOp
from raspc.text import load_program
from raspc.text.environment import Environment
from raspc.view.program import BINARY, COMPARISONS

NEEDED = "what can be written as RASP's own text"
REMEDY = "see its Python source"
KEYWORDS = {
    "def", "for", "return", "if", "else", "load", "and", "or", "not", "in", "round", "indicator", "True", "False",
    "set", "show", "exit", "quit", "out", "no_value",
}  # fmt: skip
"""Words that are no names in RASP's text."""
NONE = "no_value"
"""The name of what has no value anywhere, which is how RASP's text comes to a None."""


def rasp_text(graph: Graph) -> str:
    """The statements of a program, one for each name that its author gave; the last is the output.

    The text is read back and held against the graph, on all short inputs and some long ones. Raises UnsupportedProgram
    for what RASP's text has no words for.
    """
    if not graph.where.is_everything:
        raise _Writer(graph, False).refusal(graph.output, f"a program for {graph.where} alone")
    writers = (_Writer(graph, missing) for missing in (False, True))
    text = next((text for writer in writers if _agrees(text := writer.text(), writer.names[graph.output], graph)), None)
    if text is None:
        raise _Writer(graph, False).refusal(graph.output, "an answer that is no value of RASP's text")
    return text


def _agrees(text: str, name: str, graph: Graph) -> bool:
    """Whether a text gives what the graph gives, on inputs that say something."""
    inputs, program = _inputs(graph), cast(SOp, load_program(text, name))
    column = run_graph(graph, batch_of(graph, inputs)).column(graph.output)
    domain = graph.variable(graph.output).domain
    return all(
        _said(program, tokens, graph.causal) == decoded(column, domain, row, len(tokens))
        for row, tokens in enumerate(inputs)
    )


def _said(program: SOp, tokens: Sequence[Any], causal: bool) -> list[Any] | None:
    """What a text answers; None where it is undefined."""
    try:
        return program(tokens, causal=causal)
    except InputError:
        return None


def _inputs(graph: Graph) -> list[list[Any]]:
    """Inputs: the shortest, and random ones of the greatest length."""
    vocab, longest, generator = graph.vocab, graph.max_seq_len, Random(0)
    exact = graph.exact_length
    sizes = range(1, longest + 1) if exact is None else (exact,)
    short = islice((list(tokens) for size in sizes for tokens in product(vocab, repeat=size)), MOST_INPUTS)
    return [*short, *(generator.choices(vocab, k=exact or longest) for _ in range(SOME))]


MOST_INPUTS, SOME = 200, 30


class _Writer:
    """`missing`: a default of None is written as a value that is missing; else it is left out, as never needed."""

    def __init__(self, graph: Graph, missing: bool) -> None:
        self.graph, self.missing = graph, missing
        self.uses = [0] * len(graph.nodes)
        for node in graph.nodes:
            for ref in set(node.refs):
                self.uses[ref] += 1

    @cached_property
    def names(self) -> dict[int, str]:
        """The nodes that are statements, each with a name that RASP's text leaves free."""
        found: dict[int, str] = {}
        taken = {"tokens", "tokens_asis", "indices", "length", *Environment().names()} | KEYWORDS
        for place, node in enumerate(self.graph.nodes):
            if place != self.graph.output and (
                isinstance(node, N.Token | N.Index | N.Length) or not self._stands(place)
            ):
                continue
            plain = re.sub(r"\W+", "_", self.graph.labels[place]).strip("_") or "x"
            name = plain if not plain[0].isdigit() else f"x_{plain}"
            while name in taken:
                name += "_"
            taken.add(name)
            found[place] = name
        return found

    def _stands(self, place: int) -> bool:
        """Whether a node has a statement of its own: it has a name, or is read twice."""
        node = self.graph[place]
        constant = isinstance(node, N.Table) and not node.args
        return not constant and bool(node.names or self.uses[place] > 1)

    def text(self) -> str:
        lines = [f"{name} = {_bare(self.write(place))};" for place, name in self.names.items()]
        none = [f"{NONE} = 1 / (indices * 0);  # no value"] if any(NONE in line for line in lines) else []
        return "\n".join([*none, *lines]) + "\n"

    def ref(self, place: int) -> str:
        """A node as its reader writes it: its name, or its expression in brackets."""
        return self.names.get(place) or self.write(place)

    def write(self, place: int) -> str:
        """The expression of a node."""
        node = self.graph[place]
        rule = RULES.get(type(node))
        if rule is None:
            raise self.refusal(place, f"a {type(node).__name__.lower()}")
        return rule(self, place, node)

    def refusal(self, place: int, found: str) -> UnsupportedProgram:
        return UnsupportedProgram.at(self.graph.labels[place], found, NEEDED, REMEDY)

    def atom(self, place: int, value: Any) -> str:
        """A value as RASP's text has it."""
        if isinstance(value, str) and not {'"', "\n"} & set(value):
            return f'"{value}"'
        if isinstance(value, bool | int) or (isinstance(value, float) and np.isfinite(value)):
            return repr(value)
        raise self.refusal(place, f"the value {value!r}")


def _bare(text: str) -> str:
    """An expression without the brackets that stand round all of it."""
    depth = 0
    for at, mark in enumerate(text):
        depth += {"(": 1, ")": -1}.get(mark, 0)
        if depth == 0 and at < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text


def _token(writer: _Writer, place: int, node: N.Token) -> str:
    words = all(isinstance(value, str) for value in writer.graph.variable(place).listed.values)
    return "tokens" if words else "tokens_asis"


def _affine(writer: _Writer, place: int, node: N.Affine) -> str:
    parts = [f"{writer.atom(place, _whole(coef))} * {writer.ref(arg)}" if coef != 1 else writer.ref(arg)
             for coef, arg in zip(node.coefs, node.args, strict=True)]  # fmt: skip
    bias = [writer.atom(place, _whole(node.bias))] if node.bias or not parts else []
    return f"({' + '.join([*parts, *bias])})"


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _width(writer: _Writer, place: int, node: N.Width) -> str:
    return f"selector_width({_bare(writer.ref(node.selector))})"


def _aggregate(writer: _Writer, place: int, node: N.Aggregate) -> str:
    selector, values = _bare(writer.ref(node.selector)), _bare(writer.ref(node.source))
    if not node.may_be_empty or (node.default is None and not writer.missing):
        return f"aggregate({selector}, {values})"
    if node.default is None:
        return f"(aggregate({selector}, {values}) if (selector_width({selector}) > 0) else {NONE})"
    return f"aggregate({selector}, {values}, {writer.atom(place, node.default)})"


def _sum(writer: _Writer, place: int, node: N.Sum) -> str:
    return f"aggregate_sum({_bare(writer.ref(node.selector))}, {_bare(writer.ref(node.source))})"


def _gate(writer: _Writer, place: int, node: N.Gate) -> str:
    if not node.args:
        return "full_s" if node.op == "and" else "(not full_s)"
    return f"({f' {node.op} '.join(writer.ref(arg) for arg in node.args)})"


def _best(writer: _Writer, place: int, node: N.Best) -> str:
    selector = _bare(writer.ref(node.selector))
    if tells_position(writer.graph.nodes, node.score, writer.graph.causal):
        return f"{'latest' if node.end == 'max' else 'earliest'}({selector})"
    end = "" if node.end == "max" else ', "min"'
    return f"best({selector}, {_bare(writer.ref(node.score))}{end})"


def _select(writer: _Writer, place: int, node: N.Select) -> str:
    keys, queries = (writer.graph.variable(at).listed.values for at in (node.key, node.query))
    known = node.cells != UNDEFINED
    if (node.cells[known] == 1).all():
        return "full_s"
    sides = f"{_bare(writer.ref(node.key))}, {_bare(writer.ref(node.query))}"
    for name, compare in COMPARISONS.items():
        if _is(node.cells, compare, keys, queries):
            return f"select({sides}, {name})"
        if _is(1 - node.cells, compare, keys, queries, known):
            return f"(not select({sides}, {name}))"
    for shift in (-1, 1, -2, 2, -3, 3) if all(map(V.is_number, (*keys, *queries))) else ():
        if _is(node.cells, operator.eq, keys, [query + shift for query in queries]):
            query = _bare(writer.ref(node.query))
            return f"select({_bare(writer.ref(node.key))}, {query} {'-' if shift < 0 else '+'} {abs(shift)}, ==)"
    return _by_key_alone(writer, node, keys) or _by_classes(writer, place, node, keys, queries)


def _is(
    cells: Any, compare: Callable[[Any, Any], Any], keys: Sequence[Any], queries: Sequence[Any], known: Any = True
) -> bool:
    try:
        wanted = np.array([[bool(compare(key, query)) for query in queries] for key in keys])
    except TypeError:
        return False
    return bool(((cells == wanted) | (cells == UNDEFINED) | ~np.broadcast_to(known, cells.shape)).all())


def _by_key_alone(writer: _Writer, node: N.Select, keys: Sequence[Any]) -> str:
    """A selector that looks at the key alone: at those that hold one of some values."""
    high = node.cells.max(axis=1, keepdims=True)
    if not ((node.cells == high) | (node.cells == UNDEFINED)).all():
        return ""
    chosen = [key for key, bit in zip(keys, high.ravel(), strict=True) if bit == 1]
    return f"select({_one_of(writer, node.key, chosen)}, True, ==)"


def _one_of(writer: _Writer, place: int, chosen: Sequence[Any]) -> str:
    atoms = [writer.atom(place, value) for value in chosen]
    return f"{writer.ref(place)} == {atoms[0]}" if len(atoms) == 1 else f"{writer.ref(place)} in [{', '.join(atoms)}]"


def _by_classes(writer: _Writer, place: int, node: N.Select, keys: Sequence[Any], queries: Sequence[Any]) -> str:
    """Any other table: for each set of keys that some query selects, those keys and these queries."""
    parts: dict[tuple[Any, ...], list[Any]] = {}
    for at, query in enumerate(queries):
        chosen = tuple(key for key, cell in zip(keys, node.cells[:, at], strict=True) if cell == 1)
        if chosen:
            parts.setdefault(chosen, []).append(query)
    if len(parts) > MOST_CLASSES:
        raise writer.refusal(place, "a predicate that is a large table")
    cases = (
        f"(select({_one_of(writer, node.key, chosen)}, True, ==)"
        f" and select(True, {_one_of(writer, node.query, those)}, ==))"
        for chosen, those in parts.items()
    )
    return f"({' or '.join(cases)})"


MOST_CLASSES = 6
"""A predicate that needs more cases is not written out."""
MOST_CELLS = 400
"""Nor is a function of more combinations of values."""


def _table(writer: _Writer, place: int, node: N.Table) -> str:
    domain = node.listed.values
    if not node.args:
        return writer.atom(place, domain[int(node.cells)])
    values = [writer.graph.variable(arg).listed.values for arg in node.args]
    ids = {V.key(value): i for i, value in enumerate(domain)}
    if len(node.args) == 2:
        for name, function in BINARY.items():
            if name != "//" and _computes(node.cells, values, function, ids):
                return f"({writer.ref(node.args[0])} {name} {writer.ref(node.args[1])})"
    if len(node.args) == 1 and (short := _unary(writer, place, node, values[0], ids)):
        return short
    if node.cells.size > MOST_CELLS:
        raise writer.refusal(place, "a function that is a large table")
    return _cases(writer, place, node.args, node.cells, values, domain)


def _computes(cells: Any, values: Sequence[Sequence[Any]], function: Callable[..., Any], ids: dict[Any, int]) -> bool:
    """Whether the table is that function wherever it is defined, with values of the same kinds."""
    for at in np.ndindex(*cells.shape):
        if cells[at] == UNDEFINED:
            continue
        try:
            if ids.get(V.key(function(*(domain[i] for domain, i in zip(values, at, strict=True))))) != cells[at]:
                return False
        except (TypeError, ArithmeticError, ValueError):
            return False
    return True


def _unary(writer: _Writer, place: int, node: N.Table, values: Sequence[Any], ids: dict[Any, int]) -> str:
    """One argument: itself, its negation, a comparison or an operator with a constant; "" for other functions."""
    ref = writer.ref(node.args[0])
    if _computes(node.cells, [values], lambda x: x, ids):
        return ref
    if set(values) <= {True, False} and _computes(node.cells, [values], lambda x: not x, ids):
        return f"(not {ref})"
    results = writer.graph.variable(place).listed.values
    yes = [value for value, cell in zip(values, node.cells, strict=True) if cell != UNDEFINED and results[cell] is True]
    no = [value for value, cell in zip(values, node.cells, strict=True) if cell != UNDEFINED and results[cell] is False]
    if all(isinstance(result, bool) for result in results) and yes and no:
        return _boolean(writer, place, node.args[0], yes, no)
    for name in "+-*%":
        for constant in CONSTANTS:
            if _computes(node.cells, [values], lambda x, f=BINARY[name], c=constant: f(x, c), ids):
                return f"({ref} {name} {constant})"
    return ""


CONSTANTS = (1, 2, 3, 4, 5, 10, 0.5)
"""Constants of operators that are looked for; other functions are tables."""


def _boolean(writer: _Writer, place: int, arg: int, yes: Sequence[Any], no: Sequence[Any]) -> str:
    """Which values of an argument are said yes to: one, a stretch of numbers, or some."""
    numbers = [value for value in (*yes, *no) if V.is_number(value)]
    if len(numbers) == len(yes) + len(no) and len(yes) > 1:
        if min(yes) > max(no):
            return f"({writer.ref(arg)} >= {writer.atom(place, min(yes))})"
        if max(yes) < min(no):
            return f"({writer.ref(arg)} <= {writer.atom(place, max(yes))})"
    if len(no) == 1 and len(yes) > 1:
        return f"({writer.ref(arg)} != {writer.atom(place, no[0])})"
    return f"({_one_of(writer, arg, yes)})"


def _cases(writer: _Writer, place: int, args: Sequence[int], cells: Any, values: Sequence[Any], domain: Any) -> str:
    """A function as a dictionary of its first argument, or as a choice between functions of the others."""
    ref = writer.ref(args[0])
    if len(args) == 1:
        some = cells[cells != UNDEFINED][0]  # stands for what cannot occur: a dictionary is asked for every value
        pairs = [
            f"{writer.atom(place, value)}: {writer.atom(place, domain[some if cell == UNDEFINED else cell])}"
            for value, cell in zip(values[0], cells, strict=True)
        ]
        return f"{{{', '.join(pairs)}}}[{_bare(ref)}]"
    rows: dict[bytes, list[int]] = {}
    for at in range(len(values[0])):
        if (cells[at] != UNDEFINED).any():
            rows.setdefault(cells[at].tobytes(), []).append(at)
    found = ""
    for those in reversed(list(rows.values())):
        row = _cell(writer, place, args[1:], cells[those[0]], values[1:], domain)
        condition = _one_of(writer, args[0], [values[0][at] for at in those])
        found = f"({row} if ({condition}) else {found})" if found else row
    return found


def _cell(writer: _Writer, place: int, args: Sequence[int], cells: Any, values: Sequence[Any], domain: Any) -> str:
    known = cells[cells != UNDEFINED]
    if (known == known.flat[0]).all():
        return writer.atom(place, domain[known.flat[0]])
    ids = {V.key(value): i for i, value in enumerate(domain)}
    if len(args) == 1 and _computes(cells, values, lambda x: x, ids):
        return writer.ref(args[0])
    return _cases(writer, place, args, cells, values, domain)


RULES: dict[type[Node], Callable[..., str]] = {
    N.Token: _token,
    N.Index: lambda *_: "indices",
    N.Length: lambda *_: "length",
    N.Table: _table,
    N.Affine: _affine,
    N.Width: _width,
    N.Aggregate: _aggregate,
    N.Sum: _sum,
    N.Select: _select,
    N.Gate: _gate,
    N.Best: _best,
}
