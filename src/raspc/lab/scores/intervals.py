"""Intervals by bootstrap (Efron 1979): how far a mean would go with other models and other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import arguments
from raspc.errors import InputError

DRAWS = 2000


@dataclass(frozen=True)
class Interval:
    """A mean over models, each being the mean over its seeds, and where it lies at a level of confidence.

    `models` and `values`: how many there were. `draws` and `seed`: of the bootstrap.
    """

    mean: float
    low: float
    high: float
    level: float
    models: int
    values: int
    draws: int
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(
    values: Mapping[str, Sequence[float | None]], *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """The interval of a mean. `values`: for each model what it has with each seed; None is left out.

    Each draw takes as many models as there are, with repetition, and of each as many seeds as it has. The interval
    holds the middle `level` of the means of all draws. None where there is no value.

    Raises InputError for a level outside 0 to 1, or fewer than 1 draw.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level!r}, needed a number between 0 and 1")
    arguments.whole("draws", draws, 1)
    arguments.whole("seed", seed, 0)
    arguments.an(Mapping, "values", values, "the values of each model, by name")
    known = [_numbers(name, row) for name, row in values.items()]
    known = [row for row in known if len(row)]
    if not known:
        return None
    rng = np.random.default_rng(seed)
    means = _drawn(known, draws, rng)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    mean = float(np.mean([row.mean() for row in known]))
    return Interval(mean, float(low), float(high), level, len(known), sum(map(len, known)), draws, seed)


def _numbers(name: str, row: Any) -> NDArray[np.float64]:
    """The values of a model without None. Raises InputError for what is no finite number."""
    told = arguments.items(name, row, "a list of numbers, one for each seed")
    try:
        found = np.array([v for v in told if v is not None], np.float64)
    except (TypeError, ValueError):
        found = np.array([np.nan])
    if found.ndim != 1 or not np.isfinite(found).all():
        raise InputError(f"{name}: found {told!r}, needed finite numbers, or None")
    return found


def _drawn(known: Sequence[NDArray[np.float64]], draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """[draw]: the mean over models that are drawn, of the means over seeds that are drawn for each."""
    counts = np.array([len(row) for row in known])
    table = np.zeros((len(known), counts.max()))
    for place, row in enumerate(known):
        table[place, : len(row)] = row
    models = rng.integers(0, len(known), (draws, len(known)))
    each = counts[models][..., None]
    seeds = (rng.random((*models.shape, counts.max())) * each).astype(np.intp)
    is_drawn = np.arange(counts.max()) < each
    values = np.where(is_drawn, table[models[..., None], seeds], 0.0).sum(axis=-1) / each[..., 0]
    found: NDArray[np.float64] = values.mean(axis=-1)
    return found
