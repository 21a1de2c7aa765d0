"""ONNX: one file that any runtime loads, with dynamic batch and length, and what its ids mean beside it.

Input `ids` int64 [batch, length]. Output `logits` [batch, length, d_vocab_out]; with `trace=True` every
activation as well, under the names of `activations`. Metadata: `raspc.config` (the config as JSON, with
vocabulary, BOS and PAD) and `raspc.residual_labels`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from raspc import jsonvalues
from raspc.errors import InputError
from raspc.run.plain import Array
from raspc.target import Dense, Layer, Widths
from raspc.weights import Config, Model
from raspc.weights.files import write_file

OPTIONS = ("trace",)
ACTIVATIONS = {"relu": "Relu"}
"""What ONNX calls the activations."""
OPSET = 17
IR_VERSION = 8
ELEMENTS = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16}

STREAM = ("batch", "length")
PAIRS = ("length", "length")


@dataclass
class Builder:
    """Nodes and constants, in the order they are added; each method returns the name of its result."""

    dtype: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """One node with one output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, array: Any, dtype: str | None = None) -> str:
        """An initializer; floats are of the model's dtype."""
        self.constants[name] = np.asarray(array, dtype or self.dtype)
        return name

    def linear(self, x: str, called: Dense, params: Any, output: str) -> str:
        """x · w + b."""
        w, b = (self.constant(name, params[name]) for name in called)
        return self.add("Add", [self.add("MatMul", [x, w], f"{output}/product"), b], output)


def activations(config: Config) -> dict[str, tuple[Any, ...]]:
    """The shape of each output of a graph with `trace=True`, `logits` among them.

    Heads, or neurons, that a layer does not have leave no trace.
    """
    stream = (*STREAM, config.d_model)
    found: dict[str, tuple[Any, ...]] = {
        "logits": (*STREAM, config.d_vocab_out),
        "input_embeddings": stream,
    }
    for i, widths in enumerate(config.widths):
        pairs = ("batch", widths.n_heads, *PAIRS)
        if widths.n_heads:
            found |= {f"layer_{i}/attn/logits": pairs, f"layer_{i}/attn/pattern": pairs}
            found |= {f"layer_{i}/attn/output": stream, f"layer_{i}/attn/residual": stream}
        if widths.d_mlp:
            found |= {f"layer_{i}/mlp/output": stream, f"layer_{i}/mlp/residual": stream}
    return found


def convert(
    model: Model, path: str | PathLike[str] | None = None, dtype: str = "float32", trace: bool = False
) -> onnx.ModelProto:
    """The model as an ONNX graph, checked; with `path`, written there.

    Raises InputError for bfloat16, in which few runtimes compute.
    """
    if dtype not in ELEMENTS:
        raise InputError(f"onnx is exported as {', '.join(ELEMENTS)}; found {dtype}")
    found = _model(model, dtype, trace)
    onnx.checker.check_model(found, full_check=True)
    if path is not None:
        write_file(path, found.SerializeToString(deterministic=True))
    return found


def _model(model: Model, dtype: str, trace: bool) -> onnx.ModelProto:
    graph = _graph(model.config, model.params, dtype, trace)
    found = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="raspc"
    )
    labels = jsonvalues.dumps(list(model.residual_labels)).decode()
    helper.set_model_props(
        found,
        {
            "raspc.config": jsonvalues.dumps(model.config.to_json()).decode(),
            "raspc.residual_labels": labels,
        },
    )
    return found


def _graph(config: Config, params: Any, dtype: str, trace: bool) -> onnx.GraphProto:
    build = Builder(dtype)
    x, mask = _embed(build, config, params), _mask(build, config)
    for i, widths in enumerate(config.widths):
        layer = config.target.names.layer(i)
        if widths.n_heads:
            x = _attention(build, config, widths, params, layer, x, mask, f"layer_{i}/attn")
        if widths.d_mlp:
            x = _mlp(build, config, params, layer, x, f"layer_{i}/mlp")
    build.linear(x, config.target.names.unembed, params, "logits")
    outputs = activations(config) if trace else {"logits": (*STREAM, config.d_vocab_out)}
    return helper.make_graph(
        build.nodes,
        "raspc",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, STREAM)],
        [helper.make_tensor_value_info(name, ELEMENTS[dtype], shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in build.constants.items()],
    )


def _embed(build: Builder, config: Config, params: Any) -> str:
    """token_embed[ids] + pos_embed[: length]; leaves `length`, the shape of one dimension, for the mask."""
    token, position = (build.constant(name, params[name]) for name in config.target.tables())
    zero, one = build.constant("zero", [0], "int64"), build.constant("one", [1], "int64")
    length = build.add("Shape", ["ids"], "length", start=1, end=2)
    tokens = build.add("Gather", [token, "ids"], "tokens")
    positions = build.add("Slice", [position, zero, length, zero, one], "positions")
    return build.add("Add", [tokens, positions], "input_embeddings")


def _mask(build: Builder, config: Config) -> str:
    """What is added to the scores: 0, or −∞ where a key is hidden; [batch, 1, length or 1, length]."""
    is_pad = build.add("Equal", ["ids", build.constant("pad", config.pad_id, "int64")], "is_pad")
    hidden = build.add("Unsqueeze", [is_pad, build.constant("axes", [1, 2], "int64")], "pad_keys")
    if config.causal:
        square = build.add("Concat", ["length", "length"], "square", axis=0)
        ones = build.add(
            "ConstantOfShape", [square], "ones", value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
        )
        later = build.add("Trilu", [ones, build.constant("next", 1, "int64")], "later", upper=1)
        hidden = build.add("Or", [hidden, build.add("Cast", [later], "later_keys", to=TensorProto.BOOL)], "hidden")
    nothing, minus = build.constant("nothing", 0.0), build.constant("minus_infinity", -np.inf)
    return build.add("Where", [hidden, minus, nothing], "mask")


def _attention(
    build: Builder, config: Config, widths: Widths, params: Any, layer: Layer[Dense], x: str, mask: str, name: str
) -> str:  # fmt: skip
    own = "" if config.uniform else f"{name}/"
    split = build.constant(f"{own}split", [0, 0, widths.n_heads, widths.d_head], "int64")
    q = _heads(build, split, build.linear(x, layer.query, params, f"{name}/q"), (0, 2, 1, 3))
    k = _heads(build, split, build.linear(x, layer.key, params, f"{name}/k"), (0, 2, 3, 1))
    v = _heads(build, split, build.linear(x, layer.value, params, f"{name}/v"), (0, 2, 1, 3))
    scale = build.constant(f"{own}scale", config.target.score_scale(widths.d_head))
    logits = build.add("Mul", [build.add("MatMul", [q, k], f"{name}/scores"), scale], f"{name}/logits")
    masked = build.add("Add", [logits, mask], f"{name}/masked")
    pattern = build.add("Softmax", [masked], f"{name}/pattern", axis=-1)
    mixed = build.add("MatMul", [pattern, v], f"{name}/mixed")
    by_position = build.add("Transpose", [mixed], f"{name}/by_position", perm=(0, 2, 1, 3))
    flat = build.constant(f"{own}flat", [0, 0, widths.n_heads * widths.d_head], "int64")
    joined = build.add("Reshape", [by_position, flat], f"{name}/joined")
    output = build.linear(joined, layer.linear, params, f"{name}/output")
    return build.add("Add", [x, output], f"{name}/residual")


def _heads(build: Builder, split: str, x: str, order: tuple[int, ...]) -> str:
    """Split the last axis into heads, then permute [batch, length, head, d_head]."""
    return build.add("Transpose", [build.add("Reshape", [x, split], f"{x}/split")], f"{x}/heads", perm=order)


def _mlp(build: Builder, config: Config, params: Any, layer: Layer[Dense], x: str, name: str) -> str:
    hidden = build.linear(x, layer.linear_1, params, f"{name}/hidden")
    active = build.add(ACTIVATIONS[config.activation], [hidden], f"{name}/active")
    output = build.linear(active, layer.linear_2, params, f"{name}/output")
    return build.add("Add", [x, output], f"{name}/residual")
