"""What a head does by its weights: which keys it selects, and what it then moves, counts or averages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from raspc import values as V
from raspc.blocks.scores.selection import Conjunct, Selection
from raspc.blocks.spaces import Head, Matrix
from raspc.certify.proof import attention as A
from raspc.certify.proof import selecting as S
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.examined import Examined
from raspc.certify.proof.grids import NUMBERS, decided, over_grid
from raspc.certify.proof.meaning import Axes, Meaning
from raspc.certify.proof.mlp import UNBOUNDED
from raspc.certify.proof.numbers import Averaged, mean_errors
from raspc.certify.proof.premises import Premises
from raspc.certify.proof.ranking import UNRANKED, Ranked, Stored, ranked
from raspc.certify.proof.rounding import grain_of
from raspc.certify.proof.sameness import UNDECIDED
from raspc.certify.proof.summing import added_in_stretches, added_up, summed
from raspc.certify.proof.turned import Turning
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Ids, Interval, Listed
from raspc.numbers.precision import Precision
from raspc.weights.certificate import Link


@dataclass(frozen=True, eq=False)
class Moved:
    """What a head writes to a space: the error [values, dims], the grain, what it is at BOS and how far off that is."""

    error: Matrix
    grain: Floats
    there: Floats
    off_there: Floats


@dataclass(frozen=True, eq=False)
class HeadProof:
    """One head beside the variable that it computes; `query`, `key`, `value`: what it reads, by its weights.

    `divisor`: what its layer divides products of queries and keys by.
    """

    plan: Examined
    meaning: Meaning
    premises: Premises
    place: int
    head: Head
    divisor: float
    query: Reading
    key: Reading
    value: Reading
    precision: Precision

    @property
    def node(self) -> N.Variable:
        """The variable."""
        return self.plan.graph.variable(self.place)

    @property
    def n(self) -> int:
        """The longest input."""
        return self.plan.graph.max_seq_len

    @property
    def counts(self) -> bool:
        """Whether the variable is a number of keys."""
        return isinstance(self.node, N.Width | N.Length)

    @property
    def adds(self) -> bool:
        """Whether the variable is a sum over keys."""
        return isinstance(self.node, N.Sum)

    # -- which keys ------------------------------------------------------------------------------

    @cached_property
    def selects(self) -> tuple[N.Select, ...] | None:
        """The conjuncts of the selector in the graph."""
        return S.selects_of(self.plan.graph, self.node)

    @cached_property
    def may_be_empty(self) -> bool:
        """Whether BOS has to stand for an empty selection: where it is not proved that there is none."""
        node = self.node
        if not isinstance(node, N.Aggregate):
            return False
        return node.may_be_empty or not self.premises.never_empty(node.selector)

    @cached_property
    def sink(self) -> A.Sink:
        """How far off the score of BOS is."""
        return A.sink_error(self.head, self.divisor, self.precision, self.plan.loose.part)

    @cached_property
    def scores(self) -> A.Scores:
        """How the head parts keys."""
        competing = self.counts or self.adds or self.may_be_empty
        averaged = not self.counts and not self.adds
        noise = A.score_noise(
            self.head, self.query, self.key, self.precision, competing, averaged, self.plan.loose.dust is not None
        )  # fmt: skip
        conjuncts = list(self.conjuncts(noise))
        return A.score_bounds(
            self.head, self.query, self.key, conjuncts, self.sink, self.divisor, self.n,
            self.precision, self.may_be_empty, self.ranked(noise, all(one.exact for one in conjuncts)),
        )  # fmt: skip

    def ranked(self, noise: S.Noise, alone: bool) -> Ranked | None:
        """How the last score directions rank the keys that compete; None where the graph ranks none.

        `alone`: selected keys score by their ranks alone, which a narrow format rounds to numbers that are known.
        """
        best = S.best_of(self.plan.graph, self.node)
        if best is None:
            return None
        if (turning := self.turning) is not None:
            return turning.ranked or UNRANKED
        last = slice(self.head.query.width - self.rank_width, self.head.query.width)
        told = alone and self.precision.narrow
        stored = Stored(self.precision, self.head.scale(self.divisor), self.divisor) if told else None
        return ranked(self.meaning, best, self.query, self.key, last, noise, stored)

    @property
    def turning(self) -> Turning | None:
        """What a rotation stands for in the last score directions of the plan."""
        return self.plan.turned.get(self.place)

    @property
    def rank_width(self) -> int:
        """How many score directions the plan gives to ranks, where no rotation stands for them."""
        selection = self.plan.storage[self.place].selection
        if self.turning is not None:
            return 0
        return 0 if selection is None or selection.ranking is None else selection.ranking.keys.shape[1]

    def conjuncts(self, noise: S.Noise) -> Iterator[S.Apart]:
        """Each conjunct of the selector by the score directions that the plan gives to it; all must be the graph's."""
        selection = self.plan.storage[self.place].selection
        left, start = list(self.selects or ()), 0
        shifted = None if self.turning is None else self.turning.shifted
        if shifted is not None:  # they have no directions in the weights
            yield shifted.apart
            left = [one for one in left if one not in shifted.selects]
        for conjunct in () if selection is None else self.untold(selection):
            cut = slice(start, start := start + conjunct.factors.rank)
            same = (i for i, one in enumerate(left) if (one.key, one.query) == (conjunct.key, conjunct.query))
            own = next((i for i in same if np.array_equal(left[i].cells, conjunct.cells)), None)
            if own is None:
                yield S.UNKNOWN
                continue
            yield S.apart(self.meaning, left.pop(own), self.query, self.key, cut, noise)
        if left or self.selects is None or start + self.rank_width != self.head.query.width:
            yield S.UNKNOWN

    def untold(self, selection: Selection) -> Iterator[Conjunct]:
        """The conjuncts of the plan but for the last ones, whose columns a rotation stands for."""
        shifted = None if self.turning is None else self.turning.shifted
        left = 0 if shifted is None else len(shifted.selects)
        yield from selection.conjuncts[: len(selection.conjuncts) - left]

    def links(self) -> Iterator[Link]:
        """Selected keys from the others, and from BOS; how far equals part, what leaks, and what is out of range."""
        steps, scores = "steps of the penalty", self.scores
        gap = min(scores.gap, 1.0, scores.present if scores.default is None else np.inf)
        yield Link("separation", self.head.name, scores.needed, gap, steps, scores.at)
        if scores.step is not None:
            yield Link("pick", self.head.name, scores.needed, scores.step, "steps of the rank", scores.step_at)
        if scores.default is not None:
            yield Link("default", self.head.name, scores.needed, scores.default, steps)
        if self.head.kind != "pick":
            yield Link("tie", self.head.name, scores.spread, 1.0, "of the weight of an equal")
        yield Link("leak", self.head.name, scores.leak, 2.0**-10, "of all attention")
        if isinstance(self.node, N.Aggregate) and self.node.pick and not self.premises.picks_one(self.place):
            yield Link("pick", self.head.name, np.inf, 0.0, "different numbers that one query may select")
        if not (listed := self.premises.lists_all(self.place)):
            needed, present = UNDECIDED if listed is None else (np.inf, 0.0)
            yield Link("value set", self.head.name, needed, present, "values that the set lacks, as far as is known")
        if self.precision.highest <= 100:
            sizes = scores.reach, float(self.query.size.max(initial=0.0)), 2.0
            reach = self.head.scale(self.divisor) * max(sizes)
            yield Link("range", self.head.name, reach, self.precision.largest, "largest score")

    # -- what is moved ---------------------------------------------------------------------------

    def written(self, space: str, code: Matrix) -> Moved:
        """What is written to a space, held against its code."""
        if isinstance(self.node, N.Sum):
            found = summed(self.plan, self.meaning, self.node, self.head, self.divisor, self.query, self.key,
                           self.value, self.scores, self.sink, self.precision, space, code)  # fmt: skip
            return Moved(found.error, np.zeros(code.shape[1]), found.there, found.off_there)
        matrix: Matrix = self.head.write.maps[space]
        bias = self.head.write.bias.get(space, np.zeros(matrix.shape[1]))
        picks = np.abs(matrix)
        spread = np.maximum(self.value.size + self.value.error, self.value.at_bos)
        product = self.rounded(matrix, spread @ picks, bias) + self.precision.weight_error * (
            spread @ picks + np.abs(bias)
        )
        if self.in_stretches:  # it is a part of what they come to
            product = np.zeros_like(product)
        if self.counts:
            arrived, off = self.counted(code, matrix, bias)
        else:
            arrived, off = self.averaged(), self.off(code, matrix, bias)
        alone = self.leak_at_bos * (self.value.size + self.value.at_bos)
        there = self.value.there @ matrix + bias
        heard = self.may_be_empty or self.counts
        from_bos = (self.value.there_error if heard else self.value.there_error * self.scores.leak) @ picks
        error = self.by_value(arrived.error, len(code)) @ picks + from_bos + off + product
        grain = np.where((product > 0) | (from_bos > 0) | (bias != 0), 0.0, A.written_grain(arrived.grain, matrix))
        if self.counts:
            grain = np.where(off.any(axis=0) | (product > 0), 0.0, arrived.grain)
        return Moved(error, grain, there, (self.value.there_error + alone) @ picks + product)

    @property
    def leak_at_bos(self) -> float:
        """The attention that BOS gives to others."""
        causal = self.plan.graph.causal
        return A.leak_at_bos(self.head, self.query, self.key, self.divisor, self.n, self.sink, causal)

    def rounded(self, matrix: Matrix, size: Floats, bias: Floats) -> Floats:
        """What the sum of what is written rounds: nothing where it is one number times a power of two."""
        used = matrix != 0
        power = grain_of(np.where(used, matrix, 1.0)) == np.abs(np.where(used, matrix, 1.0))
        plain = (used.sum(axis=0) <= 1) & power.all(axis=0) & ((bias == 0) | self.counts)
        unit = self.precision.sum_unit * (used.sum(axis=0) + 2) + 2 * self.precision.unit
        return np.asarray(np.where(plain, 0.0, unit * (size + np.abs(bias))))

    def by_value(self, error: Matrix, values: int) -> Matrix:
        """Errors of what is read, row by row, as errors of the variable's values."""
        node, number = self.node, self.becomes
        copies = isinstance(node, N.Aggregate) and node.pick and isinstance(node.domain, Listed)
        if len(error) == values and not copies:
            return error
        if number is None or number.ndim != 1 or len(number) != len(error):
            return np.asarray(error.max(axis=0, keepdims=True, initial=0.0))
        found = np.zeros((values, error.shape[1]))
        np.maximum.at(found, number[number >= 0], error[number >= 0])
        return found

    def averaged(self) -> A.Arrived:
        """What arrives of a pick or a mean."""
        there, single = self.value.there, S.is_single(self.premises.facts, self.node, self.selects or ())
        copies, scores = isinstance(self.node, N.Aggregate) and self.node.pick, self.scores
        if copies and single:
            found, loose = A.picked(scores, self.value, there, self.precision), A.slip(scores, self.precision)
        else:
            rowwise = copies and self.becomes is not None and self.becomes.ndim == 1
            found = A.averaged(scores, self.value, there, self.n, self.precision, copies, rowwise)
            loose = A.looseness(self.n, self.precision)
        if copies and isinstance(self.node.domain, Listed):
            return found
        if self.numbers is None:
            return replace(found, error=found.error.max(axis=0, keepdims=True))
        most = found.error.max(axis=0, keepdims=True)
        most = np.maximum(most, most - self.value.error + self.numbers.errors.max(axis=0))  # if numbers are off as such
        uneven = 0.0 if copies else scores.uneven  # of equal numbers it does not matter how they are weighed
        errors = mean_errors(most, loose, uneven, scores.leak, self.numbers, there, self.node.domain, self.precision)
        return replace(found, error=errors)

    @cached_property
    def numbers(self) -> Averaged | None:
        """What is read of values, as the numbers of the source: what they are off by is an error of theirs.

        None where what is read does not tell the number, as after an edit of the weights, or there is none.
        """
        node, axes = self.node, self.axes
        if not isinstance(node, N.Aggregate) or self.head.value.width == len(node.domain.specials):
            return None
        found = self.meaning.amounts(node.source, axes)
        shape, width = self.meaning.sizes(axes), self.value.width
        if found is None or not axes or axes != tuple(self.value.seen) or prod(shape) * width > NUMBERS:
            return None
        seen = list(self.value.seen.values())
        rows = over_grid([one.values for one in seen], shape, width) + self.value.bias
        errors = over_grid([one.error for one in seen], shape, width) + (
            self.value.rounding if self.value.rounded_rows is None else self.value.rounded_rows
        )
        known, special = np.broadcast_to(found.known, shape), np.broadcast_to(found.special, shape)
        rows, errors = rows[known], errors[known]
        plain, numbers = special[known] < 0, np.broadcast_to(found.numbers, shape)[known]
        errors[plain, 0] += np.abs(rows[plain, 0] - numbers[plain])
        rows[plain, 0] = numbers[plain]
        return Averaged(rows, errors) if len(rows) else None

    @cached_property
    def told(self) -> Reading:
        """What is read of values, with the source as one more variable where what is read does not tell its value."""
        node = self.node
        if not isinstance(node, N.Aggregate) or not isinstance(self.plan.graph.variable(node.source).domain, Listed):
            return self.value
        return decided(self.meaning, node.source, self.value)[0]

    @property
    def axes(self) -> Axes:
        """The variables that values are read off."""
        return tuple(self.told.seen)

    @cached_property
    def becomes(self) -> Ids | None:
        """[a value for each axis]: the number of the aggregate's value that is moved; −1 for none."""
        node = self.node
        if not isinstance(node, N.Aggregate) or not isinstance(node.domain, Listed):
            return None
        source = self.plan.graph.variable(node.source).domain
        ids = self.meaning.ids(node.source, self.axes) if isinstance(source, Listed) else None
        if ids is None or not isinstance(source, Listed):
            return None
        own = np.array([node.domain.index.get(V.key(v), -1) for v in source.values], np.int32)
        return np.where(ids >= 0, own[np.maximum(ids, 0)], -1).astype(np.int32)

    def off(self, code: Matrix, matrix: Matrix, bias: Floats) -> Matrix:
        """[values, dims]: how far what is moved is from what the code says, value by value, and the default."""
        node = self.node
        assert isinstance(node, N.Aggregate)
        found = self.off_picked(node, code, matrix, bias) if node.pick else self.off_mean(node, code, matrix, bias)
        if self.may_be_empty:
            place, wanted = _default(node, code)
            found = found.copy()
            found[place] += np.abs(self.value.there @ matrix + bias - wanted)
        return found

    def moves(self, matrix: Matrix, bias: Floats) -> Matrix:
        """[a value for each axis, dims]: what is moved of each combination."""
        parts = [one.values @ matrix for one in self.told.seen.values()]
        return over_grid(parts, self.meaning.sizes(self.axes), matrix.shape[1]) + self.value.bias @ matrix + bias

    def off_picked(self, node: N.Aggregate, code: Matrix, matrix: Matrix, bias: Floats) -> Matrix:
        """Each value of the source becomes the same value of the pick."""
        if not isinstance(node.domain, Listed):
            return self.off_mean(node, code, matrix, bias)
        number = self.becomes
        if number is None:
            return np.full(code.shape, UNBOUNDED)
        known, off = number >= 0, np.zeros(code.shape)
        np.maximum.at(off, number[known], np.abs(self.moves(matrix, bias)[known] - code[number[known]]))
        return off

    def off_mean(self, node: N.Aggregate, code: Matrix, matrix: Matrix, bias: Floats) -> Matrix:
        """Numbers lie along a line, as their means then do too; special values have codes of their own."""
        found = self.meaning.amounts(node.source, self.axes)
        if found is None:
            return np.full(code.shape, UNBOUNDED)
        start, slope, rows, numbers = _line(node.domain, code)
        moved = self.moves(matrix, bias)
        off = np.zeros(code.shape)
        off[rows] = np.abs(code[rows] - start - slope * numbers[:, None])
        plain = found.known & (found.special < 0)
        away = np.abs(moved[plain] - start - slope * found.numbers[plain][:, None]).max(axis=0, initial=0.0)
        told = self.numbers is not None and (matrix[0] == 1) & (start == 0) & (slope == 1) & (bias == 0)
        alone = np.count_nonzero(matrix, axis=0) == 1
        off[rows] += np.where(told & alone, 0.0, away)  # else the numbers that are averaged have this error
        source = self.plan.graph.variable(node.source).domain.specials
        for i, special in enumerate(source):
            where, row = found.known & (found.special == i), _row(node.domain, special)
            if row is not None and where.any():
                off[row] = np.maximum(off[row], np.abs(moved[where] - code[row]).max(axis=0))
        return off

    def counted(self, code: Matrix, matrix: Matrix, bias: Floats) -> tuple[A.Arrived, Matrix]:
        """What arrives of a count, and how far the numbers that are averaged are from those that are planned."""
        counts, share = self.node.listed.numbers, self.plan.storage[self.place].share
        if self.in_stretches and matrix.shape[1] == 1:
            return self.counted_in_stretches(code, matrix, bias)
        if share is None or self.value.seen or matrix.shape != (1, 1) or not matrix.any():
            return A.Arrived(np.full((len(code), 1), UNBOUNDED), np.zeros(1)), np.full(code.shape, UNBOUNDED)
        held, weight, added = code[:, 0], float(matrix[0, 0]), float(bias[0])
        if share.is_number and not self.precision.narrow:
            away = added_up(self.head, self.scores, self.sink, self.divisor, self.value, weight, counts, self.n,
                            held, self.precision)  # fmt: skip
            return A.Arrived(away[:, None] / max(abs(weight), 1e-300), np.zeros(1)), np.full(code.shape, abs(added))
        off = abs(float(self.value.bias[0]) * weight - share.at_key) + abs(
            float(self.value.there[0]) * weight - share.at_bos
        )
        planned = (
            replace(share, code=held) if not share.added else replace(share, at_bos=1.0, code=added - held, added=0.0)
        )
        found = A.counted(self.head, self.scores, planned, counts, self.n, self.value, self.sink, self.precision)
        if share.added:
            off += abs(share.at_bos + 1.0)
            found = A.subtracted(found, added, counts, self.scores.leak, self.precision)
        else:
            off += abs(added)
        return A.Arrived(found.error / max(abs(weight), 1e-300), found.grain), np.full(code.shape, off)

    @property
    def in_stretches(self) -> bool:
        """Whether keys are counted by what they hold, each of them a part of what is written."""
        return self.counts and bool(self.value.seen) and not self.precision.narrow

    def counted_in_stretches(self, code: Matrix, matrix: Matrix, bias: Floats) -> tuple[A.Arrived, Matrix]:
        """What arrives of a count in stretches: all of its error is that of the first number that is written."""
        (place, *_), write = tuple(self.value.seen), matrix[:, 0]
        held = self.plan.graph.variable(place)
        away = added_in_stretches(
            self.head, self.scores, self.sink, self.divisor, self.value, write, self.node.listed.numbers, self.n,
            code[:, 0], self.precision, isinstance(held, N.Index) and not held.free,
        )  # fmt: skip
        error = np.full((len(code), len(write)), UNBOUNDED)
        if away is not None and write[0] != 0:
            error[:] = 0.0
            error[:, 0] = away / abs(write[0])
        return A.Arrived(error, np.zeros(len(write))), np.full(code.shape, abs(float(bias[0])))


def _line(domain: N.Domain, code: Matrix) -> tuple[Floats, Floats, Ids, Floats]:
    """(start, slope) of the line through the codes of the least and the greatest number; rows of numbers, and these."""
    if isinstance(domain, Interval):
        rows, numbers = np.arange(2), np.array([domain.lo, domain.hi])
    else:
        rows = np.flatnonzero(domain.is_number)
        numbers = domain.numbers[rows]
    if not len(rows):
        return np.zeros(code.shape[1]), np.zeros(code.shape[1]), rows.astype(np.int32), numbers
    low, high = int(numbers.argmin()), int(numbers.argmax())
    wide = numbers[high] - numbers[low]
    slope = (code[rows[high]] - code[rows[low]]) / wide if wide > 0 else np.zeros(code.shape[1])
    return code[rows[low]] - slope * numbers[low], slope, rows.astype(np.int32), numbers


def _row(domain: N.Domain, value: object) -> int | None:
    """The row of a special value in a code."""
    if isinstance(domain, Listed):
        return domain.index.get(V.key(value))
    keys = list(map(V.key, domain.specials))
    return 2 + keys.index(V.key(value)) if V.key(value) in keys else None


def _default(node: N.Aggregate, code: Matrix) -> tuple[int | slice, Floats]:
    """Which rows of the code may be the default, and what its code is; far from all where it is no value."""
    row = _row(node.domain, node.default)
    if row is not None:
        return row, code[row]
    if not V.is_number(node.default):
        return slice(None), np.full(code.shape[1], UNBOUNDED)
    start, slope, _, _ = _line(node.domain, code)
    return slice(None), start + slope * float(node.default)
