"""What is settled of a graph before any variable is asked what is to be stored of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from raspc.blocks.neurons.design import Design
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.scores.selection import Selection, selections
from raspc.blocks.storage.requests import Request, Wanted
from raspc.blocks.storage.stored import NEURONS, Reader, Stored
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph
from raspc.numbers.options import Options


@dataclass(frozen=True, eq=False)
class Known:
    """`ready`: what can be read of each variable, and how exactly. `selections`: how each head selects.

    `numerical`: whether the answer of the program is a number along one direction rather than one of a list.
    """

    ready: Readiness
    selections: Mapping[int, Selection]
    numerical: bool = False

    @classmethod
    def of(cls, ready: Readiness) -> Known:
        """With the selectors of all heads scored."""
        found = selections(ready)
        return cls(ready.scored({place: selection.shortfall for place, selection in found.items()}), found)

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.ready.graph

    @property
    def options(self) -> Options:
        """What the compile was asked for."""
        return self.ready.options

    def stored(
        self, place: int, wanted: Wanted, kept: tuple[Group, ...] = (), design: Design | None = None
    ) -> Stored:  # fmt: skip
        """The record of a variable of which these directions are kept, written by a design or not by neurons."""
        node, left, joint = self.graph[place], self.ready.left.get(place), self.ready.derived(place)
        return Stored(
            left=None if left is None else left.group,
            share=None if left is None else left.share,
            raised=None if left is None else left.raised,
            kept=kept,
            design=design,
            selection=self.selections.get(place),
            readers=wanted.readers if left is None or design is None else (*wanted.readers, _decoder(place)),
            error=wanted.error,
            read_off=node.args if isinstance(node, N.Affine) else () if joint is None else joint.roots,
        )


def _decoder(place: int) -> Reader:
    """The neurons that decode what attention leaves of a variable."""
    return Reader(place, NEURONS, place)


@dataclass(frozen=True, eq=False)
class Decision:
    """What is stored of one variable, and what that asks of those before it. `steep_in_doubt`: see `Storage`."""

    stored: Stored
    requests: tuple[Request, ...] = ()
    steep_in_doubt: bool = False

    def asking(self, *requests: Request) -> Decision:
        """The same, with more requests."""
        return Decision(self.stored, (*self.requests, *requests), self.steep_in_doubt)
