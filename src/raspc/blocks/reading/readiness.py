"""What can be read of a variable before any neurons decode it, and how exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.left import Left, left_by_attention
from raspc.blocks.reading.plain import is_listed_pick
from raspc.blocks.reading.roots import Roots
from raspc.blocks.reading.times import Times
from raspc.blocks.spaces import Matrix
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Table
from raspc.graph.stages import neurons_after
from raspc.graph.tables import Joint
from raspc.graph.totals import size_of_terms
from raspc.numbers.choice import Choice
from raspc.numbers.options import Options
from raspc.numbers.precision import Precision
from raspc.numbers.promise import ABSOLUTE
from raspc.numbers.raised import looseness
from raspc.numbers.shares import Share
from raspc.target.rotation import is_turned

CHOICES = (
    Choice(
        "virtual", "storage",
        "a function of one variable takes no layer: its features are features of that variable",
        "its value is listed over one root",
        "no neurons and no space, unless a person wants to read it",
    ),
    Choice(
        "separable", "storage",
        "a function g(x) + h(z) takes no layer: it is read off its terms",
        "the sum holds for all values that can occur, and none of them is None",
        "no neurons but those of its terms",
    ),
)  # fmt: skip

STEEP = 48.0
"""What one step of a penalty takes from a score, at least, where ties part by what is steep."""

ROOM_ADDED, ROOM_ALONE = 1 / 6, 1 / 2
"""Where codes are to have room, a count is taken to be off by so much of the least distance of two, as a share that is
added to others, and as one that is not: a line that leaves less between two steps is none."""

NUMBER_ERROR = ABSOLUTE
"""How far off a number may be that is averaged or given as the answer."""


@dataclass(frozen=True, eq=False)
class Readiness:
    """Answers about the variables of one graph. `left`: what attention leaves of counts and means.

    `shortfall`: how far below 0 the penalty of a key may lie that a head selects, by which weights part that should be
    equal; known once selectors are scored, and asked for only by what decodes what these heads leave.
    """

    roots: Roots
    options: Options
    left: Mapping[int, Left]
    shortfall: Mapping[int, float] = field(default_factory=dict)
    known: dict[tuple[int, bytes], bool] = field(default_factory=dict)
    """A memory of which features were found to be ready: it is asked of every design."""

    @classmethod
    def of(cls, graph: Graph, options: Options) -> Readiness:
        """What can be told of a graph. Raises UnsupportedProgram for counts that the format cannot tell apart."""
        roots = Roots.of(graph)
        return cls(roots, options, left_by_attention(roots, options))

    def scored(self, shortfall: Mapping[int, float]) -> Readiness:
        """The same, once selectors are scored."""
        return replace(self, shortfall=shortfall)

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.roots.graph

    @property
    def precision(self) -> Precision:
        """The number format."""
        return self.options.precision

    @property
    def unit(self) -> float:
        """The unit roundoff of what is stored."""
        return self.precision.unit

    def derived(self, place: int) -> Joint | None:
        """A table as a function of its roots, or of its arguments if these are too many; None for other variables."""
        return self.roots.derived(place)

    def additive(self, joint: Joint, feature: Floats) -> F.Sum | None:
        """The feature as a sum of features of the roots, where the passes that read such sums are not left out."""
        if joint.roots and not self.options.has("virtual" if len(joint.roots) == 1 else "separable"):
            return None
        return F.additive(joint, feature)

    def is_free(self, joint: Joint, feature: Floats) -> bool:
        """Whether the feature is a sum of features that can be read without any more neurons."""
        found = self.additive(joint, feature)
        return found is not None and all(self.is_ready(root, part) for root, part in found.parts)

    def is_ready(self, place: int, feature: Floats) -> bool:
        """The same for a feature of any variable."""
        key = place, feature.tobytes()
        if key not in self.known:
            self.known[key] = self._is_ready(place, feature)
        return self.known[key]

    def _is_ready(self, place: int, feature: Floats) -> bool:
        if place in self.left:
            return self.left[place].group.spans(feature)
        joint = self.derived(place)
        return joint is None or bool((feature == feature[0]).all()) or self.is_free(joint, feature)

    def is_late(self, axes: Sequence[int], features: Sequence[Matrix]) -> bool:
        """Whether what reads these features of these variables must wait for one of them to be decoded."""
        reads = ((axis, column) for axis, columns in zip(axes, features, strict=True) for column in columns.T)
        return any(not self.is_ready(axis, column) for axis, column in reads)

    @cached_property
    def times(self) -> Times:
        """When each variable can be there."""
        return Times.of(self.roots, self.left, self.options.has("virtual"))

    def delays(self, roots: Sequence[int], axes: Sequence[int], features: Sequence[Matrix]) -> bool:
        """Whether neurons that read these features fire later than any that read the roots alone would have to."""
        ready = {axis: not self.is_late((axis,), (columns,)) for axis, columns in zip(axes, features, strict=True)}
        there = max((self.times.latest[axis] if ready[axis] else self.times.decoded[axis] for axis in axes), default=-1)
        soonest = max((self.times.soonest[root] for root in roots), default=-1)
        return neurons_after(there) > neurons_after(soonest)

    def is_one_hot(self, place: int) -> bool:
        """Whether the variable has a direction for each value anyway, for people to read."""
        node = self.graph[place]
        seen = self.options.storage.readable and not is_turned(self.graph, place, self.options)
        return seen and isinstance(node, N.Token | N.Index) and not node.numerical

    def is_noisy(self, place: int) -> bool:
        """Whether the variable rests on a width or a mean, so that its features are right only up to rounding.

        Heads that select several keys need their scores equal to far less than that: they read such a
        variable through indicators, each the sum of few neurons that are exact where saturated.
        """
        return self._noisy[place]

    @cached_property
    def _noisy(self) -> list[bool]:
        """Of every node, in their order, so that each is looked at once however many others rest on it."""
        found: list[bool] = []
        for place, node in enumerate(self.graph.nodes):
            rests_on: Sequence[int] = ()
            if isinstance(node, Table):
                joint = self.derived(place)
                rests_on = joint.roots if joint is not None else node.args
            elif isinstance(node, N.Aggregate):
                rests_on = (node.source,)
            found.append(place in self.left or any(found[other] for other in rests_on))
        return found

    def is_count(self, place: int) -> bool:
        """Whether the variable is a share of attention that stands for a count."""
        return place in self.left and self.left[place].share is not None

    def share(self, place: int) -> Share:
        """How a count is taken from a share of attention. Raises KeyError for other variables."""
        found = self.left[place].share
        if found is None:
            raise KeyError(f"%{place} is no count")
        return found

    def counted(self, place: int) -> tuple[Floats, Floats]:
        """The share of attention that stands for each count, and how far off it may be."""
        found = self.share(place)
        # Σ p·v over keys: of BOS the only term; where scores part, its error is p·(1 − p) of theirs
        top = float(np.abs(found.code).max(initial=0.0))
        most = top if found.is_number else top / 2 if found.counts_keys else 0.25
        parted = 2 * STEEP * self.shortfall.get(place, 0.0)  # scales of scores are powers of two: up to twice STEEP
        return found.code, found.noise + parted * most

    def softness(self, axes: Sequence[int]) -> float:
        """By what the slopes of steps along these variables are multiplied.

        A mean keeps sharp steps: it is off by what its ties part, which nothing but the proof knows.
        """
        means = any(place in self.left and not self.is_count(place) for place in axes)
        return 1.0 if means else self.options.softness

    def _room(self, place: int) -> float:
        """How far off a count is taken to be where codes are to have room."""
        share = self.share(place)
        if self.options.margin is None or len(share.code) < 2:
            return 0.0
        part = ROOM_ADDED if share.counts_keys else ROOM_ALONE
        return part * float(np.abs(np.diff(share.code)).min())

    def is_rough(self, place: int) -> bool:
        """Whether attention leaves a number that is off by what it rounds: a sum, or a count that is added up, or what
        a pick moves of such a count."""
        if isinstance(self.graph[place], N.Sum) or (self.is_count(place) and self.share(place).is_number):
            return True
        return self.moved_roughness(place) > 0

    def roughness(self, place: int) -> float:
        """How far off such a number may be."""
        if self.is_count(place):
            return float(self.counted(place)[1].max())
        return self.summed(place) if isinstance(self.graph[place], N.Sum) else self.moved_roughness(place)

    def moved_roughness(self, place: int) -> float:
        """How far off the number may be that a pick moves of counts that are added up; 0 of any other variable."""
        return self._moved_roughness[place]

    @cached_property
    def _moved_roughness(self) -> list[float]:
        """Of every node, in their order."""
        found: list[float] = []
        for place, node in enumerate(self.graph.nodes):
            found.append(0.0)
            if is_listed_pick(self.graph, place) and isinstance(node, N.Aggregate) and place not in self.left:
                found[place] = sum(
                    (slope * self._number_off(root, found) for root, slope in self._slopes_of(node.source)), 0.0
                )
        return found

    def _number_off(self, place: int, moved: Sequence[float]) -> float:
        """How far off a number is that attention adds up, or a pick moves; `moved`: of picks before it."""
        if self.is_count(place):
            return self.roughness(place) if self.share(place).is_number else 0.0
        return moved[place]

    def _slopes_of(self, place: int) -> Iterator[tuple[int, float]]:
        """By how much at most the number of a variable changes with that of each variable that it is a sum of."""
        joint, domain = self.roots.joints[place], self.graph.variable(place).listed
        whole = domain.all_numbers and joint is not None
        found = F.additive(joint, domain.numbers) if whole and joint is not None else None
        for root, part in () if found is None else found.parts:
            numbers = self.graph.variable(root).listed.numbers
            if self.graph.variable(root).listed.all_numbers and len(numbers) > 1:
                yield root, float(np.abs(np.diff(part) / np.diff(numbers)).max())

    def summed(self, place: int) -> float:
        """How far off a sum may be as attention leaves it."""
        node, raised, n = self.graph[place], self.left[place].raised, self.graph.max_seq_len
        if raised is None or not isinstance(node, N.Sum):
            raise KeyError(f"%{place} is no sum")
        return looseness(raised, n, self.precision) * size_of_terms(self.graph, node)

    def position(self, place: int) -> tuple[Floats, float]:
        """A variable along a line, as it can be read soonest, and how far off it may be."""
        node = self.graph.variable(place)
        n = self.graph.max_seq_len
        if self.is_count(place):
            share, noise = self.counted(place)
            return share, max(self._room(place), float(noise.max(initial=0.0)))
        if place in self.left and self.left[place].raised is not None:
            return node.listed.numbers, self.summed(place)
        if place in self.left:
            numbers, special = node.listed.numbers.copy(), ~node.listed.is_number
            top = float(np.abs(numbers).max(initial=0.0)) + 1.0
            numbers[special] = top * (1 + np.arange(1, special.sum() + 1))
            stored = 3 * self.unit if self.precision.narrow else 0.0
            return numbers, (self.precision.sum_unit * (float(self.precision.roundings(float(n))) + 8) + stored) * top
        if node.listed.all_numbers:
            return node.listed.numbers, self.moved_roughness(place)
        return np.arange(len(node.listed), dtype=float), 0.0
