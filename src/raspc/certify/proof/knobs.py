"""The knobs of a stock model, as small as its margins allow: K of relu(z) = act(K·z)/K, and the scale of its frame.

Large constants and steep gates are seen by probes, by cosine similarities and by what is trained on activations. So of
all powers of two the smallest is taken with which every margin is proved: first of K, beside constants that are large
enough for any K, then of the scale, which is looked for by halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raspc.certify.proof.examined import Examined
from raspc.certify.proof.prove import holding
from raspc.certify.proof.weights import examined
from raspc.errors import InputError
from raspc.graph.nodes import Listed
from raspc.plan.plan import Plan
from raspc.stock.convert import sharpness_of
from raspc.stock.model import stocked
from raspc.stock.sizes import scale_of
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
    highest, sharp = scale_of(kind, model, precision), sharpness_of(kind, precision)

    def at(sharpness: float, scale: float) -> Proved | None:
        try:
            found = stocked(model, family, sharpness, scale)
        except InputError:
            if sharpness == sharp[0] and scale == highest:  # no number is smaller: the family does not hold the model
                raise
            return None
        seen = examined(plan, found)
        links = holding(seen, precision)
        return Proved(found, seen, links) if links is not None and _tells_tokens(plan, links) else None

    first = next(((k, found) for k in sharp if (found := at(k, highest)) is not None), None)
    if first is None:
        return None
    sharpness, found = first
    low, high = LEAST_SCALE - 1, round(np.log2(highest))
    while high - low > 1:
        middle = (low + high) // 2
        smaller = at(sharpness, 2.0**middle)
        low, high, found = (middle, high, found) if smaller is None else (low, middle, smaller)
    return found


def _tells_tokens(plan: Plan, links: Sequence[Link]) -> bool:
    """Whether a number as an answer is nearer to itself than to any other, so that it may be a token as well."""
    domain = plan.graph.variable(plan.graph.output).domain
    numbers = np.unique(domain.numbers[domain.is_number]) if isinstance(domain, Listed) else np.zeros(0)
    least = float(np.diff(numbers).min(initial=np.inf))
    return all(4 * link.needed < least for link in links if link.kind == "number")
