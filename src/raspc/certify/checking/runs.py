"""What a check runs: batches of inputs, and which beginnings of each are compared.

Under a causal mask no answer depends on a later token, so that one run gives the answers to every input that the tokens
begin with. All inputs are then those that no longer input begins with, and what they begin with; random ones are long,
and each of their beginnings counts once. Under no mask an input is compared as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from raspc import rasp
from raspc.certify.checking import inputs, symmetry
from raspc.graph.evaluate import Batch, Bools
from raspc.graph.nodes import Ids
from raspc.graph.permitted import Frame, permits_each, sampled
from raspc.regular.automaton import Automaton
from raspc.weights.model import Model

Weights = NDArray[np.int64]

AT_ONCE = 1 << 20
"""So many random inputs are drawn at once; of these none is compared twice."""


@dataclass(frozen=True, eq=False)
class Runs:
    """Inputs that run together. `weights` [B, T]: how many inputs the first tokens of one stand for; 0: not compared.

    `exchanged`: an input stands for those that are like it but for an exchange of tokens.
    """

    batch: Batch
    weights: Weights
    exchanged: bool = False

    @property
    def begun(self) -> bool:
        """Whether some input is compared that another one begins with."""
        return bool(((self.weights > 0) & ~_ends(self.batch)).any())

    def some(self, rows: Ids | Bools | slice) -> Runs:
        """Some of the inputs."""
        batch = Batch(self.batch.ids[rows], self.batch.lengths[rows], self.batch.causal)
        return Runs(batch, self.weights[rows], self.exchanged)

    def apart(self) -> Runs:
        """Every input that is compared as one of its own."""
        rows, last = np.nonzero(self.weights)
        lengths = (last + 1).astype(np.int64)
        batch = Batch(inputs.padded(self.batch.ids[rows].astype(np.int64), lengths), lengths, self.batch.causal)
        return Runs(batch, np.where(_ends(batch), self.weights[rows, last][:, None], 0), self.exchanged)


def _ends(batch: Batch) -> Bools:
    """[B, T]: the last token of each input."""
    return np.asarray(np.arange(batch.ids.shape[1]) == batch.lengths[:, None] - 1)


def whole_inputs(batch: Batch) -> Runs:
    """Each input of a batch, compared as a whole."""
    return Runs(batch, _ends(batch).astype(np.int64))


def every_beginning(batch: Batch) -> Runs:
    """All that the inputs of a batch begin with, each as often as it is met."""
    return Runs(batch, batch.real.astype(np.int64))


def by_beginnings(model: Model, program: rasp.SOp | None = None) -> bool:
    """Whether what an input begins with is an input with the same answers.

    It is where the mask of the model and of its program is causal, and no constant asks for one length, in the program
    or in the condition of its domain.
    """
    graph, condition = model.as_written, model.as_written.where.condition
    asks = graph.exact_length, None if condition is None else condition.exact_length
    masked = graph.causal and model.config.causal
    return masked and asks == (None, None) and not (program is not None and _asks_for_a_length(program))


def _asks_for_a_length(program: rasp.SOp) -> bool:
    constants = (rasp.ConstantSOp, rasp.ConstantSelector)
    return any(isinstance(expr, constants) and expr.check_length for expr in rasp.topological(program))


# -- all inputs --------------------------------------------------------------------------------------


def pieces_to_run(frame: Frame, beginnings: bool) -> Iterator[inputs.Piece]:
    """The pieces that hold all inputs, or all that no longer input begins with."""
    longest_alone = beginnings and frame.where.automaton is None
    return (piece for piece in inputs.pieces_of(frame) if piece.length == frame.max_len or not longest_alone)


def of_piece(frame: Frame, piece: inputs.Piece, beginnings: bool, classes: symmetry.Classes = ()) -> Runs:
    """The inputs of a piece that have to run."""
    if not beginnings and not classes:
        return whole_inputs(inputs.batch_of(frame, piece))
    ids = inputs.candidates(frame, piece)
    weights = _first_met(frame, piece, ids) if beginnings else whole_inputs(inputs.whole(ids, False)).weights
    if classes:
        chosen = symmetry.is_representative(ids, classes)
        ids, weights = ids[chosen], weights[chosen]
        weights = weights * symmetry.orbit_sizes(ids, classes)
    return _worth_a_run(frame, Runs(inputs.whole(ids, frame.causal), weights, bool(classes)))


def _worth_a_run(frame: Frame, runs: Runs) -> Runs:
    """The runs in which something is compared that the condition of a domain permits too."""
    if not frame.where.is_filtered:
        return _compared(runs)
    return _compared(replace(runs, weights=runs.weights * permits_each(frame.where, frame.vocab, runs.batch)))


def _compared(runs: Runs) -> Runs:
    """The runs in which something is compared."""
    kept = np.asarray(runs.weights.any(axis=1))
    return runs if kept.all() else runs.some(kept)


def _first_met(frame: Frame, piece: inputs.Piece, ids: Ids) -> Weights:
    """[B, T]: 1 where the first tokens are an input that is met here for the first time, and nowhere else again.

    An input is met in the longest ones that go on from it, and of these, which stand in order, in the first.
    """
    automaton = frame.automaton
    before = inputs.candidates(frame, inputs.Piece(piece.length, piece.start - 1, piece.start)) if piece.start else None
    fresh = _differs_from_the_one_before(ids, before)
    states = automaton.states(ids, np.full(len(ids), piece.length))
    furthest = _furthest(automaton, frame.max_len)
    lengths = np.arange(1, piece.length + 1)
    known = np.maximum(states, 0)
    met_here = lengths + furthest[frame.max_len - lengths, known] == piece.length
    return np.asarray(fresh & met_here & (states >= 0) & automaton.accepting[known]).astype(np.int64)


def _differs_from_the_one_before(ids: Ids, before: Ids | None = None) -> Bools:
    """[B, T]: where the tokens up to there are not those of the row before; of the first row, of `before`."""
    other = np.vstack([ids[:1] if before is None else before, ids[:-1]])
    fresh: Bools = np.logical_or.accumulate(ids != other, axis=1)
    if before is None:
        fresh[:1] = True
    return fresh


@lru_cache(maxsize=8)
def _furthest(automaton: Automaton, longest: int) -> NDArray[np.int64]:
    """[r, state]: the most tokens, up to r, after which an input may end; −1 where it may not."""
    ends = automaton.ends(longest)
    return np.maximum.accumulate(np.where(ends, np.arange(longest + 1)[:, None], -1), axis=0)


# -- random inputs -----------------------------------------------------------------------------------


def at_random(frame: Frame, limit: int, seed: int, beginnings: bool) -> Iterator[Runs]:
    """Batches in which so many random inputs are compared; fewer where a condition holds of few."""
    if not beginnings:
        for i, size in enumerate(inputs.random_sizes(frame.max_len, limit)):
            yield whole_inputs(inputs.random_of(frame, size, (seed, i)))
        return
    rows = inputs.rows_at_once(frame.max_len)
    for i, start in enumerate(range(0, limit, AT_ONCE)):
        runs = _long_ones(frame, min(AT_ONCE, limit - start), (seed, i))
        for first in range(0, len(runs.weights), rows):
            yield runs.some(slice(first, first + rows))


def _long_ones(frame: Frame, size: int, seed: tuple[int, int]) -> Runs:
    """Random inputs that begin with so many different ones."""
    many = -(-size // frame.max_len)
    found = compared_once(frame, _drawn(frame, many, seed))
    while (missing := size - int(found.weights.sum())) > 0 and many < size:
        many = min(size, many + 1 + max(many // 8, many * missing // size))
        found = compared_once(frame, _drawn(frame, many, seed))
    return _compared(replace(found, weights=_up_to(found.weights, size)))


def _drawn(frame: Frame, many: int, seed: tuple[int, int]) -> Batch:
    if frame.where.is_everything:
        return inputs.random_batch(len(frame.vocab), frame.max_len, many, seed, frame.causal, longest=True)
    return sampled(frame, many, seed)


def compared_once(frame: Frame, batch: Batch) -> Runs:
    """What each input begins with, where no input before it in dictionary order does."""
    order = np.lexsort(batch.ids.T[::-1])
    fresh = np.zeros(batch.ids.shape, bool)
    fresh[order] = _differs_from_the_one_before(batch.ids[order])
    fresh &= batch.real
    if not frame.where.is_everything:
        fresh &= permits_each(frame.where, frame.vocab, batch)
    return Runs(batch, fresh.astype(np.int64))


def _up_to(weights: Weights, most: int) -> Weights:
    """The first so many of them, one input after another."""
    return np.where(np.cumsum(weights.ravel()).reshape(weights.shape) <= most, weights, 0)
