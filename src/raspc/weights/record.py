"""What each pass did, with sizes before and after, which the alignment keeps as its `passes`.

What simplifies while the graph is built is told by how often it did; passes over the graph by its nodes. What follows
decides sizes, and is told by these: which directions are stored, which layer holds which block, which heads are one.
What the model would be without any one pass: `raspc.study.ablation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from math import prod

from raspc.graph.nodes import Graph, Listed, Variable
from raspc.layout.layout import Layout, lay_out
from raspc.layout.schedule import Schedule, as_soon_as_possible, late_spaces
from raspc.plan.plan import Plan
from raspc.plan.switches import SWITCHES
from raspc.weights.alignment import PassFacts
from raspc.weights.config import Config
from raspc.weights.params import shapes

SIZES = ("n_layers", "n_heads", "d_head", "d_model", "d_mlp")
HEADS = ("share_heads", "split_heads")
LAST = ("schedule", *HEADS, "reuse")
"""What decides sizes, in order."""
BUILDING = tuple(switch.name for switch in SWITCHES if switch.step == "graph")
"""What happens while the graph is built."""


def record(plan: Plan, config: Config, changes: Mapping[str, int]) -> tuple[PassFacts, ...]:
    """One entry for each pass in order, but those that were left out: its name, and sizes before and after.

    `changes`: of what happens while the graph is built, how often it changed something.
    """
    entries = [
        *(PassFacts(name, {}, {}, changes.get(name, 0)) for name in BUILDING),
        *(PassFacts(step.name, {"nodes": step.nodes_before}, {"nodes": step.nodes_after}) for step in plan.steps),
        PassFacts(
            "represent", {"directions": _one_hot(plan.graph)}, {"directions": sum(map(len, plan.lowered.spaces))}
        ),
        *(PassFacts(name, *pair) for name, pair in zip(LAST, pairwise(_sizes(plan, config)), strict=True)),
    ]
    return tuple(entry for entry in entries if plan.options.has(entry.name))


def _sizes(plan: Plan, config: Config) -> list[dict[str, int]]:
    """The sizes before and after each of the last passes."""
    lowered, schedule, options = plan.lowered, plan.schedule, plan.options
    early, plain = as_soon_as_possible(lowered.blocks, late_spaces(lowered, options)), options.leaving_out(HEADS)
    layouts = [
        (early, lay_out(lowered, early, plain)),
        (schedule, lay_out(lowered, schedule, plain)),
        (schedule, lay_out(lowered, schedule, options.leaving_out(("split_heads",)))),
        (schedule, lay_out(lowered, schedule, options)),
        (schedule, plan.layout),
    ]
    return [counted(_resized(config, *found)) for found in layouts]


def counted(config: Config) -> dict[str, int]:
    """The sizes of a model, the largest where layers differ, and its parameters."""
    found = {name: getattr(config, name) for name in SIZES}
    sizes = {name: max(size) if isinstance(size, tuple) else size for name, size in found.items()}
    return {**sizes, "parameters": sum(prod(shape) for shape in shapes(config).values())}


def _one_hot(graph: Graph) -> int:
    """How many directions there would be with one for each value of each variable, and BOS."""
    variables = [node for node in graph.nodes if isinstance(node, Variable)]
    return 1 + sum(len(node.domain) if isinstance(node.domain, Listed) else 1 for node in variables)


def _resized(config: Config, schedule: Schedule, layout: Layout) -> Config:
    """The same model with another schedule and layout."""
    return replace(
        config, n_layers=schedule.n_layers, d_model=layout.d_model, **layout.named_widths(schedule.n_layers)
    )  # fmt: skip
