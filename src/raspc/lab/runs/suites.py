"""Suites: the models that a run is about, by the name of a group of programs or from a directory of saved models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from raspc.errors import InputError
from raspc.library import PROGRAMS, counting, search, sequences, tracr, weiss
from raspc.weights.saving import CONFIG


@dataclass(frozen=True)
class Suite:
    """A group of programs of the library."""

    name: str
    description: str
    programs: tuple[str, ...]


def _suite(name: str, description: str, programs: Sequence[str]) -> tuple[str, Suite]:
    return name, Suite(name, description, tuple(programs))


def _names(group: object) -> tuple[str, ...]:
    return tuple(program.name for program in group.PROGRAMS)  # type: ignore[attr-defined]


SUITES: Mapping[str, Suite] = MappingProxyType(
    dict(
        [
            _suite("library", "every program of the library", tuple(PROGRAMS)),
            _suite("tracr", "the programs of Tracr's library", _names(tracr)),
            _suite("weiss", "programs of the RASP paper", _names(weiss)),
            _suite("counting", "programs that count", _names(counting)),
            _suite("search", "programs that look something up", _names(search)),
            _suite("sequences", "programs that move or compare tokens", _names(sequences)),
        ]
    )
)
"""The suites that have a name."""


@dataclass(frozen=True)
class Subject:
    """A model of a suite: a program to compile at a level, or a directory that holds it."""

    name: str
    program: str | None = None
    level: int | None = None
    directory: Path | None = None


def subjects(suite: str, levels: Sequence[int]) -> list[Subject]:
    """The models of a suite, in its order. Raises InputError for what is no suite."""
    if suite in SUITES:
        return [Subject(f"{name}-O{level}", name, level) for name in SUITES[suite].programs for level in levels]
    place = Path(suite)
    if not place.is_dir():
        raise InputError(f"suite is {suite!r}, needed one of {', '.join(SUITES)}, or a directory of saved models")
    if (place / CONFIG).is_file():
        return [Subject(place.resolve().name, directory=place)]
    found = sorted(path.parent for path in place.glob(f"*/{CONFIG}"))
    if not found:
        raise InputError(f"{place}: holds no saved models; needed directories that `raspc compile -o` wrote")
    return [Subject(path.name, directory=path) for path in found]
