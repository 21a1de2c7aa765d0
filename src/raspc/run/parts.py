"""The parameters of a transformer by what they do rather than by name: tables, and linear maps that can be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from raspc.target import Dense, Layer, Target, Widths


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
    """The parameters of a transformer; `pos_embed` is None where no table of positions is added.

    The maps of heads, or of neurons, that a layer does not have are None.
    """

    token_embed: Any
    pos_embed: Any
    layers: tuple[Layer[Any], ...]
    unembed: Any


def parts_of(
    params: Mapping[str, Any], target: Target, layers: Sequence[Widths], linear: Callable[[Any, Any], Any] = Linear
) -> Parts:
    """The parameters under the target's names, grouped. `linear(w, b)` makes a map of its two arrays."""

    def of(names: Dense) -> Any:
        return linear(params[names.w], params[names.b]) if target.has_biases else Unbiased(params[names.w])

    tables = [params[name] for name in target.tables()]
    found = (
        Layer(
            *(of(called) if role in widths.roles else None for role, called in zip(Layer._fields, names, strict=True))
        )
        for names, widths in zip(target.names.layers(len(layers)), layers, strict=True)
    )
    return Parts(tables[0], tables[1] if target.has_positions else None, tuple(found), of(target.names.unembed))
