"""Numbers with their squares, or with their rows, as ramps along what attention leaves.

See `raspc.blocks.neurons.parabolas` for picks, `raspc.blocks.neurons.folds` for answers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.folds import folds
from raspc.blocks.neurons.lines import Line
from raspc.blocks.neurons.parabolas import parabolas
from raspc.blocks.neurons.ways import Ways
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.naming import feature_labels
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage.forms import is_readable
from raspc.blocks.storage.known import Known
from raspc.blocks.storage.requests import Feature, Wanted
from raspc.graph.nodes import Ids

Ramps = tuple[tuple[Group, ...], Design]


def ramps_of_table(known: Known, place: int, wanted: Wanted, ways: Ways, rest: Sequence[Feature]) -> Ramps | None:
    """The directions and the neurons of a function of several variables that is a sum of what can be read of them.

    `rest`: what is no sum itself; of an exact sum nothing else need be computed.
    """
    if not _are_wanted(known, place, wanted) or wanted.along <= 0 or ways.itself is None:
        return None
    cells = ways.frontiers[-1].ids.ravel()
    features = wanted.features.values() if ways.itself.noise else rest
    return _ramps(known, place, features, ways.itself, cells[cells >= 0])


def ramps_of_count(known: Known, place: int, wanted: Wanted, rest: Sequence[Feature]) -> Ramps | None:
    """The same of a count, along the number that attention leaves; `rest`: what cannot be read off that."""
    if not known.ready.is_rough(place):
        return None
    position, noise = known.ready.position(place)
    line = Line((place,), [position], noise, (len(position),))
    if _are_wanted(known, place, wanted) and all(feature.along > 0 for feature in rest):
        together = [feature for feature in wanted.features.values() if feature.along > 0]
        found = _ramps(known, place, together, line, np.arange(len(position), dtype=np.int32))
        if found is not None:
            return found
    return _folds(known, place, wanted, line, rest)


def _are_wanted(known: Known, place: int, wanted: Wanted) -> bool:
    """Whether nobody reads anything but plain features, where ramps may be made."""
    return _are_plain(known, place, wanted) and known.options.has("parabolas")


def _are_plain(known: Known, place: int, wanted: Wanted) -> bool:
    """Whether nothing but plain features is wanted, of a format that holds ramps."""
    plain = not (wanted.powers or wanted.shown or wanted.compared or is_readable(known, place, bool(wanted.features)))
    return plain and not known.options.precision.narrow


def _folds(known: Known, place: int, wanted: Wanted, line: Line, rest: Sequence[Feature]) -> Ramps | None:
    """The rows and the places of an answer, beside what is read off the number itself."""
    along = min((feature.along for feature in rest), default=0.0)
    if along <= 0 or not _are_plain(known, place, wanted) or not known.options.has("folds"):
        return None
    code = F.stacked([feature.column for feature in rest], len(line.sums))
    design = folds(line, code, along, known.options.precision.sum_unit)
    label = known.graph.labels[place]
    return (
        None
        if design is None
        else ((Group(f"{label}:folds", tuple(f"{label}:{i}" for i in _names(code)), code),), design)
    )


def _names(code: Matrix) -> tuple[str, ...]:
    """What the directions of a folded number are called: a row has few values."""
    named = ["row" if len(np.unique(column)) < len(column) ** 0.5 else "along" for column in code.T]
    return tuple(name if named.count(name) == 1 else f"{name}_{i}" for i, name in enumerate(named))


def _ramps(known: Known, place: int, features: Collection[Feature], line: Line, values: Ids) -> Ramps | None:
    """Numbers that may be off, and their squares."""
    rows = len(known.graph.variable(place).listed)
    code = F.basis(F.stacked([feature.column for feature in features], rows), np.zeros((rows, 0)))
    along = min(feature.along for feature in features)
    found = parabolas(line, values, code, along, known.options.precision.sum_unit)
    if found is None:
        return None
    label = known.graph.labels[place]
    labels = feature_labels(label, found.code, known.graph.variable(place).listed)
    return (Group(f"{label}:features", labels, found.code),), found.design
