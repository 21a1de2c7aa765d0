"""The directions that a variable gets: those that a person wants to see, and a basis of what else is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raspc.blocks.reading import features as F
from raspc.blocks.reading.groups import Group
from raspc.blocks.reading.naming import feature_labels, steep_labels, value_labels
from raspc.blocks.reading.readiness import Readiness
from raspc.blocks.reading.roots import over_root
from raspc.blocks.storage.known import Known
from raspc.blocks.storage.requests import Feature, Wanted
from raspc.errors import UnsupportedProgram
from raspc.graph import nodes as N
from raspc.graph.nodes import Listed
from raspc.numbers.choice import Choice
from raspc.target.rotation import is_turned

CHOICE = Choice(
    "basis", "storage",
    "a basis of the features that readers need is stored, not one direction for each value",
    "level 2, or a variable without a name",
    "every demanded feature is in the span of what is stored",
)  # fmt: skip

DIRECTIONS = 1 << 13
"""The most values that get a direction each; more numbers than that are stored as a number."""


@dataclass(frozen=True, eq=False)
class Form:
    """The directions of one variable. `seen`: of itself, and of functions of it, for people to read; or one a value.

    `basis`: of the features that readers need and that these do not span.
    """

    seen: tuple[Group, ...] = ()
    basis: Group | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        """All of them, the basis last."""
        return self.seen if self.basis is None else (*self.seen, self.basis)


def form_of(
    known: Known, place: int, wanted: Wanted, features: Sequence[Feature],
    spanned: Sequence[Group] = (), readable: bool = True,
) -> Form:  # fmt: skip
    """The directions for some of the features that are wanted. `spanned`: what is there beside them.

    `readable`: unless the variable is to be seen elsewhere.
    """
    own = [readable_group(known, place)] if readable and is_readable(known, place, bool(features)) else []
    seen = (*own, *(_shown(known, function) for function in wanted.shown))
    rows = F.size(known.graph.variable(place).domain)
    have = np.hstack([g.code for g in (*spanned, *seen)] or [np.zeros((rows, 0))])
    # indicators first: they are exact, and what they span is read off them
    ordered = sorted(features, key=lambda feature: feature.error is not None)
    extra = F.basis(F.stacked([feature.column for feature in ordered], rows), have)
    if not extra.shape[1]:
        return Form(seen)
    if not known.options.has("basis") and rows <= DIRECTIONS:
        return Form((*seen, one_hot(known, place)))
    label = known.graph.labels[place]
    labels = feature_labels(label, extra, known.graph.variable(place).listed)
    return Form(seen, Group(f"{label}:features", labels, extra))


def is_readable(known: Known, place: int, is_wanted: bool) -> bool:
    """Whether a person wants to see this variable in directions of its own; `is_wanted`: somebody reads it."""
    node, level = known.graph.variable(place), known.options.storage
    if not isinstance(node.domain, Listed) or level.compact or is_turned(known.graph, place, known.options):
        return False  # what a rotation tells is nowhere in the stream
    if isinstance(node, N.Token | N.Index | N.Length):
        return is_wanted or level.unnamed
    if known.ready.roots.is_opaque(place) and node.numerical and _is_sum(known, place):
        return False  # a long sum of numbers is read off its terms
    return level.unnamed or bool(node.names) or place == known.graph.output


def _is_sum(known: Known, place: int) -> bool:
    """Whether the number is a sum of numbers of other variables."""
    node, joint = known.graph.variable(place), known.ready.derived(place)
    return joint is not None and known.ready.additive(joint, node.listed.numbers) is not None


def is_long(ready: Readiness, place: int) -> bool:
    """Whether the variable has more values than directions can be spent on. Raises UnsupportedProgram for words."""
    domain = ready.graph.variable(place).listed
    if len(domain) <= DIRECTIONS:
        return False
    if not domain.is_number.all():
        raise UnsupportedProgram.at(
            ready.graph.labels[place], f"a variable with {len(domain):,} values that are not all numbers",
            f"at most {DIRECTIONS:,}", "use fewer tokens or a shorter maximum length",
        )  # fmt: skip
    return True


def readable_group(known: Known, place: int) -> Group:
    """One direction for each value; of numbers stored as such, the number and the special values."""
    node, label = known.graph.variable(place), known.graph.labels[place]
    if (_is_number(known, place) or is_long(known.ready, place)) and node.listed.is_number.any():
        words = value_labels(label, node.domain.specials)
        return Group(label, (label, *words), F.numeric_code(node.domain))
    return Group(label, value_labels(label, node.listed.values), np.eye(len(node.listed)))


def _is_number(known: Known, place: int) -> bool:
    """Whether a person wants to see the variable as a number, and the format holds it as one."""
    node, precision = known.graph.variable(place), known.options.precision
    if place == known.graph.output:
        return known.numerical
    return bool(node.numerical) and (not precision.narrow or precision.holds(F.number(node.domain)))


def one_hot(known: Known, place: int) -> Group:
    """One direction for each value, whatever is needed of it."""
    label, values = known.graph.labels[place], known.graph.variable(place).listed.values
    return Group(f"{label}:values", value_labels(label, values), np.eye(len(values)))


def _shown(known: Known, place: int) -> Group:
    """The directions of a function of one variable, as a code over that variable."""
    group, joint = readable_group(known, place), known.ready.derived(place)
    return group if joint is None else Group(group.space, group.labels, over_root(joint, group.code))


def powers_of(known: Known, place: int, wanted: Wanted) -> tuple[Group, ...]:
    """The space of the steep features of a variable, if it has any."""
    if not wanted.powers:
        return ()
    label, code = known.graph.labels[place], np.stack(wanted.powers, axis=1)
    return (Group(f"{label}:steep", steep_labels(label, code), code, steep=True),)
