"""What the files of a saved model say of each other: the graph of the config, the alignment of both.

The hash shows that files were written together, not that who wrote them meant well. What reads a loaded model
relies on what is checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from raspc import values as V
from raspc.errors import InputError
from raspc.graph.nodes import Graph, Variable
from raspc.numbers.precision import precision_in
from raspc.weights.config import Config

Check = Callable[[Any], bool]


def frame_faults(config: Config, graph: Graph | None) -> Iterator[str]:
    """How a graph is of another vocabulary, length, mask or output than the config; nothing where it fits."""
    if graph is None:
        return
    tokens = config.vocab[:-2]
    if (config.bos_id, config.pad_id) != (len(tokens), len(tokens) + 1):
        yield "config.json: BOS and PAD must have the last two ids"
    elif _keys(graph.vocab) != _keys(tokens):
        yield "graph.json is of another vocabulary than config.json"
    if graph.max_seq_len != config.max_seq_len:
        yield f"graph.json is for {graph.max_seq_len} tokens, config.json for {config.max_seq_len}"
    if graph.causal != config.causal:
        yield "graph.json has another mask than config.json"
    domain = graph.variable(graph.output).domain
    answers = domain.specials if config.output.kind == "numerical" else getattr(domain, "values", None)
    if answers is None or _keys(answers) != _keys(config.output.values):
        yield "graph.json has another output than config.json"


def _keys(items: tuple[Any, ...]) -> list[Any]:
    return [V.key(item) for item in items]


def alignment_faults(alignment: Mapping[str, Any], config: Config, graph: Graph | None) -> Iterator[str]:
    """Where an alignment is not what those who read it expect. Each of its parts may be absent."""
    for name, check in _PARTS.items():
        if name in alignment and not check(alignment[name]):
            yield f"labels.json: alignment.{name} is malformed"
            return
    variables = alignment.get("variables")
    if variables is not None and "optimize" not in alignment:
        yield "labels.json: alignment.optimize is missing"
    if variables is not None:
        yield from (f"labels.json: {fault}" for fault in _misplaced(variables, config, graph))


def _misplaced(variables: Mapping[str, Any], config: Config, graph: Graph | None) -> Iterator[str]:
    """Variables that are not of the graph, or that live or are computed outside the model."""
    if graph is not None:
        needed = {label for label, node in zip(graph.labels, graph.nodes, strict=True) if isinstance(node, Variable)}
        if needed != set(variables):
            yield "alignment.variables are not those of the graph"
    for label, entry in variables.items():
        if any(part["layer"] >= config.n_layers for part in entry["computed_by"]):
            yield f"{label[:40]!r} is computed in no layer of the model"
        if any(not space["dims"][0] <= space["dims"][1] <= config.d_model for space in entry["spaces"]):
            yield f"{label[:40]!r} lives outside the stream"


def _whole(least: int) -> Check:
    return lambda obj: type(obj) is int and obj >= least


def _every(check: Check) -> Check:
    return lambda obj: isinstance(obj, list) and all(map(check, obj))


def _map_of(check: Check) -> Check:
    return lambda obj: isinstance(obj, dict) and all(map(check, obj.values()))


def _record(**fields: Check) -> Check:
    return lambda obj: isinstance(obj, dict) and all(name in obj and check(obj[name]) for name, check in fields.items())


def _text(obj: Any) -> bool:
    return isinstance(obj, str)


def _range(obj: Any) -> bool:
    return isinstance(obj, list) and len(obj) == 2 and all(map(_whole(0), obj))


def _part(obj: Any) -> bool:
    """A head, or neurons."""
    return _record(layer=_whole(0))(obj) and (
        (obj.get("sublayer") == "attention" and _whole(0)(obj.get("head")))
        or (obj.get("sublayer") == "mlp" and _range(obj.get("neurons")))
    )


def _space(obj: Any) -> bool:
    if not _record(name=_text, dims=_range, from_stage=_whole(-1))(obj):
        return False
    last = "to_stage" in obj and (obj["to_stage"] is None or _whole(-1)(obj["to_stage"]))
    return last and ("until_stage" not in obj or _whole(-1)(obj["until_stage"]))


def _facts(obj: Any) -> bool:
    return isinstance(obj, dict)


def _precision(obj: Any) -> bool:
    """Whether it is a precision that is known."""
    try:
        precision_in({"precision": obj})
    except (InputError, AttributeError, TypeError):
        return False
    return True


_PARTS: dict[str, Check] = {
    "optimize": lambda obj: obj in (0, 1, 2),
    "precision": _precision,
    "schedule": _facts,
    "variables": _map_of(
        _record(node=_whole(0), computed_by=_every(_part), spaces=_every(_space), read_from=_every(_text))
    ),
    "selectors": _map_of(_every(_part)),
    "passes": _every(_record(name=_text, before=_facts, after=_facts)),
}
