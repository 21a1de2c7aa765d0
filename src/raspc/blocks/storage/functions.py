"""Functions of other variables: read off these where they are sums, else computed by neurons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite

from raspc.blocks.neurons.choosing import choose
from raspc.blocks.neurons.copies import copied
from raspc.blocks.neurons.costs import NOISE, NOISE_ANSWER, NOISE_TIED, cost, decoding_cost
from raspc.blocks.neurons.design import NEURON_LIMIT, Design, beside, evened
from raspc.blocks.neurons.ramps import ramps_along
from raspc.blocks.neurons.steps import along
from raspc.blocks.neurons.ways import Ways
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group, outputs_of
from raspc.blocks.reading.readiness import NUMBER_ERROR, Readiness
from raspc.blocks.storage.exactness import exact_enough
from raspc.blocks.storage.forms import Form, form_of, is_readable, powers_of
from raspc.blocks.storage.known import Decision, Known
from raspc.blocks.storage.ramping import Ramps, ramps_of_table
from raspc.blocks.storage.requests import Feature, Read, Show, Wanted
from raspc.blocks.storage.stored import NEURONS, Reader
from raspc.errors import UnsupportedProgram
from raspc.graph.nodes import Sum, Table
from raspc.graph.rows import distinct_rows
from raspc.graph.tables import Joint
from raspc.numbers.choice import Choice
from raspc.numbers.memory import in_words

CHOICE = Choice(
    "decode_terms", "storage",
    "a sum is read off its terms, each of them decoded, where that takes no more neurons than the sum itself",
    "a sum of features that nobody wants to read, of at most 2¹⁴ cells",
    "no neurons of its own",
)  # fmt: skip

DECODE_CELLS = 1 << 14
"""A sum over more cells than this is decoded part by part, without trying to design it whole."""


def function(known: Known, place: int, wanted: Wanted) -> Decision:
    """What is stored of a table."""
    joint = known.ready.derived(place)
    nothing = Decision(known.stored(place, wanted))
    if joint is None or not joint.roots:
        return nothing
    if len(joint.roots) == 1 and known.options.has("virtual"):
        show = (Show(joint.roots[0], place),) if is_readable(known, place, bool(wanted.features)) else ()
        return nothing.asking(*show, *_parts(known.ready, joint, wanted, wanted.features.values()))
    free, rest = _free(known, joint, wanted)
    ramps = _ramps(known, place, joint, wanted, rest) if rest else None
    if ramps is not None:
        exact = not any(root in known.ready.left or known.ready.is_rough(root) for root in joint.roots)
        beside = _parts(known.ready, joint, wanted, free if exact else ())  # else number and square err together
        return Decision(known.stored(place, wanted, *ramps), (*beside, *_reads(known.ready, place, ramps[1])))
    form, decision = form_of(known, place, wanted, rest), nothing.asking(*_parts(known.ready, joint, wanted, free))
    if wanted.powers:
        powers = _with_powers(known, place, joint, wanted, form)
        stored = known.stored(place, wanted, *powers)
        return Decision(stored, (*decision.requests, *_reads(known.ready, place, powers[1])))
    if not form.groups:
        return decision
    groups, design = _computed(known, place, joint, wanted, rest, form)
    in_doubt = _strains_steep_heads(known, place, joint)
    if not groups:
        return replace(decision, steep_in_doubt=in_doubt).asking(*_parts(known.ready, joint, wanted, rest))
    design = _possible(known, place, design)
    stored = known.stored(place, wanted, groups, design)
    return Decision(stored, (*decision.requests, *_reads(known.ready, place, design)), in_doubt)


def _ramps(known: Known, place: int, joint: Joint, wanted: Wanted, rest: Sequence[Feature]) -> Ramps | None:
    """Ramps, where these will do."""
    node = known.graph[place]
    assert isinstance(node, Table)
    return ramps_of_table(known, place, wanted, Ways(known.ready, node, joint), rest)


def _with_powers(known: Known, place: int, joint: Joint, wanted: Wanted, form: Form) -> Ramps:
    """Steep features of a sum, and what else is wanted of it, along the sum."""
    node = known.graph[place]
    assert isinstance(node, Table)
    ways, powers = Ways(known.ready, node, joint), powers_of(known, place, wanted)
    axes, features = ((), ()) if ways.itself is None else ways.itself.reads
    design = ramps_along(axes, features, node.listed.numbers, 0.0, outputs_of(powers)) if axes else None
    if design is not None and ways.itself is not None and form.groups:
        rows, number = distinct_rows(outputs_of(form.groups))
        steps = along(
            ways.frontiers[-1].grid(rows, number),
            ways.itself,
            precision=known.options.precision,
            sharpness=known.ready.softness(ways.itself.axes),
        )
        design = None if steps is None else beside(steps, design)
    return (*form.groups, *powers), _possible(known, place, design)


def _free(known: Known, joint: Joint, wanted: Wanted) -> tuple[list[Feature], list[Feature]]:
    """The features that are sums of what can be read without any more neurons, and the others."""
    F.look_for_sums(joint, [feature.column for feature in wanted.features.values()])
    free, rest = list[Feature](), list[Feature]()
    for feature in wanted.features.values():
        (free if known.ready.is_free(joint, feature.column) else rest).append(feature)
    return free, rest


def _parts(ready: Readiness, joint: Joint, wanted: Wanted, features: Iterable[Feature]) -> Iterator[Read]:
    """Features that are sums over the roots are read off these, by the same readers; rough ones share what is borne."""
    rough = max(1, sum(map(ready.is_rough, joint.roots)))
    for feature in features:
        found = F.additive(joint, feature.column)
        for root, part in () if found is None else found.parts:
            along = feature.along if len(joint.roots) == 1 else 0.0
            yield Read(root, part, feature.readers, wanted.bears(feature.column) / rough, along)


def _strains_steep_heads(known: Known, place: int, joint: Joint) -> bool:
    """Whether something other than a sum is computed of what heads leave whose selected keys do not quite tie."""
    node = known.graph.variable(place)
    steep = any(known.ready.shortfall.get(root) for root in joint.roots)
    return steep and not (node.listed.all_numbers and F.additive(joint, node.listed.numbers))


def _computed(
    known: Known, place: int, joint: Joint, wanted: Wanted, rest: Sequence[Feature], form: Form
) -> tuple[tuple[Group, ...], Design | None]:
    """Directions and the neurons that compute them; no directions where it is cheaper to decode the terms of sums."""
    ready = known.ready
    sums = [ready.additive(joint, feature.column) for feature in rest]
    may_decode = not is_readable(known, place, bool(rest)) and all(sums)
    if may_decode and joint.cells.size > DECODE_CELLS:
        return (), None
    groups, design = _designed(known, place, joint, wanted, rest, form)
    decode = may_decode and known.options.has("decode_terms")
    if decode and decoding_cost(ready, sums) <= cost(ready, design, joint.roots):
        return (), None
    return groups, design


def _designed(
    known: Known, place: int, joint: Joint, wanted: Wanted, rest: Sequence[Feature], form: Form
) -> tuple[tuple[Group, ...], Design | None]:
    """The design of a table that its readers find exact enough."""
    node = known.graph[place]
    assert isinstance(node, Table)
    is_answer = place == known.graph.output and not known.numerical
    noise = NOISE_TIED if wanted.finely else NOISE_ANSWER if is_answer else NOISE
    ways, bears = Ways(known.ready, node, joint), min((feature.error or 0.0 for feature in rest), default=0.0)
    return exact_enough(
        known, place, wanted, rest, form, lambda code: choose(ways, code, noise, wanted.compared, bears),
        partial(copied, known.ready, joint) if _may_copy(known, wanted) else None,
    )  # fmt: skip


def _may_copy(known: Known, wanted: Wanted) -> bool:
    """Whether errors of what is read may be carried on: to a variable that people read, and no head compares."""
    return known.options.storage.readable and not wanted.compared


def _possible(known: Known, place: int, design: Design | None) -> Design:
    """The design, evened if it reads multiples of one power of two. Raises UnsupportedProgram if there is none."""
    if design is None:
        raise UnsupportedProgram.at(
            known.graph.labels[place],
            f"a function with too many cells, or values too close for {known.options.precision.name}",
            f"at most {NEURON_LIMIT} neurons, at most {in_words(known.options.memory)}, and gaps above rounding",
            "use fewer distinct values, a shorter maximum length, or two steps, or allow more with memory=",
        )  # fmt: skip
    even = all(known.ready.is_count(axis) and known.ready.share(axis).added for axis in design.axes)
    return evened(design) if even else design


def _reads(ready: Readiness, place: int, design: Design) -> Iterator[Read]:
    """What the neurons of a variable read, and how exactly."""
    for axis, columns in zip(design.axes, design.features, strict=True):
        # a line that reads a sum, as attention leaves it, has room for what that is off by
        rough = (ready.is_rough(axis) or _is_of_sums(ready, axis)) and (axis in ready.left or isfinite(design.gap))
        error = design.gap / 4 if rough else min(design.gap / 16, NUMBER_ERROR)
        readers = (Reader(place, NEURONS, axis),)
        yield from (Read(axis, column, readers, error) for column in columns.T)


def _is_of_sums(ready: Readiness, place: int) -> bool:
    """Whether a variable is a sum, or a function of nothing but sums."""
    joint = ready.roots.joints[place]
    roots = (place,) if joint is None else joint.roots
    return bool(roots) and all(isinstance(ready.graph[root], Sum) for root in roots)
