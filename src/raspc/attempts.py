"""Which design of a program becomes its model: those of a table are made one after the other, until one is proved.

As a Llama, a program that knows positions is made first with a rotation that tells them, then with counted ones; each
with products in gated neurons, and without. The first that is proved is taken. Models that are not proved are measured
only where none is, in the same order: so what runs on thousands of inputs are no models that nobody gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from raspc.blocks.neurons.costs import CHOICE as SOONEST
from raspc.blocks.neurons.products import CHOICE as PRODUCTS
from raspc.blocks.neurons.products import multiplies
from raspc.blocks.spaces import Neurons
from raspc.graph.nodes import Graph, Index
from raspc.numbers.options import Options
from raspc.plan.alternatives import Refused, attempt
from raspc.plan.asked import plainest, roomier
from raspc.stock.model import is_turned
from raspc.target import PLAIN
from raspc.target.families import FAMILIES
from raspc.target.rotation import CHOICE as ROTATION
from raspc.target.rotation import may_turn
from raspc.weights.model import Model


@dataclass(frozen=True, eq=False)
class Found:
    """A model that was made. `measured`: makes its certificate where it is not proved; None where that is settled."""

    model: Model
    measured: Callable[[], Model] | None = None

    @property
    def size(self) -> tuple[bool, int, int]:
        """What is proved is less than what is not, then few layers, then few parameters."""
        return self.measured is not None, self.model.config.n_layers, size_in(self.model)


Made = Callable[[Options], Found]
"""The model of a design. Raises a refusal."""


def model_by(attempts: Iterable[Found | Refused]) -> Model:
    """The first model that is settled; where there is none, the first whose measurement shows no fault.

    Raises the first refusal where there is none either.
    """
    waiting: list[Found | Refused] = []
    for one in attempts:
        if isinstance(one, Found) and one.measured is None:
            return one.model
        waiting.append(one)
    first: Refused | None = None
    for one in waiting:
        made = attempt(one.measured) if isinstance(one, Found) and one.measured is not None else one
        if isinstance(made, Model):
            return made
        first = first or (made if isinstance(made, Refused) else None)
    if first is None:
        raise ValueError("there are no designs")
    raise first.error


def designs(options: Options, name: str) -> tuple[Options, ...]:
    """The designs of a program for a target, the one to begin with first.

    A layer norm rounds every number, and counted positions err: the squares by which compact codes tell values apart
    bear less of it than directions of their own. So codes have room as well where else the model were refused.
    After a layer norm neurons that find values without squares, and a direction for each row of a table that is scored,
    may be proved where that is not.
    """
    if name == PLAIN.name or options.margin is not None:
        return (options,)
    return (options, roomier(options), *([plainest(options)] if FAMILIES[name].norms.centred else []))


def turned_or_counted(made: Made, options: Options, graph: Graph) -> Iterator[Found | Refused]:
    """Models whose positions a rotation tells; then those that count them, where that is another thing."""
    found: list[Found | Refused] = []
    for one in multiplied_or_listed(made, options):
        found.append(one)
        yield one
    if not may_turn(options) or not any(isinstance(node, Index) for node in graph.nodes):
        return
    models = [one.model for one in found if isinstance(one, Found)]
    if not models or is_turned(models[0]):
        yield from multiplied_or_listed(made, options.leaving_out([ROTATION.name]))


def multiplied_or_listed(made: Made, options: Options) -> Iterator[Found | Refused]:
    """A model that multiplies in gated neurons, where that makes it smaller, or is proved alone; and one without."""
    found = attempt(partial(made, options))
    if not multiplies(options):
        yield found
        return
    if isinstance(found, Refused) or (not has_products(found.model) and found.measured is not None):
        later = attempt(partial(made, options.leaving_out([SOONEST.name])))  # products of what is decoded first
        if isinstance(later, Found) and has_products(later.model) and later.measured is None:
            found = later
    if isinstance(found, Found) and not has_products(found.model):
        yield found
        return
    listed = attempt(partial(made, options.leaving_out([PRODUCTS.name])))
    models = sorted((one for one in (found, listed) if isinstance(one, Found)), key=lambda one: one.size)
    yield from models
    if not models:
        yield listed


def size_in(model: Model) -> int:
    """How many parameters a model has."""
    return sum(array.size for array in model.params.values())


def has_products(model: Model) -> bool:
    """Whether gated neurons multiply."""
    blocks = () if model.plan is None else model.plan.lowered.blocks
    return any(isinstance(block, Neurons) and block.products is not None for block in blocks)
