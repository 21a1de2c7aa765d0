"""Numbers and their squares for a pick, as ramps along what attention leaves: see `raspc.blocks.neurons.parabolas`."""

from __future__ import annotations

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.lines import Line
from raspc.blocks.neurons.parabolas import parabolas
from raspc.blocks.neurons.ways import Ways
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.naming import feature_labels
from raspc.blocks.storage.forms import is_readable
from raspc.blocks.storage.known import Known
from raspc.blocks.storage.requests import Wanted
from raspc.graph.nodes import Ids

Ramps = tuple[tuple[Group, ...], Design]


def ramps_of_table(known: Known, place: int, wanted: Wanted, ways: Ways) -> Ramps | None:
    """The directions and the neurons of a function of several variables that is a sum of what can be read of them."""
    if not _are_wanted(known, place, wanted) or ways.itself is None:
        return None
    cells = ways.frontiers[-1].ids.ravel()
    return _ramps(known, place, wanted, ways.itself, cells[cells >= 0])


def ramps_of_count(known: Known, place: int, wanted: Wanted) -> Ramps | None:
    """The same of a count, along the number that attention leaves."""
    if not _are_wanted(known, place, wanted) or not known.ready.is_rough(place):
        return None
    position, noise = known.ready.position(place)
    line = Line((place,), [position], noise, (len(position),))
    return _ramps(known, place, wanted, line, np.arange(len(position), dtype=np.int32))


def _are_wanted(known: Known, place: int, wanted: Wanted) -> bool:
    """Whether nobody reads anything but numbers that may be off, and their squares."""
    plain = not (wanted.powers or wanted.shown or wanted.compared or is_readable(known, place, bool(wanted.features)))
    return plain and wanted.along > 0 and known.options.has("parabolas") and not known.options.precision.narrow


def _ramps(known: Known, place: int, wanted: Wanted, line: Line, values: Ids) -> Ramps | None:
    code = F.stacked([feature.column for feature in wanted.features.values()], len(known.graph.variable(place).listed))
    design = parabolas(line, values, code, wanted.along, known.options.precision.sum_unit)
    if design is None:
        return None
    label = known.graph.labels[place]
    labels = feature_labels(label, code, known.graph.variable(place).listed)
    return (Group(f"{label}:features", labels, code),), design
