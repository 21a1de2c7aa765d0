"""What the variables of a program are at each position of a running model, read off its stream.

A variable that is stored is decoded: it has the value whose code is nearest to what its directions hold. A function of
others at the same position is worked out of these, with the program's tables. One that is forced is what it is forced
to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raspc.blocks.reading.groups import Group
from raspc.errors import InputError
from raspc.graph import nodes as N
from raspc.graph.evaluate import NUMBER, RULES, Batch, Bools, Column, Run
from raspc.graph.nodes import UNDEFINED, Graph, Interval, Listed
from raspc.lab.spaces import Living

Floats = NDArray[np.float64]

ELEMENTWISE = (N.Table, N.Affine, N.Sign)
"""Nodes whose value at a position follows from those of their arguments there."""


@dataclass
class Held:
    """The variables at one stage. `stream` [input, position without BOS, d_model] before that stage.

    `stored`: the spaces of each variable that hold it at this stage. `forced`: columns of forced variables, and the
    positions [input, position] at which they are forced. `raising`: where a table has no value.
    """

    graph: Graph
    batch: Batch
    stream: Floats
    stored: Mapping[int, Sequence[tuple[Living, Group]]]
    forced: Mapping[int, Column]
    where: Bools
    raising: Bools
    known: dict[int, Column] = field(default_factory=dict)

    @property
    def nodes(self) -> Sequence[N.Node]:
        """The nodes of the program, as the batch interpreter asks for them."""
        return self.graph.nodes

    def column(self, place: int) -> Column:
        """The variable at a place. Raises InputError for one that cannot be told at this stage."""
        if place not in self.known:
            self.known[place] = self._column(place)
        return self.known[place]

    def _column(self, place: int) -> Column:
        forced = self.forced.get(place)
        if forced is None:
            return self._own(place)
        return forced if self.where[self.batch.real].all() else merged(self.where, forced, self._own(place))

    def _own(self, place: int) -> Column:
        """The variable as it is without being forced."""
        node = self.graph.variable(place)
        if place in self.stored:
            return decoded(self.stream, self.stored[place], node.domain, self.batch)
        if isinstance(node, ELEMENTWISE):
            rule: Callable[[Run | Held, N.Node], Column] = RULES[type(node)]  # type: ignore[assignment]
            return rule(self, node)
        if isinstance(node, N.Token | N.Index):
            return RULES[type(node)](self, node)  # type: ignore[arg-type, return-value]
        raise InputError(
            f"{self.graph.labels[place]} is stored nowhere in this model, and is no function of what is, so that it "
            "cannot be told what its readers would read; force it at every position, or compile at level 0"
        )

    def flag(self, raising: Bools) -> None:
        """Note where a table has no value."""
        self.raising |= raising


def merged(where: Bools, one: Column, other: Column) -> Column:
    """One column at the positions of `where`, the other elsewhere."""
    numbers = None
    if one.numbers is not None and other.numbers is not None:
        numbers = np.where(where, one.numbers, other.numbers)
    return Column(np.where(where, one.ids, other.ids), numbers)


def decoded(
    stream: Floats, spaces: Sequence[tuple[Living, Group]], domain: N.Domain, batch: Batch
) -> Column:  # fmt: skip
    """The values whose codes are nearest to what the spaces hold."""
    held = np.concatenate([stream @ space.reader for space, _ in spaces], axis=-1)
    code = np.hstack([space.code for space, _ in spaces])
    if isinstance(domain, Interval):
        return _number(held, code, domain, batch)
    assert isinstance(domain, Listed)
    scale = np.maximum(np.ptp(code, axis=0), 1e-12)
    known = code / scale
    off = ((held / scale) ** 2).sum(-1, keepdims=True) - 2 * (held / scale) @ known.T + (known**2).sum(-1)
    return Column(np.where(batch.real, off.argmin(axis=-1), UNDEFINED).astype(np.int32))


def _number(held: Floats, code: Floats, domain: Interval, batch: Batch) -> Column:
    """A number as it is held, or the special value whose indicator is above a half."""
    found = held @ np.linalg.pinv(code)
    special = found[..., 1:]
    ids = np.full(held.shape[:-1], NUMBER)
    if special.shape[-1]:
        ids = np.where((special > 0.5).any(axis=-1), special.argmax(axis=-1), NUMBER)
    return Column(np.where(batch.real, ids, UNDEFINED).astype(np.int32), found[..., 0])


def features_of(column: Column, domain: N.Domain) -> Floats:
    """[input, position, features]: what `Part.columns` are multiplied by: one-hot, or a number and its indicators."""
    if isinstance(domain, Listed):
        return np.eye(len(domain))[np.maximum(column.ids, 0)]
    assert column.numbers is not None
    number = np.where(column.ids == NUMBER, column.numbers, 0.0)[..., None]
    special = (column.ids[..., None] == np.arange(len(domain.specials))).astype(np.float64)
    return np.concatenate([number, special], axis=-1)


def cone(graph: Graph, place: int) -> set[int]:
    """A variable, and all that it is a function of at its own position."""
    found, waiting = set[int](), [place]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += graph[one].refs if isinstance(graph[one], ELEMENTWISE) else ()
    return found
