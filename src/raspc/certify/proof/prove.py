"""Proving: stage by stage, what the stream holds by the weights, held against what the graph says, and the answers.

The plan says where to look and which code each variable is meant to have; both are only guesses. Whatever a block
writes is computed from its weights and from what the spaces that it reads were found to hold, for every combination of
the values that the graph lets these have, and the distance to the code is a part of the error with which the space is
held from then on. So a wrong plan, or weights that are not those of the plan, end in errors that no margin bears.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.spaces import BOS, Block, Head, Matrix, Neurons, Products, Read, Write, reads_of
from raspc.certify.proof import mlp, segments
from raspc.certify.proof.answering import answered, answered_in_parts
from raspc.certify.proof.bounds import Held, Reading, embedded, grain_of_exact, read_stream
from raspc.certify.proof.causes import Causes
from raspc.certify.proof.cells import Cells, Piece, cells_of
from raspc.certify.proof.domain import occurs
from raspc.certify.proof.dusted import read_through
from raspc.certify.proof.dusty import grain_of_all, swept
from raspc.certify.proof.examined import Examined, Reused
from raspc.certify.proof.fitting import PlanError, hold_to_graph
from raspc.certify.proof.grids import decided
from raspc.certify.proof.heads import HeadProof
from raspc.certify.proof.loose import Loose
from raspc.certify.proof.meaning import Meaning
from raspc.certify.proof.mlp import UNBOUNDED
from raspc.certify.proof.multiplied import both_reads, multiply
from raspc.certify.proof.premises import Premises
from raspc.certify.proof.rounding import fits
from raspc.certify.proof.signs import cells_of_sign, has_gap
from raspc.certify.proof.sums import cells_by_sums
from raspc.graph import nodes as N
from raspc.graph.nodes import Bits, Floats, Interval, Listed
from raspc.numbers.precision import Precision
from raspc.weights.certificate import Link
from raspc.weights.fitting import frame_faults


def prove(plan: Examined, precision: Precision) -> tuple[Link, ...]:
    """All decisions of a model, the weakest first; an overflow before what follows of it."""
    return _in_order(_run(plan, precision).links)


@dataclass(frozen=True)
class Outcome:
    """What became of a proof: all links, or the first one that does not hold."""

    links: tuple[Link, ...] = ()
    broken: Link | None = None

    def beside(self, others: Sequence[Link], instead: Sequence[Link]) -> Outcome:
        """The same with other links of the family, as these are `instead` of the `others`."""
        broken = next((link for link in instead if not link.holds), self.broken)
        if broken is not None:
            return Outcome(broken=broken)
        return Outcome(_in_order([*(link for link in self.links if link not in others), *instead]))


def holding(plan: Examined, precision: Precision) -> Outcome:
    """All decisions where all of them hold; it ends soon after one does not."""
    links = _run(plan, precision, stops=True).links
    broken = next((link for link in links if not link.holds), None)
    return Outcome(_in_order(links)) if broken is None else Outcome(broken=broken)


def _in_order(links: list[Link]) -> tuple[Link, ...]:
    return tuple(sorted(links, key=lambda link: (-link.used, link.kind != "range", link.name, link.kind)))


def _fails(links: list[Link]) -> bool:
    return any(not link.holds for link in links)


def bounds_of(plan: Examined, precision: Precision) -> dict[str, float]:
    """For each space the largest error that anything stored there can have."""
    stream = _run(plan, precision).stream
    return {space: float(held.error.max(initial=0.0)) for space, held in stream.items()}


def _run(plan: Examined, precision: Precision, stops: bool = False) -> _Prover:
    prover = _Prover(plan, precision, stops)
    with np.errstate(over="ignore", invalid="ignore"):  # weights beyond the range of the format prove nothing
        try:
            hold_to_graph(plan)
            prover.run()
        except PlanError as error:
            prover.links.append(unfit("plan", str(error)[:80], "of a plan that fits the graph"))
        except FAULTS as error:
            surface(error)
            prover.links.append(unfit(FAULT, f"{type(error).__name__} {error}"[:80], "of a proof without a fault"))
    return prover


FAULT = "fault of raspc"
"""The kind of the link that stands for a proof that broke off: the plan fits, so that it is the proof that is wrong."""
FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError, TypeError, ValueError)
"""What a fault of the proof may end in. Nothing is proved then, and users are told whose fault it is."""


def surface(error: Exception) -> None:
    """What is done with a fault of the proof before it becomes a link: nothing. The tests raise it here."""


def unfit(kind: str, name: str, unit: str) -> Link:
    """A link that does not hold."""
    return Link(kind, name, np.inf, 0.0, unit)


class _Prover:
    def __init__(self, plan: Examined, precision: Precision, stops: bool = False) -> None:
        """`stops`: where a link does not hold, what would follow is left out."""
        self.plan, self.graph, self.precision, self.stops = plan, plan.graph, precision, stops
        self.lowered, self.meaning = plan.lowered, Meaning.of(plan.graph)
        self.premises = Premises.of(plan.program, plan.graph)
        self.groups = {g.space: (place, g) for place, groups in self.lowered.home.items() for g in groups}
        self.stream: dict[str, Held] = {}
        self.at_bos: dict[str, Floats] = {BOS: np.ones(1)}
        self.links: list[Link] = []

    def run(self) -> None:
        actual = self.plan.actual
        self.links += self.plan.added
        self.links += [
            unfit("frame", fault, "of a graph that fits the model")
            for fault in frame_faults(self.plan.config, self.graph)
        ]
        self.links += [unfit("placement", dispute, "of a dimension that is free") for dispute in actual.disputes]
        for name, size in actual.stray.items():
            self.links.append(Link("stray weights", name, size, 0.0, "of a weight that no block has"))
        for tables, kind in ((self.lowered.embeddings, N.Token), (self.lowered.positions, N.Index)):
            for space in tables:
                self.embed(space, kind)
        order = sorted(range(len(actual.blocks)), key=actual.stages.__getitem__)
        for i in order:
            if self.stops and _fails(self.links):
                return
            self.block(self.lowered.place_of_block[i], actual.blocks[i], actual.stages[i] // 2)
        if self.plan.kept is not None:
            self.links.append(self.plan.kept.link(self.graph.labels[self.graph.output]))
        self.links += self.unread()
        self.links += occurs(self.plan.program, self.graph)
        self.links += self.answer()

    def answer(self) -> Iterator[Link]:
        """The margin of the answer; the logits of one variable with many values are gone through in parts."""
        said = self.plan.actual.output
        spaces = [space for space in said.maps if space != BOS]
        places = {self.stream[space].place for space in spaces}
        if len(places) != 1 or self.plan.loose.dust is not None:
            return answered(self.plan, self.meaning, self.read(said), self.precision)
        stored = _stored(said, self.precision, 1.0)

        def read_of(values: slice) -> Reading:
            some = {space: self.stream[space].at(values) for space in spaces}
            return read_stream(stored, some, self.at_bos, self.precision, False, self.plan.loose)

        return answered_in_parts(self.plan, self.meaning, places.pop(), read_of, self.precision)

    def embed(self, space: str, kind: type[N.Variable]) -> None:
        """The values of a table in their order, each at its own row."""
        place, _ = self.groups[space]
        if not isinstance(self.graph[place], kind):
            self.links.append(unfit("embedding", space, "of a variable that an embedding can hold"))
        found = embedded(place, self.code(space), self.plan.actual.tables[space], self.precision)
        error, off = found.error, self.plan.off_places
        if kind is N.Index and off is not None:
            error = error + off[1:, self.plan.dims[space]]
        grain = np.where((error > found.error).any(axis=0), 0.0, found.grain)
        self.hold(space, error, grain, np.zeros(found.code.shape[1]), found.at_bos)

    # -- what is held ----------------------------------------------------------------------------

    def hold(
        self, space: str, error: Matrix, grain: Floats, there: Floats, off_there: Floats,
        common: Causes | None = None, alone: Matrix | None = None,
    ) -> None:  # fmt: skip
        """The stream holds a space from now on, on top of what is left of those whose dimensions it takes.

        `there`: what it holds at BOS, and `off_there` how far off that can be. `common`, `alone`: the error by its
        causes.
        """
        place, _ = self.groups[space]
        code, dims = self.code(space), self.plan.dims[space]
        error, loose = np.broadcast_to(error, code.shape), self.plan.loose
        listed = isinstance(self.graph.variable(place).domain, Listed)
        if not loose.exactly:  # what a norm leaves of it
            own = loose.of(np.abs(code) + error, dims, listed)
            error, grain, alone = error + own, np.zeros_like(grain), None if alone is None else alone + own
            off_there = off_there + loose.of(np.abs(there) + off_there, dims)
        for old in self.plan.actual.reused:
            if old.dim not in range(dims.start, dims.stop) or self.plan.written[space] <= 2 * old.layer + 1:
                continue
            (residue, at_bos), column = self.residue(old), old.dim - dims.start
            if max(residue, at_bos) > 0:
                error, grain, off_there = error.copy(), grain.copy(), off_there.copy()
                error[:, column] += residue
                if alone is not None:
                    alone = alone.copy()
                    alone[:, column] += residue
                off_there[column] += at_bos
                grain[column] = 0.0
            apart = _least_step(code[:, column])
            self.links.append(
                Link(
                    "residue", f"{old.space} under {space}", max(residue, at_bos), apart / 2, "of what is stored there"
                )
            )
        if loose.dust is not None:
            if listed:
                error, off_there = (swept(*one, self.precision) for one in ((code, error), (there, off_there)))
                grain = grain_of_all(code, there)
            error = error + loose.dust.of(code, error, listed, self.precision)
            off_there = off_there + loose.dust.of(there, off_there, True, self.precision)
            common = alone = None
        elif loose.exactly and listed:  # of an interval the code holds the ends alone
            grain = grain_of_exact(grain, code, error, there, off_there)
        self.stream[space], self.at_bos[space] = Held(place, code, error, grain, off_there, common, alone), there

    def unread(self) -> Iterator[Link]:
        """Directions that nobody reads are there for people: a link for those that do not tell one value from another.

        Of numbers that are not listed the plan holds the ends alone, and nothing is said; nor of compact models.
        """
        if self.plan.plan.options.storage.compact:
            return
        read = {space for block in self.plan.actual.blocks for one in reads_of(block) for space in one.maps}
        read |= set(self.plan.actual.output.maps)
        for space, held in self.stream.items():
            listed = isinstance(self.graph.variable(held.place).domain, Listed)
            off = held.error.max(axis=0, initial=0.0) if listed and space not in read else np.zeros(0)
            room = np.array([_least_step(column) / 2 for column in held.code.T[: len(off)]])
            for column in np.flatnonzero(off >= room)[:1]:
                yield Link("direction", space, float(off[column]), float(room[column]), "of a step that people read")

    def residue(self, old: Reused) -> tuple[float, float]:
        """What is left of an old space in a dimension of it, and at BOS; nothing of what is taken away as stored."""
        held, column = self.stream[old.space], old.column
        code, there = held.code[:, column], self.at_bos[old.space][column : column + 1]
        bits = self.precision.factor_bits
        whole = bool(fits(held.grain[column], np.abs(code).max(initial=0.0), bits))
        stored = held.at_bos[column] == 0 and bool((self.precision.round(there, bits) == there).all())
        left = self.left_over(old, code, held.error[:, column], whole)
        return (
            left + self.misread(old, code, held.error[:, column]),
            self.left_over(old, there, held.at_bos[column], stored)
            + self.misread(old, there, held.at_bos[column : column + 1]),
        )

    def misread(self, old: Reused, numbers: Floats, error: Floats) -> float:
        """What is left of such numbers as they are not taken away just as they are stored, but as they are read.

        Besides, neurons that clear numbers near 0 are not quite relu.
        """
        loose, dims, sizes = self.plan.loose, slice(old.dim, old.dim + 1), np.abs(numbers) + error
        if loose.dust is not None:
            read = loose.dust.of(numbers, error, True, self.precision)
            lost = 2 * (read + self.precision.unit * np.where(error + read > 0, sizes + read, 0.0))
            soft = 2 * loose.neuron * loose.near(old.least * numbers, old.least * error)
            return float(np.where(numbers == 0, 2.02 * error, lost + soft).max(initial=0.0))
        off = loose.of(sizes, dims) + (loose.common + loose.written) * sizes
        off = off + 8.08 * loose.mean * self.precision.sum_unit
        near = bool(loose.near(old.least * numbers, old.least * (error + off)).any())
        listed = isinstance(self.graph.variable(self.groups[old.space][0]).domain, Listed)  # else these are ends alone
        return float(off.max(initial=0.0)) + 2 * loose.neuron * (near or not listed)

    def left_over(self, old: Reused, numbers: Floats, error: Floats | float, whole: bool) -> float:
        """What is left of such numbers; `whole`: products do not cut them."""
        loss = self.precision.weight_error + (0.0 if whole else self.precision.factor_unit)
        up = float((numbers + error).max(initial=0.0)) * (old.left[0] + loss)
        return max(up, float((error - numbers).max(initial=0.0)) * (old.left[1] + loss))

    def code(self, space: str) -> Matrix:
        """All that a space is meant to hold at a real position, a row for each value."""
        place, group = self.groups[space]
        domain = self.graph.variable(place).domain
        if not isinstance(domain, Interval):
            return group.code
        ends = np.zeros((2, F.size(domain)))
        ends[:, 0] = domain.lo, domain.hi
        return np.vstack([ends @ group.code, group.code[1:]])

    def read(self, said: Read, fired: bool = False, scale: float = 1.0) -> Reading:
        """A read with the weights as they are stored; `scale`: what they are multiplied by there."""
        stored = _stored(said, self.precision, scale)
        if self.plan.loose.dust is not None:
            return read_through(self.plan.loose.dust, stored, self.stream, self.at_bos, self.precision, fired)
        return read_stream(stored, self.stream, self.at_bos, self.precision, fired, self.plan.loose)

    # -- blocks ----------------------------------------------------------------------------------

    def block(self, place: int, said: Block, layer: int) -> None:
        """What is read, and what is written then."""
        write = Write(
            {space: self.precision.round(matrix) for space, matrix in said.write.maps.items()},
            {space: self.precision.round(bias) for space, bias in said.write.bias.items()},
        )
        if isinstance(said, Head):
            self.head(place, replace(said, write=write), self.plan.divisor(layer))
        else:
            self.neurons(place, replace(said, write=write))

    def head(self, place: int, said: Head, divisor: float) -> None:
        scale = said.scale(divisor)
        query, key = self.read(said.query, scale=scale), self.read(said.key)
        value = self.read(said.value).settled()
        proof = HeadProof(
            self.plan, self.meaning, self.premises, place, said, divisor, query, key, value, self.precision
        )  # fmt: skip
        self.links += proof.links()
        for space in said.write.maps:
            found = proof.written(space, self.code(space))
            self.hold(space, found.error, found.grain, found.there, found.off_there)

    def neurons(self, place: int, said: Neurons) -> None:
        if said.products is not None:
            self.multiply(place, said, said.products)
            return
        read = self.read(said.read, fired=True)
        loose = self.plan.loose
        read = replace(read, common=read.common + loose.written + loose.rate + loose.constant)
        cells = self.cells(place, said, read)
        if cells is None:
            told = isinstance(self.graph[place], N.Sign)
            unit = (
                "of steps that are flat on either side of the gap" if told else "of values that are few enough to list"
            )
            self.links.append(unfit("staircase" if told else "combinations", said.name, unit))
            for space, base in said.write.bias.items():
                self.hold(space, np.full((1, 1), UNBOUNDED), np.zeros(len(base)), base, np.full(len(base), UNBOUNDED))
            return
        codes = {space: self.code(space) for space in said.write.bias}
        near, soft_there = self.near_at_first(cells, read)
        fired = mlp.fire(said, read, cells, codes, self.precision, near if near.is_asked else None)
        if (step := fired.weakest) is not None:
            unit = "half-widths of a ramp"
            self.links.append(Link("staircase", said.name, step.needed, step.present, unit, step.at))
        self.links += self.range_of(said, read)
        soft = near.found
        for space, plain in fired.writes.items():
            found = segments.written(said, space, codes[space], read, cells, self.precision) or plain
            there, beside = said.write.bias[space], self.beside_relu(said, space, soft)
            beside_there = self.beside_relu(said, space, soft_there)
            common, alone = found.common, None if found.alone is None else found.alone + beside
            grain = np.where((beside > 0) & (loose.dust is None), 0.0, found.grain)
            self.hold(space, found.error + beside, grain, there, found.at_bos + beside_there, common, alone)

    def multiply(self, place: int, said: Neurons, products: Products) -> None:
        """What gated neurons of a family write in place of these."""
        read = self.read(both_reads(products))
        cells = cells_of(*decided(self.meaning, place, read), self.precision, by_line=False)
        if cells is None:
            self.links.append(unfit("combinations", said.name, "of values that are few enough to list"))
            for space, base in said.write.bias.items():
                self.hold(space, np.full((1, 1), UNBOUNDED), np.zeros(len(base)), base, np.full(len(base), UNBOUNDED))
            return
        codes = {space: self.code(space) for space in said.write.bias}
        found = multiply(products, said.write.bias, read, cells, codes, self.plan.loose, self.precision)
        for space, one in found.items():
            self.hold(space, one.error, one.grain, said.write.bias[space], one.at_bos)

    def range_of(self, said: Neurons, read: Reading) -> Iterator[Link]:
        """What neurons read, in a format whose largest number is small: times the sharpness of a family's steps."""
        if self.precision.highest > 100 or self.plan.loose.steep == 1.0:
            return
        most = float(np.maximum(read.size + read.passed, read.at_bos).max(initial=0.0))
        yield Link("range", said.name, self.plan.loose.steep * most, self.precision.largest, "largest read of a neuron")

    def near_at_first(self, cells: Cells, read: Reading) -> tuple[Near, Bits]:
        """Which neurons may read a number, other than 0, for which their activation is not quite relu; and at BOS.

        The first is found out while all cells are gone through.
        """
        loose = self.plan.loose
        if not loose.neuron:
            return Near(loose, np.zeros(read.width, bool), False), np.zeros(read.width, bool)
        at_bos = loose.near(read.there, read.there_error)
        return Near(loose, np.full(read.width, not cells.whole), cells.whole), at_bos

    def beside_relu(self, said: Neurons, space: str, soft: Bits) -> Floats:
        """What neurons write besides, where their activation is not quite relu."""
        loose = self.plan.loose
        found: Floats = loose.neuron * np.abs(said.write.maps[space][soft]).sum(axis=0)
        return found + loose.base * np.abs(said.write.bias[space])

    def cells(self, place: int, said: Neurons, read: Reading) -> Cells | None:
        """What the neurons of a variable read; None where that has too many combinations."""
        node = self.graph[place]
        if isinstance(node, N.Sign) and place not in read.seen:  # else it is the sign itself that is read
            if not has_gap(self.graph, node):
                self.links.append(unfit("gap", said.name, "of sums that are not 0, but nearer to it"))
            return cells_of_sign(self.graph, node, said, read)
        found = cells_of(*decided(self.meaning, place, read), self.precision)
        return found or cells_by_sums(self.meaning, place, read)


@dataclass
class Near:
    """Which neurons may read such a number in some cell, of those that were seen so far."""

    loose: Loose
    found: Bits
    is_asked: bool

    @property
    def reach(self) -> Floats:
        """[neurons]: how far below 0 a number may be such; 0 for a neuron that is known to read one."""
        return np.where(self.found, 0.0, self.loose.quiet)

    def see(self, given: Piece, as_read: Piece) -> None:
        """Look at some cells: as they are, or in a format whose dust is counted, as they are stored."""
        piece = given if self.loose.dust is None else as_read
        off = piece.passed + piece.rounding
        near = self.loose.near(piece.reads, np.broadcast_to(off, piece.reads.shape)).any(axis=0)
        self.found[piece.neurons] |= near


def _least_step(numbers: Floats) -> float:
    """The least distance between two different numbers."""
    return float(np.diff(np.unique(numbers)).min(initial=np.inf))


def _stored(read: Read, precision: Precision, scale: float) -> Read:
    """The weights of a read as the format holds them."""
    if precision.bits >= 24:  # parameters are float32
        return read
    maps = {space: precision.round(scale * matrix) / scale for space, matrix in read.maps.items()}
    return Read(maps, precision.round(scale * read.bias) / scale)
