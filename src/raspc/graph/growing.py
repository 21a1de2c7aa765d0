"""Inputs that grow token by token: under a causal mask only what is new is computed, as a model with kept keys does.

What a position holds does not depend on later ones. So the columns that are read at keys are kept, and each node is
computed at the new position alone, by the rules of `raspc.graph.evaluate`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raspc.graph.evaluate import Batch, Bools, Column, Run
from raspc.graph.nodes import Graph, Ids


@dataclass(frozen=True, eq=False)
class Tail(Batch):
    """The tokens [B, T] of inputs that stand from index `first` on; none is padding. Causal."""

    first: int = 0

    @property
    def places(self) -> NDArray[np.intp]:
        """[T]: the indices of the positions."""
        return np.arange(self.first, self.first + self.ids.shape[1])

    @cached_property
    def allowed(self) -> Bools:
        """[key, B, query]: all keys that there are, up to the query."""
        rows, many = self.ids.shape
        seen = np.tri(many, self.first + many, self.first, dtype=bool).T
        return np.ascontiguousarray(np.broadcast_to(seen[:, None, :], (self.first + many, rows, many)))


@dataclass
class Ahead(Run):
    """A run over new positions. `before`: columns at the earlier ones; `whole`: at all, of what is read at keys."""

    before: dict[int, Column] = field(default_factory=dict)
    whole: dict[int, Column] = field(default_factory=dict)

    def keys(self, place: int) -> Column:
        """The variable at all positions so far."""
        if place not in self.whole:
            own, earlier = self.column(place), self.before.get(place)
            self.whole[place] = own if earlier is None else _joined(earlier, own)
        return self.whole[place]


def _joined(one: Column, other: Column) -> Column:
    ids = np.concatenate([one.ids, other.ids], axis=1)
    if one.numbers is None or other.numbers is None:
        return Column(ids)
    return Column(ids, np.concatenate([one.numbers, other.numbers], axis=1))


class Growth:
    """Inputs of one length that grow together, through a causal graph that is defined on every length."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.filled = graph, 0
        self._kept: dict[int, Column] = {}

    def feed(self, ids: Ids) -> Run:
        """The run over further tokens [B, T] of each input."""
        batch = Tail(ids, np.full(len(ids), self.filled + ids.shape[1], np.int64), True, self.filled)
        none = np.zeros(len(ids), bool), np.zeros(ids.shape, bool)
        run = Ahead(self.graph.nodes, batch, [], *none, {}, before=self._kept)
        run.upto(len(self.graph) - 1)
        self.filled, self._kept = self.filled + ids.shape[1], run.whole
        return run

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Go on with some of the inputs."""
        self._kept = {
            place: Column(column.ids[rows], None if column.numbers is None else column.numbers[rows])
            for place, column in self._kept.items()
        }
