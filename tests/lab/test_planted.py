"""Faults planted in the circuits of random programs: each is found, whichever edge, head or variable it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from tests.lab.circuits import random_models

from raspc import lab
from raspc.blocks.spaces import BOS
from raspc.compress import rotate
from raspc.graph.evaluate import NUMBER, run_graph
from raspc.graph.nodes import Listed
from raspc.lab.circuits import Circuit
from raspc.lab.spaces import Spaces
from raspc.weights.model import Model

MANY = range(100)
FEW: tuple[int, ...] = (*range(6), 66)
"""The output of the last of these programs is a number that is not listed."""


def dropped(circuit: Circuit) -> Iterator[tuple[str, Circuit]]:
    """The circuit without one of its edges, each in turn."""
    for i, edge in enumerate(circuit.edges):
        yield f"without {edge.name}", replace(circuit, edges=circuit.edges[:i] + circuit.edges[i + 1 :])


def swapped(circuit: Circuit) -> Iterator[tuple[str, Circuit]]:
    """The circuit with two heads, or two neurons, of one layer in each other's places; equal ones have no places."""
    for one, other in combinations(circuit.nodes, 2):
        if (one.kind, one.layer) != (other.kind, other.layer) or one.kind not in ("head", "neuron"):
            continue
        names = {one.name: other.name, other.name: one.name}
        edges = tuple(
            replace(e, writer=names.get(e.writer, e.writer), reader=names.get(e.reader, e.reader))
            for e in circuit.edges
        )
        if {e.key: e.matrix.tobytes() for e in edges} != {e.key: e.matrix.tobytes() for e in circuit.edges}:
            yield f"{one.name} and {other.name} swapped", replace(circuit, edges=edges)


def misnamed(circuit: Circuit) -> Iterator[tuple[str, Circuit]]:
    """The circuit with one edge, or one space, said to carry another variable; not one that is the same everywhere."""
    variables = sorted({space.variable for space in circuit.spaces.values()})
    for i, edge in enumerate(circuit.edges):
        if edge.flags & {"void", "stray", "interference"} or edge.space == BOS:
            continue
        other = next(name for name in variables if name != edge.variable)
        edges = (*circuit.edges[:i], replace(edge, variable=other), *circuit.edges[i + 1 :])
        yield f"{edge.name} said to carry {other}", replace(circuit, edges=edges)
    same = equal(circuit)
    for name, space in circuit.spaces.items():
        for other in variables:
            if BOS in (other, space.variable) or same(other, space.variable):
                continue
            said = dict(circuit.spaces) | {name: replace(space, variable=other)}
            yield f"{name} said to hold {other}", replace(circuit, spaces=Spaces(said))


def equal(circuit: Circuit) -> Callable[[str, str], bool]:
    """Whether two variables have the same values on every input, so that either name is true of a space."""
    graph, batch = circuit.model.tabulated, circuit.seen.batch
    run = run_graph(graph, batch)

    def values(name: str) -> list[object]:
        place = graph.labels.index(name)
        domain, column = graph.variable(place).domain, run.column(place)
        if isinstance(domain, Listed):
            return [domain.values[i] if i >= 0 else None for i in column.ids[batch.real].tolist()]
        assert column.numbers is not None
        numbers = np.where(column.ids == NUMBER, column.numbers, np.nan)[batch.real]
        return [(i, f"{number:.6f}") for i, number in zip(column.ids[batch.real].tolist(), numbers, strict=True)]

    return lambda one, other: values(one) == values(other)


def missed(circuit: Circuit) -> list[str]:
    """The planted faults that the circuit's own test does not see."""
    assert circuit.faults() == []
    plants = (*dropped(circuit), *swapped(circuit), *misnamed(circuit))
    return [told for told, planted in plants if not planted.faults()]


def small(seeds: Iterable[int]) -> Iterator[Model]:
    """Models whose planted faults are not too many to try each."""
    return (model for _, model in random_models(seeds) if model.config.d_mlp <= 24)


def test_each_planted_fault_is_found() -> None:
    """An edge dropped, two heads swapped, a variable misnamed, in edges and in spaces."""
    planted = 0
    for model in small(FEW):
        circuit = model.circuit()
        assert missed(circuit) == []
        planted += len(circuit.edges)
    assert planted > 40


@pytest.mark.slow
@pytest.mark.parametrize("granularity", ["component", "direction"])
def test_each_planted_fault_of_many_is_found(granularity: str) -> None:
    """The same of 100 programs, edge by edge and direction by direction."""
    for model in small(MANY):
        assert missed(model.circuit(granularity)) == []


def test_a_circuit_of_parts_that_there_are_not_is_told() -> None:
    """Edges between unknown parts or of another shape, and spaces of unknown variables, are faults and no crash."""
    (model,) = small(range(6, 7))
    circuit = model.circuit()
    edge, (name, space) = circuit.edges[0], next(iter(circuit.spaces.items()))
    plants = {
        "parts that there are not": replace(circuit, edges=(replace(edge, writer="a9.h9"), *circuit.edges[1:])),
        "its parts need": replace(circuit, edges=(replace(edge, write=edge.write[:-1]), *circuit.edges[1:])),
        "no variable of the program": replace(
            circuit, spaces=Spaces(dict(circuit.spaces) | {name: replace(space, variable="nobody")})
        ),
    }
    for told, planted in plants.items():
        assert any(told in fault for fault in planted.faults()), told


def test_the_rounding_of_a_turn_is_interference() -> None:
    """A weight with all digits of float32 is rounded in another basis; a changed weight is still stray."""
    ((_, model),) = random_models(range(16, 17))
    turned = rotate(model, 1)
    circuit = turned.circuit()
    assert circuit.faults() == [] and any("interference" in edge.flags for edge in circuit.edges)
    assert not any("stray" in edge.flags for edge in circuit.edges)
    for corruption in ("zero", "shuffle"):  # and no part of a truth
        true, found = (lab.truths(lab.task(m, corruption, pairs=8)).varying for m in (model, turned))
        assert true and found == true
    params = {name: np.array(array) for name, array in turned.params.items()}
    params["transformer/layer_0/mlp/linear_2/w"] += 0.5
    changed = replace(turned, params=params, certificate=None).circuit()
    assert any("stray" in edge.flags for edge in changed.edges)
