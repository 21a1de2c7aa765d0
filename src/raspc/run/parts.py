"""The parameters of a transformer by what they do rather than by name: tables, and linear maps that can be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from raspc.target import Dense, Layer, Target


class Linear(NamedTuple):
    """x → x · w + b."""

    w: Any
    b: Any

    def __call__(self, x: Any) -> Any:
        return x @ self.w + self.b


class Unbiased(NamedTuple):
    """x → x · w, in a family that has no biases."""

    w: Any

    def __call__(self, x: Any) -> Any:
        return x @ self.w


@dataclass(frozen=True, eq=False)
class Parts:
    """The parameters of a transformer; `pos_embed` is None where no table of positions is added."""

    token_embed: Any
    pos_embed: Any
    layers: tuple[Layer[Any], ...]
    unembed: Any


def parts_of(
    params: Mapping[str, Any], target: Target, n_layers: int, linear: Callable[[Any, Any], Any] = Linear
) -> Parts:
    """The parameters under the target's names, grouped. `linear(w, b)` makes a map of its two arrays."""

    def of(names: Dense) -> Any:
        return linear(params[names.w], params[names.b]) if target.has_biases else Unbiased(params[names.w])

    tables = [params[name] for name in target.tables()]
    layers = tuple(Layer(*map(of, layer)) for layer in target.names.layers(n_layers))
    return Parts(tables[0], tables[1] if target.has_positions else None, layers, of(target.names.unembed))
