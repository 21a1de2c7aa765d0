"""The shapes that a model can have: raspc's own, or that which a client's code has been written around.

A mirror that fixes an architecture ("two heads, as many layers as `params` has") fits a model in Tracr's shape: one
head for each aggregate and each width of the program, and no `unembed` among the parameters: the answer stands in the
first directions of the stream. Only a number that is a sum of other variables, and a constant, have none of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from raspc.errors import InputError


@dataclass(frozen=True)
class Shape:
    """What of a model is fixed. `without`: the passes that are left out; `unembed`: whether `params` holds it."""

    name: str
    without: tuple[str, ...] = ()
    unembed: bool = True

    def checked(self, level: int) -> int:
        """The level. Raises InputError for one that has no such shape."""
        if self.without and level not in (0, 1):
            raise InputError(
                f"shape={self.name!r} at level {level}: a model of that shape is readable; use level 0 or 1"
            )
        return level


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "raspc": Shape("raspc"),
        "tracr": Shape(
            "tracr",
            without=(
                "share",  # two equal aggregates stay two
                "fold",  # an aggregate of what does not vary stays one
                "complement_widths",
                "split_widths",  # a width stays one head
                "count_means",
                "share_counts",
                "schedule",  # a block stands in the first layer that it can stand in
                "share_heads",
                "virtual",  # a map has directions of its own
            ),
            unembed=False,
        ),
    }
)
