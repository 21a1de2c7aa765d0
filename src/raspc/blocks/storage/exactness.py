"""Whether neurons compute a variable so exactly that all its readers bear what rounding adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from raspc.blocks.neurons.design import Design
from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group, is_flat, outputs_of
from raspc.blocks.spaces import Matrix
from raspc.blocks.storage.forms import Form, one_hot
from raspc.blocks.storage.known import Known
from raspc.blocks.storage.requests import Feature, Wanted
from raspc.graph.nodes import Floats

ONE_HOT_LIMIT = 2048
"""The most values that get directions of their own for the sake of rounding."""
NUMBERS_LIMIT = 1024
"""The same where readers want numbers alone: what they read off more directions than that is no nearer."""


def exact_enough(
    known: Known, place: int, wanted: Wanted, features: Sequence[Feature], form: Form,
    make: Callable[[Matrix], Design | None], copy: Callable[[Matrix, float], Design | None] | None = None,
) -> tuple[tuple[Group, ...], Design | None]:  # fmt: skip
    """A design of these directions; a copy, or one direction for each value, where sums of steps would round too much.

    `features`: what is to be read off them. `make`: the design that computes a code [values, c]; `copy`: the one that
    copies it, right to so much, from what can be read already.
    """
    code = outputs_of(form.groups)
    design = make(code)
    limit = NUMBERS_LIMIT if all(feature.error is not None for feature in features) else ONE_HOT_LIMIT
    if design is None or is_flat(code) or len(code) > limit:
        return form.groups, design
    if is_borne(wanted, features, code, design.noise(known.ready.unit)):
        return form.groups, design
    if copy is not None and (plain := copy(code, wanted.error)) is not None:
        return form.groups, plain
    own = one_hot(known, place)
    has_own = any(np.array_equal(group.code, own.code) for group in form.seen)
    groups = form.seen if has_own else (own, *form.seen)
    return groups, make(outputs_of(groups))


def is_borne(wanted: Wanted, features: Sequence[Feature], code: Matrix, noise: Floats) -> bool:
    """Whether all that is read off a code bears the noise of its columns; of flat features nothing is asked."""
    if float(noise.max(initial=0.0)) <= wanted.error:
        return True
    read = [feature for feature in features if feature.error is not None]
    found = F.express(code, F.stacked([feature.column for feature in read], len(code))) if read else None
    if found is None:
        return False
    return bool((np.abs(found[0]).T @ noise <= [feature.error for feature in read]).all())
