"""The transformer that is compiled for: what it computes, and what its parameters are called and shaped like."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple, Protocol

from raspc.target.families import FAMILIES
from raspc.target.names import Dense, Layer, Names

Axes = tuple[int, ...]

READERS = ("query", "key", "value", "linear_1")
"""The linear maps of a layer that read the stream."""
WRITERS = ("linear", "linear_2")
"""The linear maps of a layer that add to the stream, in the order in which they do."""
ATTENTION, MLP = ("query", "key", "value", "linear"), ("linear_1", "linear_2")
"""The linear maps of the heads of a layer, and those of its neurons."""


class Widths(NamedTuple):
    """How wide one layer is: its heads, the width of each, its neurons.

    A layer without heads (`n_heads` and `d_head` are 0) has no parameters for attention, one without neurons none for
    an MLP.
    """

    n_heads: int
    d_head: int
    d_mlp: int

    @property
    def roles(self) -> tuple[str, ...]:
        """The linear maps that the layer has, in the order in which they run."""
        return (ATTENTION if self.n_heads else ()) + (MLP if self.d_mlp else ())

    def widest(self, length: int) -> int:
        """How many numbers the layer's widest activation has at one position of an input of that length."""
        return max(self.n_heads * max(length, self.d_head), self.d_mlp)


class Sizes(Protocol):
    """What the shapes of parameters follow from; `raspc.weights.Config` has these.

    `buckets`: how many buckets of distances there are, in families with biases by distance.
    """

    @property
    def widths(self) -> Sequence[Widths]: ...
    @property
    def d_model(self) -> int: ...
    @property
    def n_ctx(self) -> int: ...
    @property
    def d_vocab(self) -> int: ...
    @property
    def d_vocab_out(self) -> int: ...
    @property
    def buckets(self) -> int: ...


class Wiring(Protocol):
    """What a forward pass must be told of a model beside its parameters; `raspc.weights.Config` has these."""

    @property
    def target(self) -> Target: ...
    @property
    def widths(self) -> Sequence[Widths]: ...
    @property
    def causal(self) -> bool: ...


@dataclass(frozen=True)
class Target:
    """A family of transformers.

    `activation` is what neurons apply. `normalisation` is what is applied to the stream before it is read, None for
    nothing. `has_positions`: a table of positions is added to the embeddings; else order is seen by the mask alone.
    `has_biases`: every linear map adds a bias. `scales_scores`: a query's product with a key is divided by √d_head.
    """

    name: str
    names: Names
    activation: str = "relu"
    normalisation: str | None = None
    has_positions: bool = True
    has_biases: bool = True
    scales_scores: bool = True

    def score_divisor(self, d_head: int) -> float:
        """What products of queries and keys are divided by."""
        return math.sqrt(d_head) if self.scales_scores else 1.0

    def score_scale(self, d_head: int) -> float:
        """What products of queries and keys are multiplied by."""
        return 1 / self.score_divisor(d_head)

    def tables(self) -> tuple[str, ...]:
        """The names of what is added up to embed a token."""
        return (self.names.token_embed, self.names.pos_embed) if self.has_positions else (self.names.token_embed,)

    def parameters(self, sizes: Sizes) -> dict[str, Axes]:
        """The name and shape of every parameter, in the order of the forward pass. Linear maps are [in, out].

        A layer without heads, or without neurons, has no parameters for them.
        """
        rows = (sizes.d_vocab, sizes.n_ctx)
        found: dict[str, Axes] = {name: (n, sizes.d_model) for name, n in zip(self.tables(), rows, strict=False)}
        for i, widths in enumerate(sizes.widths):
            layer, ends = self.names.layer(i), _ends(sizes.d_model, widths)
            for role in widths.roles:
                found |= self._linear(getattr(layer, role), *getattr(ends, role))
        return found | self._linear(self.names.unembed, sizes.d_model, sizes.d_vocab_out)

    def _linear(self, names: Dense, inputs: int, outputs: int) -> dict[str, Axes]:
        weights: dict[str, Axes] = {names.w: (inputs, outputs)}
        return weights | {names.b: (outputs,)} if self.has_biases else weights

    def maps(self, layers: Sequence[Widths]) -> Iterator[tuple[str, Dense]]:
        """The linear maps that there are in layers of these widths, each by its role and its names."""
        for i, widths in enumerate(layers):
            layer = self.names.layer(i)
            yield from ((role, getattr(layer, role)) for role in widths.roles)

    def of_layers(self, layers: Sequence[Widths]) -> Iterator[str]:
        """The names of all parameters that belong to layers."""
        for _, names in self.maps(layers):
            yield from names if self.has_biases else names[:1]

    def reading(self, layers: Sequence[Widths]) -> Iterator[str]:
        """The names of all parameters whose first axis is the residual stream."""
        yield from (names.w for role, names in self.maps(layers) if role in READERS)
        yield self.names.unembed.w

    def writing(self, layers: Sequence[Widths]) -> Iterator[str]:
        """The names of all parameters whose last axis is the residual stream."""
        yield from self.tables()
        for role, names in self.maps(layers):
            if role in WRITERS:
                yield from names if self.has_biases else names[:1]


def _ends(d_model: int, widths: Widths) -> Layer[tuple[int, int]]:
    """What each map of a layer leads from and to."""
    heads, d_mlp = widths.n_heads * widths.d_head, widths.d_mlp
    inward = (d_model, heads)
    return Layer(inward, inward, inward, (heads, d_model), (d_model, d_mlp), (d_mlp, d_model))


PLAIN = Target(
    "plain",
    Names(
        token_embed="token_embed/embeddings",
        pos_embed="pos_embed/embeddings",
        modules=Layer(
            query="transformer/layer_{i}/attn/query",
            key="transformer/layer_{i}/attn/key",
            value="transformer/layer_{i}/attn/value",
            linear="transformer/layer_{i}/attn/linear",
            linear_1="transformer/layer_{i}/mlp/linear_1",
            linear_2="transformer/layer_{i}/mlp/linear_2",
        ),
        output="unembed",
        weight="/w",
        bias="/b",
    ),
)
"""The transformer without normalisation that everything compiles to, under the names that Haiku gives in Tracr."""

UNSCALED = replace(PLAIN, name="unscaled", scales_scores=False)
"""The same without the division by √d_head, for families that have none."""

TARGETS: Mapping[str, Target] = MappingProxyType({target.name: target for target in (PLAIN, UNSCALED)})
"""By name, as a saved model names its own."""


def assembled_for(name: str) -> Target:
    """The transformer that blocks become weights of: of a stock family the plain one, which is then framed for it."""
    family = FAMILIES.get(name)
    if family is None:
        return TARGETS.get(name, PLAIN)
    return PLAIN if family.scales_scores else UNSCALED
