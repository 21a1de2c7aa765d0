"""What the demands of a graph come to: how each variable is stored, computed and scored."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from raspc.blocks import neurons
from raspc.blocks.readiness import Group, Readiness
from raspc.blocks.scoring import Conjunct
from raspc.blocks.shares import Share
from raspc.blocks.spaces import Matrix


@dataclass
class Demands:
    """The result: for each variable its raw group (as attention leaves it), its clean groups, its design.

    `rough`: whether a head must take scores for equal that carry rounding. `shares`: how each width is counted.
    `slant`: how far below 0 the penalty of a selected key can lie.
    `strained`: whether a function other than a sum is computed of what slanted heads leave, which may want steps wider
    apart than exact ties would.
    """

    raw: dict[int, Group] = field(default_factory=dict)
    clean: dict[int, list[Group]] = field(default_factory=dict)
    design: dict[int, neurons.Design] = field(default_factory=dict)
    conjuncts: dict[int, tuple[Conjunct, ...]] = field(default_factory=dict)
    rough: dict[int, bool] = field(default_factory=dict)
    slant: dict[int, float] = field(default_factory=dict)
    strained: bool = False
    shares: dict[int, Share] = field(default_factory=dict)
    output: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    numerical_output: bool = False
    ready: Readiness | None = None
