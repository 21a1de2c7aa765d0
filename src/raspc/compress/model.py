"""A compressed model: a `Model` like any other, which also knows where it comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from raspc import jsonvalues
from raspc.compress.report import CompressionReport
from raspc.errors import ModelFormatError
from raspc.run.plain import Array
from raspc.weights import files, saving
from raspc.weights.alignment import Alignment, Compression
from raspc.weights.model import Model

REPORT = "compression.json"
MOST = 1 << 26


@dataclass(frozen=True, eq=False)
class CompressedModel(Model):
    """Plain weights of width d, with the `report` of the compression that made them.

    It saves, loads, runs and exports as a compiled model does; a directory also holds the report, which
    `raspc.compress.load` reads back, while `raspc.load` gives the plain model. Compression proves nothing, so there is
    no certificate.
    """

    report: CompressionReport | None = None

    def save(self, directory: str | PathLike[str]) -> None:
        """Write the model as a directory, and the report beside it. Raises InputError for an unwritable path."""
        report = {} if self.report is None else {REPORT: jsonvalues.dumps(self.report.to_json())}
        saving.save(self, directory, report)


def load(directory: str | PathLike[str]) -> CompressedModel:
    """The model and its report. Raises ModelFormatError for a directory that holds none."""
    plain = saving.load(directory)
    data = files.read_file(Path(directory), REPORT, MOST)
    report = CompressionReport.from_json(jsonvalues.loads(data, REPORT), REPORT)
    compression = plain.alignment.compression
    if compression is None or (compression.d, compression.full) != (report.d, report.full):
        raise ModelFormatError(f"{directory}: {REPORT} is not the report of this model; compress it again")
    return CompressedModel(**vars_of(plain), report=report)


def of_width(model: Model, arrays: Mapping[str, Array], d: int, facts: Compression) -> CompressedModel:
    """The compiled model with other weights: same program, same ids, a stream of width d that has no named axes."""
    params = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    return CompressedModel(
        dataclasses.replace(model.config, d_model=d),
        params,
        tuple(f"compressed:{i}" for i in range(d)),
        replace(without_places(model.alignment), compression=facts),
        model.graph,
        program=model.program,
        without=model.without,
        plan=model.plan,
    )


def without_places(alignment: Alignment) -> Alignment:
    """The alignment of a model whose directions are no longer axes: who computes what stays, where it lives goes."""
    return replace(
        alignment, variables={label: replace(facts, spaces=()) for label, facts in alignment.variables.items()}
    )


def vars_of(model: Model) -> dict[str, Any]:
    """The fields of a model."""
    names = ("config", "params", "residual_labels", "alignment", "graph", "certificate", "program", "without", "plan")
    return {name: getattr(model, name) for name in names}
