"""Links: the decisions of a model, each with the margin that it needs and the margin that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from raspc import jsonvalues

LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Link:
    """One decision: what it is, the margin that it needs, and the margin that is there, in one unit.

    `at`: the values of variables at which the margin is smallest, {place: number of the value}, where that is known;
    `example`: an input that takes them there, where one was looked for and found.
    """

    kind: str
    name: str
    needed: float
    present: float
    unit: str
    at: Mapping[int, int] = field(default_factory=dict, compare=False)
    example: tuple[Any, ...] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if np.isnan(self.needed):  # weights beyond the range of a format: no margin suffices
            object.__setattr__(self, "needed", np.inf)

    @property
    def holds(self) -> bool:
        """Whether the margin suffices."""
        return self.needed <= self.present

    @property
    def used(self) -> float:
        """The part of the margin that is used up."""
        if self.needed == 0:
            return 0.0
        return float(self.needed / self.present) if self.present > 0 else np.inf

    def to_json(self) -> dict[str, Any]:
        """The link as JSON data, which has no infinity: the largest number stands for it."""
        return {
            "kind": self.kind, "name": self.name, "needed": _finite(self.needed), "present": _finite(self.present),
            "unit": self.unit,
            **({} if self.example is None else {"example": [jsonvalues.encode(token) for token in self.example]}),
        }  # fmt: skip


def _finite(number: float) -> float:
    if isfinite(number):
        return float(number)
    return -LARGEST if number < 0 else LARGEST
