"""Whether exchanging two tokens leaves a model's weights the same function, up to the same exchange of its answers.

What the embedding of the token alone writes, and no layer ever does, stands in the stream unchanged: these
dimensions are replaced by one coordinate for each token, which the exchange permutes. Of the other dimensions
it moves those that hold, one-hot, a variable that the exchange moves in the program; that is a guess from their
labels. The proof is that all weights, in these coordinates, are as they were after the permutation: embeddings,
the scores and the moves of each head, the neurons as a set, the unembedding. Heads of the first layer may differ
where they do not attend: what scores lower than a key that is always there by `SILENT` gets no attention either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.blocks.spaces import Matrix
from raspc.certify.checking.symmetric_graph import Actions, Permutation
from raspc.graph.nodes import Graph, Listed, Variable
from raspc.run.plain import Layer, Linear, Weights, prepare
from raspc.target import Widths
from raspc.weights.model import Model

SILENT = 110.0
"""e to the minus this is 0 in float32."""

NEAR = 1e-12
"""Products of float32 weights, summed in float64, are equal if they are this near, relative to the largest."""

MOST_STATES = 1500
"""Scores of the first layer are listed for all pairs of so many (token, position) pairs at most."""


def weights_allow(model: Model, graph: Graph, hints: Actions, answers: Permutation, a: int, b: int) -> bool:
    """True if it is proved that the exchange of a and b makes the model answer in the same way.

    `hints`: what the exchange does to the variables of `graph`, by which labels are read. `answers`: what it does
    to the values of the program's output.
    """
    if model.config.held is not None:  # a norm rounds what is exchanged in another order
        return False
    columns = _columns(model, model.as_written, answers)
    if columns is None:
        return False
    stream = _Stream(prepare(model.params, model.config, np.float64), _moved_dims(model, graph, hints), a, b)
    layers = stream.weights.layers
    return (
        stream.embeds_alike
        and all(
            _heads_alike(stream, layer, widths, first=i == 0)
            for i, (layer, widths) in enumerate(zip(layers, model.config.widths, strict=True))
        )
        and all(_neurons_alike(stream, layer) for layer in layers)
        and _same(stream.read(stream.weights.unembed), stream.moved, columns)
    )


def _columns(model: Model, graph: Graph, answers: Permutation) -> Permutation | None:
    """What the exchange does to the columns of the unembedding; None if numbers move, which columns cannot say."""
    output, domain = model.config.output, graph.variable(graph.output).domain
    to: dict[Any, Any] = {}
    if isinstance(domain, Listed):
        keys = [V.key(value) for value in domain.values]
        to = {keys[i]: keys[j] for i, j in enumerate(answers)}
        moves_numbers = any(i != j and domain.is_number[i] for i, j in enumerate(answers))
        if output.kind == "numerical" and moves_numbers:
            return None
    place = {V.key(value): i for i, value in enumerate(output.values)}
    found = [place.get(to.get(V.key(value), V.key(value))) for value in output.values]
    if None in found:
        return None
    offset = int(output.kind == "numerical")
    return np.array([*range(offset), *(offset + i for i in found if i is not None)], np.intp)


def _moved_dims(model: Model, graph: Graph, hints: Actions) -> Permutation:
    """A guess: a dimension labelled with a value of a variable moves as the value does."""
    dims = {label: i for i, label in enumerate(model.residual_labels)}
    moved = np.arange(len(model.residual_labels))
    for place, action in hints.items():
        node = graph[place]
        if isinstance(node, Variable) and isinstance(node.domain, Listed):
            own = [dims.get(f"{graph.labels[place]}:{value}") for value in node.domain.values]
            for i, j in enumerate(action):
                here, there = own[i], own[j]
                if here is not None and there is not None:
                    moved[here] = there
    return moved


@dataclass(frozen=True, eq=False)
class _Stream:
    """The coordinates of a position: one for each token, BOS among them, then the dimensions that are not its own."""

    weights: Weights
    dims: Permutation
    a: int
    b: int

    @cached_property
    def tokens(self) -> list[int]:
        """The ids that a position can hold; PAD is hidden from every other."""
        return [i for i in range(self.weights.config.d_vocab) if i != self.weights.config.pad_id]

    @cached_property
    def own(self) -> NDArray[np.bool_]:
        """[d_model]: which dimensions the token alone writes."""
        written = self.weights.pos_embed.any(axis=0)
        for layer in self.weights.layers:
            for linear in (layer.linear, layer.linear_2):
                written |= linear.w.any(axis=0) | (linear.b != 0)
        return np.asarray(self.weights.token_embed.any(axis=0) & ~written)

    @cached_property
    def rest(self) -> Permutation:
        """The other dimensions."""
        return np.flatnonzero(~self.own)

    @cached_property
    def moved_rest(self) -> Permutation | None:
        """Where each of the other dimensions goes; None if the guess mixes them with the token's own."""
        place = {int(dim): i for i, dim in enumerate(self.rest)}
        found = [place.get(int(self.dims[dim])) for dim in self.rest]
        whole = None not in found and len(set(found)) == len(found)
        return np.array(found, np.intp) if whole else None

    @cached_property
    def moved(self) -> Permutation:
        """Where each coordinate goes."""
        assert self.moved_rest is not None
        exchanged = {self.a: self.b, self.b: self.a}
        tokens = [self.tokens.index(exchanged.get(token, token)) for token in self.tokens]
        return np.array([*tokens, *(len(tokens) + i for i in self.moved_rest)], np.intp)

    @cached_property
    def embeds_alike(self) -> bool:
        """Whether embeddings are the same after the exchange, in the dimensions that are not the token's own."""
        if self.moved_rest is None:
            return False
        words = self.weights.token_embed[self.tokens][:, self.rest]
        places = self.weights.pos_embed[:, self.rest]
        tokens = self.moved[: len(self.tokens)]
        return _same(words, tokens, self.moved_rest) and _same(places, np.arange(len(places)), self.moved_rest)

    def read(self, linear: Linear) -> Matrix:
        """[coordinate, output]: what a linear map reads; its bias is counted with the token, as there is always one."""
        words = self.weights.token_embed[self.tokens][:, self.own] @ linear.w[self.own] + linear.b
        return np.vstack([words, linear.w[self.rest]])

    @cached_property
    def states(self) -> Matrix:
        """[state, coordinate]: BOS at its position, and every token at every other, before the first layer."""
        bos, words = self.tokens.index(self.weights.config.bos_id), np.eye(len(self.tokens))
        embedded = self.weights.token_embed[self.tokens][:, self.rest]
        places = self.weights.pos_embed[:, self.rest]
        rows = [np.concatenate([words[bos], embedded[bos] + places[0]])]
        for word in (i for i in range(len(self.tokens)) if i != bos):
            rows.extend(np.concatenate([words[word], embedded[word] + place]) for place in places[1:])
        return np.array(rows)

    @cached_property
    def moved_states(self) -> Permutation:
        """Where each state goes."""
        places = len(self.weights.pos_embed) - 1
        bos = self.tokens.index(self.weights.config.bos_id)
        words = [i for i in range(len(self.tokens)) if i != bos]
        start = {word: 1 + i * places for i, word in enumerate(words)}
        return np.array([0, *(start[int(self.moved[word])] + i for word in words for i in range(places))], np.intp)


def _same(array: Matrix, rows: Permutation, columns: Permutation) -> bool:
    """Whether the array is what it is after its rows and columns have moved."""
    moved = array[rows][:, columns]
    return bool((np.abs(moved - array) <= NEAR * np.abs(array).max(initial=0.0)).all())


def _heads_alike(stream: _Stream, layer: Layer, widths: Widths, first: bool) -> bool:
    config = stream.weights.config
    assert stream.moved_rest is not None
    bias = layer.linear.b[None, stream.rest]
    if not _same(bias, np.zeros(1, np.intp), stream.moved_rest):
        return False
    query, key, value = (stream.read(linear) for linear in (layer.query, layer.key, layer.value))
    for head in range(widths.n_heads):
        part = slice(head * widths.d_head, (head + 1) * widths.d_head)
        moves = value[:, part] @ layer.linear.w[part][:, stream.rest]
        scores = query[:, part] @ key[:, part].T / config.target.score_divisor(widths.d_head)
        if not _same(moves, stream.moved, stream.moved_rest):
            return False
        attends_alike = _same(scores, stream.moved, stream.moved) or (first and _first_layer_alike(stream, scores))
        if moves.any() and not attends_alike:
            return False
    return True


def _first_layer_alike(stream: _Stream, scores: Matrix) -> bool:
    """Whether a head attends alike, given that it sees one token at one position and nothing else."""
    config = stream.weights.config
    if (len(stream.tokens) - 1) * (config.n_ctx - 1) + 1 > MOST_STATES:
        return False
    listed = stream.states @ scores @ stream.states.T
    scale = np.abs(listed).max(initial=0.0)
    # A softmax does not change where all scores of a query do; and BOS and the query itself are always among its keys.
    listed -= np.maximum(listed[:, 0], listed.diagonal())[:, None]
    moved = listed[stream.moved_states][:, stream.moved_states]
    silent = (listed <= -SILENT) & (moved <= -SILENT)
    return bool((silent | (np.abs(moved - listed) <= NEAR * scale)).all())


def _neurons_alike(stream: _Stream, layer: Layer) -> bool:
    """Whether the neurons, as a set, are the same after the exchange; and their common bias."""
    assert stream.moved_rest is not None
    reads, writes = stream.read(layer.linear_1), layer.linear_2.w[:, stream.rest].T
    neurons = np.vstack([reads, writes])
    moved = np.vstack([reads[stream.moved], writes[stream.moved_rest]])
    bias = layer.linear_2.b[None, stream.rest]
    return _same(bias, np.zeros(1, np.intp), stream.moved_rest) and _same_columns(neurons, moved)


def _same_columns(one: Matrix, other: Matrix) -> bool:
    """Whether two arrays have the same columns in any order, with nothing rounded."""
    a, b = (sorted(map(tuple, (array + 0.0).T.tolist())) for array in (one, other))
    return a == b
