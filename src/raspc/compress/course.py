"""How a training goes: what a checkpoint keeps of it beside its tensors."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from raspc.compress.rows import with_nan, without_nan
from raspc.records import Count, Record


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

    def to_json(self) -> dict[str, Any]:
        """As JSON data; null stands for losses that are no numbers."""
        found: dict[str, Any] = without_nan(asdict(self))
        return found

    @classmethod
    def from_json(cls, obj: Any, where: str) -> Course:
        """The inverse of `to_json`. Raises ModelFormatError."""
        saved = _Saved.from_json(with_nan(obj, "history"), where)
        return cls(saved.step, saved.seconds, [Moment(m.step, m.seconds, m.output, m.layer) for m in saved.history])


Seconds = Annotated[float, Meta(ge=0)]


class _Moment(Record, frozen=True):
    step: Count
    seconds: Seconds
    output: tuple[float, ...]
    layer: tuple[float, ...]


class _Saved(Record, frozen=True):
    step: Count
    seconds: Seconds
    history: tuple[_Moment, ...]
