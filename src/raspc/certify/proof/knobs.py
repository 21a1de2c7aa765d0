"""The knobs of a stock model, as small as its margins allow: K of relu(z) = act(K·z)/K, and the scale of its frame.

Large constants and steep gates are seen by probes, by cosine similarities and by what is trained on activations. So of
all powers of two the smallest is taken with which every margin is proved: first of K, beside constants that are large
enough for any K, then of the scale, which is looked for by halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from raspc.certify.proof.examined import Examined
from raspc.certify.proof.prove import Outcome, holding
from raspc.certify.proof.weights import examined
from raspc.errors import InputError
from raspc.graph.nodes import Listed
from raspc.plan.plan import Plan
from raspc.stock.convert import sharpness_of
from raspc.stock.model import stocked
from raspc.stock.sizes import scale_of
from raspc.stock.storing import has_gain
from raspc.target.families import FAMILIES
from raspc.weights.certificate import Link
from raspc.weights.model import Model

LEAST_SCALE = 2
"""The least scale is 2 to this."""


@dataclass(frozen=True)
class Proved:
    """A model in a family's parameters, what was proved of it, and the links of the proof, all of which hold."""

    model: Model
    plan: Examined
    links: tuple[Link, ...]


def smallest(model: Model, plan: Plan, family: str) -> Proved | None:
    """A plain model in a family's parameters, with the smallest K and the smallest scale that are proved.

    `plan`: that of the model. None where nothing is proved whatever the knobs are. Raises InputError for a model that
    the family does not hold.
    """
    kind, precision = FAMILIES[family], model.precision
    search, highest = _Search(model, plan, family), scale_of(kind, model, precision)
    sharpness, found = search.first(sharpness_of(kind, precision), highest)
    if found is None:
        return None
    scales = [2.0**i for i in range(LEAST_SCALE, round(np.log2(highest)) + 1)]
    scales = [scale for scale in scales if has_gain(scale, kind.norms, precision)]
    low, high = -1, len(scales) - 1
    while high - low > 1:
        middle = (low + high) // 2
        smaller = search.at(sharpness, scales[middle])
        low, high, found = (middle, high, found) if smaller is None else (low, middle, smaller)
    return found


def with_knobs(model: Model, plan: Plan) -> Proved | None:
    """A model in a family's parameters with the knobs that it has, where it is proved with these."""
    seen = examined(plan, model)
    outcome = holding(seen, model.precision)
    return Proved(model, seen, outcome.links) if outcome.broken is None else None


@dataclass
class _Search:
    """Proofs of one model in a family's parameters; one that would be the same as one that is known is not run again.

    `known`: what was examined so far, and what became of the proof. `broken`: the link by which the last one ended.
    """

    model: Model
    plan: Plan
    family: str
    known: list[tuple[Examined, Outcome]] = field(default_factory=list)
    broken: Link | None = None

    def first(self, choices: Sequence[float], scale: float) -> tuple[float, Proved | None]:
        """The first of some K, in ascending order, with which the model is proved, and that; None where it is not.

        A link that does not hold, and that a steeper K hardly changed, is not for want of K: then no more are asked.
        In narrow formats all are: what a neuron is off by vanishes there once it is less than the format rounds.
        Raises InputError where the family does not hold the model even with the first.
        """
        before: Link | None = None
        for sharpness in choices:
            found = self.at(sharpness, scale, raises=sharpness == choices[0])
            if found is not None:
                return sharpness, found
            after, narrow = self.broken, self.model.precision.narrow
            if not narrow and before is not None and after is not None and _is_stuck(before, after):
                break
            before = after
        return choices[-1], None

    def at(self, sharpness: float, scale: float, raises: bool = False) -> Proved | None:
        """The model with these knobs, if it is proved. `raises`: what the family does not hold is no "no"."""
        self.broken = None
        try:
            model = stocked(self.model, self.family, sharpness, scale)
        except InputError:
            if raises:
                raise
            return None
        seen = examined(self.plan, model)
        links = self.links_of(seen)
        return Proved(model, seen, links) if links is not None and _tells_tokens(self.plan, links) else None

    def links_of(self, seen: Examined) -> tuple[Link, ...] | None:
        """The links of the proof where all of them hold."""
        same = next((one for one in self.known if seen.is_as(one[0])), None)
        outcome = holding(seen, self.model.precision) if same is None else same[1].beside(same[0].added, seen.added)
        self.broken = outcome.broken
        if same is None and all(link.holds for link in seen.added):
            self.known.append((seen, outcome))
        return outcome.links if outcome.broken is None else None


def _is_stuck(before: Link, after: Link) -> bool:
    """Whether one link does not hold with a steeper K either, though all that K changes is several times less there.

    What is needed does not fall by more than it fell already, and that is too little.
    """
    same = (before.kind, before.name, before.present) == (after.kind, after.name, after.present)
    return same and 2 * after.needed - before.needed > after.present


def _tells_tokens(plan: Plan, links: Sequence[Link]) -> bool:
    """Whether a number as an answer is nearer to itself than to any other, so that it may be a token as well."""
    domain = plan.graph.variable(plan.graph.output).domain
    numbers = np.unique(domain.numbers[domain.is_number]) if isinstance(domain, Listed) else np.zeros(0)
    least = float(np.diff(numbers).min(initial=np.inf))
    return all(4 * link.needed < least for link in links if link.kind == "number")
