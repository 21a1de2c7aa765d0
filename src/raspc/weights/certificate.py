"""The certificate as a record: every decision of a model with the margin that it needs and the margin that it has.

What is proved and what is measured is found out in `raspc.certify`; `config.json` holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isnan
from types import MappingProxyType
from typing import Annotated, Any, Self

import numpy as np
from msgspec import Meta, field
from msgspec.structs import force_setattr

from raspc import doors, jsonvalues
from raspc.errors import ModelFormatError
from raspc.records import Count, Record
from raspc.values import Value

LARGEST = float(np.finfo(np.float64).max)
"""Stands for infinity in files, as JSON has none."""

Values = tuple[Any, ...]
"""The tokens of an input."""


@dataclass(frozen=True)
class Meaning:
    """What a verdict says: whether every answer is right, as far as is known, and whether bounds alone show it.

    `says`: the same in a sentence.
    """

    holds: bool
    proved: bool
    says: str


UNPLANNED = "not proved: saved without a plan"
"""Of a model of format 1 that today's compiler would make in another way: what is to be proved is not written down."""

PROVED = (
    "for every permitted input up to this length, these weights answer as the program's tables say, in this number "
    "format; the tables were made by running the program's Python functions"
)
"""What "proved" means, wherever it is said: README, pages, the command line and docs quote it."""

PROVED_WRITING = (
    "at the last token of every permitted prompt, and at each token that is written after it, these weights write the "
    "next token that the program's tables say, in this number format; the tables were made by running the program's "
    "Python functions"
)
"""Of a program that writes; what it says at earlier tokens of a prompt is proved too, and means nothing."""

VERDICTS: Mapping[str, Meaning] = MappingProxyType(
    {
        "proved": Meaning(True, True, PROVED),
        "measured": Meaning(True, False, "the bounds are too wide to tell; the model was run, and no answer was wrong"),
        "fails": Meaning(False, False, "a decision lacks its margin, and no run makes up for it"),
        UNPLANNED: Meaning(True, False, "there is no plan to prove by; the model was run, and no answer was wrong"),
    }
)


class Link(Record, frozen=True):
    """One decision: what it is, the margin that it needs, and the margin that is there, in one unit.

    `at`: the values of variables at which the margin is smallest, {place: number of the value}, where that is known;
    no file holds it. `example`: an input that takes them there, where one was looked for and found.
    """

    kind: str
    name: str
    needed: float
    present: float
    unit: str
    at: Annotated[Mapping[int, int], Meta(max_length=0)] = field(default_factory=dict)
    example: Values | None = None

    def __post_init__(self) -> None:
        # Weights beyond the range of a format give no number: no margin suffices for them.
        force_setattr(self, "needed", inf if isnan(self.needed) else _unbounded(self.needed))
        force_setattr(self, "present", _unbounded(self.present))
        force_setattr(self, "example", _decoded(self.example))

    @property
    def holds(self) -> bool:
        """Whether the margin suffices."""
        return self.needed <= self.present

    @property
    def used(self) -> float:
        """The part of the margin that is used up."""
        if self.needed == 0:
            return 0.0
        return self.needed / self.present if self.present > 0 else inf

    def to_json(self) -> dict[str, Any]:
        """The link as JSON data."""
        found = super().to_json() | {"needed": _bounded(self.needed), "present": _bounded(self.present)}
        found.pop("at", None)
        return found | ({} if self.example is None else {"example": _encoded(self.example)})


class Measured(Record, frozen=True):
    """What a run on inputs found, where bounds do not decide.

    `inputs`: on how many the program has a value; no run on none shows anything. `exhaustive`: these were all.
    `max_error`: of a number. `failures`, where they were counted: on how many
    inputs an answer was wrong, and `tokens`: the first of these.
    """

    inputs: Annotated[int, Meta(ge=0)]
    exhaustive: bool
    max_error: Annotated[float, Meta(ge=0)]
    failures: Annotated[int, Meta(ge=0)] | None = None
    tokens: Values | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "tokens", _decoded(self.tokens))

    def to_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        counted = {} if self.failures is None else {"tokens": None if self.tokens is None else _encoded(self.tokens)}
        return super().to_json() | counted


class Certificate(Record, frozen=True):
    """What is known of a model in one precision. `links`: its decisions, the weakest first.

    `verdict`: one of VERDICTS; `measured`: what a run on inputs found, where bounds do not decide. `tolerance`: how
    far off, relative to its size, every weight may be at once, by bounds. `longest`: the greatest length for which a
    model of this program would hold. `passes`: how it is known that the passes keep the answers of the program; None
    where they changed nothing. `writes`: of a program that writes, what was found on its prompts.

    Raises ValueError for an unknown verdict.
    """

    dtype: str
    max_seq_len: Count
    verdict: str
    links: tuple[Link, ...]
    assumptions: tuple[str, ...]
    measured: Measured | None
    summation: str = "any order"
    accumulate: str = "float32"
    probabilities: str = "stored"
    tolerance: Annotated[float, Meta(ge=0)] | None = None
    longest: Count | None = None
    passes: str | None = None
    writes: str | None = None

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"unknown verdict {self.verdict[:40]!r}; known are {', '.join(VERDICTS)}")

    @property
    def holds(self) -> bool:
        """Whether every answer is right, as far as is known."""
        return VERDICTS[self.verdict].holds

    @property
    def proved(self) -> bool:
        """Whether bounds alone show it."""
        return VERDICTS[self.verdict].proved

    @property
    def says(self) -> str:
        """What the verdict means; of a program that writes, of which positions it speaks."""
        if self.writes is None:
            return VERDICTS[self.verdict].says
        said = PROVED_WRITING if self.proved else VERDICTS[self.verdict].says
        return f"{said}; the program {self.writes}"

    @property
    def weakest(self) -> Link | None:
        """The decision whose margin is used up most."""
        return self.links[0] if self.links else None

    def __repr__(self) -> str:
        return f"<certificate: {doors.through('headline')(self)}>"

    def __str__(self) -> str:
        return str(doors.through("certificate_text")(self))

    def _repr_html_(self) -> str:
        return str(doors.through("certificate_html")(self))

    def to_json(self) -> dict[str, Any]:
        """The certificate as JSON data, with what its verdict comes to."""
        return super().to_json() | {"holds": self.holds, "proved": self.proved}

    @classmethod
    def from_json(cls, obj: Any, where: str) -> Self:
        """The certificate of a JSON object.

        Raises ModelFormatError that names the place of a fault, or where the object says of its verdict what it does
        not mean.
        """
        if not isinstance(obj, Mapping):
            return super().from_json(obj, where)
        said = {name: obj.get(name) for name in ("holds", "proved")}
        found = super().from_json({name: value for name, value in obj.items() if name not in said}, where)
        if any(value is not getattr(found, name) for name, value in said.items()):
            raise ModelFormatError(f"{where}: holds and proved are not those of the verdict {found.verdict!r}")
        return found


def _unbounded(number: float) -> float:
    return float(number) if abs(number) < LARGEST else inf if number > 0 else -inf


def _bounded(number: float) -> float:
    return max(-LARGEST, min(LARGEST, number))


def _encoded(tokens: tuple[Value, ...]) -> list[Any]:
    return [jsonvalues.encode(token) for token in tokens]


def _decoded(tokens: Values | None) -> Values | None:
    """Tokens as values; no value is an object or a list, as which files hold some."""
    try:
        return tokens and tuple(jsonvalues.decode(t) if isinstance(t, dict | list) else t for t in tokens)
    except ModelFormatError as error:
        raise ValueError(str(error)) from error  # so that the place in the file is told
