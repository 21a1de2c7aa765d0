"""What a model would be without each pass: the sizes with all passes but one, beside those with all.

Nothing is assembled or certified, so this takes about as long as so many compilations without their checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from raspc import rasp
from raspc.errors import InputError, UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.nodes import Graph
from raspc.plan.plan import Plan
from raspc.plan.planning import plan_by, planned
from raspc.plan.switches import SWITCHES, Switch
from raspc.weights.making import config_of
from raspc.weights.model import Model
from raspc.weights.record import counted


@dataclass(frozen=True)
class Ablation:
    """The sizes of a model without a pass and with it: nodes, layers, widths, parameters.

    `before` is None where the program is refused without the pass: `refused` says why.
    """

    name: str
    does: str
    before: dict[str, int] | None
    after: dict[str, int]
    refused: str = ""

    def to_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {"name": self.name, "does": self.does, "before": self.before, "after": self.after} | (
            {"refused": self.refused} if self.refused else {}
        )


def ablations(model: Model, program: rasp.SOp | None = None) -> Iterator[Ablation]:
    """One for each pass that was not left out, in the order of the compiler.

    `program`: what the model was compiled from; without it the passes that act while the graph is built are left
    unsaid, since a model holds its graph only.

    Raises InputError for a model that does not hold its graph.
    """
    graph = model.as_written
    if model.alignment.optimize is None:
        raise InputError("the model holds no alignment; compile it again, or load a whole directory")
    after = _sizes(model, plan_by(graph, model.options) if model.plan is None else model.plan)
    for switch in SWITCHES:
        if model.options.has(switch.name) and (program is not None or switch.step != "graph"):
            yield _without(model, graph, program, switch, after)


def _without(model: Model, graph: Graph, program: rasp.SOp | None, switch: Switch, after: dict[str, int]) -> Ablation:
    try:
        if switch.step == "graph" and program is not None:
            graph = build(program, graph.vocab, graph.max_seq_len, graph.causal, (*model.options.without, switch.name))
        without = planned(graph, model.options.leaving_out((switch.name,)))
        return Ablation(switch.name, switch.does, _sizes(model, without), after)
    except UnsupportedProgram as error:
        return Ablation(switch.name, switch.does, None, after, str(error))


def _sizes(model: Model, plan: Plan) -> dict[str, int]:
    """The sizes of the model of a plan, with the BOS and PAD of another."""
    return {"nodes": len(plan.graph), **counted(config_of(plan, model.config.bos, model.config.pad))}
