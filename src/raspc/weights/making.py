"""From a plan to the model: arrays under their names, what the ids mean, and where each variable lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from raspc.plan.plan import Plan, Size
from raspc.weights.align import alignment, residual_labels
from raspc.weights.assemble import assemble
from raspc.weights.config import Config, Output
from raspc.weights.model import Model
from raspc.weights.record import record

NONE: Mapping[str, int] = MappingProxyType({})


def model_of(
    plan: Plan, bos: Any = "BOS", pad: Any = "PAD", changes: Mapping[str, int] = MappingProxyType({}),
    frontier: Sequence[Size] = (),
) -> Model:  # fmt: skip
    """The model of a plan. `changes`: how often each pass changed something while the graph was built.

    `frontier`: the best sizes of all plans that were made, for each number of layers.
    """
    config = config_of(plan, bos, pad)
    return Model(
        config,
        assemble(plan, config),
        residual_labels(plan),
        alignment(plan, record(plan, config, changes), frontier),
        plan.graph,
        program=plan.program,
        without=plan.options.without,
        plan=plan,
    )


def config_of(plan: Plan, bos: Any, pad: Any) -> Config:
    """Sizes, vocabulary and output."""
    graph, layout, output, n_layers = plan.graph, plan.layout, output_of(plan), plan.schedule.n_layers
    return Config(
        n_layers=n_layers, d_model=layout.d_model, **layout.named_widths(n_layers), n_ctx=graph.max_seq_len + 1,
        d_vocab=len(graph.vocab) + 2, d_vocab_out=output.width, causal=graph.causal, vocab=(*graph.vocab, bos, pad),
        bos_id=len(graph.vocab), pad_id=len(graph.vocab) + 1, output=output, family=plan.target.name,
    )  # fmt: skip


def output_of(plan: Plan) -> Output:
    """How the unembedded output is read."""
    domain = plan.graph.variable(plan.graph.output).domain
    if plan.storage.numerical:
        return Output("numerical", tuple(domain.specials))
    return Output("categorical", plan.graph.variable(plan.graph.output).listed.values)
