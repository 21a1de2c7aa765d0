"""The forward pass in float32 with every sum taken in an order of its own, and with an `exp` that errs.

What certificates bound is this: products are rounded, terms are added one after the other in any order, the bias
among them, and powers may be off by four units. Each number of each map has its own order here, drawn at random, or
the one that makes partial sums largest: all that is positive first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.run.plain import Layer, Linear, hidden_keys, prepare
from raspc.weights.model import Model

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Shuffled:
    """A model whose sums are shuffled. `stages`: the stream after the embedding, and after each half of each layer."""

    model: Model
    seed: int = 0
    positive_first: bool = False

    def stages(self, ids: NDArray[np.intp]) -> list[Array]:
        """For ids [batch, position], arrays [batch, position, d_model]."""
        rng = np.random.default_rng(self.seed)
        weights = prepare(self.model.params, self.model.config)
        hidden = hidden_keys(weights.config, ids, np.float32)
        x = weights.token_embed[ids] + weights.pos_embed[: ids.shape[1]]
        found = [x]
        for layer in weights.layers:
            x = x + self.attention(layer, x, hidden, rng)
            found.append(x)
            x = x + self.linear(layer.linear_2, np.maximum(self.linear(layer.linear_1, x, rng), 0), rng)
            found.append(x)
        return [*found, self.linear(weights.unembed, x, rng)]

    def linear(self, linear: Linear, x: Array, rng: np.random.Generator) -> Array:
        """x · w + b, the bias one of the terms."""
        ones = np.ones((*x.shape[:-1], 1), np.float32)
        return self.summed(np.concatenate([x, ones], axis=-1), np.vstack([linear.w, linear.b]), rng)

    def summed(self, x: Array, w: Array, rng: np.random.Generator) -> Array:
        """x [..., n] · w [n, m], or a batch of these, term by term."""
        n, m = w.shape[-2:]
        order = np.argsort(rng.random((n, m)), axis=0)
        signs = (1, -1) if self.positive_first else (0,)
        total = np.zeros((*x.shape[:-1], m), np.float32)
        for sign in signs:
            for places in order:
                one = np.take_along_axis(w, np.broadcast_to(places, (*w.shape[:-2], 1, m)), axis=-2)
                term = x[..., places] * one
                total += np.where(np.sign(term) == sign, term, np.float32(0)) if sign else term
        return total

    def attention(self, layer: Layer, x: Array, hidden: Array | None, rng: np.random.Generator) -> Array:
        """What the heads add."""
        config = self.model.config
        parts = [self.linear(linear, x, rng) for linear in (layer.query, layer.key, layer.value)]
        q, k, v = (part.reshape(*x.shape[:2], config.n_heads, config.d_head).transpose(0, 2, 1, 3) for part in parts)
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self.summed(q, np.ascontiguousarray(k.swapaxes(-1, -2)), rng)
        scores = scores * np.float32(1 / np.sqrt(config.d_head))
        scores = scores if hidden is None else scores + hidden
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        powers = powers * (1 + rng.integers(-3, 4, powers.shape) * np.float32(2.0**-23)).astype(np.float32)
        shares = powers / self.summed(powers, np.ones((powers.shape[-1], 1), np.float32), rng)
        mixed = self.summed(shares, v, rng)
        return self.linear(layer.linear, mixed.transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1), rng)
