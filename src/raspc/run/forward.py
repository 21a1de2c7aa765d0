"""The forward pass: what a compiled transformer computes, written once for the arrays of every framework.

    x = token_embed[ids] + pos_embed[0 … n − 1]
    in each layer   x += linear(softmax(q kᵀ / √d_head, with −∞ where a key is hidden) v)
                    x += linear_2(relu(linear_1(x)))
    logits = unembed(x)

It is the plain transformer without normalisation (Lindner et al. 2023, section 3). Linear maps are anything that can
be called, so that they may be arrays (`raspc.run.parts`) or the modules of a framework. Every activation passes
through `see`, which may keep it or give back another in its place (`raspc.run.trace`). A framework with modules of
its own builds a layer from `attention`, `neurons` and `added`, and hands its layers to `through`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from raspc.run.arrays import Arrays
from raspc.run.parts import Parts
from raspc.run.trace import Recorder, See, Trace, unseen
from raspc.target import Wiring

RunLayer = Callable[[Any, Any, See], Any]
"""The stream after a layer, from the stream before it, what is hidden, and what sees the activations."""


class Heads(NamedTuple):
    """How many heads a layer has, and what their products of queries and keys are multiplied by."""

    number: int
    scale: float


@dataclass(frozen=True, eq=False)
class How:
    """How the parts of a model are run: by which arrays, in which heads of each layer, with which activation."""

    arrays: Arrays
    heads: tuple[Heads, ...]
    activation: Callable[[Any], Any]


def how(wiring: Wiring, arrays: Arrays) -> How:
    """What the target of a model says of the pass.

    Raises KeyError for an activation that the arrays do not have, and for a target that normalises its stream.
    """
    target = wiring.target
    if target.normalisation is not None:
        raise KeyError(f"the forward pass knows no {target.normalisation}; the target {target.name} needs it")
    return How(arrays, heads_of(wiring), arrays.activations[target.activation])


def heads_of(wiring: Wiring) -> tuple[Heads, ...]:
    """The heads of each layer."""
    scale = wiring.target.score_scale
    return tuple(Heads(widths.n_heads, scale(widths.d_head) if widths.n_heads else 1.0) for widths in wiring.widths)


def forward(parts: Parts, ids: Any, hidden: Any, how: How, see: See = unseen) -> Any:
    """The logits [batch, position, d_vocab_out] of ids [batch, position]; for `hidden` see `hidden_keys`."""
    layers = [partial(run_layer, maps, how, heads) for maps, heads in zip(parts.layers, how.heads, strict=True)]
    return through(layers, parts.unembed, embedded(parts, ids, how.arrays), hidden, see)


def trace(parts: Parts, ids: Any, hidden: Any, how: How) -> Trace[Any]:
    """The same pass, with every activation kept."""
    recorder: Recorder[Any] = Recorder()
    forward(parts, ids, hidden, how, recorder)
    return recorder.trace()


def embedded(parts: Parts, ids: Any, arrays: Arrays) -> Any:
    """The stream [batch, position, d_model] before the first layer."""
    x = arrays.rows(parts.token_embed, ids)
    return x if parts.pos_embed is None else x + parts.pos_embed[..., : ids.shape[-1], :]


def hidden_keys(padding: Any, causal: bool, arrays: Arrays) -> Any:
    """Where a query must not see a key, [batch, 1, query or 1, key]: at padding [batch, key], and later if causal."""
    hidden = padding[..., None, None, :]
    if not causal:
        return hidden
    place = arrays.places(padding)
    return hidden | (place[None, :] > place[:, None])


def through(layers: Iterable[RunLayer], unembed: Callable[[Any], Any], x: Any, hidden: Any, see: See = unseen) -> Any:
    """The logits of an embedded stream x."""
    x = see("input_embeddings", x)
    for layer in layers:
        x = layer(x, hidden, see)
    return see("unembedded", unembed(see("transformer_output", x)))


def run_layer(maps: Any, how: How, heads: Heads, x: Any, hidden: Any, see: See = unseen) -> Any:
    """The stream after a layer: attention adds to it, then the MLP. `maps` has the fields of `raspc.target.Layer`."""
    x = added(x, attention(maps, x, hidden, *heads, how.arrays, see), see)
    return added(x, neurons(maps, x, how.activation, how.arrays, see), see)


def added(x: Any, output: Any, see: See) -> Any:
    """The stream with the output of attention or of an MLP."""
    return see("residuals", x + see("layer_outputs", output))


def attention(
    maps: Any, x: Any, hidden: Any, n_heads: int, scale: float, arrays: Arrays, see: See = unseen
) -> Any:  # fmt: skip
    """What the heads of a layer add to a stream x […, position, d_model]; of `maps` the first four."""
    if not n_heads:
        return _no_heads(x, arrays, see)
    split = arrays.split
    q, k, v = split(maps.query(x), n_heads), split(maps.key(x), n_heads), split(maps.value(x), n_heads)
    logits = see("attn_logits", arrays.scores(q, k) * scale)
    pattern = see("attn_patterns", arrays.softmax(logits, hidden))
    return maps.linear(see("mixed", arrays.joined(pattern @ v)))


def _no_heads(x: Any, arrays: Arrays, see: See) -> Any:
    """Nothing is added; scores and patterns are there, of no head."""
    none = x[..., None, :, :1][..., :0, :, :]
    pattern = see("attn_logits", arrays.scores(none, none))
    see("attn_patterns", pattern)
    see("mixed", x[..., :0])
    return arrays.zeros(x)


def neurons(maps: Any, x: Any, activation: Callable[[Any], Any], arrays: Arrays, see: See = unseen) -> Any:
    """What the neurons of a layer add to a stream x […, position, d_model]; of `maps` the last two, None for none."""
    if maps.linear_1 is None:
        see("neurons", x[..., :0])
        return arrays.zeros(x)
    return maps.linear_2(see("neurons", activation(maps.linear_1(x))))
