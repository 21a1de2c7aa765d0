"""What the rows of a report hold: dictionaries, since they go to JSON and to tables; checked when they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from raspc.records import Count, Stage


class LayerRow(TypedDict):
    """A layer output beside the compiled one; no cosine and no ratio where that is always 0."""

    stage: Stage
    where: str
    cosine: float | None
    norm_ratio: float | None
    difference: float
    by_variable: dict[str, float]


class ShareRow(TypedDict):
    """A variable's part of W's squared norm, and the dimensions of its directions."""

    norm: float
    dimensions: float


class CulpritRow(TypedDict):
    """The variable that makes most of the difference in a layer output."""

    variable: str
    where: str
    cosine: float
    share: float


class Figures(TypedDict):
    """What a run is measured by; not numbers where it diverged, for which null stands in a file."""

    output_loss: float
    layer_loss: float
    accuracy: float
    sequences: float
    cosine: float


class RunRow(Figures):
    """One seed."""

    d: Count
    method: str
    start: str | None
    seed: Annotated[int, Meta(ge=0)]
    steps: Count
    seconds: float


class MomentRow(TypedDict):
    """The losses of all runs at a step."""

    step: Count
    seconds: float
    output: list[float]
    layer: list[float]


class ProbeRow(TypedDict):
    """A variable read from the stream after a stage."""

    variable: str
    stage: Stage
    where: str
    score: str
    probe: float
    control: float
    majority: float


class SwapRow(TypedDict):
    """A variable swapped between inputs; no share where no answer changes."""

    variable: str
    stage: Stage
    where: str
    rank: Count
    changed: Count
    subspace: float | None
    features: float | None
    compiled: float | None


def without_nan(obj: Any) -> Any:
    """JSON data in which null stands for what is no finite number."""
    if isinstance(obj, float):
        return obj if math.isfinite(obj) else None
    if isinstance(obj, Mapping):
        return {name: without_nan(item) for name, item in obj.items()}
    if isinstance(obj, list | tuple):
        return [without_nan(item) for item in obj]
    return obj


def with_nan(obj: Any, *lists: str) -> Any:
    """The inverse: figures and losses that are null in a file are not numbers, likewise in the rows of these lists."""
    if not isinstance(obj, dict):
        return obj
    rows = {name: [with_nan(row) for row in obj[name]] for name in lists if isinstance(obj.get(name), list)}
    return {name: _number(name, item) for name, item in obj.items()} | rows


def _number(name: str, item: Any) -> Any:
    if item is None and name in Figures.__annotations__:
        return math.nan
    if isinstance(item, list) and name in ("output", "layer"):
        return [math.nan if loss is None else loss for loss in item]
    return item
