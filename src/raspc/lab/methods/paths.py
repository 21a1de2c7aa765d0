"""Path patching (Wang et al. 2023; Goldowsky-Dill et al. 2023): corrupt the input along one path, and nothing else.

A path leads from `input` through nodes to the logits. Along it each node is computed anew from what the path brings it;
all else that is read stays as in the clean run. A path ends early where what it carries does not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from raspc.errors import InputError
from raspc.lab.edges import pair_name
from raspc.lab.engine import INPUT
from raspc.lab.methods.entry import Method, Scores
from raspc.lab.net import RULES, Stage, unseen
from raspc.lab.tasks import Task
from raspc.run import forward as run

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any

MOST_STEPS = 20_000
"""How many nodes are computed anew, in all paths together."""
NOTHING = 1e-9
"""What is smaller is no change."""


@dataclass(frozen=True)
class Path:
    """The edges of a path, and how far it moves the metric alone: the mean over pairs, without sign."""

    edges: tuple[str, ...]
    effect: float


def path_patching(task: Task) -> Scores:
    """For each edge the most that a path through it moves the metric."""
    scores = dict.fromkeys(task.edges, 0.0)
    for path in paths(task):
        for edge in path.edges:
            scores[edge] = max(scores[edge], path.effect)
    return scores


def paths(task: Task) -> Iterator[Path]:
    """Every path from the input to the logits that carries a change. Raises InputError where they are too many."""
    yield from _Walk(task).from_node(INPUT, task.other[:, 0] - task.base.writes[:, 0], ())


class _Walk:
    def __init__(self, task: Task) -> None:
        self.task, self.net, self.steps = task, task.net, 0

    @cached_property
    def hidden(self) -> Tensor:
        padding = self.task.ids == self.net.config.pad_id
        found: Tensor = run.hidden_keys(padding, self.net.config.causal, self.net.how.arrays)
        return found

    @cached_property
    def clean(self) -> Tensor:
        return self.task.metric(self.task.base.logits)

    @cached_property
    def streams(self) -> dict[int, Tensor]:
        """What each stage reads in the clean run [pair, position, d_model]."""
        import torch

        found, bias = {}, torch.zeros(self.net.config.d_model, dtype=self.net.dtype)
        for stage in self.net.stages:
            found[stage.number] = self.task.base.writes[:, : stage.writers].sum(dim=1) + bias
            if stage.kind != "logits":
                bias = bias + self.net.bias(stage)
        return found

    def from_node(self, node: str, change: Tensor, taken: tuple[str, ...]) -> Iterator[Path]:
        """The paths that go on from a node, which writes something else by `change` [pair, position, d_model]."""
        for stage in self.net.stages:
            if node not in self.net.writers[: stage.writers]:
                continue
            for row, (reader, channel) in enumerate(stage.channels):
                edge = pair_name((node, reader, channel))
                yield from self._through(stage, row, reader, change, (*taken, edge))

    def _through(self, stage: Stage, row: int, reader: str, change: Tensor, taken: tuple[str, ...]) -> Iterator[Path]:
        import torch

        self.steps += 1
        if self.steps > MOST_STEPS:
            raise InputError(
                f"{self.task.name}: more than {MOST_STEPS:,} steps of paths; ask for granularity='component', or a "
                "method that scores edges alone"
            )
        stream = self.streams[stage.number]
        reads = stream[:, None].repeat(1, len(stage.channels), 1, 1)
        reads[:, row] += change
        with torch.no_grad():
            found = RULES[stage.kind](self.net, stage, reads, self.hidden, unseen)
        if stage.kind == "logits":
            effect = float((self.clean - self.task.metric(found)).abs().mean())
            if effect > NOTHING:
                yield Path(taken, effect)
            return
        column = stage.nodes.index(reader)
        carried = found[:, column] - self.task.base.writes[:, stage.writers + column]
        if float(carried.abs().max()) > NOTHING:
            yield from self.from_node(reader, carried, taken)


METHODS = (
    Method(
        "path-patching", "edges", path_patching, "the input corrupted along one path",
        "Wang et al. 2023; Goldowsky-Dill et al. 2023",
    ),
)  # fmt: skip
