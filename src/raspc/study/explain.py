"""Why a model is as it is: where each variable lives, in which form, who reads it, or why it needs no space.

All of it is read off the plan: what is stored of each variable and who reads it, and which space each of these readers
takes it from; dimensions and stages come from the alignment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raspc.blocks.reading.groups import Group
from raspc.blocks.spaces import Head, Neurons, reads_of
from raspc.blocks.storage.stored import ANSWER, KEYS, NEURONS, QUERIES, VALUES
from raspc.errors import InputError
from raspc.graph import nodes as N
from raspc.graph.nodes import Floats, Listed, Variable
from raspc.plan.plan import Plan
from raspc.weights.format1 import plan_of
from raspc.weights.model import Model

OUTPUT = "the output"
PURPOSES = {Head: (QUERIES, KEYS, VALUES), Neurons: (NEURONS,)}
"""What a block reads for, in the order of `reads_of`."""
MOST_FEATURES = 6
"""How many features are named one by one."""


@dataclass(frozen=True)
class Home:
    """One space of a variable: dimensions, form, the stages from which to which it is needed, and its readers."""

    dims: tuple[int, int]
    form: str
    from_stage: int
    to_stage: int | None
    readers: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """One variable: what it is, its spaces, and where it has none, why it needs none."""

    variable: str
    what: str
    homes: tuple[Home, ...]
    why: str

    def to_json(self) -> dict[str, Any]:
        """The explanation as JSON data."""
        return asdict(self)


def explain(model: Model) -> tuple[Explanation, ...]:
    """Each variable of a model, in the order of its program.

    Raises InputError for a model that does not hold its program and its alignment.
    """
    if model.graph is None or not model.alignment.variables:
        raise InputError("the model holds no graph or no alignment; compile it again, or load a whole directory")
    plan = plan_of(model)
    if plan is None:
        raise InputError("the model was saved without a plan; compile it again to have it explained")
    return _Explainer(model, plan).all()


class _Explainer:
    def __init__(self, model: Model, plan: Plan) -> None:
        self.model, self.graph = model, plan.graph
        self.storage, self.lowered = plan.storage, plan.lowered
        self.where = model.alignment.spaces

    def all(self) -> tuple[Explanation, ...]:
        return tuple(self.one(place, node) for place, node in enumerate(self.graph.nodes) if isinstance(node, Variable))

    def one(self, place: int, node: Variable) -> Explanation:
        labels = self.graph.labels
        kind = type(node).__name__.lower()
        what = f"{kind}({', '.join(labels[ref] for ref in node.refs)})"
        groups = self.lowered.home.get(place, ())
        homes = tuple(self.home(place, group) for group in groups if group.space in self.where)
        return Explanation(labels[place], what, homes, "" if groups else self.why(place, node))

    def home(self, place: int, group: Group) -> Home:
        found = self.where[group.space]
        readers = tuple(dict.fromkeys(self.readers(place, group.space)))
        return Home(found.dims, self.form(place, group), found.from_stage, found.to_stage, readers)

    def readers(self, place: int, space: str) -> Iterator[str]:
        """Who reads a variable off one of its spaces, and what for."""
        for reader in self.storage[place].readers:
            if space in self.taken.get((reader.by, reader.purpose), ()):
                yield OUTPUT if reader.purpose == ANSWER else f"{reader.purpose} of {self.graph.labels[reader.by]}"

    @cached_property
    def taken(self) -> Mapping[tuple[int, str], Collection[str]]:
        """The spaces that the blocks of each variable take what they read from, for each purpose."""
        found: dict[tuple[int, str], set[str]] = {(self.graph.output, ANSWER): set(self.lowered.output.maps)}
        for by, block in zip(self.lowered.place_of_block, self.lowered.blocks, strict=True):
            for purpose, read in zip(PURPOSES[type(block)], reads_of(block), strict=True):
                found.setdefault((by, purpose), set()).update(read.maps)
        return found

    def form(self, place: int, group: Group) -> str:
        """One-hot, a number, a share of attention, or the features by name."""
        node = self.graph.variable(place)
        stored = self.storage[place]
        if (found := stored.share) is not None and stored.left is not None and group.space == stored.left.space:
            return found.form if found.is_number else f"{found.form}, d the keys selected"
        if group.steep:
            return f"{len(group.labels)} powers for steep comparisons"
        if np.array_equal(group.code, np.eye(len(group.code))):
            return "one-hot" if len(group.code) > 1 else "its number"
        return _named_features(group, node)

    def why(self, place: int, node: Variable) -> str:
        """Why a variable has no space."""
        sources = [self.graph.labels[source] for source in self.storage[place].read_off]
        if isinstance(node, N.Affine):
            return f"affine: a sum that readers read off {_listed(sources)}"
        if not isinstance(node, N.Table):
            return "dead: no one reads it"
        if not sources or len(node.listed) == 1:
            return "constant: a bias"
        if len(sources) == 1:
            return f"virtual: a function of {sources[0]}, whose features its readers read"
        terms = _listed(sources)
        return f"read off its terms: what its readers need is a sum of functions of {terms}"


def _named_features(group: Group, node: Variable) -> str:
    if isinstance(node.domain, Listed):
        names = [_described(column, node.domain) for column in group.code.T]
    else:
        names = ["its number", *(f"is {special!r}" for special in node.domain.specials)]
    if len(names) > MOST_FEATURES:
        return f"{len(names)} features: {', '.join(names[:MOST_FEATURES])}, …"
    return ", ".join(names)


def _described(column: Floats, domain: Listed) -> str:
    """One feature in words: an indicator, or a line or a parabola over the numbers or their places in the value set."""
    if np.isin(column, (0.0, 1.0)).all() and column.sum() == 1:
        return f"is {domain.values[int(column.argmax())]!r}"
    places = np.arange(len(domain), dtype=np.float64)
    for numbers, what in ((domain.numbers, "number"), (places, "place in the value set")):
        if what == "number" and not domain.all_numbers:
            continue
        if _is_polynomial(column, numbers, 1):
            return f"its {what}"
        if len(domain) > 3 and _is_polynomial(column, numbers, 2):
            return f"a parabola over its {what}"
    return f"a feature of {len(np.unique(column))} levels"


def _is_polynomial(column: Floats, numbers: Floats, degree: int) -> bool:
    scale = max(1.0, float(np.abs(numbers).max()))
    powers = np.stack([(numbers / scale) ** power for power in range(degree + 1)], axis=1)
    left = powers @ np.linalg.lstsq(powers, column, rcond=None)[0] - column
    return float(np.abs(left).max()) < 1e-9 * max(1.0, float(np.abs(column).max()))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
