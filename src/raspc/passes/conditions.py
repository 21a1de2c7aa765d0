"""What several passes require or ensure: sentences about graphs, each with the code that finds where it is not true."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from raspc.graph.evaluate import Batch, Column, Run, as_numbers, run_graph
from raspc.graph.nodes import (
    Aggregate,
    Best,
    Domain,
    Gate,
    Graph,
    Interval,
    Listed,
    Node,
    Pattern,
    Select,
    Sum,
    Table,
    Variable,
    Width,
)
from raspc.graph.permitted import search_of
from raspc.numbers.options import Options
from raspc.passes.contract import Guarantee, Requirement

ALIKE = 1e-9
"""Numbers that are computed in another order may differ by so much of themselves."""


def malformed(graph: Graph) -> Iterator[str]:
    """Nodes that read what does not stand before them, or is of the wrong kind; tables of the wrong size."""
    for place, node in enumerate(graph.nodes):
        early = [ref for ref in node.refs if not 0 <= ref < place]
        if early:
            yield f"%{place} reads %{early[0]}, which does not stand before it"
        elif any(isinstance(graph[ref], Pattern) != (ref in _selectors(node)) for ref in node.refs):
            yield f"%{place} takes a selector for a variable, or a variable for a selector"
        elif isinstance(node, Table | Select) and (fault := _wrong_table(graph, node)):
            yield f"%{place} has {fault}"
        elif isinstance(node, Gate) and node.op not in ("and", "or"):
            yield f"%{place} is neither a conjunction nor a disjunction, but {node.op!r}"


def _selectors(node: Node) -> tuple[int, ...]:
    """The references of a node that must be selectors."""
    if isinstance(node, Gate):
        return node.args
    return (node.selector,) if isinstance(node, Width | Aggregate | Sum | Best) else ()


def _wrong_table(graph: Graph, node: Table | Select) -> str:
    """What is wrong with the cells of a table, in words; nothing where nothing is."""
    domains = [graph.variable(ref).domain for ref in node.refs]
    if any(isinstance(domain, Interval) for domain in domains):
        return "a table over a value set that is not listed"
    sizes = tuple(len(domain) for domain in domains if isinstance(domain, Listed))
    if node.cells.shape != sizes:
        return f"cells of the shape {node.cells.shape} over value sets of the sizes {sizes}"
    most = len(node.listed) if isinstance(node, Table) else 2
    outside = node.cells.size and not (node.cells.min() >= -1 and node.cells.max() < most)
    return f"a cell that is none of its {most} values" if outside else ""


def disjunctions(graph: Graph) -> Iterator[str]:
    """Selectors in use that a head cannot score: neither tables nor conjunctions of tables, nor empty."""
    used = {node.selector for node in graph.nodes if isinstance(node, Width | Aggregate | Sum | Best)}
    for place in sorted(used):
        node = graph[place]
        if isinstance(node, Gate) and node.args and not _is_conjunction(graph, node):
            yield f"%{place} is neither a table nor a conjunction of tables"


def _is_conjunction(graph: Graph, node: Gate) -> bool:
    return node.op == "and" and all(isinstance(graph[arg], Select) for arg in node.args)


def reframed(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """What a pass must not touch: for which inputs the program is, its notes, and the value sets of what has a name."""
    for what in ("vocab", "max_seq_len", "causal", "exact_length", "notes", "where"):
        if getattr(before, what) != getattr(after, what):
            yield f"{what} was {getattr(before, what)!r} and is {getattr(after, what)!r}"
    there = visible(after)
    for name, place in visible(before).items():
        if name not in there:
            yield f"the variable {name!r} is gone"
        elif not _same_values(before.variable(place).domain, after.variable(there[name]).domain):
            yield f"the variable {name!r} has another value set"


def visible(graph: Graph) -> dict[str, int]:
    """What a user can ask for, by name: the output (here without a name, "") and every variable with a name."""
    names = {name: place for place, node in enumerate(graph.nodes) for name in node.names if isinstance(node, Variable)}
    return {**names, "": graph.output}


def _same_values(one: Domain, other: Domain) -> bool:
    if isinstance(one, Listed) and isinstance(other, Listed):
        return one.identity == other.identity
    return one == other


def other_answers(before: Graph, after: Graph, options: Options) -> Iterator[str]:
    """Inputs of a sample on which some variable with a name, or the output, is another one after the pass."""
    there = visible(after)
    for batch in search_of(before).batches:
        old, new = run_graph(before, batch), run_graph(after, batch)
        for name, place in visible(before).items():
            wrong = _differs(batch, (old, before, place), (new, after, there[name])) if name in there else None
            if wrong is not None and wrong.any():
                yield f"the variable {name or 'of the answer'!r} is another one on {_shown(before, batch, wrong)}"
                return


Seen = tuple[Run, Graph, int]
"""A variable of a graph, in a run."""


def _differs(batch: Batch, old: Seen, new: Seen) -> NDArray[np.bool_]:
    """[input]: where a variable has another value at some position, of the inputs on which it was defined."""
    (run, before, place), (other, after, moved) = old, new
    one, two = run.column(place), other.column(moved)
    alike = _alike(one, before.variable(place).domain, two, after.variable(moved).domain)
    found: NDArray[np.bool_] = ~run.undefined & (other.undefined | (~alike & batch.real).any(axis=1))
    return found


def _alike(one: Column, domain: Domain, two: Column, moved: Domain) -> NDArray[np.bool_]:
    """[input, position]: the same value, or numbers that differ by rounding."""
    if one.numbers is None and two.numbers is None:
        return np.asarray(one.ids == two.ids)
    (numbers, is_number), (others, is_other) = as_numbers(one, domain), as_numbers(two, moved)
    near = np.isclose(numbers, others, rtol=ALIKE, atol=ALIKE)
    return np.where(is_number | is_other, is_number & is_other & near, one.ids == two.ids)


def _shown(graph: Graph, batch: Batch, wrong: NDArray[np.bool_]) -> str:
    """The first of these inputs."""
    row = int(np.flatnonzero(wrong)[0])
    tokens = islice(batch.ids[row], int(batch.lengths[row]))
    return repr([graph.vocab[int(token)] for token in tokens])


WELL_FORMED = Requirement("nodes read nodes before them, and tables are as large as what they read", malformed)
CONJUNCTIONS = Requirement("selectors in use are tables, or conjunctions of tables", disjunctions)

SOUND = Guarantee(
    "nodes read nodes before them, and tables are as large as what they read",
    lambda before, after, options: malformed(after),
)
SAME_FRAME = Guarantee("vocabulary, length, mask and notes stay, and what has a name keeps its value set", reframed)
SAME_ANSWERS = Guarantee("on a sample of inputs the answers stay, and whatever has a name", other_answers)
ONLY_CONJUNCTIONS = Guarantee(
    "selectors in use are tables, or conjunctions of tables", lambda before, after, options: disjunctions(after)
)
COMMON = (SOUND, SAME_FRAME, SAME_ANSWERS)
"""What every pass ensures."""
