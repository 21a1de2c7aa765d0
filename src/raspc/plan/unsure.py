"""What a plan has in doubt: where another one may be smaller, as something was chosen for a part and not for the whole.

A plan of which nothing is in doubt is no larger than those of lower levels: these keep more directions of more
variables, so that designs of neurons tell more values apart, and wider heads move them. Each function below is an
exception to this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from raspc.blocks.neurons.choosing import choose
from raspc.blocks.neurons.costs import LATE
from raspc.blocks.neurons.costs import waiting as waiting_cost
from raspc.blocks.neurons.design import Design
from raspc.blocks.neurons.ways import Ways
from raspc.blocks.reading.groups import Group, outputs_of
from raspc.blocks.reading.plain import rests_on
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.reading.roots import Roots
from raspc.blocks.storage.stored import Stored
from raspc.graph.nodes import Table
from raspc.graph.rows import distinct_rows
from raspc.graph.selectors import score_rank
from raspc.plan.plan import Plan


def unsure_of(plan: Plan) -> frozenset[str]:
    """Names of the doubts there are: passes and choices that can be given up, and reasons to look at lower levels."""
    return frozenset(name for name, doubt in DOUBTS.items() if plan.options.has(name) and doubt(plan))


def complement(plan: Plan) -> bool:
    """Some width is the length less another one: a function of two variables, which may take more neurons."""
    return any(step.changed for step in plan.steps if step.name == "complement_widths")


def factored(plan: Plan) -> bool:
    """A comparison of keys is one of two digits, which takes more heads."""
    return any(step.changed for step in plan.steps if step.name == "factor_keys")


def fused(plan: Plan) -> bool:
    """A chain of tables is one table, which may take more neurons."""
    return any(step.changed for step in plan.steps if step.name == "fuse_chains")


def steep(plan: Plan) -> bool:
    """Neurons have to tell apart what steep heads leave, or fewer directions than a variable has would do without.

    Heads that are not steep may read some of the other features of the variable, and need as many in all as the rank.
    """
    return plan.storage.steep_in_doubt or any(
        0 < rank < _directions(plan, place) for place, rank in _plainly(plan).items()
    )


def _plainly(plan: Plan) -> dict[int, int]:
    """For each variable that has steep features about how many others a head would need."""
    ranks: dict[int, int] = {}
    for stored in plan.storage.variables:
        for conjunct in () if stored is None or stored.selection is None else stored.selection.conjuncts:
            for place in (conjunct.key, conjunct.query) if conjunct.shortfall else ():
                root = _root(plan, place)
                ranks[root] = max(ranks.get(root, 0), score_rank(conjunct.cells))
    return ranks


def _root(plan: Plan, place: int) -> int:
    """The variable that a function of one variable is read off."""
    while len(read_off := plan.storage[place].read_off) == 1:
        place = read_off[0]
    return place


def _directions(plan: Plan, place: int) -> int:
    """How many directions a variable has, those for steep heads among them."""
    return sum(len(group.labels) for group in plan.storage[place].kept)


def decoded(plan: Plan) -> bool:
    """Some sum is read off terms that are decoded, each by neurons that nobody else may use."""
    sums = (s for s in plan.storage.variables if s is not None and s.readers and not s.kept and len(s.read_off) > 1)
    return any(_is_decoded(plan, term) for stored in sums for term in stored.read_off)


def _is_decoded(plan: Plan, place: int) -> bool:
    """Whether neurons write a variable."""
    return plan.storage[place].design is not None


def waiting(plan: Plan) -> bool:
    """Neurons wait for others, where some that would not wait round too much."""
    after_others = [place for place, stored in enumerate(plan.storage.variables) if stored and _may_wait(plan, stored)]
    if not after_others:
        return False
    ready = Readiness.of(plan.graph, plan.options)
    return any(_could_be_hasty(plan, ready, place) for place in after_others)


def _may_wait(plan: Plan, stored: Stored) -> bool:
    """Whether the neurons of a variable read one that others write."""
    return stored.left is None and stored.design is not None and any(_is_decoded(plan, i) for i in stored.design.axes)


def _could_be_hasty(plan: Plan, ready: Readiness, place: int) -> bool:
    """Whether neurons wait, and others would do, however they round, that read what is there before any."""
    node, design = plan.graph[place], plan.storage[place].design
    if design is None or not isinstance(node, Table):
        return False
    ways = Ways(ready, node, ready.derived(place))
    if waiting_cost(ready, ways.roots, design.axes, design.features) < LATE:
        return False
    found = choose(ways, outputs_of(plan.storage[place].kept), np.inf)
    return found is not None and not ready.is_late(found.axes, found.features)


def neighboured(plan: Plan) -> bool:
    """Queries that are no key are taken for neighbours of keys, so that a sum may be none any more."""
    selections = (stored.selection for stored in plan.storage.variables if stored is not None)
    conjuncts = (conjunct for one in selections if one is not None for conjunct in one.conjuncts)
    return any(
        conjunct.factors.squares
        and not conjunct.factors.near
        and len(rests_on(Roots.of(plan.graph), conjunct.query)) > 1
        and len(distinct_rows(conjunct.factors.queries)[0]) < len(conjunct.factors.queries)
        for conjunct in conjuncts
    )


HASTY = 64
"""To save no more neurons than this is not worth a layer."""


def haste(plan: Plan) -> bool:
    """Many neurons compute a function of functions at once, where some for each might be fewer."""
    return any(
        stored.design is not None
        and _to_spare(stored.design, stored.kept) > HASTY
        and _is_nested(plan, place, stored.design.axes)
        for place, stored in enumerate(plan.storage.variables)
        if stored is not None
    )


def _to_spare(design: Design, kept: Sequence[Group]) -> int:
    """How many neurons a design has beyond those that any has: one for each value of what it writes, but for one."""
    if design.size <= HASTY:
        return 0
    return design.size - (len(distinct_rows(outputs_of(kept))[0]) - 1)


def _is_merged(plan: Plan, place: int) -> bool:
    """Whether nothing is kept of a function of several variables."""
    return (
        isinstance(plan.graph[place], Table) and len(plan.storage[place].read_off) > 1 and not plan.storage[place].kept
    )


def _is_nested(plan: Plan, place: int, axes: Sequence[int]) -> bool:
    """Whether a table has an argument that is a function of several variables, and is computed of these."""
    args = [arg for arg in plan.graph[place].refs if _is_merged(plan, arg)]
    return isinstance(plan.graph[place], Table) and any(arg not in axes for arg in args)


def rounding(plan: Plan) -> bool:
    """A direction is kept for each value, for less would round too much; functions of the variable might not."""
    stored = plan.storage.variables
    functions = {one.read_off[0] for one in stored if one is not None and len(one.read_off) == 1}
    names = {place: f"{plan.graph.labels[place]}:values" for place in functions}
    return plan.options.has("basis") and any(
        group.space == name for place, name in names.items() for group in plan.storage[place].kept
    )


DOUBTS: Mapping[str, Callable[[Plan], bool]] = {
    "steep": steep, "complement_widths": complement, "decode_terms": decoded, "waiting": waiting, "rounding": rounding,
    "haste": haste, "fuse_chains": fused, "factor_keys": factored, "neighbours": neighboured,
}  # fmt: skip
CAN_BE_GIVEN_UP = ("steep", "complement_widths", "decode_terms", "fuse_chains", "factor_keys", "neighbours")
"""The doubts that are names of passes and choices: there is a plan without them."""
