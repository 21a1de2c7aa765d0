"""The canonical parameters: their names, shapes, and the mapping that holds them.

Names and shapes are those of the config's target (`raspc.target`), such as `transformer/layer_0/attn/query/w`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from raspc.errors import ModelFormatError
from raspc.run.plain import Array
from raspc.target import Axes
from raspc.weights.config import Config


def shapes(config: Config) -> dict[str, Axes]:
    """The shape of each parameter, by its flat name, in the order of the forward pass."""
    return config.target.parameters(config)


def parameters_of(config: Config) -> int:
    """How many numbers the parameters hold."""
    return sum(math.prod(map(int, shape)) for shape in shapes(config).values())


class Params(Mapping[str, Any]):
    """Flat name → read-only, contiguous float32 array; a module's name gives its arrays by their short names.

    `params["unembed/w"]` and `params["unembed"]["w"]` are one array. Iteration is over flat names.
    Raises ModelFormatError, with every fault, where names or shapes do not fit the config.
    """

    def __init__(self, arrays: Mapping[str, Array], config: Config) -> None:
        self._arrays = {name: _frozen(arrays[name]) for name in _checked(arrays, shapes(config))}
        self._modules: dict[str, dict[str, Array]] = {}
        for name, array in self._arrays.items():
            module, _, short = name.rpartition("/")
            self._modules.setdefault(module, {})[short] = array

    def __getitem__(self, name: str) -> Any:
        return self._arrays[name] if name in self._arrays else self._modules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def modules(self) -> dict[str, dict[str, Array]]:
        """The two-level form that Haiku uses: module name → short name → array."""
        return {module: dict(arrays) for module, arrays in self._modules.items()}


def _frozen(array: Array) -> Array:
    """A contiguous copy or view that cannot be written, as forward passes keep what they derive from it."""
    held = np.ascontiguousarray(array, dtype=np.float32).view()
    held.setflags(write=False)
    return held


def _checked(arrays: Mapping[str, Array], needed: Mapping[str, Axes]) -> Mapping[str, Axes]:
    faults = [f"{name} is missing" for name in needed if name not in arrays]
    faults += [f"{name} is unknown" for name in arrays if name not in needed]
    faults += [
        f"{name} has shape {arrays[name].shape}, needed {shape}"
        for name, shape in needed.items()
        if name in arrays and arrays[name].shape != shape
    ]
    faults = faults or [f"{name} holds NaN or an infinity" for name in needed if not np.isfinite(arrays[name]).all()]
    if faults:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise ModelFormatError("parameters: " + "; ".join(faults[:5]) + more)
    return needed
