"""What a forward pass asks of a framework beyond the operators of its arrays: eight functions.

`over` has them for any namespace, in the words of the array API standard alone. Frameworks that have kernels,
gradients or quicker methods of their own put these in their place. They are imported when they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import array_api_compat
import numpy as np

Function = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Arrays:
    """How to work on the arrays of one framework.

    - `rows(table, ids)`: […, row, d] and ids [batch, position] → […, batch, position, d].
    - `places(ids)`: 0 … n − 1 for ids [batch, n], where the ids are.
    - `split(x, n)`: […, position, n · d] → […, n, position, d]; `joined` is its inverse.
    - `scores(q, k)`: […, query, d] and […, key, d] → q · kᵀ.
    - `softmax(scores, hidden)`: over the last axis, with nothing for what is hidden; `hidden` None hides nothing.
    - `zeros(x)`: 0 in the shape of x.
    - `activations`: what neurons apply, by the names that a target gives to it.
    """

    rows: Callable[[Any, Any], Any]
    places: Function
    split: Callable[[Any, int], Any]
    joined: Function
    scores: Callable[[Any, Any], Any]
    softmax: Callable[[Any, Any], Any]
    zeros: Function
    activations: Mapping[str, Function]


def over(xp: Any) -> Arrays:
    """The functions in a namespace that keeps to the array API standard, such as one of `array_api_compat`."""

    def swapped(x: Any) -> Any:
        last = x.ndim
        return xp.permute_dims(x, (*range(last - 3), last - 2, last - 3, last - 1))

    def softmax(scores: Any, hidden: Any) -> Any:
        shown = scores if hidden is None else xp.where(hidden, -xp.inf, scores)
        powers = xp.exp(shown - xp.max(shown, axis=-1, keepdims=True))
        return powers / xp.sum(powers, axis=-1, keepdims=True)

    def rows(table: Any, ids: Any) -> Any:
        found = xp.take(table, xp.reshape(ids, (-1,)), axis=table.ndim - 2)
        return xp.reshape(found, (*table.shape[:-2], *ids.shape, table.shape[-1]))

    return Arrays(
        rows,
        lambda ids: xp.arange(ids.shape[-1]),
        lambda x, n: swapped(xp.reshape(x, (*x.shape[:-1], n, x.shape[-1] // n))),
        lambda x: xp.reshape(swapped(x), (*x.shape[:-3], x.shape[-2], x.shape[-3] * x.shape[-1])),
        lambda q, k: q @ xp.matrix_transpose(k),
        softmax,
        xp.zeros_like,
        {"relu": lambda x: xp.maximum(x, xp.zeros_like(x))},
    )


# -- by methods that the arrays of NumPy and PyTorch share -------------------------------------------


def _indexed(table: Any, ids: Any) -> Any:
    return table[..., ids, :]


def _split(x: Any, n: int) -> Any:
    *outer, width = x.shape
    return x.reshape(*outer, n, width // n).swapaxes(-3, -2)


def _joined(x: Any) -> Any:
    *outer, n, position, d = x.shape
    return x.swapaxes(-3, -2).reshape(*outer, position, n * d)


# -- NumPy -------------------------------------------------------------------------------------------


ZERO = np.zeros((), np.float16)
"""0 in the narrowest dtype, which widens nothing; NumPy compares with it quicker than with a Python number."""


def _quiet_scores(q: Any, k: Any) -> Any:
    with np.errstate(over="ignore"):  # a steep score may leave the range: −∞ is not selected
        return q @ k.swapaxes(-1, -2)


def _softmax(scores: Any, hidden: Any) -> Any:
    """Over the last axis. BOS is never hidden, so that no row is without a finite score."""
    shown = scores if hidden is None else np.where(hidden, -np.inf, scores)
    powers = shown - shown.max(-1, keepdims=True)
    np.exp(powers, out=powers)
    powers /= powers.sum(-1, keepdims=True)
    return powers


_erf = np.frompyfunc(math.erf, 1, 1)


def _gelu(x: Any) -> Any:
    """x · Φ(x) (Hendrycks and Gimpel 2016), where Φ is the distribution function of the normal distribution."""
    return x * ((1 + _erf(x / math.sqrt(2)).astype(x.dtype)) / 2).astype(x.dtype)


def _gelu_tanh(x: Any) -> Any:
    """The same with a hyperbolic tangent in place of the error function."""
    inner = x.dtype.type(math.sqrt(2 / math.pi)) * (x + x.dtype.type(0.044715) * x * x * x)
    return x * ((1 + np.tanh(inner)) / 2)


NUMPY = Arrays(
    lambda table, ids: table.take(ids, axis=-2),
    lambda ids: np.arange(ids.shape[-1]),
    _split,
    _joined,
    _quiet_scores,
    _softmax,
    np.zeros_like,
    {
        "relu": lambda x: np.maximum(x, ZERO),
        "silu": lambda x: x / (1 + np.exp(-x)),
        "gelu": _gelu,
        "gelu_tanh": _gelu_tanh,
    },
)


# -- frameworks --------------------------------------------------------------------------------------


@cache
def of_torch() -> Arrays:
    """PyTorch's arrays."""
    import torch

    def softmax(scores: Any, hidden: Any) -> Any:
        return (scores if hidden is None else scores.masked_fill(hidden, -torch.inf)).softmax(-1)

    def places(ids: Any) -> Any:
        return torch.arange(ids.shape[-1], device=ids.device)

    return Arrays(
        _indexed, places, _split, _joined, lambda q, k: q @ k.mT, softmax, torch.zeros_like, {"relu": torch.relu}
    )  # fmt: skip


@cache
def of_jax() -> Arrays:
    """JAX's arrays."""
    import jax
    import jax.numpy as jnp

    def softmax(scores: Any, hidden: Any) -> Any:
        return jax.nn.softmax(scores if hidden is None else jnp.where(hidden, -jnp.inf, scores), axis=-1)

    return replace(over(jnp), rows=_indexed, softmax=softmax, activations={"relu": jax.nn.relu})


def arrays_of(x: Any) -> Arrays:
    """How to work on arrays such as x, of any framework that keeps to the array API standard.

    Raises TypeError for what is no array.
    """
    for is_one, found in KNOWN:
        if is_one(x):
            return found()
    return over(array_api_compat.array_namespace(x))


KNOWN: tuple[tuple[Callable[[Any], bool], Callable[[], Arrays]], ...] = (
    (array_api_compat.is_numpy_array, lambda: NUMPY),
    (array_api_compat.is_torch_array, of_torch),
    (array_api_compat.is_jax_array, of_jax),
)
