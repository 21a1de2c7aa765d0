"""What a program gives with some of its variables and selectors replaced: the truth of an intervention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from raspc import values as V
from raspc.errors import InputError
from raspc.graph.evaluate import RULES, Batch, Bools, Cell, Column, Run, decoded, gather, start
from raspc.graph.nodes import UNDEFINED, Aggregate, Graph, Listed, Pattern, Table, Token, Variable
from raspc.graph.tables import possible
from raspc.lab.forcing import Forced
from raspc.lab.held import ELEMENTWISE, cone, merged


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """The answers of a program on a batch; `impossible` [input]: where it has none, as a table lacks the cell."""

    answers: list[list[Any]]
    impossible: Bools


def counterfactual(graph: Graph, batch: Batch, forced: Forced) -> Counterfactual:
    """Run a graph with variables and selectors replaced."""
    run = replaced(graph, batch, forced)
    impossible = run.undefined | beyond(graph, run, batch, forced)
    column, domain = run.column(graph.output), graph.variable(graph.output).domain
    answers = [decoded(column, domain, row, int(n)) for row, n in enumerate(batch.lengths)]
    return Counterfactual(answers, impossible)


def beyond(graph: Graph, run: Run, batch: Batch, forced: Forced | None = None) -> Bools:
    """[input]: where what is forced goes against what was proved of all inputs, and the model was built on.

    That is where several keys with different values are selected for a pick, of which it is proved that it moves one
    value; and where variables at one position are what they cannot be together, as an index beyond the length.
    """
    found = np.zeros(len(batch.lengths), bool)
    replaced = forced.columns if forced is not None and _everywhere(batch, forced) else {}
    for place, node in enumerate(graph.nodes):
        if place in replaced:
            continue  # what it would be is not asked
        if isinstance(node, Aggregate) and node.pick:
            domain = graph.variable(node.source).domain
            gathered = gather(run, run.matrix(node.selector), run.column(node.source), domain)
            found |= (gathered.several & batch.real).any(axis=1)
        if isinstance(node, Table):
            found |= (~_together(graph, run, place) & batch.real).any(axis=1)
    return found


def _everywhere(batch: Batch, forced: Forced) -> bool:
    """Whether variables are forced at all positions."""
    return bool((forced.where | ~batch.real).all())


def _together(graph: Graph, run: Run, place: int) -> Bools:
    """[input, position]: whether what a table is finally a function of can be so at one position."""
    leaves = [one for one in sorted(cone(graph, place)) if not isinstance(graph[one], ELEMENTWISE)]
    leaves = [one for one in leaves if isinstance(graph.variable(one).domain, Listed)]
    sizes = [len(graph.variable(one).listed) for one in leaves]
    grid = np.broadcast_to(possible(leaves, graph.nodes, sizes), sizes) if leaves else np.ones((), bool)
    found: Bools = grid[tuple(np.maximum(run.column(one).ids, 0) for one in leaves)]
    return found


def replaced(graph: Graph, batch: Batch, forced: Forced) -> Run:
    """A run in which what is forced has taken the place of what would be computed."""
    run = start(graph.nodes, batch)
    for place, node in enumerate(graph.nodes):
        if place in forced.columns:
            own = None if _everywhere(batch, forced) else RULES[type(node)](run, node)
            run.cells.append(_column(batch, forced.columns[place], own, forced.where))
        elif place in forced.patterns:
            run.cells.append(forced.patterns[place].transpose(2, 0, 1) & batch.allowed)
        else:
            run.upto(place)
    return run


def _column(batch: Batch, column: Column, own: Cell | None, where: Bools) -> Column:
    if own is None:
        return column
    assert isinstance(own, Column)
    return merged(where, column, own)


def place_of(graph: Graph, name: str) -> int:
    """The node with this name. Raises InputError for a name that the program does not have."""
    if name in graph.labels:
        return graph.labels.index(name)
    found = [place for place, node in enumerate(graph.nodes) if name in (*node.names, node.called)]
    if found:
        return found[0]
    raise InputError(f"{name!r} is no variable or selector of the model; it has {', '.join(graph.labels)}")


def column_of(graph: Graph, place: int, value: Any, batch: Batch) -> Column:
    """A column that holds a value everywhere, or a list of values, one for each position.

    Raises InputError for what is no value of the variable, or a list that is as long as no input.
    """
    node = graph.variable(place)
    if graph.total and not node.free:
        instead = "tokens" if isinstance(node, Token) else "indices"
        raise InputError(f"{graph.labels[place]} is what is given, and cannot be forced; force {instead}")
    one = _id(node, value)
    if one is not None:
        return _filled(node, np.where(batch.real, 0, UNDEFINED), [value])
    if isinstance(value, list | tuple | np.ndarray):
        row = [item.item() if isinstance(item, np.generic) else item for item in value]
        if (batch.lengths != len(row)).any():
            raise InputError(
                f"{graph.labels[place]}: found {len(row)} values, needed one for each of {batch.lengths[0]} tokens"
            )
        for item in row:
            if _id(node, item) is None:
                raise _no_value(graph, place, item)
        return _filled(node, np.where(batch.real, np.arange(batch.ids.shape[1]), UNDEFINED), row)
    raise _no_value(graph, place, value)


def _filled(node: Variable, which: Any, values: list[Any]) -> Column:
    """The values by the numbers in `which`; UNDEFINED where that is."""
    ids = np.array([_id(node, value) for value in values], np.int32)[np.maximum(which, 0)]
    ids = np.where(which == UNDEFINED, UNDEFINED, ids).astype(np.int32)
    if isinstance(node.domain, Listed):
        return Column(ids)
    numbers = np.array([float(value) if V.is_number(value) else 0.0 for value in values])
    return Column(ids, numbers[np.maximum(which, 0)])


def _id(node: Variable, value: Any) -> int | None:
    """The number of a value; −2 for a number of an interval, None for no value of the variable."""
    try:
        key = V.key(value.item() if isinstance(value, np.generic) else value)
    except TypeError:
        return None
    if isinstance(node.domain, Listed):
        return node.domain.index.get(key)
    special = [V.key(one) for one in node.domain.specials]
    if key in special:
        return special.index(key)
    return -2 if V.is_number(value) and node.domain.lo <= float(value) <= node.domain.hi else None


def _no_value(graph: Graph, place: int, value: Any) -> InputError:
    domain = graph.variable(place).domain
    known = ", ".join(map(repr, domain.values[:12])) if isinstance(domain, Listed) else f"{domain.lo} … {domain.hi}"
    return InputError(f"{value!r} is no value of {graph.labels[place]} in this model; it has {known}")


def pattern_of(graph: Graph, place: int, value: Any, batch: Batch) -> Bools:
    """A matrix [input, query, key] for all inputs: from a function of query and key positions, or from a matrix.

    Raises InputError for a matrix of another size.
    """
    width = batch.ids.shape[1]
    if callable(value):
        value = [[bool(value(q, k)) for k in range(width)] for q in range(width)]
        return np.broadcast_to(np.array(value, bool), (len(batch.lengths), width, width)) & _allowed(batch)
    try:
        rows: Bools = np.array(value, bool)
    except (TypeError, ValueError):
        rows = np.zeros(0, bool)
    if rows.shape != (width, width) or (batch.lengths != width).any():
        raise InputError(
            f"{graph.labels[place]}: found a matrix of shape {rows.shape}, needed {(width, width)}, a row a query"
        )
    return np.broadcast_to(rows, (len(batch.lengths), width, width)) & _allowed(batch)


def _allowed(batch: Batch) -> Bools:
    return batch.allowed.transpose(1, 2, 0)


def is_pattern(graph: Graph, place: int) -> bool:
    """Whether a node is a selector."""
    return isinstance(graph[place], Pattern)
