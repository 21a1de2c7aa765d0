"""What the scores of a task are held against: the edges that are true of it, apart from what a method sees."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from raspc import arguments
from raspc.graph.evaluate import Batch
from raspc.lab.activations import Seen, inputs_for, most_inputs
from raspc.lab.circuits import Circuit, circuit_of
from raspc.lab.edges import pair_name
from raspc.lab.engine import Engine
from raspc.lab.frame import Frame, framed
from raspc.lab.tasks import Task
from raspc.lab.under import Truth, mattering

CARRIED = {
    "zero": frozenset({"varying", "positional", "constant"}),
    "mean": frozenset({"varying"}),
    "resample": frozenset({"varying"}),
    "shuffle": frozenset({"varying", "positional"}),
}
"""By corruption: an edge carries something else where it is corrupted if it has one of these flags."""
NOTHING = frozenset({"void", "inert", "clearing", "interference"})
"""An edge with one of these flags carries nothing of the program to the answer."""
ONE_LENGTH = ("resample", "shuffle")
"""Corruptions that take the other run from inputs of the same length."""


@dataclass(frozen=True, eq=False)
class Truths:
    """What is true of a task, told in two ways that do not depend on each other.

    `varying`: the edges on which something of the program goes to the answer that the corruption changes, by the
    weights and by what their writers compute (`raspc.lab.flags`); no edge was patched for it. `under`: those whose
    corruption alone changes an answer, by patching each of them on all pairs or on 4,096 (`raspc.lab.under`).
    """

    task: Task = field(repr=False)
    varying: frozenset[str]

    @cached_property
    def measured(self) -> Truth:
        """The truth by patching, in float64. Raises InputError where that is too much to run."""
        found: Truth = _circuit(self.task).under(self.task.corruption, seed=self.task.seed)
        return found

    @cached_property
    def under(self) -> frozenset[str]:
        """The candidates whose corruption changes an answer. Raises InputError where that is too much to run."""
        found = mattering(_circuit(self.task), self.task.corruption, seed=self.task.seed)
        return frozenset(found) & frozenset(self.task.edges)

    def nodes(self, edges: Collection[str]) -> frozenset[str]:
        """The nodes that write to some of these edges."""
        return frozenset(edge.split("->")[0] for edge in edges)

    def to_json(self) -> dict[str, Any]:
        """Plain data, without what was not asked for."""
        found = self.task.facts() | {"varying": sorted(self.varying)}
        return found | ({"under": sorted(self.under)} if "under" in vars(self) else {})


def truths(task: Task) -> Truths:
    """What is true of a task. Of a graded model `varying` is that of the model as it was compiled.

    Raises InputError for a model whose circuit is not known, TypeError for what is no task.
    """
    arguments.an(Task, "task", task, "a task, as raspc.lab.task makes it")
    frame = framed(task.model)
    true = _carrying(task, frame) if frame.exact else _carrying(task, frame.compiled) & _left(task, frame)
    return Truths(task, true & frozenset(task.edges))


def _carrying(task: Task, frame: Frame) -> frozenset[str]:
    """The edges that carry something of the program on to the answer that the corruption changes."""
    carried = CARRIED[task.corruption]
    told = [found for circuit in _circuits(task, frame) for found in _flags(circuit)]
    return frozenset(name for name, flags in told if flags & carried and not flags & NOTHING)


def _left(task: Task, frame: Frame) -> frozenset[str]:
    """The edges that are there in a graded model, apart from interference."""
    circuit = circuit_of(frame, _granularity(task), _seen(task))
    return frozenset(name for name, flags in _flags(circuit) if "interference" not in flags)


def _flags(circuit: Circuit) -> Iterator[tuple[str, frozenset[str]]]:
    """The name that tools have for an edge, with the flags of each edge of the circuit that it stands for."""
    for edge, pairs in Engine(circuit, merged=True).parts.items():
        yield from ((pair_name(edge), one.flags) for pair in pairs for one in circuit.pairs[pair])


def _circuit(task: Task) -> Circuit:
    return circuit_of(framed(task.model), _granularity(task), _seen(task))


def _circuits(task: Task, frame: Frame) -> Iterator[Circuit]:
    """The circuit by all inputs; for each length, where the other run has the same one."""
    seen = _seen(task)
    for batch in _by_length(seen.batch) if task.corruption in ONE_LENGTH else [seen.batch]:
        yield circuit_of(frame, _granularity(task), Seen(batch, seen.exhaustive))


def _seen(task: Task) -> Seen:
    return inputs_for(task.model.as_written, most_inputs(task.model), task.seed)


def _by_length(batch: Batch) -> Iterator[Batch]:
    for length in np.unique(batch.lengths):
        rows = np.flatnonzero(batch.lengths == length)
        yield Batch(batch.ids[rows, : int(length)], batch.lengths[rows], batch.causal)


def _granularity(task: Task) -> Any:
    return task.granularity
