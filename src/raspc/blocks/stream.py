"""What lies in the residual stream, and how it is read: for each read the cheapest space that spans it.

A read is a sum of features of variables. Each is taken off what is there first: sums of features of the roots, a
variable's own directions, sums of what is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group, side_by_side
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.reading.roots import over_root
from raspc.blocks.scores.steep import form, multiple
from raspc.blocks.spaces import BOS, Matrix, Read, Space
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Listed
from raspc.graph.tables import Joint


@dataclass
class Stream:
    """The spaces so far, what each holds at BOS, and which groups of directions each variable has."""

    ready: Readiness
    spaces: dict[str, Space] = field(default_factory=lambda: {BOS: Space(BOS, ("is_bos",))})
    at_bos: dict[str, Floats] = field(default_factory=lambda: {BOS: np.ones(1)})
    home: dict[int, list[Group]] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.ready.graph

    def open(self, place: int, groups: Sequence[Group], at_bos: Floats, first: bool = False) -> None:
        """Give the groups their spaces, and say what they hold at BOS. `first`: before all others of the variable."""
        before = list(self.home.get(place, [])) if first else []
        for group, columns in side_by_side(groups):
            self.spaces[group.space] = Space(group.space, group.labels)
            self.at_bos[group.space] = at_bos[columns]
            self.home.setdefault(place, []).append(group)
        if before:
            self.home[place] = [*self.home[place][len(before) :], *before]

    def read(self, parts: Sequence[tuple[int, Matrix]], zero_at_bos: bool = True) -> Read:
        """The sum of features[variable] over parts: columns of [features of the variable, width]."""
        width = parts[0][1].shape[1]
        maps: dict[str, Matrix] = {}
        constant = np.zeros(width)
        for place, columns in parts:
            constant = constant + self.gather(maps, place, columns)
        if zero_at_bos:
            self.cancel(maps, constant)
        return Read({s: m for s, m in maps.items() if m.any()}, constant)

    def without_constant(self, place: int, columns: Matrix) -> Read | None:
        """The same features of one variable read with no constant; None where no group offers that."""
        root, columns = self.ready.roots.pulled_back(place, columns)
        for group in self.home.get(root, ()):
            found = None if group.steep else F.express(group.code, columns, with_constant=False)
            if found is not None:
                return self.read_group(group, found[0])
        return None

    def read_group(self, group: Group, weights: Matrix) -> Read:
        """The directions of one group with these weights; 0 at BOS."""
        maps, constant = {group.space: weights}, np.zeros(weights.shape[1])
        self.cancel(maps, constant)
        return Read({space: matrix for space, matrix in maps.items() if matrix.any()}, constant)

    def cancel(self, maps: dict[str, Matrix], constant: Floats) -> None:
        """Make the read 0 at BOS, whatever its spaces hold there."""
        there = constant + sum((self.at_bos[space] @ m for space, m in maps.items()), np.zeros(len(constant)))
        maps[BOS] = maps.get(BOS, np.zeros((1, len(constant)))) - there[None, :]

    def gather(self, maps: dict[str, Matrix], place: int, columns: Matrix) -> Floats:
        """Add to the maps what reads these features; the constant that is left."""
        node = self.graph.variable(place)
        if isinstance(node, N.Affine):
            return self.gather_affine(maps, node, columns)
        constant = np.zeros(columns.shape[1])
        listed = isinstance(node.domain, Listed)
        flat = (columns == columns[:1]).all(axis=0) & listed
        constant[flat] = columns[0, flat]
        if not flat.all():
            constant[~flat] = self.gather_varying(maps, place, columns, np.flatnonzero(~flat).tolist())
        return constant

    def gather_affine(self, maps: dict[str, Matrix], node: N.Affine, columns: Matrix) -> Floats:
        constant: Floats = node.bias * columns[0]
        for arg, coef in zip(node.args, node.coefs, strict=True):
            number = F.number(self.graph.variable(arg).domain)
            constant = constant + self.gather(maps, arg, coef * number[:, None] * columns[0][None, :])
        return constant

    def gather_varying(self, maps: dict[str, Matrix], place: int, columns: Matrix, which: Sequence[int]) -> Floats:
        """Read the columns numbered `which`: all from one group if one offers them, else each as it can be."""
        width = columns.shape[1]
        alone = len(which) == 1
        found = self.found(place, columns[:, which], last_resort=alone)
        if found is None and not alone:
            return np.array([self.gather_varying(maps, place, columns, [j])[0] for j in which])
        if found is None:
            raise self.missing(place)
        weights, constant = found
        for space, w in weights.items():
            full = np.zeros((len(w), width))
            full[:, which] = w
            maps[space] = maps.get(space, 0.0) + full
        return constant

    def missing(self, place: int) -> UnsupportedProgram:
        """The error for a reader whose features no direction offers."""
        return UnsupportedProgram.at(
            self.graph.labels[place], "values that lie too close together to be read as their readers need",
            "gaps of more than a billionth of the largest", "map the values to numbers that lie further apart first",
        )  # fmt: skip

    def found(self, place: int, columns: Matrix, last_resort: bool = True) -> tuple[dict[str, Matrix], Floats] | None:
        """Weights that read the columns: off what is there first, off directions of its own, off decoded sums."""
        got = self.from_sums(place, columns) or self.from_groups(place, columns)
        if got or not last_resort:
            return got
        return self.from_sums(place, columns, settled=False) or self.as_constants(place, columns)

    def as_constants(self, place: int, columns: Matrix) -> tuple[dict[str, Matrix], Floats] | None:
        """Columns that are constant but for less than anybody can tell: nothing is stored for them."""
        if not isinstance(self.graph.variable(place).domain, Listed):
            return None
        found = F.express(columns[:, :0], columns)
        return None if found is None else ({}, found[1])

    def from_groups(self, place: int, columns: Matrix) -> tuple[dict[str, Matrix], Floats] | None:
        """Weights on the variable's own directions: the first group that suffices, else all together."""
        groups = [group for group in self.home.get(place, []) if not group.steep and group.offers(columns)]
        constant = isinstance(self.graph.variable(place).domain, Listed)
        for group in groups:
            found = F.express(group.code, columns, constant)
            if found is not None:
                return {group.space: found[0]}, found[1]
        if len(groups) < 2:
            return None
        found = F.express(np.hstack([g.code for g in groups]), columns, constant)
        if found is None:
            return None
        return {group.space: found[0][rows] for group, rows in side_by_side(groups)}, found[1]

    def read_steep(self, place: int, columns: Matrix) -> Read:
        """Steep features, each off the direction of which it is a multiple."""
        root, columns = self.ready.roots.pulled_back(place, columns)
        group = next((group for group in self.home.get(root, ()) if group.steep), None)
        if group is None:
            raise self.missing(place)
        weights = np.zeros((len(group.labels), columns.shape[1]))
        rows = {form(own): row for row, own in reversed(list(enumerate(group.code.T)))}
        for j, column in enumerate(columns.T):
            row = rows.get(form(column), 0)
            ratio = multiple(column, group.code[:, row])
            if column.any() and not ratio:
                raise self.missing(place)
            weights[row, j] = ratio or 0.0
        maps, constant = {group.space: weights}, np.zeros(columns.shape[1])
        self.cancel(maps, constant)
        return Read({space: m for space, m in maps.items() if m.any()}, constant)

    def from_sums(self, place: int, columns: Matrix, settled: bool = True) -> tuple[dict[str, Matrix], Floats] | None:
        """The columns as sums of features of the roots; `settled`: only of what needs no neurons to read."""
        joint = self.ready.derived(place)
        if joint is None:
            return None
        if len(joint.roots) == 1 and columns.shape[1] > 1 and (together := self.at_once(joint, columns)) is not None:
            return together
        maps: dict[str, Matrix] = {}
        constant = np.zeros(columns.shape[1])
        for j, column in enumerate(columns.T):
            found = self.ready.additive(joint, column)
            if found is None:
                return None
            constant[j] += found.constant
            for root, part in found.parts:
                if settled and len(joint.roots) > 1 and not self.ready.is_ready(root, part):
                    return None
                got = self.found(root, part[:, None])
                if got is None:
                    return None
                for space, w in got[0].items():
                    maps.setdefault(space, np.zeros((len(w), columns.shape[1])))[:, j] += w[:, 0]
                constant[j] += got[1][0]
        return maps, constant

    def at_once(self, joint: Joint, columns: Matrix) -> tuple[dict[str, Matrix], Floats] | None:
        """Features of one root off one group, if there is one that offers all: a number and its square err together."""
        if self.ready.precision.narrow or any(self.ready.additive(joint, column) is None for column in columns.T):
            return None  # in narrow formats each is read where it rounds least
        return self.found(joint.roots[0], np.ascontiguousarray(over_root(joint, columns)), last_resort=False)

    def read_side(self, steep: bool, place: int, columns: Matrix) -> Read:
        """Features of one variable, steep or not."""
        return self.read_steep(place, columns) if steep else self.read([(place, columns)])


def beside(reads: Sequence[Read]) -> Read:
    """Several reads as one, their numbers side by side."""
    spaces = list(dict.fromkeys(space for read in reads for space in read.maps))
    sizes = {space: len(read.maps[space]) for read in reads for space in read.maps}
    maps = {
        space: np.hstack([read.maps.get(space, np.zeros((sizes[space], read.width))) for read in reads])
        for space in spaces
    }
    return Read(maps, np.concatenate([read.bias for read in reads]) if reads else np.zeros(0))
