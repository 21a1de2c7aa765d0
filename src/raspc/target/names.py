"""What a family of transformers calls its parameters: one table, in which a number stands for the layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Layer(NamedTuple, Generic[T]):
    """One thing for each linear map of a layer, in the order in which they run: a name, a shape, or the map itself.

    `query`, `key`, `value` and `linear` are those of attention, `linear` from the heads back to the stream;
    `linear_1` and `linear_2` lead to the neurons and back.
    """

    query: T
    key: T
    value: T
    linear: T
    linear_1: T
    linear_2: T


class Dense(NamedTuple):
    """The names of the weights and of the bias of one linear map."""

    w: str
    b: str


@dataclass(frozen=True)
class Names:
    """The names that a family gives to its parameters.

    `token_embed` and `pos_embed` are the two tables. `modules` are the linear maps of a layer, where `{i}` stands for
    its number, and `output` is the map that gives logits; an array of a map is called as the map is, with `weight` or
    `bias` after it.
    """

    token_embed: str
    pos_embed: str
    modules: Layer[str]
    output: str
    weight: str
    bias: str

    @property
    def unembed(self) -> Dense:
        """The map from the stream to logits."""
        return self._dense(self.output)

    def layer(self, i: int) -> Layer[Dense]:
        """The maps of layer i."""
        return Layer(*map(self._dense, self.modules_of(i)))

    def layers(self, n_layers: int) -> tuple[Layer[Dense], ...]:
        """The maps of every layer."""
        return tuple(map(self.layer, range(n_layers)))

    def modules_of(self, i: int) -> Layer[str]:
        """The modules of layer i, whose arrays are `layer(i)`."""
        return Layer(*(module.format(i=i) for module in self.modules))

    def maps(self, n_layers: int) -> Iterator[Dense]:
        """Every linear map, in the order in which they run."""
        yield from chain.from_iterable(self.layers(n_layers))
        yield self.unembed

    def _dense(self, module: str) -> Dense:
        return Dense(module + self.weight, module + self.bias)
