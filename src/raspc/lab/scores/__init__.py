"""What the scores of a method are worth: held against a truth, and against the model itself.

`score(scores, truth, task)` gives all at once; each number has a function of its own in the modules beside this one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.scores import circuits
from raspc.lab.scores.curves import SIZES, Curve, Keeping, curve
from raspc.lab.scores.intervals import Interval, interval
from raspc.lab.scores.ranking import as_arrays, at_size, auroc, average_precision, highest
from raspc.lab.tasks import Task

__all__ = ["SIZES", "Curve", "Interval", "Scores", "interval", "score"]


@dataclass(frozen=True)
class Scores:
    """The worth of a method's scores on a task.

    Against the truth: `auroc`, `average_precision`, and `precision` and `recall` of as many of the highest as are true.
    Against the model: `faithfulness` at `sizes` (shares of edges, or nodes), its areas `cpr` and `cmd`; and of the
    circuit of as many as are true: `kept`, the share of its answers that are the model's, `completeness` and
    `minimality`. What cannot be told is None.

    `absolute`: whether scores were ranked without their signs. `of`: "edges" or "nodes". `candidates` and `true`: how
    many there are. The rest is what was asked: see `Task`.
    """

    task: str
    of: str
    corruption: str
    granularity: str
    dtype: str
    pairs: int
    exhaustive: bool
    seed: int
    absolute: bool
    candidates: int
    true: int
    auroc: float | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    sizes: tuple[float, ...] = SIZES
    faithfulness: tuple[float, ...] | None = None
    cpr: float | None = None
    cmd: float | None = None
    kept: float | None = None
    completeness: float | None = None
    minimality: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def score(
    scores: Mapping[str, float], truth: Collection[str], task: Task, *, absolute: bool = True, model_too: bool = True
) -> Scores:
    """What the scores of the edges of a task are worth, or those of its nodes.

    `truth`: the names that are true, such as `lab.truths(task).varying`. `absolute`: rank scores without their signs.
    `model_too`: run the model for faithfulness, completeness and minimality, which takes longer.

    Raises InputError where an edge (or node) has no score, for a name that is none, and for a score that is no number;
    TypeError for an argument of another kind.
    """
    truth = arguments.items("truth", truth, "the names that are true, as lab.truths(task).varying")
    for argument, given in (("absolute", absolute), ("model_too", model_too)):
        arguments.an(bool, argument, given, "True or False")
    of, expected = _asked(scores, truth, task)
    names, values, true = as_arrays({name: scores[name] for name in expected}, frozenset(truth), absolute)
    size = int(true.sum())
    precision, recall = at_size(values, true, size)
    told = {
        "of": of, "absolute": absolute, "candidates": len(names), "true": size, "auroc": auroc(values, true),
        "average_precision": average_precision(values, true), "precision": precision, "recall": recall,
    }  # fmt: skip
    if model_too:
        told |= _by_the_model(task, of, names, values, size)
    return Scores(**task.facts() | told)


def _by_the_model(task: Task, of: str, names: tuple[str, ...], values: Any, size: int) -> dict[str, Any]:
    corrupted = _keeping(task, of)
    found = curve(task, names, values, corrupted)
    chosen = highest(values, size, np.random.default_rng((task.seed, size)))
    circuit = [names[place] for place in chosen]
    return {
        "faithfulness": found.faithfulness, "cpr": found.cpr, "cmd": found.cmd,
        "kept": circuits.kept_answers(task, circuit, corrupted),
        "completeness": circuits.completeness(task, names, circuit, corrupted),
        "minimality": circuits.minimality(task, circuit, corrupted),
    }  # fmt: skip


def _keeping(task: Task, of: str) -> Keeping:
    if of == "edges":
        return task.without
    return lambda kept: [edge for node in task.nodes if node not in kept for edge in task.out_of(node)]


def _asked(scores: Mapping[str, float], truth: Collection[str], task: Task) -> tuple[str, tuple[str, ...]]:
    """Whether edges or nodes are scored, and which there are. Raises InputError for scores that do not fit the task."""
    arguments.an(Mapping, "scores", scores, "a score for each edge, or each node, by name")
    arguments.an(Task, "task", task, "a task, as raspc.lab.task makes it")
    arguments.names("truth", truth)
    of = "nodes" if scores and not any("->" in str(name) for name in scores) else "edges"
    expected = task.nodes if of == "nodes" else task.edges
    missing = [name for name in expected if name not in scores]
    known = frozenset(expected)
    for what, names in (("no score for", missing), ("scores for unknown", [n for n in scores if n not in known]),
                        ("unknown truths", [n for n in truth if n not in known])):  # fmt: skip
        if names:
            shown = ", ".join(map(str, names[:4])) + (" …" if len(names) > 4 else "")
            raise InputError(f"{task.name}: {what} {of} {shown}; needed one for each of {len(expected)} {of}")
    for name in expected:
        if isinstance(scores[name], bool | str) or not _is_number(scores[name]):
            raise InputError(f"{task.name}: the score of {name} is {scores[name]!r}, needed a finite number")
    return of, expected


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False
