"""Plain facts about a model, as JSON data: its sizes, and what each part of it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raspc import jsonvalues

if TYPE_CHECKING:
    from raspc.weights import Model
    from raspc.weights.alignment import VariableFacts

SIZES = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx", "d_vocab", "d_vocab_out", "causal")


def sizes(model: Model) -> dict[str, Any]:
    """The shape of the model, how many parameters it has, its vocabulary and how its output is read."""
    config = model.config
    stated = config.to_json()
    return {
        **{name: stated[name] for name in SIZES},
        "max_seq_len": config.max_seq_len,
        "parameters": sum(int(array.size) for array in model.params.values()),
        "vocab": [jsonvalues.encode(token) for token in config.vocab],
        "bos": jsonvalues.encode(config.bos),
        "pad": jsonvalues.encode(config.pad),
        "output": config.output.to_json(),
    }


def summary(found: Mapping[str, Any]) -> str:
    """The sizes in one line; where layers have widths of their own, each of these is told."""
    from raspc.weights.config import in_words

    heads, size, neurons = (in_words(found[name]) for name in ("n_heads", "d_head", "d_mlp"))
    in_a_layer = f"{heads} head{'' if heads == '1' else 's'} in a layer"
    return (
        f"{_count(found['n_layers'], 'layer')}, {in_a_layer}, "
        f"d_model {found['d_model']}, d_head {size}, d_mlp {neurons}, "
        f"{found['parameters']:,} parameters; {'causal, ' if found['causal'] else ''}"
        f"inputs of up to {found['max_seq_len']} tokens"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def facts(model: Model) -> dict[str, Any]:
    """All that `raspc inspect` shows."""
    alignment = model.alignment
    return {
        **sizes(model),
        "optimize": alignment.objective or alignment.optimize,
        "frontier": [list(size) for size in alignment.frontier],
        "schedule": alignment.schedule and alignment.schedule.to_json(),
        "layers": [layer(model, i) for i in range(model.config.n_layers)],
        "program": program(model),
        "variables": [{"name": name, **facts.to_json()} for name, facts in variables(model)],
        "where": model.program.where.written if model.program is not None else "",
        **({"total": True} if model.graph is not None and model.graph.total else {}),
        "notes": list(model.graph.notes) if model.graph is not None else [],
        "certificate": model.certificate and model.certificate.to_json(),
        "residual_labels": list(model.residual_labels),
    }


def layer(model: Model, number: int) -> dict[str, Any]:
    """Which variable and selector each head computes, and each range of neurons."""
    selectors = {(use.layer, use.head): name for name, uses in model.alignment.selectors.items() for use in uses}
    heads = [
        {"head": part.head, "variable": name, "selector": selectors.get((number, part.head))}
        for name, facts in variables(model)
        for part in facts.heads
        if part.layer == number
    ]
    neurons = [
        {"neurons": list(part.neurons), "variable": name}
        for name, facts in variables(model)
        for part in facts.neurons
        if part.layer == number
    ]
    return {
        "layer": number,
        "heads": sorted(heads, key=lambda part: part["head"]),
        "neurons": sorted(neurons, key=lambda part: part["neurons"]),
    }


def program(model: Model) -> list[dict[str, Any]]:
    """Each node of the tabulated program: its name, what it is of what (as text too), the values that it can take."""
    from raspc.view import program as lines

    graph = model.graph
    if graph is None:
        return []
    return [
        {
            "name": graph.labels[place],
            "is": getattr(node, "op", type(node).__name__.lower()),
            "of": [graph.labels[ref] for ref in node.refs],
            "text": lines.text(graph, place),
            "values": describe(node.domain) if hasattr(node, "domain") else None,
        }
        for place, node in enumerate(graph.nodes)
    ]


def describe(domain: Any) -> dict[str, Any]:
    """A value set: its values, or its bounds and its special values."""
    if hasattr(domain, "values"):
        return {"values": [jsonvalues.encode(value) for value in domain.values]}
    specials = [jsonvalues.encode(value) for value in domain.specials]
    return {"from": domain.lo, "to": domain.hi, "specials": specials}


def variables(model: Model) -> list[tuple[str, VariableFacts]]:
    """The name of each variable and where it lives, in the order of the program."""
    return sorted(model.alignment.variables.items(), key=lambda item: item[1].node)
