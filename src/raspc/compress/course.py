"""How a training goes: what a checkpoint keeps of it beside its tensors."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Moment:
    """The losses of all runs at a step; seconds are those of the processor, which a busy machine does not change."""

    step: int
    seconds: float
    output: tuple[float, ...]
    layer: tuple[float, ...]


@dataclass
class Course:
    """How a training goes: where it stands, and what was measured on the way."""

    step: int = 0
    seconds: float = 0.0
    history: list[Moment] = field(default_factory=list)
