"""Proving: blocks in order, with bounds on all that the stream holds, and a link for every decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.roots import Roots
from raspc.blocks.spaces import Block, Head, Matrix, Neurons, Read, Write
from raspc.certify import attention as A
from raspc.certify import mlp
from raspc.certify.bounds import Held, Reading, embedded, fits, grain_of, read_stream
from raspc.certify.examined import Examined, Reused
from raspc.certify.numbers import mean_errors, nearest_to_promise
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Ids, Interval, Listed, Table
from raspc.graph.tables import Joint, lookup, once_each, own_listing
from raspc.numbers.precision import Precision
from raspc.weights.certificate import Link


def prove(plan: Examined, precision: Precision) -> tuple[Link, ...]:
    """All decisions of a model, the weakest first."""
    prover = _Prover(plan, precision)
    with np.errstate(over="ignore", invalid="ignore"):  # weights beyond the range of the format prove nothing
        prover.run()
    return tuple(sorted(prover.links, key=lambda link: (-link.used, link.name, link.kind)))


def bounds_of(plan: Examined, precision: Precision) -> dict[str, float]:
    """For each space the largest error that anything stored there can have."""
    prover = _Prover(plan, precision)
    prover.run()
    return {space: float(held.error.max(initial=0.0)) for space, held in prover.stream.items()}


class _Prover:
    def __init__(self, plan: Examined, precision: Precision) -> None:
        self.plan, self.graph, self.precision = plan, plan.graph, precision
        self.lowered, self.storage, self.n = plan.lowered, plan.storage, plan.graph.max_seq_len
        self.roots = Roots.of(plan.graph)
        self.groups = {g.space: (place, g) for place, groups in self.lowered.home.items() for g in groups}
        self.stream: dict[str, Held] = {}
        self.links: list[Link] = []

    def run(self) -> None:
        actual = self.plan.actual
        for space, code in {**self.lowered.embeddings, **self.lowered.positions}.items():
            found = embedded(self.groups[space][0], code, actual.tables[space], self.precision)
            self.hold(space, found.code, found.error, found.grain, found.at_bos)
        for place, block, said in zip(self.lowered.place_of_block, self.lowered.blocks, actual.blocks, strict=True):
            self.block(place, block, said)
        self.output(actual.output)
        stray = actual.stray.items()
        self.links.extend(
            Link("stray weights", name, size, 0.0, "of a weight that no block has") for name, size in stray
        )

    def hold(self, space: str, code: Matrix, error: Matrix, grain: Floats, at_bos: Floats) -> None:
        """The stream holds a space from now on, on top of what is left of those whose dimensions it takes."""
        place, _ = self.groups[space]
        dims = self.plan.dims[space]
        for old in self.plan.actual.reused:
            if old.dim not in range(dims.start, dims.stop) or self.plan.written[space] <= 2 * old.layer:
                continue
            (residue, there), column = self.residue(old), old.dim - dims.start
            if max(residue, there) > 0:
                error, grain, at_bos = error.copy(), grain.copy(), at_bos.copy()
                error[:, column] += residue
                at_bos[column] += there
                grain[column] = 0.0
            apart = _least_step(code[:, column])
            self.links.append(
                Link("residue", f"{old.space} under {space}", max(residue, there), apart / 2, "of what is stored there")
            )
        self.stream[space] = Held(place, code, error, grain, at_bos)

    def residue(self, old: Reused) -> tuple[float, float]:
        """What is left of an old space in a dimension of it, and at BOS; nothing of what is taken away as stored."""
        code, there = self.code(old.space)[:, old.column], self.lowered.at_bos[old.space][old.column : old.column + 1]
        held = self.stream.get(old.space)
        if held is None:
            return self.left_over(old, code, np.zeros_like(code), False), self.left_over(old, there, 0 * there, False)
        bits = self.precision.factor_bits
        whole = bool(fits(held.grain[old.column], np.abs(code).max(initial=0.0), bits))
        stored = held.at_bos[old.column] == 0 and bool((self.precision.round(there, bits) == there).all())
        left = self.left_over(old, code, np.broadcast_to(held.error, held.code.shape)[:, old.column], whole)
        return left, self.left_over(old, there, held.at_bos[old.column], stored)

    def left_over(self, old: Reused, numbers: Floats, error: Floats | float, whole: bool) -> float:
        """What is left of such numbers; `whole`: products do not cut them."""
        loss = self.precision.weight_error + (0.0 if whole else self.precision.factor_unit)
        up = float((numbers + error).max(initial=0.0)) * (old.left[0] + loss)
        return max(up, float((error - numbers).max(initial=0.0)) * (old.left[1] + loss))

    def block(self, place: int, block: Block, said: Block) -> None:
        """Reads, decisions, and what is written."""
        if isinstance(block, Head):
            assert isinstance(said, Head)
            self.head(place, block, said)
        else:
            assert isinstance(said, Neurons)
            self.neurons(place, block, said)

    def read(self, planned: Read, said: Read, fired: bool = False) -> Reading:
        """A read with the weights as they are stored."""
        stored = _stored(said, self.precision)
        return read_stream(planned, stored, self.stream, self.lowered.at_bos, self.precision, fired)

    def code(self, space: str) -> Matrix:
        """All that a space can hold at a real position."""
        place, group = self.groups[space]
        domain = self.graph.variable(place).domain
        return group.code if not isinstance(domain, Interval) else _extremes(domain, group)

    # -- heads -----------------------------------------------------------------------------------

    def head(self, place: int, head: Head, said: Head) -> None:
        query, key, value = (self.read(getattr(head, part), getattr(said, part)) for part in ("query", "key", "value"))
        sink = A.sink_error(head, said, self.plan.d_head, self.precision)
        scores = A.score_bounds(
            head, query, key, self.penalties(place, query, key), sink, self.plan.d_head, self.n, self.precision
        )
        self.separations(head, scores)
        self.overflow(head, query, key)
        arrived, numbers = self.arrived(place, head, scores, value, sink)
        if head.write.bias:
            counts = self.graph.variable(place).listed.numbers
            arrived = A.subtracted(arrived, head.write, said.write, counts, scores.leak, self.precision)
        default = self.default_error(head, value)
        from_bos = default * (scores.leak if head.sink == -1.0 and head.log_sink is None else 1.0)
        for space, planned in head.write.maps.items():
            picks = np.abs(planned)
            moved = self.moved(planned, self.stored(said.write, space), value)
            error = (arrived.error + from_bos) @ picks + moved
            code = self.code(space)
            rows = _by_number(error, numbers, len(code))
            grain = np.where(moved + from_bos @ picks > 0, 0.0, A.written_grain(arrived.grain, picks))
            alone = A.leak_at_bos(head, query, key, self.plan.d_head, self.n) * (value.size + value.at_bos)
            self.hold(space, code, rows, grain, (default + alone) @ picks + moved)

    def separations(self, head: Head, scores: A.Scores) -> None:
        """Selected keys from the others, and from BOS; how far equals part, and what leaks."""
        steps = "steps of the penalty"
        gap = min(scores.gap, 1.0)
        self.links.append(Link("separation", head.name, scores.needed, gap, steps, scores.at))
        if scores.default is not None:
            self.links.append(Link("default", head.name, scores.needed, scores.default, steps))
        if head.kind != "pick":
            self.links.append(Link("tie", head.name, scores.spread, 1.0, "of the weight of an equal"))
        self.links.append(Link("leak", head.name, scores.leak, 2.0**-10, "of all attention"))

    def stored(self, write: Write, space: str) -> Matrix:
        return self.precision.round(write.maps[space])

    def moved(self, planned: Matrix, stored: Matrix, value: Reading) -> Floats:
        """What weights that are not those of the plan add."""
        return np.maximum(value.size, value.at_bos) @ (
            np.abs(stored - planned) + self.precision.weight_error * np.abs(stored)
        )

    def arrived(
        self, place: int, head: Head, scores: A.Scores, value: Reading, sink: A.Sink
    ) -> tuple[A.Arrived, Ids | None]:
        """What the head leaves at the query, and which value of the variable each row of it is about."""
        default = self.default(head)
        if head.kind == "width":
            counts, share = self.graph.variable(place).listed.numbers, self.storage[place].share
            assert share is not None
            if head.write.bias:  # what is added to the share of BOS, times −1, is added to what is known of it
                share = replace(share, at_bos=1.0, code=1.0 - share.code, added=0.0)
            return A.counted(head, scores, share, counts, self.n, value, sink, self.precision), None
        node = self.graph[place]
        assert isinstance(node, N.Aggregate)
        numbers = self.source_numbers(node, value) if head.kind == "pick" else None
        if head.kind == "pick" and head.single:
            return A.picked(scores, value, default, self.precision), numbers
        copies, rowwise = head.kind == "pick", numbers is not None
        found = A.averaged(scores, value, default, self.n, self.precision, copies, rowwise)
        if not copies and head.value.width > len(node.domain.specials):
            loose = A.looseness(scores, self.n, self.precision, copies)
            error = mean_errors(found.error, loose, scores.leak, value, default, node.domain)
            found = replace(found, error=error)
        return found, numbers

    def default(self, head: Head) -> Floats:
        """What is moved from BOS."""
        at_bos = head.value.bias.astype(np.float64)
        for space, matrix in head.value.maps.items():
            at_bos = at_bos + self.lowered.at_bos[space] @ matrix
        return at_bos

    def default_error(self, head: Head, value: Reading) -> Floats:
        """How far off what is moved from BOS can be."""
        return np.abs(value.there - self.default(head)) + value.there_error

    def source_numbers(self, node: N.Aggregate, value: Reading) -> Ids | None:
        """For each row of what is read, the number of the aggregate's value that it becomes."""
        if len(value.seen) != 1 or not isinstance(node.domain, Listed):
            return None
        ids = self.numbers(node.source, next(iter(value.seen)))
        if ids is None:
            return None
        source = self.graph.variable(node.source).listed
        own = np.array([node.listed.id(v) for v in source.values], np.int32)
        return np.where(ids >= 0, own[np.maximum(ids, 0)], -1).astype(np.int32)

    def numbers(self, place: int, root: int) -> Ids | None:
        """The number of a variable's value for each value of the one variable that it is read off."""
        if place == root:
            domain = self.graph.variable(place).domain
            return np.arange(len(domain), dtype=np.int32) if isinstance(domain, Listed) else None
        joint = self.roots.derived(place)
        return joint.cells if joint is not None and joint.roots == (root,) else None

    def penalties(self, place: int, query: Reading, key: Reading) -> list[A.Penalty]:
        """The conjuncts of a head: which columns are theirs, and what can be said of them pair by pair."""
        found, start = [], 0
        selection = self.storage[place].selection
        for conjunct in () if selection is None else selection.conjuncts:
            cut = slice(start, start + conjunct.factors.rank)
            sides = (self.side(conjunct.key, key, cut), self.side(conjunct.query, query, cut))
            found.append(A.Penalty(cut, *sides, conjunct.cells, (conjunct.key, conjunct.query)))
            start = cut.stop
        return found

    def side(self, place: int, reading: Reading, cut: slice) -> A.Side | None:
        """A variable's part of a read of keys or queries, if it is read off one variable."""
        seen = {p: s for p, s in reading.seen.items() if s.size[:, cut].any()}
        if not seen:
            width = cut.stop - cut.start
            constant = reading.bias[None, cut]
            rows = np.arange(len(self.graph.variable(place).listed), dtype=np.int32)
            ones = np.ones((len(rows), 1))
            return A.Side(ones * constant, ones * reading.rounding[cut].reshape(1, width), rows)
        if len(seen) > 1:
            return None
        ((root, one),) = seen.items()
        number = self.numbers(place, root)
        if number is None:
            return None
        return A.Side(one.values[:, cut] + reading.bias[cut], one.error[:, cut] + reading.rounding[cut], number)

    def overflow(self, head: Head, query: Reading, key: Reading) -> None:
        """In a format with a small range the largest score must be finite."""
        if self.precision.highest > 100:
            return
        reach = head.scale(self.plan.d_head) * max(
            float((query.size * key.size).sum()), float(query.size.max(initial=0.0)), 2.0
        )
        self.links.append(Link("range", head.name, reach, self.precision.largest, "largest score"))

    # -- neurons ---------------------------------------------------------------------------------

    def neurons(self, place: int, block: Neurons, said: Neurons) -> None:
        read = self.read(block.read, said.read, fired=True)
        design = self.storage[place].design
        assert design is not None
        ids = self.ids(place, design.axes)
        cells = mlp.cells_of(design, ids, block.write, read, self.precision)
        if (step := mlp.nearest_step(block, read, cells)) is not None:
            at = {} if step.cell is None or ids is None else _where(design.axes, ids, step.cell)
            self.links.append(Link("staircase", block.name, step.needed, step.present, "half-widths of a ramp", at))
        domain = self.graph.variable(place).domain
        values = len(domain) if isinstance(domain, Listed) else 2 + len(domain.specials)
        stored = replace(said, write=_stored_write(said.write, self.precision))
        for space, found in mlp.written(block, stored, read, cells, values, self.precision).items():
            code = self.code(space)
            error = np.broadcast_to(found.error, code.shape)
            known = np.where(found.grain > 0, np.minimum(found.grain, grain_of(code).min(axis=0, initial=np.inf)), 0.0)
            self.hold(space, code, error, known, found.at_bos)

    def ids(self, place: int, axes: tuple[int, ...]) -> Ids | None:
        """The value of a variable for each combination of what its neurons read; None if these are too many."""
        node = self.graph[place]
        if axes == (place,) or not isinstance(node, Table):
            return np.arange(F.size(self.graph.variable(place).domain), dtype=np.int32)
        frontiers = {node.args: node.cells}
        if (joint := self.roots.joints[place]) is not None:
            frontiers[joint.roots] = joint.cells
        for arguments, cells in frontiers.items():
            if set(axes) <= set(arguments):
                return _over(cells, arguments, axes)
        joints = [self.roots.derived(argument) or own_listing(argument, self.graph[argument]) for argument in node.args]
        return listed_over([joint for joint in joints if joint is not None], node.cells, axes, self.sizes(axes))

    def sizes(self, axes: tuple[int, ...]) -> list[int]:
        return [len(self.graph.variable(axis).listed) for axis in axes]

    # -- the answer ------------------------------------------------------------------------------

    def output(self, said: Read) -> None:
        """The margin of the answer: half the least lead of a logit, or the error that a number may have."""
        place = self.graph.output
        label = self.graph.labels[place]
        read = self.read(self.lowered.output, said)
        errors = read.row_errors()
        if self.storage.numerical:
            off = nearest_to_promise(read, self.graph, self.precision)
            self.links.append(Link("number", label, off.needed, off.allowed, "absolute error"))
            if errors.shape[1] > 1:
                self.links.append(Link("special values", label, float(errors[:, 1:].max()), 0.5, "of an indicator"))
            return
        number = self.numbers(place, read.only) if read.only is not None else None
        leads = _leads(self.storage.answer)
        if number is None:
            self.links.append(
                Link(
                    "answer", label, float(2 * read.error.max(initial=0.0)), float(leads.min(initial=np.inf)), "logits"
                )
            )
            return
        lead = np.where(number >= 0, leads[np.maximum(number, 0)], np.inf)
        needed = 2 * errors.max(axis=1, initial=0.0)
        worst = int((needed / lead).argmax())
        at = {next(iter(read.seen)): worst}
        self.links.append(Link("answer", label, float(needed[worst]), float(lead[worst]), "logits", at))


def _least_step(numbers: Floats) -> float:
    """The least distance between two different numbers."""
    return float(np.diff(np.unique(numbers)).min(initial=np.inf))


def _where(axes: tuple[int, ...], ids: Ids, cell: int) -> dict[int, int]:
    """The values of the variables in one of the cells that can occur."""
    places = np.argwhere(ids >= 0)[cell]
    return dict(zip(axes, map(int, places), strict=True))


def _stored(read: Read, precision: Precision) -> Read:
    """The weights of a read as the format holds them."""
    if precision.bits >= 53:
        return read
    maps = {space: _same_or_rounded(matrix, precision) for space, matrix in read.maps.items()}
    return Read(maps, precision.round(read.bias))


def _same_or_rounded(matrix: Matrix, precision: Precision) -> Matrix:
    rounded = precision.round(matrix)
    return matrix if np.array_equal(rounded, matrix) else rounded


def _stored_write(write: Write, precision: Precision) -> Write:
    maps = {space: precision.round(matrix) for space, matrix in write.maps.items()}
    return Write(maps, {space: precision.round(bias) for space, bias in write.bias.items()})


def _by_number(error: Matrix, numbers: Ids | None, rows: int) -> Matrix:
    """Errors of rows as errors of values: the largest of those that become the value, else of all."""
    if numbers is None:
        return error if len(error) == rows else np.broadcast_to(error.max(axis=0, initial=0.0), (rows, error.shape[1]))
    found = np.zeros((rows, error.shape[1]))
    known = numbers >= 0
    np.maximum.at(found, numbers[known], np.broadcast_to(error, (len(numbers), error.shape[1]))[known])
    return found


def listed_over(joints: Sequence[Joint], cells: Ids, axes: tuple[int, ...], sizes: Sequence[int]) -> Ids | None:
    """A table of functions of other variables, over these variables; None if it has too many combinations."""
    if np.prod(sizes, dtype=float) > mlp.READS:
        return None
    found = lookup(cells, list(np.broadcast_arrays(*(joint.over(axes) for joint in joints))))
    return np.broadcast_to(found, sizes).astype(np.int32)


def _over(cells: Ids, arguments: tuple[int, ...], axes: tuple[int, ...]) -> Ids:
    """Cells with one axis for each variable of `axes`: one value for each combination; −1 where none can occur."""
    arguments, cells = once_each(arguments, cells)
    others = tuple(i for i, argument in enumerate(arguments) if argument not in axes)
    kept = [argument for argument in arguments if argument in axes]
    merged = cells.max(axis=others) if others else cells
    return np.transpose(merged, [kept.index(axis) for axis in axes])


def _extremes(domain: Interval, group: Group) -> Floats:
    """The ends of an interval and its special values, as rows of a code."""
    ends = np.zeros((2, F.size(domain)))
    ends[:, 0] = domain.lo, domain.hi
    return np.vstack([ends @ group.code, group.code[1:]])


def _leads(logits: Floats) -> Floats:
    """For each answer, the distance from its own logit to the best wrong one."""
    if len(logits) < 2:
        return np.full(len(logits), np.inf)
    wrong = logits - np.where(np.eye(len(logits), dtype=bool), np.inf, 0.0)
    return np.asarray(np.diag(logits) - wrong.max(axis=1))
