"""Which dtypes a model may be exported in: what its certificate or a measured run supports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raspc.errors import CertificateError, InputError
from raspc.numbers.precision import PRECISIONS
from raspc.weights import encoders, sampling

if TYPE_CHECKING:
    from raspc.weights import Model

EXACT = ("float32", "float64")
MEASURED = ("float16", "bfloat16")
DTYPES = EXACT + MEASURED


def check(model: Model, dtype: str, runs: bool = True) -> None:
    """Pass where the model may be exported in `dtype`; `runs`: to something that computes.

    A narrow dtype that the certificate is not for is measured: weights and activations are rounded to it
    (products are summed in float32), and the decoded answers must be those of float32 on all short inputs and
    on random ones up to the longest. So is any other dtype for a model that was compiled for a narrow one.

    Raises CertificateError for a model whose own check failed, InputError for a dtype that is unknown or does
    not hold.
    """
    check_certificate(model)
    certificate = model.certificate
    if dtype not in DTYPES:
        raise InputError(f"unknown dtype {dtype!r}; known are {', '.join(DTYPES)}")
    own = model.precision.dtype
    certified = certificate is not None and certificate.holds and certificate.dtype == dtype
    if certified or (dtype in EXACT and (own == "float32" or not runs)):
        return
    if (tokens := first_difference(model, dtype)) is not None:
        raise InputError(
            f"{dtype} does not hold for this model: its answer to {tokens} differs from {own}'s; "
            f"export {own}, or compile a shorter length"
        )


def check_certificate(model: Model) -> None:
    """Raises CertificateError for a model whose own check failed."""
    if model.certificate is not None and model.certificate.verdict == "fails":
        raise CertificateError("this model failed its certificate; compile it again before you export it")


def first_difference(model: Model, dtype: str) -> list[object] | None:
    """An input whose decoded answer in `dtype` differs from that in the model's own, or None."""
    batch = sampling.inputs_of(model)
    exact = model.apply_batch(batch)
    logits = model.logits_in(exact.ids, PRECISIONS[dtype])
    decoded = encoders.decode_logits(model.config, logits, exact.ids)
    for i, tokens in enumerate(batch):
        pairs = zip(exact.decoded[i], decoded[i], strict=False)  # one is padded, the other not
        if not np.isfinite(logits[i, : len(tokens)]).all() or not all(_close(*pair) for pair in pairs):
            return tokens
    return None


def _close(one: object, other: object) -> bool:
    """Equal answers; numbers to one part in a hundred, about the resolution of the narrow formats."""
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-2, atol=1e-2, equal_nan=True))
    return one is other or one == other
