"""The forward pass in another precision, simulated: what is stored is rounded, sums are kept in the accumulator.

Weights, every linear map, scores before and after scaling, probabilities and the residual stream are stored.
The softmax works in the accumulator's precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from raspc.numbers.precision import Precision
from raspc.run.plain import Array, Ids, Layer, Linear, Setting, Weights, forward, hidden_keys, prepare
from raspc.run.trace import Trace
from raspc.target import Widths

Rounding = Callable[[Array], Array]
WIDE = ("float32", "float64")
"""Formats in which NumPy computes by itself."""
AT_ONCE = 1 << 22
"""How many numbers the largest activation of one piece of a batch may hold."""


def logits_by_definition(params: Mapping[str, Any], config: Setting, ids: Ids, precision: Precision) -> Array:
    """The logits [batch, position, d_vocab_out] of padded ids; in wide formats the plain pass gives them, in pieces."""
    if precision.name not in WIDE:
        return logits(rounded_weights(params, config, precision), ids, precision)
    weights = prepare(params, config, np.dtype(precision.name))
    rows = _rows_at_once(config, ids.shape[1])
    return np.concatenate([forward(weights, ids[i : i + rows]) for i in range(0, len(ids), rows)])


def logits(weights: Weights, ids: Ids, precision: Precision) -> Array:
    """The logits [batch, position, d_vocab_out] of weights that are rounded already, a piece of the batch at a time."""
    rows = _rows_at_once(weights.config, ids.shape[1])
    pieces = [trace(weights, ids[i : i + rows], precision).unembedded for i in range(0, len(ids), rows)]
    return np.concatenate(pieces) if pieces else np.zeros((*ids.shape, weights.config.d_vocab_out), np.float32)


def _rows_at_once(config: Setting, length: int) -> int:
    widest = max(config.d_model, config.d_vocab_out, *(widths.widest(length) for widths in config.widths))
    return max(1, AT_ONCE // (length * widest))


def rounded_weights(params: Mapping[str, Any], config: Setting, precision: Precision) -> Weights:
    """The weights as the format stores them, in float32 arrays."""
    plain = prepare(params, config, np.float64)
    stored = rounding_of(precision)

    def linear(found: Linear) -> Linear:
        return Linear(stored(found.w), stored(found.b))

    return replace(
        plain,
        token_embed=stored(plain.token_embed),
        pos_embed=stored(plain.pos_embed),
        layers=tuple(Layer(*map(linear, layer)) for layer in plain.layers),
        unembed=linear(plain.unembed),
    )


def trace(weights: Weights, ids: Ids, precision: Precision) -> Trace[Array]:
    """Every activation for a batch of ids [batch, position]."""
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the logits
        return _trace(weights, ids, _Arithmetic(precision, rounding_of(precision), factor_rounding(precision)))


def _trace(weights: Weights, ids: Ids, step: _Arithmetic) -> Trace[Array]:
    config = weights.config
    x = step.stored(weights.token_embed[ids] + weights.pos_embed[: ids.shape[1]])
    hidden = hidden_keys(config, ids, np.float32)
    scales = [step.stored(np.array(scale, np.float32)) for _, scale in weights.how.heads]
    kept = Trace(x, [], [], [], [], x, x)
    for layer, scale, widths in zip(weights.layers, scales, config.widths, strict=True):
        q, k, v = (_split(step.linear(part, x), widths) for part in (layer.query, layer.key, layer.value))
        scores = step.stored(step.product(q, k.swapaxes(-1, -2)) * scale)
        pattern = step.softmax(scores if hidden is None else scores + hidden)
        mixed = step.product(pattern, v).swapaxes(1, 2).reshape(*x.shape[:2], widths.n_heads * widths.d_head)
        attended = step.linear(layer.linear, mixed)
        middle = step.stored(x + attended)
        computed = step.linear(layer.linear_2, weights.how.activation(step.linear(layer.linear_1, middle)))
        x = step.stored(middle + computed)
        kept.layer_outputs.extend((attended, computed))
        kept.residuals.extend((middle, x))
        kept.attn_logits.append(scores)
        kept.attn_patterns.append(pattern)
    return replace(kept, transformer_output=x, unembedded=step.linear(weights.unembed, x))


def _split(x: Array, widths: Widths) -> Array:
    """[batch, position, heads · d_head] to [batch, heads, position, d_head]."""
    split: Array = x.reshape(*x.shape[:2], widths.n_heads, widths.d_head).swapaxes(1, 2)
    return split


@dataclass(frozen=True)
class _Arithmetic:
    precision: Precision
    stored: Rounding
    factor: Rounding

    def product(self, a: Array, b: Array) -> Array:
        """A product of matrices, stored."""
        if self.precision.sum_bits < 24:
            return self.one_by_one(a, b)
        found: Array = self.factor(a) @ self.factor(b)
        return self.stored(found)

    def one_by_one(self, a: Array, b: Array) -> Array:
        """The same with an accumulator that rounds after each term."""
        total: Array = np.zeros(
            (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), np.float32
        )
        for i in range(a.shape[-1]):
            total = self.stored(total + self.stored(a[..., :, i, None] * b[..., i, None, :]))
        return total

    def linear(self, found: Linear, x: Array) -> Array:
        """x · w + b, stored after each of the two."""
        return self.stored(self.product(x, found.w) + found.b)

    def softmax(self, scores: Array) -> Array:
        """In the accumulator's precision; what it gives is stored where probabilities are."""
        inner = self.stored if self.precision.sum_bits < 24 else _same
        powers = inner(np.exp(scores - scores.max(-1, keepdims=True)))
        found: Array = inner(powers / inner(powers.sum(-1, keepdims=True)))
        return self.stored(found) if self.precision.rounded_probabilities else found


def _same(x: Array) -> Array:
    return x


def rounding_of(precision: Precision) -> Rounding:
    """From float32 or float64 numbers to float32 numbers that the format holds."""
    if precision.name == "float16":
        return _float16
    return _bfloat16 if precision.name == "bfloat16" else _float32


def factor_rounding(precision: Precision) -> Rounding:
    """What the factors of a product are rounded to."""
    if not precision.factor_unit:
        return _same
    return lambda x: precision.round(np.asarray(x, np.float64), precision.factor_bits).astype(np.float32)


def _float32(x: Any) -> Array:
    return np.asarray(x).astype(np.float32, copy=False)


def _float16(x: Any) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(x).astype(np.float16).astype(np.float32)


def _bfloat16(x: Any) -> Array:
    """The nearest bfloat16, ties to even: the upper half of the bits of a float32. What is not finite stays so."""
    rounded: Array = np.array(x, np.float32, order="C", ndmin=1)
    bits: npt.NDArray[np.uint32] = rounded.view(np.uint32)
    up = bits >> 16
    up &= 1
    up += 0x7FFF
    bits += up
    bits &= 0xFFFF0000
    return rounded.reshape(np.shape(x))
