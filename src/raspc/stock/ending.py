"""Beyond the longest input a checkpoint that counts its positions writes the stop, and so `generate` ends there.

A stock decoder goes on for as long as it is asked to. Where positions are counted, one head of the first layer tells
how many keys a position sees: of d keys it leaves a share that falls (or rises) with d. One neuron more reads it:

    0 for d ≤ N        the longest input: nothing that the model says there is changed, to the last digit
    1 or more beyond   N + 1 keys, and however many there are

It writes one dimension of its own, which the column of the stop reads, times more than any other logit can be. Beyond N
what a program holds means nothing; how large it can be follows from the weights alone, whatever attention does:

    |x| ≤ the largest embedding, and of each layer what its values and its neurons can add at most; of neurons that
          multiply, the largest of one factor times that of the other

Norms of constants do not matter to it: beyond N what a stream holds may make them divide all of it by the same number,
which changes no order of logits and no bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from raspc.blocks.spaces import Head
from raspc.graph.nodes import Width
from raspc.numbers.shares import Share
from raspc.plan.plan import Plan
from raspc.stock.frame import Floats
from raspc.stock.multiplying import Gates
from raspc.stock.plainly import Map, Plainly
from raspc.target import Layer
from raspc.target.families import Family
from raspc.weights.model import Model

T = TypeVar("T", float, Floats)
LABEL = "beyond the longest input"
"""The dimension that the neuron writes."""
SHUT = 128.0
"""So far below its threshold every activation of float32 gives 0."""
NOISE = 4.0
"""How many times what a share is off by its distance from the threshold must be."""
LARGEST = 2.0**100
"""No logit is to be multiplied by more: float32 ends at 2¹²⁸."""


@dataclass(frozen=True)
class Ending:
    """A neuron max(0, slope · x[`source`] + offset) of the first layer; the stop's logit reads it times `weight`."""

    source: int
    slope: float
    offset: float
    weight: float


def ending_of(model: Model, family: Family, found: Plainly, head: Map, sharpness: float) -> Ending | None:
    """The neuron that tells what lies beyond the longest input, for a model whose positions are counted.

    `found`: the plain model; `head`: its logits. None where nothing counts positions in the first layer, in a narrow
    format, in a family with a table of positions or with layer norms, and where counts N and N + 1 lie too close.
    """
    if model.plan is None or model.precision.narrow or family.pos_embed is not None or family.norms.kind != "rms":
        return None
    counted = next(_counts(model.plan), None)
    if counted is None:
        return None
    source, share = counted
    n = model.plan.graph.max_seq_len
    last, first = (_left(share, float(count)) for count in (n, n + 1))
    noise = float(share.noise.max(initial=0.0))
    room = abs(first - last) / 2
    if room < NOISE * noise:
        return None
    steep = max(SHUT / sharpness, 1.0) / (room - noise)
    slope = float(2.0 ** np.ceil(np.log2(steep)) * np.sign(first - last))
    most = _largest_logit(found, head)
    if most is None:
        return None
    return Ending(source, slope, -slope * (first + last) / 2, float(2.0 ** np.ceil(np.log2(4 * most))))


def with_ending(found: Plainly, ending: Ending) -> Plainly:
    """The same model with that neuron, and the dimension that it writes, the last one."""
    tokens, positions = (_wider(table) for table in (found.token_embed, found.pos_embed))
    layers = [_with_dimension(layer) for layer in found.layers]
    gates = _wider_gates(found.gates)
    place = _idle(found)
    if place is None:
        place, layers = found.d_mlp, [_with_neuron(layer) for layer in layers]
    first = layers[0]
    first.linear_1.w[:, place], first.linear_1.b[place] = 0.0, ending.offset
    first.linear_1.w[ending.source, place] = ending.slope
    first.linear_2.w[place, -1] = 1.0
    unembed = Map(np.vstack([found.unembed.w, np.zeros(found.unembed.w.shape[1])]), found.unembed.b)
    return replace(found, token_embed=tokens, pos_embed=positions, layers=tuple(layers), unembed=unembed, gates=gates)


def head_with(head: Map, ending: Ending, stop: int) -> Map:
    """Logits of one dimension more, which the column of the stop alone reads."""
    row = np.zeros(head.w.shape[1])
    row[stop] = ending.weight
    return Map(np.vstack([head.w, row]), head.b)


def _counts(plan: Plan) -> Iterator[tuple[int, Share]]:
    """The dimensions in which attention of the first layer leaves how many keys a position sees, and as which share."""
    lowered, start = plan.lowered, plan.layout.start
    for block, place, stage in zip(lowered.blocks, lowered.place_of_block, plan.schedule.stages, strict=True):
        stored = plan.storage[place]
        node = plan.graph[place]
        if not (isinstance(block, Head) and isinstance(node, Width) and stage == 0):
            continue
        if stored.left is None or stored.share is None or stored.selection is None or stored.left.space not in start:
            continue
        if not stored.selection.conjuncts and np.allclose(_left(stored.share, node.listed.numbers), stored.share.code):
            yield start[stored.left.space], stored.share


def _left(share: Share, count: T) -> T:
    """What a head leaves of so many keys, of any number of them."""
    return (share.raised * share.at_bos + count * share.at_key) / (share.raised + count) + share.added


def _largest_logit(found: Plainly, head: Map) -> float | None:
    """What no logit exceeds whatever attention does and however long the input is; None where float32 ends before."""
    x = np.abs(found.token_embed).max(axis=0) + np.abs(found.pos_embed).max(axis=0, initial=0.0)
    for i, layer in enumerate(found.layers):
        query, key = (_most(x, getattr(layer, side)) for side in ("query", "key"))
        if float(query @ key) > LARGEST:
            return None
        x = x + _most(_most(x, layer.value), layer.linear)
        added = _most(_most(x, layer.linear_1) + 1.0, layer.linear_2)  # an activation may exceed max(0, x) by a little
        for one in found.gates.of(i):
            gate, times = _most(x, Map(one.gate, one.gate_bias)) + 1.0, _most(x, Map(one.times, one.times_bias))
            added = added + (gate * times) @ np.abs(one.out)
        x = x + added
        if float(x.max(initial=0.0)) > LARGEST:
            return None
    most = float(_most(x, head).max(initial=1.0))
    return None if most > LARGEST else most


def _most(x: Floats, read: Map) -> Floats:
    found: Floats = x @ np.abs(read.w) + np.abs(read.b)
    return found


def _idle(found: Plainly) -> int | None:
    """A neuron of the first layer that does nothing, as layers with fewer than the widest have; the first behind those
    that are used, where gated ones stand in the place of some."""
    if found.gates.gated:
        return found.gates.used[0] if found.gates.used[0] < found.d_mlp else None
    layer = found.layers[0]
    idle = ~layer.linear_1.w.any(axis=0) & ~layer.linear_2.w.any(axis=1)
    return int(idle.argmax()) if idle.any() else None


def _wider_gates(gates: Gates) -> Gates:
    """Gated neurons of a stream of one dimension more, beside one neuron more in the first layer."""
    if not gates.gated:
        return gates
    wider = (
        replace(one, gate=_wider(one.gate.T).T, times=_wider(one.times.T).T, out=_wider(one.out)) for one in gates.gated
    )
    return replace(gates, gated=tuple(wider), used=(gates.used[0] + 1, *gates.used[1:]))


def _wider(table: Floats) -> Floats:
    return np.hstack([table, np.zeros((len(table), 1))])


def _with_dimension(layer: Layer[Map]) -> Layer[Map]:
    """The maps of a stream of one dimension more, which they neither read nor write."""
    into = {
        role: Map(np.vstack([read.w, np.zeros((1, read.w.shape[1]))]), read.b.copy())
        for role in ("query", "key", "value", "linear_1")
        for read in [getattr(layer, role)]
    }
    out = {
        role: Map(_wider(write.w), np.append(write.b, 0.0))
        for role in ("linear", "linear_2")
        for write in [getattr(layer, role)]
    }
    return Layer(**into, **out)


def _with_neuron(layer: Layer[Map]) -> Layer[Map]:
    first, second = layer.linear_1, layer.linear_2
    return layer._replace(
        linear_1=Map(_wider(first.w), np.append(first.b, 0.0)),
        linear_2=Map(np.vstack([second.w, np.zeros((1, second.w.shape[1]))]), second.b),
    )
