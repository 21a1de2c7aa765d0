"""The ways to compute a table, whatever its values are given as: over its arguments, its roots, or along itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raspc.blocks.neurons.frontiers import Frontier
from raspc.blocks.neurons.lines import Line
from raspc.blocks.reading import features as F
from raspc.blocks.reading.readiness import NUMBER_ERROR, Readiness
from raspc.graph.nodes import Floats, Table
from raspc.graph.tables import Joint


@dataclass(frozen=True, eq=False)
class Ways:
    """The ways to compute a table, whatever its values are given as."""

    ready: Readiness
    node: Table
    joint: Joint | None

    @property
    def roots(self) -> tuple[int, ...]:
        """The variables that the table is a function of in the end."""
        return self.node.args if self.joint is None else self.joint.roots

    @cached_property
    def frontiers(self) -> list[Frontier]:
        """The table over its arguments, and over its roots, which come last."""
        found = {tuple(self.node.args): self.node.cells}
        found |= {self.joint.roots: self.joint.cells} if self.joint is not None else {}
        return [Frontier(self.ready, axes, ids) for axes, ids in found.items()]

    @cached_property
    def itself(self) -> Line | None:
        """The line along the value itself, where that is a sum of what can be read now."""
        return _along_itself(self) if self.sum is not None and self.ready.options.has("lines") else None

    @cached_property
    def decoded(self) -> Line | None:
        """The same where the value is a sum of widths, each of them decoded on its own before."""
        return _along_decoded(self) if self.sum is not None and self.ready.options.has("lines") else None

    @cached_property
    def sum(self) -> F.Sum | None:
        """The value as a sum over the roots."""
        if self.joint is None or not self.node.listed.all_numbers:
            return None
        return F.additive(self.joint, self.node.listed.numbers)

    def parts(self) -> list[Floats]:
        """What each root adds to this sum."""
        assert self.joint is not None and self.sum is not None
        there = dict(self.sum.parts)
        return [there.get(root, np.zeros(len(self.ready.graph.variable(root).listed))) for root in self.joint.roots]


def _along_itself(ways: Ways) -> Line | None:
    """The line along a sum; None where a part of it is not linear in what can be read now."""
    ready, frontier = ways.ready, ways.frontiers[-1]
    noise, positions = 0.0, []
    for root, part in zip(frontier.axes, ways.parts(), strict=True):
        if root in ready.left and part.any():
            position, error = ready.position(root)
            scale = _scale(ready, root, part, position)
            if scale is None:
                return None
            part, noise = scale * position, noise + abs(scale) * error
        elif part.any() and (error := ready.moved_roughness(root)):
            noise += error * float(np.abs(np.diff(part) / np.diff(ready.position(root)[0])).max(initial=0.0))
        positions.append(part)
    return frontier.line(positions, noise)


def _along_decoded(ways: Ways) -> Line | None:
    """The line along a sum of widths that are decoded; None where there are means in it."""
    ready, found = ways.ready, ways.sum
    if found is None or any(root in ready.left and not ready.is_count(root) for root, _ in found.parts):
        return None
    noise = 0.0 if ready.precision.narrow else NUMBER_ERROR * len(found.parts)  # numbers that it stores are right
    return ways.frontiers[-1].line(ways.parts(), noise)


def _scale(ready: Readiness, root: int, part: Floats, position: Floats) -> float | None:
    """What to multiply a position by, as attention leaves it, to get the part, nearly; None if it is not linear."""
    if not ready.is_count(root):
        return float(part @ position) / float(position @ position)
    steps = np.diff(part)
    if np.ptp(steps) > F.TOLERANCE:
        return None
    if not np.ptp(codes := np.diff(position)):
        return float(steps[0] / codes[0])
    if ready.options.margin is not None:  # codes have room, and the line is that from the least count to the greatest
        return float((part[-1] - part[0]) / (position[-1] - position[0]))
    # near d = 0 a share of keys is d/M; one of BOS, N/(N + d), falls by about 1/(4N) a key where it is steepest
    return float(steps[0]) * ready.share(root).raised * (1.0 if ready.share(root).counts_keys else -4.0)
