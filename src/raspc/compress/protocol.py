"""How a compression is trained: every choice in one value, checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from raspc.errors import InputError

METHODS = ("trained", "pca", "svd", "pruned", "readers")
STARTS = ("random", "pca", "svd", "pruned", "readers", "narrowed")
FORMS = ("wide", "narrow")
DECAYS = ("half", "cosine")
SOFTENED = ("averaging", "all")
MOST = 1e30
"""The largest number that is taken: training is in float32."""


@dataclass(frozen=True)
class Protocol:
    """`form`: "wide" layers keep their size D and see x·Wᵀ; "narrow" ones have inputs and outputs of size d.

    `start`: where W begins; every seed but the first of a start that is not random is moved by `spread`; "narrowed"
    begins at a width at which "readers" is exact and fades one dimension after the other (narrow layers have none to
    fade, and begin from "readers"). `decay`: "half", linear to
    `final_rate` over the first half of the steps, as in the paper; or "cosine" over all. `clip`: the largest norm of a
    run's gradient. `layer_weight`: the paper's λ. `noise`: standard deviation of what is added to W at each step,
    fading with the learning rate. `temperature`: the margin to which heads are softened first, `soften` "averaging"
    ones or "all".
    `train_weights`: the frozen weights too. `polish`: steps of Levenberg and Marquardt's method in float64 after the
    others, of the best few runs, for numbers only. `patience`: stop after so many evaluations, one each `every` steps,
    without a better loss; `goal`: a loss at which a run is good enough. `pool`: the most inputs to train on.
    """

    form: str = "wide"
    start: str = "narrowed"
    spread: float = 0.1
    steps: int = 3000
    batch: int = 64
    learning_rate: float = 5e-3
    final_rate: float = 1e-5
    decay: str = "cosine"
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.99
    clip: float | None = 1.0
    layer_weight: float = 1.0
    noise: float = 0.0
    temperature: float | None = 16.0
    soften: str = "all"
    train_weights: bool = False
    polish: int = 400
    polish_best: int = 4
    every: int = 100
    patience: int | None = None
    goal: float = 1e-10
    pool: int = 4096
    threads: int | None = 1

    def __post_init__(self) -> None:
        if faults := [text for text, holds in _rules(self).items() if not holds]:
            raise InputError("protocol: " + "; ".join(faults))
        if self.form == "narrow" and self.start == "narrowed":
            object.__setattr__(self, "start", "readers")

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON data."""
        return asdict(self)

    @classmethod
    def of(cls, options: Mapping[str, Any], base: Protocol) -> Protocol:
        """The base with some fields changed. Raises InputError for a field that there is not."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(options) - known):
            raise InputError(f"unknown options {unknown}; compression takes {sorted(known)}")
        return replace(base, **options)

    def rate(self, done: float) -> float:
        """The learning rate after a part of the training, from 0 to 1."""
        if self.decay == "half":
            return self.learning_rate + (self.final_rate - self.learning_rate) * min(1.0, 2 * done)
        wave = (1 + math.cos(math.pi * done)) / 2
        return self.final_rate + (self.learning_rate - self.final_rate) * wave


def _rules(p: Protocol) -> dict[str, bool]:
    return (
        {
            f"form is {p.form!r}, needed one of {FORMS}": p.form in FORMS,
            f"start is {p.start!r}, needed one of {STARTS}": p.start in STARTS,
            f"soften is {p.soften!r}, needed one of {SOFTENED}": p.soften in SOFTENED,
            f"decay is {p.decay!r}, needed one of {DECAYS}": p.decay in DECAYS,
            f"steps is {p.steps!r}, needed a count": _counts(p.steps, 0),
            f"batch is {p.batch!r}, needed 1 or more": _counts(p.batch, 1),
            f"every is {p.every!r}, needed 1 or more": _counts(p.every, 1),
            f"pool is {p.pool!r}, needed 1 or more": _counts(p.pool, 1),
            f"polish is {p.polish!r}, needed a count": _counts(p.polish, 0),
            f"polish_best is {p.polish_best!r}, needed 1 or more": _counts(p.polish_best, 1),
            f"patience is {p.patience!r}, needed 1 or more": p.patience is None or _counts(p.patience, 1),
            f"threads is {p.threads!r}, needed 1 or more": p.threads is None or _counts(p.threads, 1),
        }
        | {
            f"{name} is {getattr(p, name)!r}, needed a positive number up to {MOST:g}": _is_positive(getattr(p, name))
            for name in ("learning_rate", "temperature", "clip")
            if name == "learning_rate" or getattr(p, name) is not None
        }
        | {
            f"{name} is {getattr(p, name)!r}, needed a number from 0 to {MOST:g}": _is_number(getattr(p, name))
            and getattr(p, name) >= 0
            for name in ("final_rate", "weight_decay", "layer_weight", "noise", "spread", "goal")
        }
    )


def _counts(obj: Any, least: int) -> bool:
    return isinstance(obj, int) and not isinstance(obj, bool) and obj >= least


def _is_positive(obj: Any) -> bool:
    return _is_number(obj) and obj > 0


def _is_number(obj: Any) -> bool:
    """Of a size that training in float32 can take."""
    return isinstance(obj, int | float) and not isinstance(obj, bool) and abs(obj) <= MOST


QUICK = Protocol()
"""What is used by default: soft averaging heads, a high rate on small batches, a second-order polish of numbers."""

PAPER = Protocol(
    start="random", steps=300_000, batch=256, learning_rate=1e-3, final_rate=1e-6, decay="half", weight_decay=0.1,
    clip=None, temperature=None, polish=0,
    every=1000,
)  # fmt: skip
"""The paper's protocol (appendix of Lindner et al. 2023)."""
