"""The comparison itself: every activation of every backend against the NumPy forward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from raspc.errors import InputError
from raspc.export import CONVERTERS
from raspc.parity import activations
from raspc.parity.backends import BACKENDS, Backend
from raspc.parity.report import ABSENT, FAILED, MATCH, MISMATCH, UNFIT, BackendReport, Mismatch, ParityReport
from raspc.run.plain import Array, Ids
from raspc.run.trace import Trace
from raspc.values import Value, same
from raspc.weights import Model, encoders, sampling

TOLERANCE = 1e-5
INPUTS = 64
ROUNDING = 2.0**-23
"""The relative spacing of float32: sums in another order move a score by about so much of its size."""

ACTIVATIONS_AT_ONCE = 2**24
"""How many numbers the largest activation of one batch may hold."""


def run(
    model: Model,
    inputs: Sequence[Sequence[Value]] | None = None,
    tolerance: float = TOLERANCE,
    require: Sequence[str] = (),
    backends: Sequence[str] | None = None,
    exported: Mapping[str, Any] | None = None,
) -> ParityReport:
    """Run inputs through every installed backend and compare every activation with the NumPy forward.

    `inputs` open with BOS and may differ in length, as they are padded; without them, all short inputs and
    random long ones are run. An activation matches where it differs by at most `tolerance` times the largest
    absolute number of that tensor (or 1, if that is more), and after attention by what float32 rounding of its
    scores can add; decoded answers must be equal. `require` names
    backends whose absence is a fault; `backends` those to run. `exported` gives models to compare instead of
    fresh exports, by backend.

    Raises InputError for an unknown backend, an input that the model cannot take, and a model for a narrow format.
    """
    if model.precision.narrow:
        raise InputError(
            f"parity compares activations in float32, and this model was compiled for {model.precision.name}; "
            "compile it for float32, or export it and compare answers"
        )
    names = tuple(BACKENDS) if backends is None else tuple(dict.fromkeys((*backends, *require)))
    if unknown := sorted({*names, *require} - set(BACKENDS)):
        raise InputError(f"unknown backends {unknown}; known are {', '.join(BACKENDS)}")
    chosen = sampling.inputs_of(model, INPUTS) if inputs is None else [list(tokens) for tokens in inputs]
    references = [(ids, model.trace_ids(ids)) for ids in _batches(model, chosen)]
    given = exported or {}
    found = tuple(_backend(BACKENDS[name], model, references, tolerance, given.get(name)) for name in names)
    return ParityReport(found, tolerance, len(chosen), tuple(require))


def _batches(model: Model, inputs: Sequence[Sequence[Value]]) -> Iterator[Ids]:
    """Padded ids, as many rows at once as memory allows; short inputs stand with longer ones."""
    ids = model.encode_batch(inputs)
    config, length = model.config, ids.shape[1]
    widest = max(config.d_model, *(widths.widest(length) for widths in config.widths))
    rows = max(1, min(64, ACTIVATIONS_AT_ONCE // (length * widest)))
    for start in range(0, len(ids), rows):
        batch = ids[start : start + rows]
        used = (batch != config.pad_id).any(0).nonzero()[0].max(initial=0) + 1
        # One column of padding stays, so that every batch tests the mask, where the model has room for it.
        yield np.ascontiguousarray(batch[:, : used + 1])


def _backend(
    backend: Backend,
    model: Model,
    references: Sequence[tuple[Ids, Trace[Array]]],
    tolerance: float,
    given: Any,
) -> BackendReport:
    if missing := backend.missing():
        return BackendReport(backend.name, None, ABSENT, message=f"{', '.join(missing)} not installed")
    if CONVERTERS[backend.name].one_width and not model.config.uniform:
        return BackendReport(backend.name, backend.version(), UNFIT, message=UNFIT)
    try:
        exported = backend.load(model) if given is None else given
        traces = [backend.trace(exported, model.config, ids) for ids, _ in references]
        comparisons = [
            _compare(model, ids, reference, found, tolerance)
            for (ids, reference), found in zip(references, traces, strict=True)
        ]
    except Exception as error:  # whatever a framework raises is a verdict on it, and the others still run
        message = f"{type(error).__name__}: {error}".splitlines()[0]
        return BackendReport(backend.name, backend.version(), FAILED, message=message)
    return _merged(backend, comparisons)


def _merged(backend: Backend, found: Sequence[tuple[dict[str, float], bool, Mismatch | None]]) -> BackendReport:
    differences: dict[str, float] = {}
    for kinds, _, _ in found:
        for kind, number in kinds.items():
            differences[kind] = max(number, differences.get(kind, 0.0))
    first = next((mismatch for _, _, mismatch in found if mismatch), None)
    equal = all(decoded for _, decoded, _ in found)
    status = MISMATCH if first else MATCH
    return BackendReport(backend.name, backend.version(), status, differences, equal, first)


def _compare(
    model: Model, ids: Ids, reference: Trace[Array], found: Trace[Any], tolerance: float
) -> tuple[dict[str, float], bool, Mismatch | None]:
    """The largest difference per kind, whether the answers are equal, and the first mismatch."""
    tokens = ids != model.config.pad_id
    differences: dict[str, float] = {}
    first: Mismatch | None = None
    relative = tolerance
    for expected, actual in zip(activations.listed(reference), activations.listed(found), strict=True):
        if expected.array.shape != actual.array.shape:
            raise InputError(f"{expected.name} has shape {actual.array.shape}, needed {expected.array.shape}")
        difference, allowed = _difference(expected, actual, tokens, relative)
        if expected.kind == "attn logits":
            # A softmax turns what rounding does to a score, absolutely, into a relative change of its pattern.
            relative = max(relative, tolerance + ROUNDING * largest(expected, tokens))
        differences[expected.kind] = max(difference, differences.get(expected.kind, 0.0))
        if first is None and not difference <= allowed:
            worst = _worst_row(expected, actual, tokens)
            first = Mismatch(expected.name, difference, allowed, _tokens(model, ids[worst]))
    # `allowed` is now that of the logits, which come last: a decoded number is one of them.
    row = _first_unequal(model, ids, reference.unembedded, activations.numpy(found.unembedded), allowed)
    if first is None and row is not None:
        first = Mismatch("decoded tokens", float("inf"), 0.0, _tokens(model, ids[row]))
    return differences, row is None, first


def _difference(
    expected: activations.Activation,
    actual: activations.Activation,
    tokens: npt.NDArray[np.bool_],
    tolerance: float,
) -> tuple[float, float]:
    """The largest difference at real positions (infinite for NaN), and what is allowed."""
    one, other = (activations.real(expected.kind, x.array, tokens) for x in (expected, actual))
    with np.errstate(invalid="ignore"):
        difference = _largest(one.astype(np.float64) - other)
    return difference, tolerance * max(1.0, _largest(one))


def largest(activation: activations.Activation, tokens: npt.NDArray[np.bool_]) -> float:
    """The largest absolute number at real positions."""
    return _largest(activations.real(activation.kind, activation.array, tokens))


def _largest(array: Array) -> float:
    found = float(np.abs(array).max(initial=0.0))
    return found if found == found else float("inf")


def _worst_row(expected: activations.Activation, actual: activations.Activation, tokens: npt.NDArray[np.bool_]) -> int:
    """The input of the batch on which the two differ most."""
    sizes = [
        _difference(
            activations.Activation(expected.kind, "", expected.array[row : row + 1]),
            activations.Activation(expected.kind, "", actual.array[row : row + 1]),
            tokens[row : row + 1],
            0.0,
        )[0]
        for row in range(len(tokens))
    ]
    return int(np.argmax(sizes))


def _first_unequal(model: Model, ids: Ids, one: Array, other: Array, allowed: float) -> int | None:
    """The first row whose decoded answers differ."""
    answers = (encoders.decode_logits(model.config, np.asarray(logits), ids) for logits in (one, other))
    for row, pair in enumerate(zip(*answers, strict=True)):
        if not all(_equal(x, y, allowed) for x, y in zip(*pair, strict=True)):
            return row
    return None


def _equal(one: Value, other: Value, allowed: float) -> bool:
    """Equal; decoded numbers, which are floats and logits at once, within what logits are allowed."""
    if isinstance(one, float) and isinstance(other, float):
        return bool(abs(one - other) <= allowed)
    return same(one, other)


def _tokens(model: Model, ids: Ids) -> tuple[Value, ...]:
    return tuple(model.config.vocab[i] for i in ids if i != model.config.pad_id)
