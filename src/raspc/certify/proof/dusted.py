"""What is read of a mirrored frame: what should be there, and what is off by the dust that a layer norm leaves.

See `dusty`. The read is bounded as if there were no dust, and then it is asked what dust makes of it, which mostly is
nothing once a number is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from raspc.blocks.spaces import BOS, Matrix, Read
from raspc.certify.proof import dusty
from raspc.certify.proof.added import Seen
from raspc.certify.proof.bounds import Held, Reading, joined, over_values, read_stream
from raspc.certify.proof.causes import Causes, used
from raspc.certify.proof.dusty import Dust
from raspc.graph.nodes import Floats
from raspc.numbers.precision import Precision


def read_through(
    dust: Dust, read: Read, stream: Mapping[str, Held], at_bos: Mapping[str, Floats], precision: Precision,
    fired: bool = False,
) -> Reading:  # fmt: skip
    """A read of what should be there, and what dust makes of it: where one variable is read, once that is stored."""
    clean = {space: held.cleaned() for space, held in stream.items()}
    found = read_stream(read, clean, at_bos, precision, fired)
    weights, seen = dusty.weights_of(read), dict[int, Seen]()
    for space, matrix in read.maps.items():
        if space != BOS:
            held = stream[space]
            causes = used([Causes(held.error, matrix)])
            error = sum((one.total() for one in causes), np.zeros((len(held.code), read.width)))
            seen[held.place] = joined(seen.get(held.place), Seen(0 * error, error, error, causes))
    seen = {place: joined(found.seen[place], one) for place, one in seen.items()}
    there, there_error = found.there, found.there_error
    sizes = [np.abs(at_bos[space]) @ np.abs(matrix) for space, matrix in read.maps.items()]
    off = [stream[space].at_bos @ np.abs(matrix) for space, matrix in read.maps.items() if space != BOS]
    passed_there = np.sum(off, axis=0) if off else np.zeros(read.width)
    size_there = np.abs(read.bias) + passed_there + (np.sum(sizes, axis=0) if sizes else 0.0)
    zeros = dusty.zeros_of(read, at_bos, {space: held.at_bos for space, held in stream.items()})
    lost = passed_there + dust.rounding(weights, read.bias, size_there, zeros, precision)
    there_error = np.where(
        there_error == 0,
        dusty.stored(there, lost, precision),
        there_error + lost + precision.unit * (np.abs(there) + lost),
    )
    found = replace(found, seen=seen, there=there, there_error=there_error)
    return _fired(found, weights, dust, precision) if fired else _settled_dust(found, weights, dust, precision)


def _fired(found: Reading, weights: Matrix, dust: Dust, precision: Precision) -> Reading:
    """What neurons read: where all cells are looked at, it is asked there what dust comes to."""
    size, passed = over_values(found.width, found.seen)
    size = size + np.abs(found.bias)
    rounds = dust.rounding(weights, found.bias, size, np.ones(len(weights)), precision)
    beside = rounds + precision.unit * (size + passed + rounds)
    return replace(found, size=size, passed=passed, rounding=found.rounding + beside, dust=rounds)


def _settled_dust(found: Reading, weights: Matrix, dust: Dust, precision: Precision) -> Reading:
    """What is read once it is stored: of each column that reads one variable, or none, for each of its values."""
    reads = {place: one.size.any(axis=0) for place, one in found.seen.items()}
    several = np.sum([*reads.values()], axis=0) > 1 if reads else np.zeros(found.width, bool)
    plain = found.rounding[None] if found.rounded_rows is None else found.rounded_rows
    has, seen = np.ones(len(weights)), dict[int, Seen]()
    for place, one in found.seen.items():
        numbers, size = one.values + found.bias, one.size + np.abs(found.bias)
        lost = one.error + dust.rounding(weights, found.bias, size, has, precision)
        rough = plain + lost + precision.unit * (np.abs(numbers) + lost)
        error = np.where(plain == 0, dusty.stored(numbers, lost, precision), rough)
        error = np.where(several, one.error, np.where(reads[place], error, 0.0))
        seen[place] = Seen(one.values, error, one.size, used([Causes(error, np.eye(found.width))]))
    size, passed = over_values(found.width, seen)
    size = size + np.abs(found.bias)
    rounds = dust.rounding(weights, found.bias, size, has, precision)
    sure = (found.rounding == 0) & (passed + rounds < found.grain * precision.unit / 4)
    beside = rounds + precision.unit * np.where(sure, passed + rounds, size + passed + rounds)
    alone = np.where(found.rounding == 0, dusty.stored(found.bias, rounds, precision), found.rounding + beside)
    any_read = np.any([*reads.values()], axis=0) if reads else np.zeros(found.width, bool)
    rounding = np.where(several, found.rounding + beside, np.where(any_read, 0.0, alone))
    rows = np.broadcast_to(rounding, plain.shape) if len(seen) == 1 else None
    return replace(found, seen=seen, size=size, passed=passed, rounding=rounding, rounded_rows=rows)
