"""Reading variables back out of the residual stream, layer by layer, and comparing them with the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raspc import jsonvalues
from raspc import values as V
from raspc.blocks.reading.groups import Group
from raspc.errors import ModelFormatError
from raspc.graph.evaluate import batch_of, run_graph
from raspc.graph.evaluate import decoded as decoded_column
from raspc.graph.nodes import Affine, Graph, Index, Interval, Listed, Table, Variable
from raspc.target.distances import MADE
from raspc.weights.format1 import homes
from raspc.weights.model import Model

Values = list[Any]
Homes = Mapping[int, tuple[Group, ...]]

LEAST_POWER = 2.0**-126
"""Stands for 0 among powers: the least normal number of float32."""

FAR = 0.3
"""What the stream holds is no value if it is further from the nearest code than this part of the way to the next."""


@dataclass(frozen=True)
class Difference:
    """The first place where the model's variables part from the program's; stage −1 is the embedding."""

    stage: int
    variable: str
    position: int
    expected: Any
    found: Any

    @property
    def where(self) -> str:
        """The stage in words."""
        return stage_name(self.stage)

    def to_json(self) -> dict[str, Any]:
        """The difference as JSON data."""
        return {
            "stage": self.stage, "where": self.where, "variable": self.variable, "position": self.position,
            "expected": jsonvalues.encode(self.expected), "found": jsonvalues.encode(self.found),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class VariableTrace:
    """`expected[label]`: the program's values; `held[stage][label]`: what the model holds after a stage.

    Stage −1 is the embedding, 2·layer is after attention, 2·layer + 1 after the MLP. A variable appears from
    the stage on at which it can be read; numbers come as floats, unreadable values as `...`.
    """

    tokens: tuple[Any, ...]
    expected: Mapping[str, Values]
    held: Mapping[int, Mapping[str, Values]]


def stage_name(stage: int) -> str:
    """ "embedding", "layer 0 attention", "layer 0 MLP", …"""
    return "embedding" if stage < 0 else f"layer {stage // 2} {'MLP' if stage % 2 else 'attention'}"


def trace_variables(model: Model, tokens: Sequence[Any]) -> VariableTrace:
    """Every variable after every stage, on one input without BOS. Raises InputError."""
    graph = model.tabulated
    run = model.apply([model.config.bos, *tokens])
    length = len(tokens)
    program = run_graph(graph, batch_of(graph, [list(tokens)]))
    expected = {
        graph.labels[place]: decoded_column(program.column(place), node.domain, 0, length)
        for place, node in enumerate(graph.nodes)
        if isinstance(node, Variable)
    }
    streams = {-1: run.input_embeddings, **dict(enumerate(run.residuals))}
    where = homes(model)
    held = {
        stage: _Decoder(model, graph, where, stage, np.asarray(stream)[0, 1 : length + 1]).all()
        for stage, stream in sorted(streams.items())
    }
    return VariableTrace(tuple(tokens), expected, held)


def first_difference(model: Model, tokens: Sequence[Any]) -> Difference | None:
    """The earliest stage, and in it the first variable in program order, whose value is not the program's."""
    found = trace_variables(model, tokens)
    for stage, variables in found.held.items():
        for label, values in variables.items():
            for position, value in enumerate(values):
                expected = found.expected[label][position]
                if expected is not ... and not agree(value, expected):
                    return Difference(stage, label, position, expected, None if value is ... else value)
    return None


def agree(found: Any, expected: Any, tolerance: float = 1e-3) -> bool:
    """Equal values, or numbers that are near."""
    if V.is_number(found) and V.is_number(expected):
        return bool(abs(found - expected) <= tolerance * max(1.0, abs(expected)))
    return found is not ... and V.same(found, expected)


def _levels(group: Group, numbers: Any) -> Any:
    """Numbers as they are; of powers the exponents, as these are what tells values apart."""
    return np.log2(np.maximum(numbers, LEAST_POWER)) if group.steep else numbers


def _nearest(row: Any, code: Any) -> int | None:
    """The place of the code [values, dims] that is nearest to a row; None where it is far from all.

    In memory of the size of the code: with thousands of values, pairs of codes are too many to hold at once.
    """
    distances = _squares(code, row)
    best = int(distances.argmin())
    others = _squares(code, code[best])
    others[best] = np.inf
    return None if distances[best] > FAR**2 * others.min() else best


def _squares(code: Any, row: Any) -> Any:
    """[value]: the squared distance of each code from a row."""
    away = code - row
    return np.einsum("ij,ij->i", away, away)


class _Decoder:
    """Reads the variables that the stream [positions, d_model] holds after one stage."""

    def __init__(self, model: Model, graph: Graph, homes: Homes, stage: int, stream: Any) -> None:
        self.graph, self.stage, self.stream = graph, stage, stream.astype(np.float64)
        self.alignment = model.alignment
        self.first = MADE if model.config.tells_by_distance else -1
        self.homes = homes
        self.known: dict[int, Values | None] = {}

    def all(self) -> dict[str, Values]:
        for place, node in enumerate(self.graph.nodes):
            if isinstance(node, Variable):
                self.known[place] = self.value(place, node)
        return {self.graph.labels[place]: values for place, values in self.known.items() if values is not None}

    def value(self, place: int, node: Variable) -> Values | None:
        groups = self.present(place)
        if groups and len({row.tobytes() for row in self.code(groups)}) == len(self.code(groups)):
            return self.nearest(groups, node)
        if isinstance(node, Affine):
            return self.affine(node)
        return self.table(node) if isinstance(node, Table) else None

    def present(self, place: int) -> list[tuple[Group, slice]]:
        """The groups that stand in the stream at this stage; the latest written first."""
        if isinstance(self.graph[place], Index) and self.stage < self.first:
            return []
        spaces = {space.name: space for space in self.alignment.variables[self.graph.labels[place]].spaces}
        found = []
        for group in self.homes.get(place, ()):
            space = spaces.get(group.space)
            if space and space.held_after(self.stage):
                where = slice(*space.dims)
                if where.stop - where.start != group.code.shape[1]:
                    raise ModelFormatError(
                        f"the alignment gives {group.space} {where.stop - where.start} dimensions, needed "
                        f"{group.code.shape[1]}; compile the model again"
                    )
                found.append((group, where))
        return found

    @staticmethod
    def code(groups: Sequence[tuple[Group, slice]]) -> Any:
        return np.hstack([_levels(group, group.code) for group, _ in groups])

    def nearest(self, groups: Sequence[tuple[Group, slice]], node: Variable) -> Values:
        code = self.code(groups)
        held = np.hstack([_levels(group, self.stream[:, where]) for group, where in groups])
        if isinstance(node.domain, Interval):
            return [self.number(row, node.domain) for row in held]
        assert isinstance(node.domain, Listed)
        scale = np.maximum(np.ptp(code, axis=0), 1e-12)
        found = (_nearest(row / scale, code / scale) for row in held)
        return [... if place is None else node.domain.values[place] for place in found]

    @staticmethod
    def number(row: Any, domain: Interval) -> Any:
        hot = np.flatnonzero(row[1:] > 0.5)
        return domain.specials[hot[0]] if len(hot) else float(row[0])

    def affine(self, node: Affine) -> Values | None:
        args = [self.known.get(arg) for arg in node.args]
        if any(arg is None or any(not V.is_number(v) for v in arg) for arg in args):
            return None
        columns = [[c * v for v in arg] for c, arg in zip(node.coefs, args, strict=True) if arg is not None]
        return [node.bias + sum(row) for row in zip(*columns, strict=True)]

    def table(self, node: Table) -> Values | None:
        args = [self.known.get(arg) for arg in node.args]
        if any(arg is None for arg in args):
            return None
        if not node.args:
            return [node.listed.values[int(node.cells)]] * len(self.stream)
        return [self.cell(node, row) for row in zip(*(arg for arg in args if arg is not None), strict=True)]

    def cell(self, node: Table, row: Sequence[Any]) -> Any:
        domains = [self.graph.variable(arg).listed for arg in node.args]
        try:
            number = int(node.cells[tuple(d.id(v) for d, v in zip(domains, row, strict=True))])
        except KeyError:
            return ...
        return ... if number < 0 else node.listed.values[number]
