"""Numbers that are sums of what can be read already, copied to directions of their own: relu(s) − relu(−s) is s.

A named difference of two means is to be found in the stream as a number. A staircase computes it with two neurons for
each of its values, whose sum may round more than a reader bears; then each value had a direction of its own beside the
number. Two neurons copy the difference as it is, however many values it has. Readers of a sum
read its terms, so that the copy is there for people alone, and what it errs by is nobody else's.
"""

from __future__ import annotations

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.spaces import Matrix
from raspc.graph.nodes import Floats
from raspc.graph.tables import Joint

SHARE = 4
"""What is read may be off by this part of what the copy may be off by."""


def copied(ready: Readiness, joint: Joint, code: Matrix, bears: float) -> Design | None:
    """The copy of a code [values, c], right to `bears`; None where a column is no such sum, or errs by more."""
    sums = [ready.additive(joint, column) for column in code.T]
    if ready.precision.narrow or any(found is None for found in sums):
        return None
    parts = [(column, root, part) for column, found in enumerate(sums) if found for root, part in found.parts]
    off = np.zeros(code.shape[1])
    for column, root, part in parts:
        if not ready.is_ready(root, part) or (error := _error(ready, root, part)) is None:
            return None
        off[column] += error
    roots = list(dict.fromkeys(root for _, root, _ in parts))
    own = {root: [(column, part) for column, other, part in parts if other == root] for root in roots}
    constants = np.array([found.constant if found else 0.0 for found in sums])
    both = np.vstack([np.eye(code.shape[1]), -np.eye(code.shape[1])])
    design = Design(
        tuple(roots),
        tuple(np.stack([part for _, part in own[root]], axis=1) for root in roots),
        tuple(both.T[[column for column, _ in own[root]]] for root in roots),
        both @ constants, both, np.zeros(code.shape[1]), 16 * bears / (SHARE * max(1, len(parts))),
        np.zeros(len(both)), reach=len(both),
    )  # fmt: skip
    return design if roots and float((off + design.noise(ready.unit)).max(initial=0.0)) <= bears / 2 else None


def _error(ready: Readiness, root: int, part: Floats) -> float | None:
    """How far off a part is that is read of a root; None of a count, whose share of attention is no number."""
    if ready.is_count(root):
        return None
    position, error = ready.position(root)
    spread = float(np.ptp(position))
    return error * float(np.ptp(part)) / spread if spread else 0.0
