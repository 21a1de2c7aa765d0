"""A model in the named directions of its plan: what each part writes there, and what each part reads of them.

A compiled model has these directions as axes. One that was rotated, or compressed, has their images: row i of `basis`
is what direction i is in its stream. Of a model in the parameters of a stock family it is the plain model in them. All
is worked out in float64 from the weights of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from raspc import arguments
from raspc.compress.rotation import basis as rotation_basis
from raspc.errors import InputError
from raspc.plan.plan import Plan
from raspc.target import WRITERS, Dense, Names
from raspc.weights.align import alignment, residual_labels
from raspc.weights.alignment import SpaceFacts
from raspc.weights.assemble import assemble
from raspc.weights.format1 import plan_of
from raspc.weights.model import Model

Matrix = NDArray[np.float64]

CLOSE = 1e-3
"""How far, as a part of the largest weight, weights may be from what a basis makes of the compiled ones."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A model, its plan, and its weights by named directions.

    `basis` [D, d_model]: the image of each named direction in the model's stream. `writes` and `reads`: the parameters
    that write to the stream [.., D] and that read it [D, ..], by name; biases of readers under their names in `biases`.
    `exact`: whether the named directions are axes, or images under a rotation that float64 holds exactly.
    """

    model: Model
    plan: Plan
    basis: Matrix
    writes: Mapping[str, Matrix]
    reads: Mapping[str, Matrix]
    biases: Mapping[str, Matrix]
    exact: bool

    @property
    def names(self) -> Names:
        """What the model's family calls its parameters."""
        return self.model.config.target.names

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each direction; one that is used again names all its tenants."""
        return residual_labels(self.plan)

    @cached_property
    def spaces(self) -> dict[str, SpaceFacts]:
        """Where each space lies among the named directions, and from which stage to which."""
        return alignment(self.plan).spaces

    @cached_property
    def compiled(self) -> Frame:
        """The model as it was compiled, before it was turned or made narrower."""
        params = _assembled(self.model, self.plan)
        return _axes(_as_compiled(self.model, self.plan, params, self.labels), self.plan, params)


def framed(model: Model) -> Frame:
    """The model by named directions.

    Raises InputError for a model that holds no plan, or whose basis is not known: that was rotated more than once, or
    trained after it was compiled.
    """
    arguments.an(Model, "model", model, "a compiled model")
    model = as_plain(model)
    plan = plan_of(model)
    if plan is None:
        raise InputError("the model holds no plan, so that nobody knows its circuit; compile it again")
    if model.alignment.compression is not None:
        return _narrow(model, plan)
    params = {name: np.asarray(array, np.float64) for name, array in model.params.items()}
    if model.alignment.rotation is None:
        return _axes(model, plan, params)
    return _turned(model, plan, params)


def as_plain(model: Model) -> Model:
    """The plain model that the parameters of a stock family hold; another model as it is.

    A stock model computes what that one does: its norms leave the stream as it is, and its activations are steps.
    """
    arguments.an(Model, "model", model, "a compiled model")
    return model.plain


def _assembled(model: Model, plan: Plan) -> dict[str, Matrix]:
    """The weights as they were compiled, to the precision in which models hold them."""
    found = assemble(plan, _wide(model, plan))
    return {name: np.asarray(array, np.float32).astype(np.float64) for name, array in found.items()}


def _as_compiled(model: Model, plan: Plan, params: Mapping[str, Matrix], labels: tuple[str, ...]) -> Model:
    """The model of these weights, whose stream has the named directions as axes."""
    told = structs.replace(model.alignment, rotation=None, compression=None)
    return Model(
        _wide(model, plan), params, labels, told, model.graph, None, model.program, model.without, plan
    )  # fmt: skip


def _wide(model: Model, plan: Plan) -> Any:
    from dataclasses import replace

    return replace(model.config, d_model=plan.layout.d_model)


def _split(model: Model, params: Mapping[str, Matrix]) -> tuple[dict[str, Matrix], dict[str, Matrix]]:
    """What writes to the stream, and what reads it."""
    target, layers = model.config.target, model.config.widths
    return {name: params[name] for name in target.writing(layers)}, {
        name: params[name] for name in target.reading(layers)
    }


def _biases(model: Model, params: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """The biases of what reads the stream."""
    target = model.config.target
    readers = [found for role, found in target.maps(model.config.widths) if role not in WRITERS]
    maps: list[Dense] = [*readers, target.names.unembed]
    return {found.b: params.get(found.b, np.zeros(params[found.w].shape[-1])) for found in maps}


def _axes(model: Model, plan: Plan, params: Mapping[str, Matrix]) -> Frame:
    return Frame(model, plan, np.eye(plan.layout.d_model), *_split(model, params), _biases(model, params), True)


def _turned(model: Model, plan: Plan, params: Mapping[str, Matrix]) -> Frame:
    """Under a rotation: x is x·Q, so that what writes is multiplied by Qᵀ, and what reads by Q."""
    rotation = model.alignment.rotation
    assert rotation is not None
    q = rotation_basis(plan.layout.d_model, rotation.seed, rotation.haar)
    writes, reads = _split(model, params)
    turned = {name: array @ q.T for name, array in writes.items()}
    _check_basis(model, plan, turned, "it was rotated more than once; rotate the compiled model once")
    found = {name: q @ array for name, array in reads.items()}
    return Frame(model, plan, q, turned, found, _biases(model, params), not rotation.haar)


def _narrow(model: Model, plan: Plan) -> Frame:
    """Compressed through W [D, d]: what writes is W applied to what was compiled; what reads is read through W."""
    wide, reads = _split(model, _assembled(model, plan))
    params = {name: np.asarray(array, np.float64) for name, array in model.params.items()}
    narrow, seen = _split(model, params)
    w = _embedding(model, wide, reads, narrow, seen)
    found = Frame(
        model, plan, w, wide, {name: w @ array for name, array in seen.items()}, _biases(model, params), False
    )
    off = max(_off(wide[name] @ w, narrow[name]) for name in narrow)
    if off > CLOSE:
        raise InputError(
            f"what the compressed model writes is not what was compiled, through one embedding (off by {off:.2g} of "
            "the largest weight): its layers were trained too; compress with train_weights=False"
        )
    return found


def _embedding(
    model: Model, wide: Mapping[str, Matrix], reads: Mapping[str, Matrix], narrow: Mapping[str, Matrix],
    seen: Mapping[str, Matrix],
) -> Matrix:  # fmt: skip
    """W: from the report of the compression where it is at hand, else from weights, which are compiled ones times W."""
    report = getattr(model, "report", None)
    if report is not None:
        return np.asarray(report.w, np.float64)
    left = np.vstack([*map(np.atleast_2d, wide.values())])
    right = np.vstack([*map(np.atleast_2d, narrow.values())])
    return np.asarray(np.linalg.lstsq(left, right, rcond=None)[0], np.float64)


def _check_basis(model: Model, plan: Plan, writes: Mapping[str, Matrix], why: str) -> None:
    """Raises InputError where the embeddings, in the basis that is thought to be the model's, are not as compiled."""
    compiled = _assembled(model, plan)
    if any(_off(compiled[name], writes[name]) > CLOSE for name in model.config.target.tables()):
        raise InputError(f"the basis of the model's stream is not known: {why}")


def _off(one: Matrix, other: Matrix) -> float:
    """How far apart, as a part of the largest entry."""
    return float(np.abs(one - other).max(initial=0.0) / max(1e-12, float(np.abs(one).max(initial=0.0))))
