"""A model and its circuit as a case of InterpBench: what is pickled there is JSON and safetensors here.

  ll_model.safetensors   the weights under the names of a `HookedTransformer` (there `ll_model.pth`)
  ll_model_cfg.json      the arguments of `HookedTransformerConfig` (there a pickle)
  edges.json             the edges of the circuit (there a pickle): pairs of (hook, index), from and to, as in ACDC
  meta.json              what the ids are, how long inputs may be, what the program is for

A plain `HookedTransformer` does not hide padding: run it on inputs of one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import arguments, jsonvalues
from raspc.errors import InputError, ModelFormatError
from raspc.lab.circuits import circuit
from raspc.lab.formats.acdc import Quad, acdc_tuples, name_of
from raspc.lab.formats.files import MOST_BYTES, json_bytes
from raspc.lab.formats.shape import empty, graph_of
from raspc.lab.formats.tool_graph import Marked, ToolGraph, tool_graph
from raspc.weights.files import fresh_directory, read_file, write_files
from raspc.weights.model import Model

WEIGHTS, CONFIG, EDGES, META = "ll_model.safetensors", "ll_model_cfg.json", "edges.json", "meta.json"
SWITCHES = ("use_attn_result", "use_split_qkv_input", "use_hook_mlp_in")

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Case:
    """A case as it was read: `HookedTransformer(HookedTransformerConfig.from_dict(config))` takes `state`."""

    config: Mapping[str, Any]
    state: Arrays = field(repr=False)
    graph: ToolGraph
    meta: Mapping[str, Any] = field(repr=False)


def write_case(
    directory: str | PathLike[str], model: Model, graph: ToolGraph | None = None, *, case_id: str = "",
    description: str = "", min_heads: int = 1,
) -> None:  # fmt: skip
    """Write a model, and the circuit of `graph` (by default all edges that there are in its weights).

    Raises InputError for a graph of another shape, a model whose layers differ in width or that has the parameters of a
    stock family, a directory that cannot be written, and where PyTorch is missing.
    """
    arguments.an(Model, "model", model, "a compiled model")
    if model.config.held is not None:
        raise InputError(f"found a model with the parameters of {model.config.family}, needed one without target=")
    config, state = _low_level(model, min_heads)
    found = tool_graph(circuit(model), min_heads=min_heads) if graph is None else graph
    arguments.an(ToolGraph, "graph", found, "what formats.tool_graph gives")
    if found.shape != (config["n_layers"], config["n_heads"]):
        raise InputError(f"the graph is of {found.shape} layers and heads, the model has {_shape(config)}")
    from safetensors.numpy import save

    files = {
        WEIGHTS: save(state), CONFIG: json_bytes(config), EDGES: json_bytes(_edges(found)),
        META: json_bytes(_meta(model, config, case_id, description)),
    }  # fmt: skip
    with fresh_directory(directory, marker=CONFIG) as building:
        write_files(building, files)


def _shape(config: Mapping[str, Any]) -> tuple[int, int]:
    return config["n_layers"], config["n_heads"]


def _low_level(model: Model, min_heads: int) -> tuple[dict[str, Any], Arrays]:
    """The config and the weights of a `HookedTransformer`."""
    try:
        from raspc.export.transformer_lens import hooked_state, sizes
    except ImportError as error:
        raise InputError("a case of InterpBench needs torch, not installed here; pip install 'raspc[torch]'") from error
    from raspc.export.null_heads import with_null_heads

    config, params = with_null_heads(model.config, model.params, min_heads, "InterpBench")
    state = {name: np.asarray(tensor.numpy(), np.float32) for name, tensor in hooked_state(config, params).items()}
    return sizes(config) | dict.fromkeys(SWITCHES, True) | {"init_weights": False, "device": "cpu"}, state


def _edges(graph: ToolGraph) -> list[Any]:
    return [
        [[sender, list(own)], [receiver, list(index)]] for receiver, index, sender, own in acdc_tuples(graph)
    ]  # fmt: skip


def _meta(model: Model, config: Mapping[str, Any], case_id: str, description: str) -> dict[str, Any]:
    own = model.config
    return {
        "case_id": case_id, "task_description": description, "vocab": [jsonvalues.encode(v) for v in own.vocab],
        "bos_id": own.bos_id, "pad_id": own.pad_id, "min_seq_len": 1, "max_seq_len": own.max_seq_len,
        "output": own.output.to_json(), "files": [WEIGHTS, CONFIG, EDGES, META], "transformer_cfg": dict(config),
    }  # fmt: skip


def read_case(directory: str | PathLike[str]) -> Case:
    """The inverse of `write_case`. Raises ModelFormatError for a directory that is none."""
    path = Path(arguments.path("directory", directory))
    config, edges, meta = (jsonvalues.loads(read_file(path, name, MOST_BYTES), name) for name in (CONFIG, EDGES, META))
    if not isinstance(config, dict) or not isinstance(meta, dict):
        raise ModelFormatError(f"{path}: needed an object in {CONFIG} and in {META}")
    plain = empty({"cfg": config})
    marked = {name: Marked(1.0, True) for name in _names(plain, edges)}
    graph = graph_of(plain, dict.fromkeys(plain.edges, Marked(0.0)) | marked)
    state = _arrays(read_file(path, WEIGHTS, MOST_BYTES))
    if faults := list(_misshapen(config, state)):
        raise ModelFormatError(f"{WEIGHTS}: " + "; ".join(faults[:5]))
    return Case(config, state, graph, meta)


def _names(plain: ToolGraph, edges: Any) -> Iterator[str]:
    """What we call the edges."""
    if not isinstance(edges, list):
        raise ModelFormatError(f"{EDGES}: needed a list of edges")
    try:
        for (sender, own), (receiver, index) in edges:
            name = name_of(plain, _quad(receiver, index, sender, own))
            if name is not None:
                yield name
    except (TypeError, ValueError) as error:
        raise ModelFormatError(f"{EDGES}: needed a list of pairs of [hook, index], from and to: {error}") from error


def _quad(receiver: Any, index: Any, sender: Any, own: Any) -> Quad:
    if not isinstance(receiver, str) or not isinstance(sender, str):
        raise ModelFormatError(f"{EDGES}: found {receiver!r} and {sender!r}, needed the names of hooks")
    return receiver, tuple(index), sender, tuple(own)


def _arrays(data: bytes) -> Arrays:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelFormatError(f"{WEIGHTS}: not safetensors: {error}") from error


def _misshapen(config: Mapping[str, Any], state: Arrays) -> Iterator[str]:
    """What the weights lack that the config says, or have otherwise."""
    try:
        wanted = dict(_shapes(config))
    except (KeyError, TypeError) as error:
        raise ModelFormatError(f"{CONFIG}: found no size {error}, needed those of a HookedTransformerConfig") from error
    for name in sorted(wanted.keys() | state.keys()):
        found = state[name].shape if name in state else None
        if found != wanted.get(name):
            yield f"{name} has the shape {found}, needed {wanted.get(name)}"


def _shapes(config: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    d_model, heads, d_head, d_mlp = (config[name] for name in ("d_model", "n_heads", "d_head", "d_mlp"))
    yield "embed.W_E", (config["d_vocab"], d_model)
    yield "pos_embed.W_pos", (config["n_ctx"], d_model)
    yield from (("unembed.W_U", (d_model, config["d_vocab_out"])), ("unembed.b_U", (config["d_vocab_out"],)))
    for layer in range(config["n_layers"]):
        attn, mlp = f"blocks.{layer}.attn", f"blocks.{layer}.mlp"
        for side in "QKV":
            yield from ((f"{attn}.W_{side}", (heads, d_model, d_head)), (f"{attn}.b_{side}", (heads, d_head)))
        yield from ((f"{attn}.W_O", (heads, d_head, d_model)), (f"{attn}.b_O", (d_model,)))
        yield from ((f"{mlp}.W_in", (d_model, d_mlp)), (f"{mlp}.b_in", (d_mlp,)))
        yield from ((f"{mlp}.W_out", (d_mlp, d_model)), (f"{mlp}.b_out", (d_model,)))
