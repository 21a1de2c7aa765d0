"""What can be read of a variable before any neurons decode it, and how exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from raspc.blocks import features as F
from raspc.blocks.neurons import Design
from raspc.blocks.shares import Share
from raspc.blocks.spaces import Matrix
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Table
from raspc.graph.tables import Joint
from raspc.numbers.options import SMALLEST, Options
from raspc.numbers.precision import Precision

STEEP = 48.0
"""What one step of a penalty takes from a score, at least, where ties part by what is steep."""

ROUGH = 2.0**-9
"""A design that rounds by more than this part of what a neuron writes is avoided."""
ROUGH_TIED = 2.0**-16
"""The same for what a head that averages several keys compares: the score scale multiplies its error."""
ROUGH_ANSWER = 2.0**-5
"""The same for the answer, of which only the greatest logit matters."""

NUMBER_ERROR = 1e-5
"""How far off, relatively, a number may be that is averaged or given as the answer."""
NEAR, FAR = 1e-12, 1e-6
"""What lies so near a code, relatively, is in its span, and what lies so far off is not, whatever the rounding."""
LOUDER = 2.0
"""How many times as far apart as noisy numbers what is read off them may lie: shares of two counts lie close."""
LATE = 1e6
"""What waiting for a decoded variable costs, in neurons."""


@dataclass(frozen=True, eq=False)
class Group:
    """Directions of one variable: a space's labels, and the code [features of the variable, directions].

    `steep`: whether they are powers for steep scores, right up to a part of themselves, which nothing else reads.
    `noisy`: whether they carry rounding that a reader must not make much of.
    """

    space: str
    labels: tuple[str, ...]
    code: Matrix
    steep: bool = False
    noisy: bool = False

    @cached_property
    def frame(self) -> Matrix:
        """An orthonormal basis of the columns and the constant."""
        return F.orthonormal(np.hstack([np.ones((len(self.code), 1)), self.code]))

    def offers(self, columns: Matrix) -> bool:
        """Whether features may be read off this group: off noisy numbers only what lies no further apart."""
        return not self.noisy or float(np.ptp(columns, axis=0).max()) <= LOUDER * float(np.ptp(self.code))

    def spans(self, feature: Floats) -> bool:
        """Whether the feature is an affine function of the columns. Solved for only where that is not plain to see."""
        if not self.offers(feature[:, None]):
            return False
        rest = feature - self.frame @ (feature @ self.frame)
        off = float(np.abs(rest).max(initial=0.0)) / max(1.0, float(np.abs(feature).max(initial=0.0)))
        return off < NEAR or (off < FAR and F.in_span(self.code, feature))


def outputs_of(groups: Sequence[Group]) -> Matrix:
    """All codes side by side: [values, directions]."""
    return np.hstack([group.code for group in groups])


@dataclass(frozen=True, eq=False)
class Readiness:
    """Answers about the variables of one graph. `raw`: what attention leaves of widths and means; `shares`: how widths
    are counted.

    `slant`: how far below 0 the penalty of a selected key can lie, by which weights part that should be equal.
    """

    graph: Graph
    joints: Sequence[Joint | None]
    raw: Mapping[int, Group]
    shares: Mapping[int, Share] = field(default_factory=dict)
    slant: Mapping[int, float] = field(default_factory=dict)
    options: Options = SMALLEST
    known: dict[tuple[int, bytes], bool] = field(default_factory=dict)
    """Which features were found to be ready; asked only once all is known of what the variable depends on."""

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
        return self._derived[place]

    @cached_property
    def _derived(self) -> list[Joint | None]:
        """Of every node."""

        def one(place: int, node: N.Node, joint: Joint | None) -> Joint | None:
            if not isinstance(node, Table):
                return None
            return joint if joint is not None and joint.roots != (place,) else Joint(node.args, node.cells)

        return [one(place, *found) for place, found in enumerate(zip(self.graph.nodes, self.joints, strict=True))]

    def is_opaque(self, place: int) -> bool:
        """Whether a table has too many combinations of roots to be listed over them."""
        joint = self.joints[place]
        return isinstance(self.graph[place], Table) and joint is not None and joint.roots == (place,)

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
        """The same for a feature of any variable. Remembered: it is asked of every design."""
        key = place, feature.tobytes()
        if key not in self.known:
            self.known[key] = self._is_ready(place, feature)
        return self.known[key]

    def _is_ready(self, place: int, feature: Floats) -> bool:
        if place in self.raw:
            return self.raw[place].spans(feature)
        joint = self.derived(place)
        return joint is None or bool((feature == feature[0]).all()) or self.is_free(joint, feature)

    def decoding_costs(self, sums: Sequence[F.Sum | None]) -> float:
        """How many neurons decode what these sums read: two a step."""
        costs = 0
        for root, part in {(r, p.tobytes()): (r, p) for found in sums if found for r, p in found.parts}.values():
            if not self.is_ready(root, part):
                order = np.argsort(self.position(root)[0], kind="stable")
                costs += 2 * int((np.diff(part[order]) != 0).sum())
        return costs

    def cost(self, design: Design | None, rough: float = ROUGH) -> float:
        """Neurons; a design that must wait for a decoded variable costs more than any that need not.

        One whose many steep steps would drown the result in rounding (more than `rough`) is the last resort.
        """
        if design is None:
            return np.inf
        late = self.is_late(design.axes, design.features)
        rough = float(design.noise(self.unit).max(initial=0.0)) > rough * max(
            1.0, float(np.abs(design.out).max(initial=0.0))
        )
        return design.size + LATE * late + 1e9 * rough

    def is_late(self, axes: Sequence[int], features: Sequence[Matrix]) -> bool:
        """Whether what reads these features of these variables must wait for one of them to be decoded."""
        reads = ((axis, column) for axis, columns in zip(axes, features, strict=True) for column in columns.T)
        return any(not self.is_ready(axis, column) for axis, column in reads)

    def is_one_hot(self, place: int) -> bool:
        """Whether the variable has a direction for each value anyway, for people to read."""
        node = self.graph[place]
        return self.options.level.readable and isinstance(node, N.Token | N.Index) and not node.numerical

    def is_noisy(self, place: int) -> bool:
        """Whether the variable rests on a width or a mean, so that its features are right only up to rounding.

        Heads that select several keys need their scores equal to far less than that: they read such a
        variable through indicators, each the sum of few neurons that are exact where saturated.
        """
        node = self.graph.variable(place)
        if place in self.raw:
            return True
        if isinstance(node, Table):
            joint = self.derived(place)
            return any(self.is_noisy(root) for root in (joint.roots if joint is not None else node.args))
        return isinstance(node, N.Aggregate) and self.is_noisy(node.source)

    def share(self, place: int) -> tuple[Floats, Floats]:
        """The share of attention that stands for each count, and how far off it may be."""
        found = self.shares[place]
        # Σ p·v over keys: of BOS the only term; where scores part, its error is p·(1 − p) of theirs
        most = float(np.abs(found.code).max(initial=0.0)) / 2 if found.counts_keys else 0.25
        parted = 2 * STEEP * self.slant.get(place, 0.0)  # scales of scores are powers of two: up to twice STEEP
        return found.code, found.noise + parted * most

    def position(self, place: int) -> tuple[Floats, float]:
        """A variable along a line, as it can be read soonest, and how far off it may be."""
        node = self.graph.variable(place)
        n = self.graph.max_seq_len
        if place in self.shares:
            share, noise = self.share(place)
            return share, float(noise.max(initial=0.0))
        if place in self.raw:
            numbers, special = node.listed.numbers.copy(), ~node.listed.is_number
            top = float(np.abs(numbers).max(initial=0.0)) + 1.0
            numbers[special] = top * (1 + np.arange(1, special.sum() + 1))
            stored = 3 * self.unit if self.precision.narrow else 0.0
            return numbers, (self.precision.sum_unit * (float(self.precision.roundings(float(n))) + 8) + stored) * top
        if node.listed.all_numbers:
            return node.listed.numbers, 0.0
        return np.arange(len(node.listed), dtype=float), 0.0


def is_flat(columns: Matrix) -> bool:
    """Whether every entry is −1, 0 or 1."""
    return bool((np.abs(columns) == (columns != 0)).all())
