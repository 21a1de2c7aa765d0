"""A method by its name: what it scores, and where it is from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from raspc import arguments
from raspc.lab.tasks import Task

Scores = dict[str, float]
Score = Callable[[Task], Scores]


@dataclass(frozen=True)
class Method:
    """A function of a task that gives each edge, or each node, a score: the larger, without its sign, the better.

    `of`: "edges" or "nodes". `source`: the paper that it is from.
    """

    name: str
    of: Literal["edges", "nodes"]
    run: Score
    does: str
    source: str

    def __call__(self, task: Task) -> Scores:
        """The scores of a task, for all of its edges or nodes. Raises TypeError for what is no task."""
        return self.run(arguments.an(Task, "task", task, "a task, as raspc.lab.task makes it"))
