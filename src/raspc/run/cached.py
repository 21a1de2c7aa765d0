"""The forward pass one token after another: keys and values of earlier positions are kept, not computed again.

Under a causal mask what a position holds does not depend on later ones, so a token costs one position. Heads and
neurons are those of `raspc.run.fast`; answers are the same up to the order of float32 sums.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from raspc.run.fast import FastLayer, FastWeights, Head, added_by, scores_of, shares_of, sums_of
from raspc.run.plain import Array, Ids


@dataclass
class Session:
    """Inputs of one length that grow together; `filled` says how many positions they have, BOS counted.

    `kept`: for each head, in the order of the layers, the keys [rank, batch or 1, n_ctx] and the values
    [value, batch or 1, n_ctx] of the positions that are filled.
    """

    fast: FastWeights
    filled: int = 0
    kept: list[tuple[Array, Array]] = field(default_factory=list)

    def feed(self, ids: Ids) -> Array:
        """The logits [d_vocab_out, batch, position] of further ids [batch, position]; the first ones open with BOS."""
        x = np.array(np.broadcast_to(self._start(ids), (self.fast.start.width, *ids.shape)), order="C")
        place = 0
        for layer in self.fast.layers:
            self._run_layer(layer, ids, x, place)
            place += len(layer.heads)
        logits = self.fast.unembed(ids, x, self.filled)
        self.filled += ids.shape[1]
        return np.broadcast_to(logits, (len(logits), *ids.shape))

    def keep(self, rows: Ids) -> None:
        """Go on with some of the inputs, by their places."""
        self.kept = [tuple(part if part.shape[1] == 1 else part[:, rows] for part in pair) for pair in self.kept]  # type: ignore[misc]

    def _start(self, ids: Ids) -> Array:
        return self.fast.start(ids, np.zeros((0, *ids.shape), self.fast.dtype), self.filled)

    def _run_layer(self, layer: FastLayer, ids: Ids, x: Array, place: int) -> None:
        mixed = [self._mixed(head, ids, x, place + i) for i, head in enumerate(layer.heads)]
        for head, moved in zip(layer.heads, mixed, strict=True):
            head.write(x, moved)
        if layer.biases[0] is not None:
            layer.biases[0](x, None)
        if layer.neurons is not None:
            x[layer.neurons.write.places] += added_by(layer.neurons, layer.neurons.read(ids, x, self.filled))
        if layer.biases[1] is not None:
            layer.biases[1](x, None)

    def _mixed(self, head: Head, ids: Ids, x: Array, place: int) -> Array:
        """One head's mix of values, [value, batch or 1, position], at the new positions."""
        query, key, value = (read(ids, x, self.filled) for read in (head.query, head.key, head.value))
        keys, values = self._with(place, key, value)
        scores = scores_of(query, keys, head.scale, self.fast.config.causal)
        return sums_of(shares_of(scores, None), values)

    def _with(self, place: int, key: Array, value: Array) -> tuple[Array, Array]:
        """All keys and values of a head so far, after new ones were added."""
        if place == len(self.kept):
            room = self.fast.config.n_ctx
            self.kept.append((_room_for(key, room), _room_for(value, room)))
        end = self.filled + key.shape[2]
        for held, new in zip(self.kept[place], (key, value), strict=True):
            held[:, :, self.filled : end] = new
        keys, values = self.kept[place]
        return keys[:, :, :end], values[:, :, :end]


def _room_for(part: Array, positions: int) -> Array:
    return np.zeros((*part.shape[:2], positions), part.dtype)
