"""Which dtypes a model may be exported in: what its certificate or a measured run supports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from raspc.errors import CertificateError, InputError
from raspc.weights import encoders, sampling
from raspc.weights.forward import Layer, Linear, Weights, forward

if TYPE_CHECKING:
    from raspc.weights import Model

EXACT = ("float32", "float64")
MEASURED = ("float16", "bfloat16")
DTYPES = EXACT + MEASURED


def check(model: Model, dtype: str) -> None:
    """Pass where the model may be exported in `dtype`.

    A narrow dtype that the certificate is not for is measured: weights and activations are rounded to it
    (products are summed in float32), and the decoded answers must be those of float32 on all short inputs and
    on random ones up to the longest.

    Raises CertificateError for a model whose own check failed, InputError for a dtype that is unknown or does
    not hold.
    """
    if _says_failed(model.certificate):
        raise CertificateError("this model failed its certificate; compile it again before you export it")
    if dtype not in DTYPES:
        raise InputError(f"unknown dtype {dtype!r}; known are {', '.join(DTYPES)}")
    if _certified(model.certificate, dtype):
        return
    if dtype in MEASURED and (tokens := first_difference(model, dtype)) is not None:
        raise InputError(
            f"{dtype} does not hold for this model: its answer to {tokens} differs from float32's; "
            "export float32, or compile a shorter length"
        )


def _says_failed(certificate: object) -> bool:
    return isinstance(certificate, Mapping) and certificate.get("holds") is False


def _certified(certificate: object, dtype: str) -> bool:
    """True where the certificate is for this dtype and holds."""
    return isinstance(certificate, Mapping) and certificate.get("holds") is True and certificate.get("dtype") == dtype


def first_difference(model: Model, dtype: str) -> list[object] | None:
    """An input whose decoded answer in `dtype` differs from float32's, or None."""
    batch = sampling.inputs(model.config)
    exact = model.apply_batch(batch)
    with np.errstate(all="ignore"):  # an overflow shows in the logits
        logits = np.asarray(forward(rounded_weights(model.weights, dtype), exact.ids))
    decoded = encoders.decode_logits(model.config, logits, exact.ids)
    for i, tokens in enumerate(batch):
        pairs = zip(exact.decoded[i], decoded[i], strict=False)  # one is padded, the other not
        if not np.isfinite(logits[i, : len(tokens)]).all() or not all(_close(*pair) for pair in pairs):
            return tokens
    return None


def round_float16(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """float32 numbers rounded to float16, overflow to infinity included."""
    with np.errstate(over="ignore"):
        return x.astype(np.float16).astype(np.float32)


def round_bfloat16(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """float32 numbers rounded to the nearest bfloat16, ties to even: the upper half of their bits."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1)).astype(np.uint32)) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(x), rounded.view(np.float32), x)


ROUNDINGS = {"float16": round_float16, "bfloat16": round_bfloat16}


class Rounded(np.ndarray[Any, Any]):
    """A float32 array whose every operation gives a rounded result: one forward pass serves all dtypes."""

    rounding: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]

    def __array_finalize__(self, source: Any) -> None:
        """Views and slices round as their source does."""
        self.rounding = getattr(source, "rounding", np.asarray)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """The plain operation in float32, then the rounding."""
        kwargs["out"], out = None, kwargs.get("out")
        plain = [x.view(np.ndarray) if isinstance(x, Rounded) else x for x in inputs]
        result = rounded_array(getattr(ufunc, method)(*plain, **kwargs), self.rounding)
        if out is None:
            return result
        out[0][...] = result
        return out[0]


def rounded_array(x: Any, rounding: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Rounded:
    """The array, rounded now and after every operation."""
    held: Rounded = rounding(np.asarray(x, np.float32)).view(Rounded)
    held.rounding = rounding
    return held


def rounded_weights(weights: Weights, dtype: str) -> Weights:
    """The weights for a forward pass that rounds as `dtype` does."""
    rounding = ROUNDINGS[dtype]

    def linear(map_: Linear) -> Linear:
        return Linear(rounded_array(map_.w, rounding), rounded_array(map_.b, rounding))

    return replace(
        weights,
        token_embed=rounded_array(weights.token_embed, rounding),
        pos_embed=rounded_array(weights.pos_embed, rounding),
        layers=tuple(Layer(*map(linear, layer)) for layer in weights.layers),
        unembed=linear(weights.unembed),
    )


def _close(one: object, other: object) -> bool:
    """Equal answers; numbers to one part in a hundred, about the resolution of the narrow formats."""
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-2, atol=1e-2, equal_nan=True))
    return one is other or one == other
