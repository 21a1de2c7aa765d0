"""What came of a run, in few numbers: for each method and question the mean over models, with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from raspc.lab.scores import Interval, interval

SCORES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "recall": "recall",
    "cpr": "CPR",
    "cmd": "CMD",
    "kept": "answers kept",
    "completeness": "complete",
    "minimality": "minimal",
}
"""The scores that are summed up, and what they are called."""
KINDS = ("varying", "under")
"""The kinds of truth; see `raspc.lab.against.Truths`."""
QUESTION = ("corruption", "truth", "level", "method")


@dataclass(frozen=True)
class Line:
    """A method on the models of one level, under one corruption, against one kind of truth.

    `means`: by score, with the interval of a bootstrap over models and seeds; None where no model has one. `answers`:
    how many there are; `refused`: how many there are not.
    """

    corruption: str
    truth: str
    level: int | None
    method: str
    answers: int
    refused: int
    means: Mapping[str, Interval | None]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        means = {name: None if found is None else found.to_json() for name, found in self.means.items()}
        return {name: getattr(self, name) for name in (*QUESTION, "answers", "refused")} | means


def summary(rows: Iterable[Mapping[str, Any]]) -> list[Line]:
    """A line for each method, level, corruption and kind of truth, in the order of the rows."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        for kind in KINDS if row["truth"] is None else (row["truth"],):
            groups.setdefault((row["corruption"], kind, row["level"], row["method"]), []).append(row)
    corruptions, methods = ([*dict.fromkeys(group[place] for group in groups)] for place in (0, 3))

    def order(group: tuple[Any, ...]) -> tuple[int, ...]:
        corruption, kind, level, method = group
        return (
            corruptions.index(corruption), KINDS.index(kind), -1 if level is None else level, methods.index(method)
        )  # fmt: skip

    return [_line(group, groups[group]) for group in sorted(groups, key=order)]


def _line(group: tuple[Any, ...], rows: Sequence[Mapping[str, Any]]) -> Line:
    corruption, kind, level, method = group
    told = [row for row in rows if row["refused"] is None]
    means = {name: _mean(told, name) for name in SCORES}
    return Line(corruption, kind, level, method, len(told), len(rows) - len(told), means)


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> Interval | None:
    by_model: dict[str, list[float | None]] = {}
    for row in rows:
        by_model.setdefault(row["model"], []).append(row.get(name))
    return interval(by_model)
