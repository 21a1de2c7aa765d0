"""The same model with its heads and neurons in another order: names of parts that give nothing away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from raspc import arguments
from raspc.certify.checking.check import check
from raspc.certify.checking.measure import MEASURED
from raspc.errors import CertificateError, InputError
from raspc.run.plain import Array
from raspc.weights.alignment import Alignment, HeadPart, NeuronPart, Part, Permutation
from raspc.weights.certificate import Certificate, Measured
from raspc.weights.model import Model

Order = NDArray[np.intp]
"""order[new] is the old number of what stands there now."""


def permute(model: Model, seed: int) -> Model:
    """The model with the heads and the neurons of each layer in an order that comes from the seed.

    It computes the same function. The alignment follows. A certificate is measured again: its proof goes by place.

    Raises InputError for a seed that is no integer of 0 or more, or a model that was permuted before; CertificateError
    for a certified model that comes out wrong.
    """
    arguments.an(Model, "model", model, "a compiled model")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed is {seed!r}, needed an integer of 0 or more")
    if model.alignment.permutation is not None:
        raise InputError("the model was permuted before; permute the model that it was made of")
    heads, neurons = orders(model, seed)
    found = replace(
        model, params=_params(model, heads, neurons), alignment=_followed(model.alignment, heads, neurons, seed),
        certificate=None,
    )  # fmt: skip
    return found if model.certificate is None else _measured(found)


def orders(model: Model, seed: int) -> tuple[list[Order], list[Order]]:
    """The order of heads and of neurons in each layer."""
    rng, config = np.random.default_rng(seed), model.config
    heads = [rng.permutation(widths.n_heads) for widths in config.widths]
    return heads, [rng.permutation(widths.d_mlp) for widths in config.widths]


def neuron_order(model: Model) -> list[Order]:
    """For each layer the number that each neuron of the plan has in the model."""
    permutation = model.alignment.permutation
    if permutation is None:
        return [np.arange(widths.d_mlp) for widths in model.config.widths]
    return [np.argsort(order) for order in orders(model, permutation.seed)[1]]


def _params(model: Model, heads: list[Order], neurons: list[Order]) -> dict[str, Array]:
    found = {name: np.asarray(model.params[name]) for name in model.params}
    config = model.config
    for layer, widths in enumerate(config.widths):
        called = config.target.names.layer(layer)
        columns = (heads[layer][:, None] * widths.d_head + np.arange(widths.d_head)).ravel()
        for side in (called.query, called.key, called.value):
            found |= {name: found[name][..., columns] for name in side if name in found}
        found |= {name: found[name][..., neurons[layer]] for name in called.linear_1 if name in found}
        back = ((called.linear.w, columns), (called.linear_2.w, neurons[layer]))
        found |= {name: found[name][order] for name, order in back if name in found}
    return found


def _followed(alignment: Alignment, heads: list[Order], neurons: list[Order], seed: int) -> Alignment:
    """The alignment with the new numbers."""
    to_head, to_neuron = ([np.argsort(order) for order in orders] for orders in (heads, neurons))

    def moved(part: Part) -> Iterator[Part]:
        if isinstance(part, HeadPart):
            yield structs.replace(part, head=int(to_head[part.layer][part.head]))
        else:
            numbers = to_neuron[part.layer][slice(*part.neurons)].tolist()
            yield from (NeuronPart(part.layer, run) for run in runs(numbers))

    variables = {
        label: structs.replace(facts, computed_by=tuple(new for part in facts.computed_by for new in moved(part)))
        for label, facts in alignment.variables.items()
    }
    selectors = {
        label: tuple(structs.replace(use, head=int(to_head[use.layer][use.head])) for use in uses)
        for label, uses in alignment.selectors.items()
    }
    return structs.replace(alignment, variables=variables, selectors=selectors, permutation=Permutation(seed))


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Half-open ranges that hold just these numbers."""
    for _, found in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        row = [number for _, number in found]
        yield row[0], row[-1] + 1


def _measured(model: Model) -> Model:
    """The model with a certificate that rests on runs."""
    report = check(model, limit=MEASURED)
    if not report.ok:
        raise CertificateError(f"permuted, the input {list(report.tokens or ())!r} comes out wrong; use another seed")
    measured = Measured(report.checked, report.exhaustive, report.max_error)
    dtype, notes = model.precision.name, model.tabulated.notes
    return replace(model, certificate=Certificate(dtype, model.config.max_seq_len, "measured", (), notes, measured))
