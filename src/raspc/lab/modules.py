"""In which module of PyTorch each node of a circuit is found: of `model.to("torch")`, or of a class of `transformers`.

A head of a Llama has its queries in `model.layers.0.self_attn.q_proj`, whose output holds those of all heads side by
side, and it writes through `model.layers.0.self_attn.o_proj`, which reads what all heads have mixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from raspc.errors import InputError
from raspc.lab.circuits import Circuit
from raspc.lab.nodes import ModulePart, Node
from raspc.lab.wires import BOS_NODE, POSITIONS
from raspc.stock.multiplying import NONE, gates_in
from raspc.stock.parts import slots_of
from raspc.target import Layer
from raspc.weights.model import Model

TORCH = Layer(
    query="layers.{i}.attn.query", key="layers.{i}.attn.key", value="layers.{i}.attn.value",
    linear="layers.{i}.attn.linear", linear_1="layers.{i}.mlp.linear_1", linear_2="layers.{i}.mlp.linear_2",
)  # fmt: skip
"""What the modules of `model.to("torch")` are called."""
SIDES = {"q": "query", "k": "key", "v": "value"}


def module_of(circuit: Circuit, node: Node, channel: str | None = None) -> ModulePart:
    """Where a node reads the stream in a channel; without one where it writes. Raises InputError where it does not."""
    known = ", ".join(map(repr, node.channels)) or "none"
    if channel is not None and channel not in node.channels:
        raise InputError(f"{node.name} does not read in {channel!r}; its channels: {known}")
    if node.kind == "unembedding" and channel is None:
        raise InputError(f"{node.name} writes to no stream; ask for its channel 'out'")
    return _KINDS[node.kind](circuit, node, channel)


def _names(circuit: Circuit, layer: int) -> Layer[str]:
    stock = circuit.stock
    modules = TORCH if stock is None else _family(stock).modules
    return Layer(*(name.format(i=layer) for name in modules))


def _family(model: Model) -> Any:
    target: Any = model.config.target
    return target.family


def _embedding(circuit: Circuit, node: Node, channel: str | None) -> ModulePart:
    config, stock = circuit.model.config, circuit.stock
    if node.name == POSITIONS:
        name, offset = ("pos_embed", 0) if stock is None else (_family(stock).pos_embed, _family(stock).pos_offset)
        if name is None:
            raise InputError(f"{stock and stock.config.family} has no table of positions")
        return ModulePart(name, tuple(range(offset, offset + config.n_ctx)))
    name = "token_embed" if stock is None else _family(stock).token_embed
    own = (config.bos_id,) if node.name == BOS_NODE else tuple(i for i in range(config.d_vocab) if i != config.bos_id)
    return ModulePart(name, own)


def _head(circuit: Circuit, node: Node, channel: str | None) -> ModulePart:
    assert node.layer is not None and node.index is not None
    names, stock = _names(circuit, node.layer), circuit.stock
    own = circuit.model.config.widths[node.layer].d_head
    wide = circuit.model.config.widths[node.layer] if stock is None else stock.config.widths[node.layer]
    places = np.arange(wide.n_heads * wide.d_head).reshape(wide.n_heads, wide.d_head)
    fused = None if stock is None or channel is None else _family(stock).fused
    if fused is not None:
        side = list(SIDES).index(str(channel))
        heads = np.arange(3 * places.size).reshape(wide.n_heads, 3, wide.d_head)
        places = places + side * places.size if fused == "side by side" else heads[:, side]
    into = slice(0, own) if stock is None else slots_of(_family(stock), own, wide.d_head)
    name = names.linear if channel is None else getattr(names, SIDES[channel])
    return ModulePart(name, tuple(places[node.index, into].tolist()))


def _neurons(circuit: Circuit, node: Node, channel: str | None) -> ModulePart:
    assert node.layer is not None
    names, stock = _names(circuit, node.layer), circuit.stock
    own = circuit.model.config.widths[node.layer].d_mlp
    gate = None if stock is None else _family(stock).gate
    reads = names.linear_1 if gate is None else gate.format(i=node.layer)
    gates = NONE if stock is None else gates_in(stock, _family(stock))
    if node.index is None:
        held = None if stock is None or not stock.config.tells_by_distance else stock.config.held
        own = min(own, held.positions_from) if held is not None and node.layer == 0 else own
        return ModulePart(names.linear_2 if channel is None else reads, tuple(range(gates.d_mlp(own))))
    kept = gates.kept(node.layer, own)
    if node.index not in kept:
        raise InputError(
            f"{node.name} is one of those in whose place the family has a gated neuron that multiplies; compile the "
            'program with disabled_passes=["products"], or ask for the MLP'
        )
    at = (kept.index(node.index),)
    return ModulePart(names.linear_2 if channel is None else reads, at)


def _bias(circuit: Circuit, node: Node, channel: str | None) -> ModulePart:
    assert node.layer is not None
    names = _names(circuit, node.layer)
    return ModulePart(names.linear if node.name.startswith("a") else names.linear_2, ())


def _unembedding(circuit: Circuit, node: Node, channel: str | None) -> ModulePart:
    stock = circuit.stock
    name = "unembed"
    if stock is not None:
        target: Any = stock.config.target
        name = _family(stock).classes[target.exit][1]
    return ModulePart(name, tuple(range(circuit.model.config.d_vocab_out)))


_KINDS: dict[str, Callable[[Circuit, Node, str | None], ModulePart]] = {
    "embedding": _embedding, "head": _head, "mlp": _neurons, "neuron": _neurons, "bias": _bias,
    "unembedding": _unembedding,
}  # fmt: skip
