"""A total model held against its program with variables forced at random, to what no input leads to among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raspc import arguments, rasp
from raspc import values as V
from raspc.errors import InputError
from raspc.graph.nodes import Domain, Graph, Interval, is_free
from raspc.interpret import interpret
from raspc.lab.interventions import intervene
from raspc.numbers.promise import is_kept
from raspc.weights.model import Model

MOST_AT_ONCE = 3
"""So many variables are forced at once, at most."""
MOST_FORCINGS = 10**6
"""So often a model is forced, at most."""


@dataclass(frozen=True)
class Differs:
    """An input without BOS, what is forced and where (None: everywhere), what the program gives and what the model."""

    tokens: tuple[Any, ...]
    force: Mapping[str, Any]
    positions: tuple[int, ...] | None
    expected: tuple[Any, ...]
    found: tuple[Any, ...]

    def __str__(self) -> str:
        where = "" if self.positions is None else f" at {', '.join(map(str, self.positions))}"
        forced = ", ".join(f"{name} = {value!r}" for name, value in self.force.items())
        return (
            f"on {list(self.tokens)!r} with {forced}{where} the program gives {list(self.expected)!r}, "
            f"the model {list(self.found)!r}"
        )


@dataclass(frozen=True)
class Forcings:
    """How many combinations were tried; for how many the program has no value; how many differ, and the first."""

    tried: int
    impossible: int
    failures: int
    first: Differs | None = None

    @property
    def ok(self) -> bool:
        """Whether something was compared, and nothing differed."""
        return self.failures == 0 and self.tried > self.impossible

    def __str__(self) -> str:
        of_these = f", of which {self.impossible:,} are impossible" if self.impossible else ""
        if self.first is None:
            return f"equal under {self.tried:,} random forcings{of_these}"
        return f"{self.failures:,} of {self.tried:,} random forcings{of_these} differ; the first: {self.first}"


def check_forced(model: Model, program: rasp.SOp | None = None, count: int = 200, seed: int = 0) -> Forcings:
    """A total model under random interventions: one to three variables forced to any of their values, everywhere or at
    some positions, on random inputs.

    `program`: the expressions that the model was compiled from, whose interpreter is asked then; without them it is the
    program as it was tabulated. Raises InputError for a model that was not compiled with total=True; TypeError for an
    argument of another kind.
    """
    arguments.an(Model, "model", model, "a compiled model")
    arguments.whole("count", count, 1, MOST_FORCINGS)
    if program is not None:
        arguments.an(rasp.SOp, "program", program, "an s-op")
    graph = model.tabulated
    if not graph.total:
        raise InputError("the model is not total; compile it with total=True (raspc compile --total)")
    rng, names = np.random.default_rng(arguments.whole("seed", seed, 0)), _names(graph, program)
    impossible, differ = 0, list[Differs]()
    for _ in range(count):
        tokens, force, positions = _drawn(graph, names, rng)
        out = intervene(model, force, positions)([model.config.bos, *tokens])
        expected = out.expected if out.expected is None else out.expected[1:]
        if program is not None:
            expected = _interpreted(program, tokens, model.config.causal, force, positions)
        if expected is None:
            impossible += 1
        elif out.impossible or not all(map(_same, out.decoded[1:], expected)):
            where = None if positions is None else tuple(positions)
            differ.append(Differs(tuple(tokens), force, where, tuple(expected), tuple(out.decoded[1:])))
    return Forcings(count, impossible, len(differ), next(iter(differ), None))


def _names(graph: Graph, program: rasp.SOp | None) -> dict[str, Domain]:
    """The variables that are forced, with their values: those that just one expression of the program is called by."""
    called = Counter(expr.name for expr in ([] if program is None else rasp.topological(program)))
    return {
        label: graph.variable(place).domain
        for place, label in enumerate(graph.labels)
        if is_free(graph[place]) and (program is None or called[label] == 1)
    }


def _drawn(
    graph: Graph, names: Mapping[str, Domain], rng: np.random.Generator
) -> tuple[list[Any], dict[str, Any], list[int] | None]:
    """An input without BOS, what is forced, and where; an input of the program's domain or not."""
    n = int(rng.integers(1, graph.max_seq_len + 1))
    if graph.exact_length is not None:
        n = graph.exact_length
    tokens = [graph.vocab[i] for i in rng.integers(len(graph.vocab), size=n)]
    many = min(len(names), int(rng.integers(1, MOST_AT_ONCE + 1)))
    chosen = [list(names)[i] for i in sorted(rng.choice(len(names), many, replace=False))]
    force = {name: [_value(names[name], rng) for _ in range(n)] for name in chosen}
    places: list[int] = sorted(rng.choice(n, int(rng.integers(1, n + 1)), replace=False).tolist())
    return tokens, force, None if rng.random() < 0.5 else places


def _value(domain: Domain, rng: np.random.Generator) -> Any:
    """A value of a variable; of one that is not listed an end, a special value or any number between."""
    if not isinstance(domain, Interval):
        return domain.values[int(rng.integers(len(domain)))]
    some = (domain.lo, domain.hi, float(rng.uniform(domain.lo, domain.hi)), *domain.specials)
    return some[int(rng.integers(len(some)))]


def _interpreted(
    program: rasp.SOp, tokens: Sequence[Any], causal: bool, force: Mapping[str, Any], positions: Sequence[int] | None
) -> list[Any] | None:
    try:
        return interpret(program, tokens, causal, force=force, positions=positions)
    except InputError:
        return None


def _same(found: Any, expected: Any) -> bool:
    """Equal, or numbers as near as is promised."""
    if V.is_number(found) and V.is_number(expected):
        return bool(is_kept(found, expected))
    return V.same(found, expected)
