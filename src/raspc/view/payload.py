"""What a page needs to know of a model, as JSON data: enough to run it, and the program, in the browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from raspc import jsonvalues
from raspc.blocks.reading.groups import Group
from raspc.errors import InputError, RaspcError
from raspc.graph import nodes as N
from raspc.graph.nodes import Graph, Listed, Variable
from raspc.graph.permitted import refusal
from raspc.graph.scores import kinds, ranks
from raspc.lab.activations import inputs_for, most_inputs
from raspc.lab.circuits import circuit_of
from raspc.lab.frame import framed
from raspc.plan.switches import SWITCHES
from raspc.values import Value
from raspc.view import program
from raspc.view.arrays import pack
from raspc.view.domain import MOST_CELLS as MOST_MOVES
from raspc.view.domain import automaton, domain
from raspc.view.show import show
from raspc.view.sites import forcing
from raspc.view.stages import spans
from raspc.view.wiring import wiring
from raspc.weights import wording
from raspc.weights.certificate import Certificate
from raspc.weights.format1 import homes
from raspc.weights.model import Model

MOST_CELLS = 1 << 19
"""A table with more cells is left out of the page: it would not stay small. Its values show as unknown."""

SEEN = 1 << 21
"""By how many numbers it is told what varies along the edges of a circuit."""
MOST_LINES = 600
"""A circuit with more edges is left out of the page: nobody could follow a line."""

DOES = {switch.name: switch.does for switch in SWITCHES}
"""What each pass does, in words."""

SIZES = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx", "d_vocab", "d_vocab_out", "causal")


def payload(model: Model, tokens: Sequence[Value], title: str) -> dict[str, Any]:
    """The data of a page that opens on `tokens`, which come without BOS.

    Raises InputError for a bad input, also one that the program is not for.
    """
    model = model.plain  # the page runs the plain model that a stock family's parameters hold
    graph = model.tabulated
    ids = model.input_encoder.encode([model.config.bos, *tokens])
    if (fault := refusal(model.as_written.where, model.as_written.vocab, tokens)) is not None:
        raise InputError(fault)
    return {
        "title": title,
        "input": [int(i) for i in ids[1:]],
        "config": config(model),
        "params": {name: pack(np.asarray(array)) for name, array in model.params.items()},
        "labels": list(model.residual_labels),
        "nodes": nodes(model),
        "output": graph.output,
        "exactLength": graph.exact_length,
        "domain": domain(model, _meaning),
        "heads": list(heads(model)),
        "neurons": list(neurons(model)),
        "facts": facts(model),
        "circuit": circuit(model),
        "forcing": forcing(model),
        "writing": writing(model),
        "compression": compression(model),
    }


def config(model: Model) -> dict[str, Any]:
    """Sizes, vocabulary and output, every value beside its text."""
    found = model.config
    stated = found.to_json()
    return {
        **{name: stated[name] for name in SIZES},
        "widths": [widths._asdict() for widths in found.widths],
        "maxLength": found.max_seq_len,
        "vocab": values(found.vocab),
        "bos": found.bos_id,
        "pad": found.pad_id,
        "output": {"kind": found.output.kind, **values(found.output.values)},
    }


def values(items: Sequence[Value]) -> dict[str, Any]:
    """Values as JSON and as text."""
    return {"values": [jsonvalues.encode(item) for item in items], "texts": [show(item) for item in items]}


def nodes(model: Model) -> list[dict[str, Any]]:
    """The program: each node with its line, its value set, what the interpreter needs, and where it lives."""
    graph = model.tabulated
    stages, where = spans(model), homes(model)
    return [
        {
            "label": graph.labels[place],
            "named": bool(node.names or node.called),
            "kind": type(node).__name__.lower(),
            "line": program.line(graph, place),
            "remark": program.remark(node),
            "refs": list(dict.fromkeys(node.refs)),
            "span": list(stages[place]),
            "stage": stages[place].last,
            "constant": isinstance(node, N.Table) and not node.args,
            **_meaning(graph, node),
            **(_whereabouts(model, where.get(place, ()), place) if isinstance(node, Variable) else {}),
        }
        for place, node in enumerate(graph.nodes)
    ]


def _meaning(graph: Graph, node: N.Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("args", "coefs", "bias", "selector", "source", "key", "query", "op", "score", "single", "gap"):
        if hasattr(node, name):
            found[name] = getattr(node, name)
    if isinstance(node, N.Table | N.Select):
        found["cells"] = pack(node.cells) if node.cells.size <= MOST_CELLS else None
    if isinstance(node, N.Best):
        score = graph.variable(node.score).listed
        found |= {"ranks": ranks(score, node.end).tolist(), "kinds": kinds(score).tolist()}
    if isinstance(node, N.Aggregate):
        found |= {
            "default": jsonvalues.encode(node.default), "mayBeEmpty": node.may_be_empty, "pick": bool(node.pick),
        }  # fmt: skip
    if isinstance(node, Variable):
        found |= {"domain": _domain(node.domain), "valueSet": program.value_set(node.domain)}
    return found


def _domain(domain: Any) -> dict[str, Any]:
    if isinstance(domain, Listed):
        return values(domain.values)
    return {"lo": domain.lo, "hi": domain.hi, **values(domain.specials)}


def _whereabouts(model: Model, groups: Sequence[Group], place: int) -> dict[str, Any]:
    """Which part computes the variable, and its groups of directions with the code of each value."""
    facts = model.alignment.variables[model.tabulated.labels[place]]
    spaces = {space.name: space.to_json() for space in facts.spaces}
    return {
        "computedBy": [part.to_json() for part in facts.computed_by],
        "readFrom": list(facts.read_from),
        # A compressed or rotated model keeps no axes: its variables live everywhere.
        "spaces": [
            spaces[group.space] | {"name": group.space, "steep": group.steep, "code": pack(np.asarray(group.code))}
            for group in groups
            if group.space in spaces
        ],
    }


def heads(model: Model) -> Iterator[dict[str, Any]]:
    """Each head that is in use: where it is, the variables that it computes, and its selector, if it has one."""
    found: dict[tuple[int, int], list[int]] = {}
    for facts in model.alignment.variables.values():
        for part in facts.heads:
            found.setdefault((part.layer, part.head), []).append(facts.node)
    for (layer, head), places in sorted(found.items()):
        node = model.tabulated[places[0]]
        selector = getattr(node, "selector", None)
        yield {"layer": layer, "head": head, "nodes": places, "selector": selector, "sink": sink(node)}


def sink(node: N.Node) -> str:
    """What the attention to BOS is for."""
    if isinstance(node, N.Aggregate):
        return "takes every query that selects nothing" if node.may_be_empty else "unused: some key is always selected"
    if isinstance(node, N.Sum):
        return "holds 0 and takes nearly all attention, so that every selected key has the same share of it"
    return "takes a share that tells how many keys are selected"


def neurons(model: Model) -> Iterator[dict[str, Any]]:
    """Each range of neurons and the variable that it computes."""
    all_parts = ((facts.node, part) for facts in model.alignment.variables.values() for part in facts.neurons)
    for place, part in sorted(all_parts, key=lambda found: (found[1].layer, found[1].neurons)):
        start, stop = part.neurons
        yield {"layer": part.layer, "from": start, "to": stop, "node": place}


def facts(model: Model) -> dict[str, Any]:
    """Sizes, the schedule, what the passes did, notes, and the certificate."""
    graph, alignment = model.tabulated, model.alignment
    return {
        "parameters": sum(int(np.asarray(array).size) for array in model.params.values()),
        "nonzero": sum(int(np.count_nonzero(array)) for array in model.params.values()),
        "optimize": alignment.optimize,
        "axes": bool(alignment.spaces),
        "schedule": alignment.schedule and alignment.schedule.to_json(),
        "passes": [found.to_json() | {"does": DOES.get(found.name, "")} for found in alignment.passes],
        "notes": list(graph.notes),
        "written": None if model.program is graph else written(model.as_written),
        "certificate": model.certificate and certificate(model.certificate),
    }


def certificate(found: Certificate) -> dict[str, Any]:
    """The certificate, with what it says in words, and of each decision what must hold."""
    links = [link.to_json() | {"must": wording.parts(link)} for link in found.links]
    return found.to_json() | {"says": found.says, "links": links}


def circuit(model: Model) -> dict[str, Any] | None:
    """The circuit by components; None where it is not known, or too large to be read."""
    try:
        seen = inputs_for(model.as_written, most_inputs(model, SEEN))
        found = circuit_of(framed(model), "component", seen)
    except RaspcError:
        return None
    return wiring(found) if len(found.edges) <= MOST_LINES else None


def writing(model: Model) -> dict[str, Any] | None:
    """How a model writes: at which token it stops, and from which prompts it goes on; None for one that does not."""
    found = model.as_written.where.writing
    if found is None:
        return None
    known, prompts = Listed(model.config.vocab), found.prompts
    small = prompts is not None and prompts.moves.size <= MOST_MOVES
    return {
        "stop": None if found.stop is None else known.id(found.stop),
        "prompts": found.written,
        "automaton": automaton(prompts) if prompts is not None and small else None,
    }


def written(graph: Graph) -> list[str]:
    """The lines of a program before its passes."""
    return [f"{label} = {program.text(graph, place)}" for place, label in enumerate(graph.labels)]


def compression(model: Model) -> dict[str, Any] | None:
    """WᵀW of a compressed model (the paper's W, [d, directions]): how much each named direction is in each other."""
    report = getattr(model, "report", None)
    if report is None:
        return None
    gram = np.asarray(report.gram, np.float32)
    return {"labels": list(report.labels), "gram": pack(gram), "accuracy": report.accuracy, "method": report.method}
