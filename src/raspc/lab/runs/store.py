"""The directory of a run. Read with suspicion; every file of it is written whole or not at all.

lab.json            what was asked for last, of which models, and by which versions of what
models/reverse-O0/  the models of a named suite, as they were compiled
answers/reverse-O0/ one file for each answer, under a name that changes with all that the answer depends on
results.jsonl       what was asked for last, a line for each answer and each truth that it is held against
results.parquet, edges.parquet, report.html: see `raspc.lab.runs.tables` and `page`
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from raspc import jsonvalues
from raspc.errors import InputError, ModelFormatError
from raspc.lab.runs import own
from raspc.lab.runs.asked import Asked, Question
from raspc.records import Record
from raspc.version import VERSION
from raspc.weights import replacing
from raspc.weights.files import read_file, write_file

SETTINGS, MODELS, ANSWERS, RESULTS = "lab.json", "models", "answers", "results.jsonl"
MOST_SETTINGS, MOST_ANSWER = 1 << 24, 1 << 26
"""Bytes of the files."""
BEHIND = ("numpy", "torch")
"""Software by which numbers may differ in their last digits."""


class Settings(Record, frozen=True):
    """What stands in lab.json. `models`: for each model by name the hash of its files; none before they are known."""

    asked: Asked
    models: dict[str, str]
    made_by: dict[str, str]


class Held(Record, frozen=True):
    """What an answer was held against: what is true, and the scores that follow."""

    true: tuple[str, ...]
    scores: dict[str, bool | int | float | str | list[float | None] | None]


class Answer(Record, frozen=True):
    """What a method says of a model; or why it was refused.

    `level`: of optimisation. `pairs`: how many were run, at most those that were asked for; `exhaustive`: whether they
    are all that there are. `scores`: by edge or by node. `held`: for each kind of truth what came of it.
    """

    identity: str
    model: str
    level: int | None
    method: str
    question: Question
    refused: str | None
    pairs: int | None
    exhaustive: bool | None
    scores: dict[str, float | None]
    held: dict[str, Held]

    def rows(self) -> Iterator[dict[str, Any]]:
        """A flat row for each kind of truth; one without scores, if the answer was refused."""
        facts = {
            "model": self.model, "level": self.level, "method": self.method, **self.question.to_json(),
            "pairs": self.pairs, "exhaustive": self.exhaustive, "refused": self.refused,
        }  # fmt: skip
        for kind, found in self.held.items():
            yield facts | {"truth": kind} | found.scores
        if not self.held:
            yield facts | {"truth": None}


def made_by() -> dict[str, str]:
    """The versions of what answers are made by."""
    return {"raspc": VERSION} | {name: _version(name) for name in BEHIND}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def identity(model: str, method: str, question: Question) -> str:
    """The hash of all that an answer depends on. `model`: the hash of its files."""
    facts = {
        "model": model, "method": method, "source": own.source_hash(method), "question": question.to_json(),
        "made_by": made_by(),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def answer_path(place: Path, model: str, method: str, question: Question, identity: str) -> Path:
    """Where an answer stands."""
    words = (method, question.corruption, str(question.seed), identity[:16])
    return place / ANSWERS / model / f"{'-'.join(_plain(word) for word in words)}.json"


def _plain(text: str) -> str:
    return re.sub(r"[^\w.]+", "_", text)


def begin(place: Path, asked: Asked) -> None:
    """The settings on disk, before anything else is. Raises InputError for a directory that holds other files."""
    if place.exists() and not place.is_dir():
        raise InputError(f"cannot write {place}: it is not a directory; choose another path")
    if place.is_dir() and not (place / SETTINGS).is_file() and _holds_others(place):
        raise InputError(f"cannot write {place}: it holds other files and no {SETTINGS}; choose another path")
    write_settings(place, Settings(asked, {}, made_by()))
    _sweep(place)


def _holds_others(place: Path) -> bool:
    """Whether there is anything but what a writer left that was killed before it wrote its settings."""
    return not all(replacing.is_temporary(path, place / SETTINGS) for path in place.iterdir())


def _sweep(place: Path) -> None:
    """Removes what killed writers left beside the answers."""
    for left in (place / ANSWERS).glob("*/.*"):
        name = left.name[1:].rsplit(".", 2)[0]
        replacing.sweep(left.with_name(name))


def write_settings(place: Path, settings: Settings) -> None:
    """Raises InputError where the file cannot be written."""
    write_file(place / SETTINGS, _bytes(settings.to_json()))


def read_settings(place: Path) -> Settings:
    """What was asked for last. Raises ModelFormatError for a directory that holds no run."""
    try:
        data = read_file(place, SETTINGS, MOST_SETTINGS)
    except ModelFormatError as error:
        raise ModelFormatError(
            f"{place}: needed a directory that `raspc lab run` wrote; {SETTINGS} cannot be read"
        ) from error
    where = str(place / SETTINGS)
    return Settings.from_json(jsonvalues.loads(data, where), where)


def write_answer(place: Path, answer: Answer) -> None:
    """Raises InputError where the file cannot be written."""
    path = answer_path(place, answer.model, answer.method, answer.question, answer.identity)
    write_file(path, _bytes(answer.to_json()))


def read_answer(place: Path, model: str, method: str, question: Question, identity: str) -> Answer | None:
    """An answer that is there already; None where it is not. Raises ModelFormatError for a file that is none."""
    path = answer_path(place, model, method, question, identity)
    if not path.exists():
        return None
    where = str(path)
    found = Answer.from_json(jsonvalues.loads(read_file(path.parent, path.name, MOST_ANSWER), where), where)
    if found.identity != identity:
        raise ModelFormatError(f"{where}: is the answer to another question; remove it, and run the same again")
    return found


def write_results(place: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """The rows, a line of JSON each. Raises InputError where the file cannot be written."""
    path = place / RESULTS
    write_file(path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode())
    return path


def _bytes(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode()
