"""What each pass did, with sizes before and after: JSON data that the alignment keeps under "passes".

Passes over the graph are told by its nodes, selectors and variables. What follows them decides sizes, so it
is told by these: which directions are stored, which layer holds which block, which heads are one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any

from raspc.blocks.lower import Lowered
from raspc.blocks.schedule import Schedule, as_soon_as_possible
from raspc.graph.nodes import Graph, Listed, Variable
from raspc.passes.pipeline import Step
from raspc.weights.assemble import Layout, lay_out
from raspc.weights.config import Config
from raspc.weights.params import shapes

SIZES = ("n_layers", "n_heads", "d_head", "d_model", "d_mlp")
LAST = ("schedule", "share_heads", "reuse")
"""What decides sizes, in order."""


def record(
    steps: Sequence[Step], graph: Graph, lowered: Lowered, schedule: Schedule, layout: Layout, config: Config,
    disabled: Collection[str] = (),
) -> list[dict[str, Any]]:  # fmt: skip
    """One entry for each pass in order, but those that were disabled: its name, and sizes before and after."""
    early = as_soon_as_possible(lowered.blocks)
    alone = ("share_heads",)
    layouts = [
        (early, lay_out(lowered, early, alone)),
        (schedule, lay_out(lowered, schedule, alone)),
        (schedule, lay_out(lowered, schedule, disabled)),
        (schedule, layout),
    ]
    sizes = [counted(_resized(config, *found)) for found in layouts]
    entries = [
        *(_entry(step.name, {"nodes": step.nodes_before}, {"nodes": step.nodes_after}) for step in steps),
        _entry("represent", {"directions": _one_hot(graph)}, {"directions": sum(map(len, lowered.spaces))}),
        *(_entry(name, *pair) for name, pair in zip(LAST, pairwise(sizes), strict=True)),
    ]
    return [entry for entry in entries if entry["name"] not in disabled]


def counted(config: Config) -> dict[str, int]:
    """The sizes of a model and its parameters."""
    sizes = {name: getattr(config, name) for name in SIZES}
    return {**sizes, "parameters": sum(prod(shape) for shape in shapes(config).values())}


def _entry(name: str, before: dict[str, int], after: dict[str, int]) -> dict[str, Any]:
    return {"name": name, "before": before, "after": after}


def _one_hot(graph: Graph) -> int:
    """How many directions there would be with one for each value of each variable, and BOS."""
    variables = [node for node in graph.nodes if isinstance(node, Variable)]
    return 1 + sum(len(node.domain) if isinstance(node.domain, Listed) else 1 for node in variables)


def _resized(config: Config, schedule: Schedule, layout: Layout) -> Config:
    """The same model with another schedule and layout."""
    return replace(
        config, n_layers=schedule.n_layers, n_heads=layout.n_heads, d_head=layout.d_head,
        d_model=layout.d_model, d_mlp=layout.d_mlp,
    )  # fmt: skip
