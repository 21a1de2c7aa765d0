"""Whether what the unembedding reads is the answer: of one of a list the largest logit, of a number the number."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from raspc.certify.proof.bounds import Reading
from raspc.certify.proof.examined import Examined
from raspc.certify.proof.grids import Rows, decided, over_grid, rows_of
from raspc.certify.proof.meaning import Meaning, where
from raspc.certify.proof.numbers import Off, nearest, of_several, with_the_least
from raspc.graph.nodes import Floats, Ids, Interval
from raspc.numbers.precision import Precision
from raspc.weights.certificate import Link

PART = 1 << 21
"""The most logits that are looked at at one time, where they are read off one variable."""
BLURRED = 2.0**-4
"""From this part of a lead on, it is worth asking what errors come of."""


def answered(plan: Examined, meaning: Meaning, read: Reading, precision: Precision) -> Iterator[Link]:
    """The margin of the answer: half the least lead of a logit, or the error that a number may have."""
    label = plan.graph.labels[plan.graph.output]
    if plan.config.output.kind == "numerical":
        return _number(plan, meaning, read.settled(), label, precision)
    return _choice(plan, meaning, read, label)


def answered_in_parts(
    plan: Examined, meaning: Meaning, place: int, read_of: Callable[[slice], Reading], precision: Precision
) -> Iterator[Link]:  # fmt: skip
    """The same for logits that are read off one variable, of which few values are looked at at one time.

    `read_of`: what the unembedding reads of some values of the variable, or of all. So a proof over thousands of values
    takes memory for some of their logits.
    """
    label, width = plan.graph.labels[plan.graph.output], len(plan.actual.output.bias)
    many = meaning.size(place)
    ids = meaning.ids(plan.graph.output, (place,)) if many * width > PART else None
    if ids is None or plan.config.output.kind == "numerical":
        yield from answered(plan, meaning, read_of(slice(None)), precision)
        return
    step = max(1, PART // width)
    parts = [slice(low, min(low + step, many)) for low in range(0, many, step)]
    links = [link for cut in parts for link in _weakest(meaning, read_of(cut), ids[cut], label, cut.start)]
    yield from sorted(links, key=lambda link: -link.used)[:1]


def _choice(plan: Examined, meaning: Meaning, read: Reading, label: str) -> Iterator[Link]:
    read, ids = decided(meaning, plan.graph.output, read)
    return _weakest(meaning, read, ids, label)


def _weakest(meaning: Meaning, read: Reading, ids: Ids | None, label: str, start: int = 0) -> Iterator[Link]:
    """The combination of values whose right logit leads least; `start`: which value is the first that is read."""
    axes = tuple(read.seen)
    rows = rows_of(meaning, read, ids)
    if rows is None or ids is None:
        yield Link("answer", label, np.inf, 0.0, "logits")
        return
    needed, lead = 2 * rows.error.max(axis=1, initial=0.0), _leads(rows.values, rows.number)
    if (needed > BLURRED * lead).any() and (told := rows_of(meaning, read, ids, causes=True)) is not None:
        rows = told
        needed, lead = _nearest_leads(told)
    needed = np.where(needed == lead, np.nextafter(needed, np.inf), needed)  # of equal logits either may win
    needed = np.where(lead > 0, needed, np.inf)
    worst = _worst(needed, lead)
    if worst is not None:
        at = where(axes, ids, worst) if len(lead) == (ids >= 0).sum() else {}
        at = {place: start + value for place, value in at.items()}
        yield Link("answer", label, float(needed[worst]), float(lead[worst]), "logits", at)


def _nearest_leads(rows: Rows) -> tuple[Floats, Floats]:
    """(error, lead) for each row, over the wrong answer whose logit comes nearest, for its error, to the right one.

    The difference of two logits errs by what their errors do not have in common; that is asked where both together
    would take a good part of the lead.
    """
    errors, leads = np.zeros(len(rows.number)), np.full(len(rows.number), np.inf)
    for right in np.unique(rows.number):
        own = np.flatnonzero(rows.number == right)
        lead = rows.values[own, right][:, None] - rows.values[own]
        off = rows.error[own] + rows.error[own, right][:, None]
        near = np.flatnonzero((off > BLURRED * lead).any(axis=0))
        if rows.causes is not None and len(near):
            parts = (cause.at(own).between(right, near) for cause in rows.causes)
            off[:, near] = sum(parts, np.zeros((len(own), len(near))))
        lead[:, right], off[:, right] = np.inf, 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            nearest = np.where(lead > 0, off / lead, np.inf).argmax(axis=1)
        place = np.arange(len(own))
        errors[own], leads[own] = off[place, nearest], lead[place, nearest]
    return errors, leads


def _worst(needed: Floats, present: Floats) -> int | None:
    """Where most of a margin is used."""
    if not len(needed):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.where(present > 0, needed / present, np.inf)
    return int(used.argmax())


def _leads(logits: Floats, right: Ids) -> Floats:
    """For each row, the distance from the logit of the right answer to the best wrong one."""
    rows = np.arange(len(logits))
    own = logits[rows, right]
    wrong = logits.copy()
    wrong[rows, right] = -np.inf
    return np.asarray(own - wrong.max(axis=1, initial=-np.inf))


def _number(plan: Examined, meaning: Meaning, read: Reading, label: str, precision: Precision) -> Iterator[Link]:
    axes = tuple(read.seen)
    found = meaning.amounts(plan.graph.output, axes)
    if found is None:
        yield Link("number", label, np.inf, 0.0, "absolute error")
        return
    known = found.known
    every = np.where(known, 0, -1).astype(np.int32)
    shape, width = every.shape, len(read.bias)
    values = (over_grid([one.values for one in read.seen.values()], shape, width) + read.bias)[known]
    errors = over_grid([one.error for one in read.seen.values()], shape, width)[known]
    errors = errors + (read.rounding if read.rounded_rows is None else read.rounded_rows[known])
    numbers, special = np.broadcast_to(found.numbers, shape)[known], np.broadcast_to(found.special, shape)[known]
    plain = special < 0
    off = np.abs(values[plain, 0] - numbers[plain])
    if (off + errors[plain, 0]).size:
        found_off = _off(plan, read, numbers[plain], off, errors[plain, 0], precision)
        yield Link("number", label, found_off.needed, found_off.allowed, "absolute error")
    if width > 1 and len(values):
        wanted = special[:, None] == np.arange(width - 1)
        needed = float((np.abs(values[:, 1:] - wanted) + errors[:, 1:]).max())
        yield Link("special values", label, needed if needed < 0.5 else np.inf, 0.5, "of an indicator")


def _off(plan: Examined, read: Reading, numbers: Floats, off: Floats, errors: Floats, precision: Precision) -> Off:
    """Where the number of an answer uses most of what is promised; `off`: of what is read, without `errors`."""
    domains = [plan.graph.variable(place).domain for place in read.seen]
    if not any(isinstance(domain, Interval) for domain in domains):
        return nearest(numbers, off + errors, precision)
    if len(domains) == 1:
        return nearest(*with_the_least(numbers, off + errors), precision)
    return of_several(read, float(off.max(initial=0.0)), precision)
