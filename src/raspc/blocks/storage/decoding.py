"""Counts and means: read as attention leaves them where that will do, else decoded by neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raspc.blocks.neurons.chains import CHOICE as CHAINS
from raspc.blocks.neurons.chains import chain, moved
from raspc.blocks.neurons.choosing import staircase
from raspc.blocks.neurons.design import Design, beside
from raspc.blocks.neurons.parabolas import ROUNDS, rounding
from raspc.blocks.neurons.ramps import ramps
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group, outputs_of
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage.exactness import exact_enough, is_borne
from raspc.blocks.storage.forms import form_of, is_readable, powers_of
from raspc.blocks.storage.heads import moved_numbers, scored, stretched
from raspc.blocks.storage.known import Decision, Known
from raspc.blocks.storage.ramping import ramps_of_count
from raspc.blocks.storage.requests import Feature, Wanted
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Listed
from raspc.graph.totals import size_of_terms


def left_by_attention(known: Known, place: int, wanted: Wanted) -> Decision:
    """What is stored of a count or a mean: what readers need beyond what attention leaves is decoded."""
    node, left = known.graph.variable(place), known.ready.left[place].group
    stretches = tuple(stretched(known, place, known.ready.left[place].share))
    if isinstance(node, N.Sum) and isinstance(node.domain, Listed):
        _check_sum(known, place, node)
    if known.ready.is_count(place) and (wanted.features or wanted.shown or is_readable(known, place, False)):
        _check_apart(known, place)
    offered = {key for key, feature in wanted.features.items() if _offers(known, place, left, feature)}
    rest = [feature for key, feature in wanted.features.items() if key not in offered]
    ramps = ramps_of_count(known, place, wanted, rest) if rest else None
    if ramps is not None:
        return Decision(known.stored(place, wanted, *ramps), (*stretches, *scored(known, place)))
    is_mean = isinstance(node, N.Sum) or (isinstance(node, N.Aggregate) and not node.pick)
    kept, design = _decoded(known, place, wanted, rest, left)
    powers = powers_of(known, place, wanted)
    if powers:
        design = _with_ramps(known, place, powers, design)
    stored = known.stored(place, wanted, (*kept, *powers), design)
    numbers = moved_numbers(known, place, node) if isinstance(node, N.Aggregate | N.Sum) else ()
    return Decision(stored, (*stretches, *numbers, *scored(known, place, finely=is_mean and bool(offered))))


def _offers(known: Known, place: int, left: Group, feature: Feature) -> bool:
    """Whether a feature can be read off what attention leaves; of an interval no constant is added to it."""
    if known.ready.is_rough(place) and not _bears(known, place, left, feature):
        return False
    if isinstance(known.graph.variable(place).domain, Listed):
        return left.spans(feature.column)
    return F.in_span(left.code, feature.column, with_constant=False)


def _bears(known: Known, place: int, left: Group, feature: Feature) -> bool:
    """Whether who reads a feature of a number bears what that is off by as attention leaves it; of what is not listed
    nothing else can be had."""
    if not isinstance(known.graph.variable(place).domain, Listed):
        return True
    found = F.express(left.code, feature.column[:, None])
    if found is None or feature.error is None:
        return False
    return float(np.abs(found[0]).max()) * known.ready.roughness(place) <= feature.error


def _decoded(
    known: Known, place: int, wanted: Wanted, rest: Sequence[Feature], left: Group
) -> tuple[tuple[Group, ...], Design | None]:
    """A staircase along what attention leaves. A mean is readable as the number that it leaves."""
    if isinstance(known.graph[place], N.Sum):
        form = form_of(known, place, wanted, rest, readable=False)
    elif isinstance(known.graph[place], N.Aggregate):
        form = form_of(known, place, wanted, rest, spanned=[left], readable=False)
    else:
        form = form_of(known, place, wanted, rest)
    if not form.groups:
        return (), None
    bent = _chained(known, place, wanted, rest, outputs_of(form.groups))
    if bent is not None:
        return form.groups, bent
    groups, design = exact_enough(known, place, wanted, rest, form, lambda code: staircase(known.ready, place, code))
    if design is None:
        raise UnsupportedProgram.at(
            known.graph.labels[place],
            f"values that lie too close to be told apart in {known.options.precision.name}",
            "a gap above rounding", "shorten the maximum length, or count with SelectorWidth",
        )  # fmt: skip
    return groups, design


def _chained(known: Known, place: int, wanted: Wanted, rest: Sequence[Feature], code: Matrix) -> Design | None:
    """The numbers that are read of a count, along the share that it is left as; None where readers want steps, or do
    not bear what a chain is off by at every value, where a step is flat."""
    options = known.options
    numbers = not (wanted.shown or wanted.compared or wanted.powers) and all(one.error is not None for one in rest)
    if not (known.ready.is_count(place) and numbers and options.storage.compact and options.has(CHAINS.name)):
        return None
    if options.precision.narrow or options.margin is not None:
        return None
    position, noise = known.ready.counted(place)
    found = chain(place, position, code)
    if found is None:
        return None
    off = moved(position, code, noise).max(axis=0, initial=0.0) + found.noise(known.ready.unit)
    borne = is_borne(wanted, rest, code, off) or _is_borne_together(known, place, rest, code, off, found)
    return found if borne else None


def _is_borne_together(
    known: Known, place: int, rest: Sequence[Feature], code: Matrix, off: Floats, design: Design
) -> bool:
    """The same where a number and its square are read, which err together along a chain, as they do along parabolas.

    A piece of the square from k to k + 1 has the slope 2k + 1, where its tangent had 2k: it is off by as much as the
    number is, besides.
    """
    together = [feature for feature in rest if feature.along > 0]
    alone = [feature for feature in rest if feature.along <= 0]
    domain = known.graph.variable(place).listed
    if not together or not domain.all_numbers or not is_borne(Wanted(), alone, code, off):
        return False
    (position, noise), steps = known.ready.counted(place), np.diff(domain.numbers)
    number = moved(position, domain.numbers[:, None] / steps.min(initial=1.0), noise).max(initial=0.0)
    rounds = rounding(design, np.sort(position), known.options.precision.sum_unit)
    return bool(2 * number <= min(feature.along for feature in together) and rounds <= ROUNDS)


def _with_ramps(known: Known, place: int, powers: Sequence[Group], design: Design | None) -> Design:
    """The steep features of a count or a mean, beside what else is decoded of it."""
    found = ramps(place, *known.ready.position(place), outputs_of(powers))
    if found is None:
        raise UnsupportedProgram.at(
            known.graph.labels[place], "values that lie too close together for steep comparisons",
            "a gap above rounding", "compile it without the pass steep",
        )  # fmt: skip
    return found if design is None else beside(design, found)


def _check_sum(known: Known, place: int, node: N.Sum) -> None:
    """Refuse a sum that cannot be told from the next."""
    gap, off = float(np.diff(node.listed.numbers).min(initial=np.inf)), known.ready.summed(place)
    if 4 * off > gap:
        most = size_of_terms(known.graph, node)
        raise UnsupportedProgram.at(
            known.graph.labels[place],
            f"sums up to {most:,.0f} of {known.graph.max_seq_len} numbers, more than one head in "
            f"{known.options.precision.name} tells apart",
            f"sums up to about {most * gap / (4 * off):,.0f}",
            "add smaller numbers, or digits: the sum of x // 100 and that of x % 100 are two sums",
        )  # fmt: skip


def _check_apart(known: Known, place: int) -> None:
    """Refuse a count that cannot be told from the next, before anything large is built for it."""
    precision = known.options.precision
    if precision.narrow:
        return  # `share_of` has seen to it
    position, noise = known.ready.counted(place)
    if len(position) > 1 and (np.abs(np.diff(position)) < 4 * np.maximum(noise[1:], noise[:-1])).any():
        raise UnsupportedProgram.at(
            known.graph.labels[place],
            f"counts up to {known.graph.max_seq_len}, too close for {precision.name}",
            "a gap above rounding", "shorten the maximum length, or compile for a wider dtype",
        )  # fmt: skip
