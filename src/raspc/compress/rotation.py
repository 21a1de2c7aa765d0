"""The same function in a random orthogonal basis of the residual stream: ground truth that no axis gives away."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from raspc import arguments
from raspc.blocks.spaces import Head
from raspc.certify.checking.check import check
from raspc.certify.checking.measure import MEASURED
from raspc.compress.model import without_places
from raspc.errors import CertificateError, InputError
from raspc.run.plain import Array
from raspc.weights.alignment import Rotation
from raspc.weights.certificate import Certificate, Measured
from raspc.weights.model import Model


def rotate(model: Model, seed: int, haar: bool = False) -> Model:
    """The model under the orthogonal change of basis x → x·Q of its stream; Q comes from the seed (see `basis`).

    Q is drawn from the orthogonal matrices of short binary fractions, under which compiled weights stay exact. With
    `haar` it is drawn uniformly from all: float32 weights then carry errors of 1e-7, which scores multiply by their
    scale, so that means come out within some 1e-5. Directions are no longer axes, so the alignment keeps who computes
    what and drops where it lives; a certificate is measured again, since its bounds are by axis.

    Raises InputError for a seed that is no integer of 0 or more, CertificateError for a certified model that comes out
    wrong in this basis.
    """
    arguments.an(Model, "model", model, "a compiled model")
    arguments.an(bool, "haar", haar, "True or False")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed is {seed!r}, needed an integer of 0 or more")
    q = basis(model.config.d_model, seed, haar)
    rotated = replace(
        model,
        params=in_basis(model, q),
        residual_labels=tuple(f"rotated:{i}" for i in range(len(q))),
        alignment=structs.replace(without_places(model.alignment), rotation=Rotation(seed, haar)),
        certificate=None,
    )
    return _certified(rotated) if model.certificate is not None else rotated


def basis(size: int, seed: int, haar: bool = False) -> NDArray[np.float64]:
    """The orthogonal matrix of a seed: a product of signed permutations and mixers of ±½, or with `haar` uniform."""
    rng = np.random.default_rng(seed)
    if not haar:
        return _binary(size, rng)
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)), np.float64)


def _binary(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Each round mixes shuffled axes four by four with an orthogonal matrix of entries ±½: binary fractions."""
    rounds = 2 + math.ceil(math.log(max(size, 2), 4))
    mixer = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    q = np.eye(size)
    for _ in range(rounds):
        q = q[:, rng.permutation(size)] * rng.choice([-1.0, 1.0], size)
        whole = size - size % 4
        q[:, :whole] = (q[:, :whole].reshape(size, -1, 4) @ mixer).reshape(size, whole)
    return q


def in_basis(model: Model, q: NDArray[np.float64]) -> dict[str, Array]:
    """The parameters of the model whose stream is x·Q, worked out in float64."""
    found: dict[str, Any] = {name: np.asarray(model.params[name], np.float64) for name in model.params}
    for name in model.config.target.writing(model.config.widths):
        found[name] = found[name] @ q
    for name in model.config.target.reading(model.config.widths):
        found[name] = q.T @ found[name]
    return {name: array.astype(np.float32) for name, array in found.items()}


def _certified(model: Model) -> Model:
    """The model with a certificate that rests on runs: bounds by axis say nothing of a basis without named axes."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows comes out wrong, and is told
        report = check(model, limit=MEASURED)
    if not report.ok:
        raise CertificateError(f"rotated, the input {list(report.tokens or ())!r} comes out wrong: {_cause(model)}")
    measured = Measured(report.checked, report.exhaustive, report.max_error)
    notes = model.tabulated.notes
    found = Certificate("float32", model.config.max_seq_len, "measured", (), notes, measured)
    return replace(model, certificate=found)


def _cause(model: Model) -> str:
    """Why a basis is too much for a model, and what to do: steep scores need numbers too far apart to be mixed."""
    blocks = () if model.plan is None else model.plan.lowered.blocks
    if any(isinstance(block, Head) and block.steep for block in blocks):
        return (
            "its heads have steep scores, and float32 cannot mix their large numbers with small ones in any basis; "
            "compile it with disabled_passes=['steep'], or at level 1"
        )
    haar = model.alignment.rotation is not None and model.alignment.rotation.haar
    remedy = "rotate without haar=True, or" if haar else "rotate"
    return f"float32 rounds more in this basis than the margins allow; {remedy} with another seed"
