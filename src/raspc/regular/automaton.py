"""A regular set of inputs as a deterministic automaton over token numbers: membership, counting, listing, sampling.

The automaton is the smallest one: every state can be reached and can still accept, and no two states accept the same
continuations, so that equal sets have equal automata. State 0 is the start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from raspc.errors import InvalidProgram

Ids: TypeAlias = NDArray[np.int32]
Bools: TypeAlias = NDArray[np.bool_]

DEAD = -1
"""The state from which nothing is accepted."""
MOST_STATES = 1 << 14
"""An automaton with more states is refused."""
MOST_CELLS = 1 << 24
"""The most transitions (states × tokens) of an automaton."""

State = TypeVar("State", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Automaton:
    """`moves` [state, token]: the next state, DEAD where no continuation is accepted; `accepting` [state]."""

    moves: Ids
    accepting: Bools

    @property
    def n_states(self) -> int:
        """How many states there are; none accepts nothing at all."""
        return len(self.accepting)

    @property
    def n_tokens(self) -> int:
        """How many tokens the vocabulary has."""
        return int(self.moves.shape[1])

    @property
    def identity(self) -> tuple[Any, ...]:
        """What two automata have in common that accept the same inputs."""
        return self.moves.shape, self.moves.tobytes(), self.accepting.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Automaton) and self.identity == other.identity

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.identity)

    def accepts(self, ids: Ids, lengths: NDArray[np.int64]) -> Bools:
        """[B]: which inputs are in the set. `ids` [B, T], padded with anything after each input's length."""
        if not self.n_states:
            return np.zeros(len(ids), bool)
        states = np.hstack([np.zeros((len(ids), 1), np.int32), self.states(ids, lengths)])[:, -1]
        return np.asarray((states >= 0) & self.accepting[states])

    def states(self, ids: Ids, lengths: NDArray[np.int64]) -> Ids:
        """[B, T]: the state after each token, DEAD where no continuation is accepted; at padding the last one."""
        found = np.full(ids.shape, DEAD, np.int32)
        if len(ids) == 1:  # which is quicker without arrays
            found[0] = self._walk(ids[0].tolist(), int(lengths[0]))
            return found
        states = np.zeros(len(ids), np.int32) if self.n_states else np.full(len(ids), DEAD, np.int32)
        for position in range(ids.shape[1]):
            here = (position < lengths) & (states >= 0)
            states[here] = self.moves[states[here], ids[here, position]]
            found[:, position] = states
        return found

    def _walk(self, ids: Sequence[int], length: int) -> list[int]:
        """The same for one input."""
        state, found = 0 if self.n_states else DEAD, list[int]()
        for token in ids[:length]:
            state = int(self.moves[state, token]) if state >= 0 else DEAD
            found.append(state)
        return [*found, *[state] * (len(ids) - length)]

    def dies_at(self, ids: Sequence[int]) -> int:
        """The first position from which no continuation is in the set; the length where there is none."""
        state = 0 if self.n_states else DEAD
        for position, token in enumerate(ids):
            state = int(self.moves[state, token]) if state >= 0 else DEAD
            if state < 0:
                return position
        return len(ids)

    def counts(self, longest: int) -> list[list[int]]:
        """[r][state]: how many continuations of exactly r tokens are accepted, r from 0 to `longest`."""
        rows = self._counted
        if len(rows) <= longest:
            rows = list(rows)  # other threads may read, or lengthen, the one that is kept
            while len(rows) <= longest:
                rows.append(self._summed(rows[-1]))
            self.__dict__["_counted"] = rows
        return rows[: longest + 1]

    def _summed(self, last: list[int]) -> list[int]:
        """[state]: the sum of these numbers over all states that its tokens lead to."""
        if max(last, default=0) * self.n_tokens < 1 << 62:
            found: list[int] = np.array([*last, 0], np.int64)[self.moves].sum(axis=1).tolist()  # DEAD is the last
            return found
        return [sum([last[to] for to in arc]) for arc in self._arcs]

    @cached_property
    def _counted(self) -> list[list[int]]:
        """What is known of that; a longer one takes its place as more is asked."""
        return [[int(one) for one in self.accepting]]

    @cached_property
    def _arcs(self) -> list[list[int]]:
        """[state]: where its tokens lead."""
        return [row[row >= 0].tolist() for row in self.moves]

    def sizes(self, longest: int) -> list[int]:
        """[n]: how many inputs of n tokens there are, n from 0 to `longest`."""
        return _sizes(self, longest)

    def ends(self, longest: int) -> Bools:
        """[r, state]: whether some continuation of exactly r tokens is accepted."""
        found = np.zeros((longest + 1, self.n_states), bool)
        found[0] = self.accepting
        for r in range(1, longest + 1):
            found[r] = (found[r - 1][self.moves] & (self.moves >= 0)).any(axis=1)
        return found

    def starts(self, longest: int) -> Bools:
        """[i, state]: whether some i tokens lead there."""
        found = np.zeros((longest + 1, self.n_states), bool)
        found[0, :1] = True
        for i in range(longest):
            reached = self.moves[found[i]]
            found[i + 1, reached[reached >= 0]] = True
        return found

    def occurrences(self, longest: int) -> Bools:
        """[token, index, n − 1]: whether the token stands there in some input of n tokens, n up to `longest`."""
        found = np.zeros((self.n_tokens, longest, longest), bool)
        starts, ends = self.starts(longest), self.ends(longest)
        for index in range(longest):
            moves = self.moves[starts[index]]
            after = ends[: longest - index][:, moves] & (moves >= 0)
            found[:, index, index:] = after.any(axis=1).T
        return found

    def tokens_at(self, longest: int) -> Bools:
        """[token, index]: whether the token stands there in some input of at most `longest` tokens."""
        found = np.zeros((self.n_tokens, longest), bool)
        starts, within = self.starts(longest), np.logical_or.accumulate(self.ends(longest))
        for index in range(longest):
            moves = self.moves[starts[index]]
            found[:, index] = (within[longest - index - 1][moves] & (moves >= 0)).any(axis=0)
        return found

    def count_bounds(self, tokens: Bools, longest: int) -> tuple[int, int]:
        """(fewest, most) of some tokens in an input of 1 to `longest` tokens; (0, 0) where there is no input."""
        if not self.n_states:
            return 0, 0
        added, alive = np.broadcast_to(tokens.astype(float), self.moves.shape), self.moves >= 0
        low = np.where(self.accepting, 0.0, np.inf)
        high, found = -low, [(np.inf, -np.inf)]
        for _ in range(longest):
            low = np.where(alive, added + low[self.moves], np.inf).min(axis=1)
            high = np.where(alive, added + high[self.moves], -np.inf).max(axis=1)
            found.append((low[0], high[0]))
        least, most = min(one for one, _ in found), max(one for _, one in found)
        return (int(least), int(most)) if most >= 0 else (0, 0)

    def inputs(self, length: int, start: int = 0, stop: int | None = None) -> Ids:
        """[input, position]: the inputs of one length with the numbers `start` … `stop` − 1, in lexicographic order."""
        return _numbered(self, length, start, self.sizes(length)[length] if stop is None else stop)

    def prefixes(self) -> Automaton:
        """All inputs that some input of the set begins with."""
        return smallest(self.moves, np.ones(self.n_states, bool))

    def both(self, other: Automaton) -> Automaton:
        """The inputs that are in both sets."""

        def step(pair: tuple[int, int]) -> Iterator[tuple[int, int] | None]:
            for one, two in zip(self.moves[pair[0]].tolist(), other.moves[pair[1]].tolist(), strict=True):
                yield (one, two) if one >= 0 and two >= 0 else None

        if not (self.n_states and other.n_states):
            return nothing(self.n_tokens)
        return explored((0, 0), step, lambda pair: bool(self.accepting[pair[0]] and other.accepting[pair[1]]))

    @cached_property
    def is_everything(self) -> bool:
        """Whether every input is in the set."""
        return self.n_states == 1 and bool(self.accepting[0]) and bool((self.moves == 0).all())


@lru_cache(maxsize=32)
def _sizes(automaton: Automaton, longest: int) -> list[int]:
    return [row[0] if row else 0 for row in automaton.counts(longest)]


def nothing(n_tokens: int) -> Automaton:
    """The empty set."""
    return Automaton(np.zeros((0, n_tokens), np.int32), np.zeros(0, bool))


def everything(n_tokens: int) -> Automaton:
    """All inputs."""
    return Automaton(np.zeros((1, n_tokens), np.int32), np.ones(1, bool))


def explored(
    start: State, step: Callable[[State], Iterable[State | None]], accepts: Callable[[State], bool]
) -> Automaton:
    """The automaton of states of any kind. `step`: for each token the next one, or None.

    Raises InvalidProgram where there are too many.
    """
    places: dict[State, int] = {start: 0}
    todo, rows, accepting = deque([start]), list[list[int]](), list[bool]()
    while todo:
        state = todo.popleft()
        row = []
        for found in step(state):
            if found is None:
                row.append(DEAD)
                continue
            if found not in places:
                places[found] = len(places)
                todo.append(found)
            row.append(places[found])
        rows.append(row)
        accepting.append(accepts(state))
        if len(places) > MOST_STATES or len(places) * len(row) > MOST_CELLS:
            most = len(places) - 1
            raise InvalidProgram(
                f"where: the inputs need an automaton of more than {most:,} states; write a simpler expression"
            )
    return smallest(np.array(rows, np.int32), np.array(accepting, bool))


def of_inputs(inputs: Iterable[Sequence[int]], n_tokens: int) -> Automaton:
    """The automaton of a finite set. Raises InvalidProgram where it has too many states."""
    rows = list(inputs)
    ids = np.full((len(rows), max(map(len, rows), default=0)), DEAD, np.int32)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return of_rows(ids, n_tokens)


def of_rows(ids: Ids, n_tokens: int) -> Automaton:
    """The same for inputs [B, T], padded with −1.

    What inputs begin with makes a tree, one level after another; then subtrees that are alike are one state, from the
    leaves on.
    """
    if not len(ids):
        return nothing(n_tokens)
    known: dict[bytes, int] = {}
    after: NDArray[np.int32] = np.zeros(0, np.int32)
    for ends, parents, tokens in reversed(_levels(ids, n_tokens)):
        arcs = np.stack([tokens, after], axis=1).astype(np.int32)
        blob, at = arcs.tobytes(), np.searchsorted(parents, np.arange(len(ends) + 1)) * 2 * arcs.itemsize
        forms = zip(ends.tolist(), at[:-1].tolist(), at[1:].tolist(), strict=True)
        after = np.array(
            [known.setdefault(MARKS[end] + blob[one:other], len(known)) for end, one, other in forms], np.int32
        )
    if len(known) > 16 * MOST_STATES or len(known) * n_tokens > MOST_CELLS:
        raise InvalidProgram(
            f"where: {len(known):,} states are needed to list these inputs; give an expression instead"
        )
    moves = np.full((len(known), n_tokens), DEAD, np.int32)
    for place, form in enumerate(known):
        own = np.frombuffer(form, np.int32, offset=len(MARKS[0])).reshape(-1, 2)
        moves[place, own[:, 0]] = own[:, 1]
    return _numbered_from(moves, np.array([form.startswith(MARKS[1]) for form in known]), int(after[0]))


MARKS = (b"more", b"over")
"""What opens the form of a state at which no input ends, and of one at which some does."""

Level = tuple[Bools, NDArray[np.int64], NDArray[np.int64]]
"""Of the nodes of a tree at one depth: which end an input; and of those below, in order, the parent and the token."""


def _levels(ids: Ids, n_tokens: int) -> list[Level]:
    """The tree of all that inputs begin with."""
    found, at, many = list[Level](), np.zeros(len(ids), np.int64), 1
    for position in range(ids.shape[1] + 1):
        here = ids[:, position] if position < ids.shape[1] else np.full(len(ids), DEAD, np.int32)
        ends = np.zeros(many, bool)
        ends[at[here < 0]] = True
        ids, at, here = ids[here >= 0], at[here >= 0], here[here >= 0]
        children, at = np.unique(at * n_tokens + here, return_inverse=True)
        found.append((ends, children // n_tokens, children % n_tokens))
        if not (many := len(children)):
            break
    return found


def smallest(moves: Ids, accepting: Bools) -> Automaton:
    """The smallest automaton that accepts the same from state 0, its states numbered as they are first reached."""
    alive = _alive(moves, accepting)
    if not len(alive) or not alive[0]:
        return nothing(moves.shape[1])
    moves = np.where((moves >= 0) & alive[moves], moves, DEAD).astype(np.int32)
    order = _children_first(moves)
    kind = _refined(moves, accepting) if order is None else _by_what_follows(moves, accepting, order)
    first = np.zeros(int(kind.max()) + 1, np.int64)
    first[kind[::-1]] = np.arange(len(kind))[::-1]
    merged = np.where(moves[first] >= 0, kind[moves[first]], DEAD).astype(np.int32)
    return _numbered_from(merged, accepting[first], int(kind[0]))


def _refined(moves: Ids, accepting: Bools) -> NDArray[np.int64]:
    """For each state its kind: kinds are parted until all states of one kind go on alike."""
    kind = _distinct(accepting[:, None].astype(np.int64))
    while True:
        after = np.where(moves >= 0, kind[moves], -1)
        found = _distinct(np.concatenate([kind[:, None], after], axis=1))
        if found.max() == kind.max():
            return kind
        kind = found


def _by_what_follows(moves: Ids, accepting: Bools, order: Sequence[int]) -> NDArray[np.int64]:
    """The same where no state leads back to itself: what follows is settled first."""
    known: dict[bytes, int] = {}
    kind = np.full(len(moves) + 1, -1, np.int64)  # the last is for DEAD
    for state in order:
        form = kind[moves[state]].tobytes() + bytes([int(accepting[state])])
        kind[state] = known.setdefault(form, len(known))
    return kind[:-1]


def _children_first(moves: Ids) -> list[int] | None:
    """All states, each after those that it leads to; None where one leads back to itself."""
    after = [set(row) - {DEAD} for row in moves.tolist()]
    before: list[list[int]] = [[] for _ in after]
    for state, found in enumerate(after):
        for to in found:
            before[to].append(state)
    missing = [len(found) for found in after]
    order = [state for state, many in enumerate(missing) if not many]
    for state in order:
        for parent in before[state]:
            missing[parent] -= 1
            if not missing[parent]:
                order.append(parent)
    return order if len(order) == len(after) else None


def _distinct(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the number of its kind."""
    _, kinds = np.unique(np.ascontiguousarray(rows), axis=0, return_inverse=True)
    return np.asarray(kinds, np.int64).ravel()


def _alive(moves: Ids, accepting: Bools) -> Bools:
    """Which states can still accept."""
    alive = accepting.copy()
    state, token = np.nonzero(moves >= 0) if not alive.all() else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    to = moves[state, token]
    before = state[np.argsort(to, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(to, minlength=len(moves)))])
    found = np.flatnonzero(alive)
    while len(found):
        many = starts[found + 1] - starts[found]
        first = np.repeat(starts[found] - np.cumsum(many) + many, many)
        parents = np.unique(before[first + np.arange(len(first))])
        found = parents[~alive[parents]]
        alive[found] = True
    return alive


def _numbered_from(moves: Ids, accepting: Bools, start: int) -> Automaton:
    """The states that can be reached, in the order in which they are first met; each can accept something."""
    order, places, at, rows = [start], {start: 0}, 0, moves.tolist()
    while at < len(order):
        for to in rows[order[at]]:
            if to >= 0 and to not in places:
                places[to] = len(order)
                order.append(to)
        at += 1
    number = np.full(len(accepting) + 1, DEAD, np.int32)  # the last is for DEAD
    number[order] = np.arange(len(order))
    return Automaton(np.ascontiguousarray(number[moves[order]]), accepting[order])


def _numbered(automaton: Automaton, length: int, start: int, stop: int) -> Ids:
    """Inputs by their numbers: at each position the numbers tell which token stands there, and what remains of them."""
    counts = automaton.counts(length)
    whole = np.int64 if max((max(row, default=0) for row in counts), default=0) < 1 << 62 else object
    left = np.arange(start, stop).astype(whole)
    ids = np.zeros((len(left), length), np.int32)
    states = np.zeros(len(left), np.int64)
    for position in range(length):
        after = np.array([*counts[length - position - 1], 0], whole)  # DEAD is the last
        many = after[automaton.moves[states]]
        below = np.cumsum(many, axis=1)
        chosen = (below <= left[:, None]).sum(axis=1)
        rows = np.arange(len(left))
        left = left - (below[rows, chosen] - many[rows, chosen]) if len(left) else left
        ids[:, position] = chosen
        states = automaton.moves[states, chosen].astype(np.int64)
    return ids


def drawn(
    automaton: Automaton, lengths: NDArray[np.int64], leaning: NDArray[np.float64], rng: np.random.Generator
) -> Ids:
    """[B, T]: a random input of each length, padded with −1; each length must have one.

    Every input of a length is as likely as any other where `leaning` [B, token] is 1 throughout; a token that an
    input leans to is more likely in it.
    """
    longest = int(lengths.max(initial=0))
    weights = _weights(automaton, longest)
    ids = np.full((len(lengths), longest), -1, np.int32)
    states = np.zeros(len(lengths), np.int64)
    for position in range(longest):
        rows = np.flatnonzero(position < lengths)
        moves = automaton.moves[states[rows]]
        after = lengths[rows] - position - 1
        likely = np.where(moves >= 0, weights[after[:, None], moves], 0.0) * leaning[rows]
        edges = np.cumsum(likely, axis=1)
        dice = rng.random(len(rows)) * edges[:, -1]
        chosen = np.minimum((edges <= dice[:, None]).sum(axis=1), automaton.n_tokens - 1)
        ids[rows, position] = chosen
        states[rows] = moves[np.arange(len(rows)), chosen]
    return ids


@lru_cache(maxsize=8)
def _weights(automaton: Automaton, longest: int) -> NDArray[np.float64]:
    """[r, state]: how many continuations of r tokens are accepted, to a scale for each r; 0 where none is."""
    ends = automaton.ends(longest)
    found = np.zeros((longest + 1, automaton.n_states))
    found[0] = automaton.accepting
    for r in range(1, longest + 1):
        row = np.where(automaton.moves >= 0, found[r - 1][automaton.moves], 0.0).sum(axis=1)
        found[r] = np.where(ends[r], np.maximum(row / max(row.max(initial=0.0), 1e-300), 1e-250), 0.0)
    return found
