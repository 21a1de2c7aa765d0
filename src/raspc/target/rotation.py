"""Rotary positions used on purpose: a slow rotation ranks positions where a target has no table of them.

RoPE turns pairs of a query at position m and of a key at position n by angles fm and fn, so that their product is a
function of the distance m − n; f is the frequency of the pair. With a query (A, 0) and a key (0, −1) it is
−A·sin f(m − n): the nearer the key, the more. While f(m − n) stays below a right angle no two distances give the same,
and neighbours differ by A·f·cos f(m − n) or more. With (cos kf, −sin kf) and (1, 0) it is cos f(m − n − k), greatest at
the distance k; the sum over several frequencies is less elsewhere, as no other distance is a multiple of all periods.
Nothing of it is stored in the stream. As long as cosines are those of float32, neighbours are told apart up to some
ten thousands of positions.

        ┌ pairs ────────────────────────────────────────────────┐
        │ 1  f₁  f₂ … turn                │ fast to nothing: still │     frequencies θ^(−2i/d), from 1 down
        └─────────────────────────────────────────────────────────┘
         all tell shifts, the slow one ranks     what the program reads

The fast quarter of the pairs has always been free: the program is in the half of them that stands still. The base θ is
chosen so that one of that quarter turns by one radian over the longest input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from raspc.graph.nodes import Aggregate, Best, Floats, Gate, Graph, Ids, Index, Select, Table
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options
from raspc.target.families import FAMILIES, HUGE_THETA

LONGEST = 1 << 15
"""The longest input whose positions one rotation ranks: a step of it is then still some twenty times what float32
rounds."""
RANGE = 2.0
"""How far ranks by rotation reach at most, in steps for each position: tan 1 is 1.56."""
WHOLE = 1.0
"""How far, in radians, the slow pair turns over the longest input at most."""
STILL = 2.0**-25
"""What turns by less over all of an input stands still, beside what float32 rounds of one number."""
PARTS = (1.0, 0.8, 0.6, 0.4, 0.3)
"""How much of that it turns, in bases that are tried."""
LEAD = 2.0
"""By how many steps of a penalty a key at the right distance leads all others."""
ENOUGH = 2.0**-5
"""How far the cosines at other distances should be below those at the right one, all together."""
UNTOLD = 2.0**-20
"""Distances that differ by less are not told apart."""
DIGITS = 3
"""So many decimal digits a base has."""


@dataclass(frozen=True)
class Rotation:
    """RoPE of base `theta` in heads of width `d_head`, over positions 0 … `longest`."""

    theta: float
    d_head: int
    longest: int

    @cached_property
    def frequencies(self) -> Floats:
        """Of each pair, the fastest first; pair i is made of the columns i and i + d_head/2."""
        found: Floats = self.theta ** (-2.0 * np.arange(self.d_head // 2) / self.d_head)
        return found

    @property
    def turning(self) -> int:
        """How many pairs, the first ones, no program uses for anything but positions."""
        return self.d_head // 4

    @property
    def slow(self) -> int:
        """The pair that ranks positions: the fastest that turns by a radian at most."""
        angles = self.frequencies[: self.turning] * self.longest
        return int(np.argmax(angles <= WHOLE)) if (angles <= WHOLE).any() else self.turning - 1

    @property
    def amplitude(self) -> float:
        """What the slow pair is multiplied by, so that neighbours differ by a step or more."""
        frequency = float(self.frequencies[self.slow])
        return 1.0 / (frequency * float(np.cos(frequency * self.longest)))

    def lead(self, by: int) -> float:
        """How far Σ cos f(Δ − by), over the pairs down to the slow one, is at most from their number, for Δ ≠ by."""
        distances = np.delete(np.arange(self.longest), by) - by if by < self.longest else np.arange(1)
        found = (1.0 - np.cos(distances[:, None] * self.frequencies[: self.slow + 1])).sum(axis=1)
        return float(found.min(initial=2.0))

    def shift_amplitude(self, by: int) -> float:
        """What each pair is multiplied by, a power of two, so that a key at another distance scores `LEAD` less."""
        return float(2.0 ** np.ceil(np.log2(LEAD / max(self.lead(by), UNTOLD))))


@lru_cache(maxsize=64)
def rotation_for(d_head: int, longest: int, shifts: tuple[int, ...] = ()) -> Rotation:
    """The base with which those pairs that are in use stand still.

    One of the fast pairs turns as far as it may; where there are `shifts`, of a base that tells distances well enough.
    """
    found = [
        Rotation(theta, d_head, longest)
        for pair in range(1, d_head // 4)
        for part in (PARTS if shifts else PARTS[:1])
        if (theta := _base(d_head, longest, pair, part * WHOLE)) < HUGE_THETA
    ] or [Rotation(HUGE_THETA, d_head, longest)]
    found.sort(key=lambda one: -float(one.frequencies[one.slow]))
    leads = {}
    for one in found:
        leads[one] = min([ENOUGH, *map(one.lead, shifts)])
        if leads[one] == ENOUGH:
            return one
    return max(found, key=leads.__getitem__)


def _base(d_head: int, longest: int, pair: int, whole: float) -> float:
    """The base of few decimal digits, rounded up, with which a pair turns so far and half of all pairs stand still."""
    digits = max(2 * np.log10((longest + 1) / STILL), d_head / (2 * pair) * np.log10(longest / whole))
    if digits >= np.log10(HUGE_THETA):
        return HUGE_THETA
    step = 10.0 ** (np.floor(digits) - DIGITS + 1)
    return float(f"{np.ceil(10.0**digits / step) * step:.{DIGITS - 1}e}")


CHOICE = Choice(
    "rotation", "scores",
    "the last or first key, and the one so many positions before, is told by rotations (RoPE), not by positions",
    f"a target that turns, float32, up to {LONGEST:,} positions, and nothing else that reads a position",
    "ranks rise by a step or more from one position to the next; the right distance leads by as much",
)  # fmt: skip


def counts_positions(options: Options) -> bool:
    """Whether the target has neither a table of positions nor biases that tell them."""
    family = FAMILIES.get(options.target)
    return family is not None and family.pos_embed is None and family.relative is None


def turns_positions(graph: Graph, options: Options) -> bool:
    """Whether positions are read only where keys are picked by them, in a target that tells them by turning."""
    fits = may_turn(options) and graph.causal and graph.max_seq_len <= LONGEST
    return fits and not any(_other_readers(graph))


def may_turn(options: Options) -> bool:
    """Whether the target turns queries and keys, in a format in which that tells positions."""
    family = FAMILIES.get(options.target)
    turns = family is not None and family.rotary and options.has(CHOICE.name)
    return turns and options.precision.name == "float32"


def is_turned(graph: Graph, place: int, options: Options) -> bool:
    """Whether a variable is a function of the position, which is left only where turning tells it, as no table does."""
    return counts_positions(options) and _is_of_position(graph, place)


def shift_in(graph: Graph, selects: Sequence[Select]) -> int | None:
    """How many positions before the query the key stands that tables over positions select together.

    None where they select anything else, or nothing is among them that is over positions alone.
    """
    own = [select for select in selects if is_of_positions(graph, select)]
    if not own or any((select.cells < 0).any() or (select.cells.sum(axis=0) > 1).any() for select in own):
        return None
    keys = zip(*(values_at(graph, select.key).tolist() for select in own), strict=True)
    place = {key: i for i, key in enumerate(keys)}
    if len(place) < graph.max_seq_len:
        return None
    asked = [_asked(graph, select) for select in own]
    found = [place.get(key, -1) for key in zip(*asked, strict=True)]
    away = {i - key for i, key in enumerate(found) if 0 <= key <= i}
    by = min(away, default=0)
    return by if len(away) == 1 and all(0 <= key <= i for i, key in enumerate(found) if i >= by) else None


def is_of_positions(graph: Graph, select: Select) -> bool:
    """Whether a table is over functions of the position alone."""
    return all(_is_of_position(graph, side) for side in (select.key, select.query))


def values_at(graph: Graph, place: int) -> Ids:
    """The number of the value of a function of the position at each position."""
    node = graph[place]
    return node.cells if isinstance(node, Table) else np.arange(graph.max_seq_len, dtype=np.int32)


def _is_of_position(graph: Graph, place: int) -> bool:
    node = graph[place]
    return isinstance(node, Index) or (
        isinstance(node, Table) and len(node.args) == 1 and isinstance(graph[node.args[0]], Index)
    )


def _asked(graph: Graph, select: Select) -> list[int]:
    """The number of the key's value that is selected at each position, −1 for none."""
    chosen = np.where(select.cells.any(axis=0), select.cells.argmax(axis=0), -1)
    asked: list[int] = chosen[values_at(graph, select.query)].tolist()
    return asked


def _other_readers(graph: Graph) -> Iterator[bool]:
    """For all that reads a position, or a pick by one, whether it is something else than a pick by it."""
    nodes = graph.nodes
    indices = {place for place, node in enumerate(nodes) if _is_of_position(graph, place)}
    picks = {place for place, node in enumerate(nodes) if isinstance(node, Best) and node.score in indices}
    tables = {place for place, node in enumerate(nodes) if isinstance(node, Select) and is_of_positions(graph, node)}
    gates = {place for place, node in enumerate(nodes) if isinstance(node, Gate) and tables & set(node.args)}
    yield graph.output in indices or any(nodes[place].names for place in indices)  # which people want to see
    for place, node in enumerate(nodes):
        read = set(node.refs)
        if indices & read:
            of_positions = place in indices or place in tables
            yield not (of_positions or (place in picks and isinstance(nodes[nodes[place].score], Index)))  # type: ignore[attr-defined]
        if picks & read:
            yield not isinstance(node, Aggregate)
        if tables & read:
            yield not (place in gates or isinstance(node, Aggregate))
        if gates & read:
            yield not isinstance(node, Aggregate)
        if isinstance(node, Aggregate) and node.selector in tables | gates:
            yield not node.pick or shift_in(graph, conjuncts_of(graph, node)) is None


def conjuncts_of(graph: Graph, node: Aggregate) -> list[Select]:
    """The tables that a selector is a conjunction of; none of what is no conjunction."""
    selector = graph[node.selector]
    is_conjunction = isinstance(selector, Gate) and selector.op == "and"
    found = [graph[arg] for arg in selector.refs] if is_conjunction else [selector]
    return [one for one in found if isinstance(one, Select)] if all(isinstance(x, Select) for x in found) else []
