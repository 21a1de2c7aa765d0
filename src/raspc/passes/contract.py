"""What a pass is: it makes a graph of a graph, and says in code what it takes for granted and what it promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from raspc.graph.nodes import Graph
from raspc.numbers.options import Level, Options

Rewrite = Callable[[Graph, Options], Graph]


@dataclass(frozen=True)
class Requirement:
    """A sentence about the graph that a pass is given, and what finds the places where it is not true."""

    says: str
    faults: Callable[[Graph], Iterable[str]]


@dataclass(frozen=True)
class Guarantee:
    """A sentence about the graphs before and after a pass, and what finds the places where it is not true."""

    says: str
    faults: Callable[[Graph, Graph, Options], Iterable[str]]


@dataclass(frozen=True)
class Pass:
    """A step from graph to graph that keeps what a program means.

    `level`: the lowest level at which it is run. `narrow`: whether it is for narrow formats only. `optional`: whether
    a compile can do without it. `needed`: whether what is compiled for needs it. `rewrite`: the function; it gives the
    graph itself where there is nothing to do.
    `ensures`: what this pass promises beside what every pass must (`raspc.passes.conditions.COMMON`).
    """

    name: str
    does: str
    rewrite: Rewrite
    requires: tuple[Requirement, ...]
    ensures: tuple[Guarantee, ...]
    level: Level = Level.ALL
    narrow: bool = False
    optional: bool = True
    needed: Callable[[Options], bool] = lambda options: True

    def applies(self, options: Options) -> bool:
        """Whether a compile with these options runs it."""
        reached = options.storage.reaches(self.level)
        wanted = options.has(self.name) and self.needed(options)
        return reached and wanted and (options.precision.narrow or not self.narrow)

    def run(self, graph: Graph, options: Options) -> Graph:
        """The graph after the pass. Raises UnsupportedProgram where that would be too large."""
        return self.rewrite(graph, options)
