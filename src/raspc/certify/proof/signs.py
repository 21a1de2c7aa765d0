"""Neurons that tell the sign of a sum: what they read at the ends of each side of the gap, by their weights.

All of them read multiples of the sum. So on each side what they read lies between what it is at the two ends, and where
every step is flat there, on one and the same side of its ramp, all of that side gives one number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.blocks.spaces import Matrix, Neurons
from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.cells import Cells
from raspc.certify.proof.mlp import steps_of
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Graph, Interval, Listed
from raspc.graph.signs import least_gap
from raspc.graph.tables import listings

End = tuple[Floats, int]
"""What all neurons read at one end of a side, and the value that is to be told."""


def has_gap(graph: Graph, node: N.Sign) -> bool:
    """Whether sums that are not 0 are as far from it as the graph says."""
    return 0 < node.gap <= least_gap(graph.nodes, node.args, node.coefs, node.bias, graph.max_seq_len)


@dataclass(frozen=True, eq=False)
class _Line:
    """What neurons read beside the sum: `parts` [values of each variable that is read]: what it adds to the sum.

    `slopes`: by how much each neuron reads more where the sum is more by 1; `starts`: what it reads of each variable
    beyond that; `off`: how far what is read of single values is from that.
    """

    parts: Mapping[int, Floats]
    slopes: Floats
    starts: Mapping[int, Floats]
    off: Floats


def cells_of_sign(graph: Graph, node: N.Sign, block: Neurons, read: Reading) -> Cells | None:
    """The ends of each side; None where neurons read otherwise, or a step is not flat all along a side."""
    line = _line_of(graph, node, read)
    steps = steps_of(block)
    if line is None or len(steps.others(read.width)):
        return None
    ends = list(_ends(graph, node, read, line))
    numbers = np.array([value for _, value in ends], np.int32)
    plain = (numbers >= 0) & node.listed.is_number[np.maximum(numbers, 0)]
    passed = np.where(plain[:, None], _passed_by_numbers(read, line), read.passed) + line.off
    for ((one, value), off), ((other, same), _) in pairwise(zip(ends, passed, strict=True)):
        if value == same and not _flat(one, other, off + read.rounding, steps.first, steps.height):
            return None
    reads = np.array([reads for reads, _ in ends]).reshape(len(ends), read.width)
    return Cells(numbers, read.width, lambda cut: (reads[cut], passed[cut], read.rounding[None]), whole=False)


def _passed_by_numbers(read: Reading, line: _Line) -> Floats:
    """The error that comes with what is read where all terms of the sum are numbers, which have the first rows."""
    each = [one.error[: len(line.parts[place])].max(axis=0, initial=0.0) for place, one in read.seen.items()]
    return np.minimum(np.sum(each, axis=0), read.passed) if each else read.passed


def _flat(one: Floats, other: Floats, error: Floats, first: NDArray[np.intp], height: Floats) -> bool:
    """Whether each step is flat from one end to the other."""
    low, high, off = np.minimum(one, other)[first], np.maximum(one, other)[first], error[first]
    return bool(((high + off <= 0) | (low - off >= height)).all())


def _line_of(graph: Graph, node: N.Sign, read: Reading) -> _Line | None:
    """The line along which neurons read; None where they read anything but the terms of the sum."""
    parts = _parts(graph, node, read)
    means = [place for place in parts or () if isinstance(graph.variable(place).domain, Interval)]
    if parts is None or set(read.seen) - set(parts) or len(means) != 1:
        return None
    ends = parts[means[0]]
    own = {place: _read_of(read, place, len(part)) for place, part in parts.items()}
    apart = ends[1] - ends[0]
    slopes = (own[means[0]][1] - own[means[0]][0]) / apart if apart else np.zeros(read.width)
    starts = {place: own[place][0] - slopes * part[0] for place, part in parts.items()}
    off = np.zeros(read.width)
    for place, part in parts.items():
        off += np.abs(own[place] - starts[place] - part[:, None] * slopes).max(axis=0, initial=0.0)
    return _Line(parts, slopes, starts, off)


def _read_of(read: Reading, place: int, rows: int) -> Matrix:
    """What is read of the numbers of a variable."""
    return read.seen[place].values[:rows] if place in read.seen else np.zeros((rows, read.width))


def _parts(graph: Graph, node: N.Sign, read: Reading) -> dict[int, Floats] | None:
    """What each variable adds to the sum, value by value; of a function of one variable that one."""
    joints, parts = listings(graph.nodes), dict[int, Floats]()
    for arg, coef in zip(node.args, node.coefs, strict=True):
        domain, joint, place = graph.variable(arg).domain, joints[arg], arg
        if isinstance(domain, Listed) and not domain.all_numbers:
            return None
        numbers = np.array([domain.lo, domain.hi]) if isinstance(domain, Interval) else domain.numbers
        if arg not in read.seen and joint is not None and len(joint.roots) == 1:
            if (joint.cells < 0).any():
                return None
            place, numbers = joint.roots[0], numbers[joint.cells]
        elif arg not in read.seen and joint is not None and not joint.roots:
            return None
        parts[place] = parts.get(place, 0.0) + coef * numbers
    return parts


def _ends(graph: Graph, node: N.Sign, read: Reading, line: _Line) -> Iterator[End]:
    """Both ends of what is below 0, 0 itself, both ends of what is above, and those of each special value."""
    low, high = (sum(float(end(part)) for part in line.parts.values()) for end in (np.min, np.max))
    start = sum(line.starts.values(), read.bias.astype(np.float64))
    zero, gap = -node.bias, node.gap
    for first, last, sign in ((low, zero - gap, -1), (zero, zero, 0), (zero + gap, high, 1)):
        if first <= last and low <= first and last <= high:
            yield from ((start + line.slopes * x, node.listed.id(sign)) for x in (first, last))
    for place, part in line.parts.items():
        domain = graph.variable(place).domain
        rest = start - line.starts[place]
        for row, special in enumerate(domain.specials, len(part)):
            own = read.seen[place].values[row] if place in read.seen else np.zeros(read.width)
            value = node.listed.index.get(V.key(special), -1)
            yield from ((own + rest + line.slopes * x, value) for x in (low - part.min(), high - part.max()))
