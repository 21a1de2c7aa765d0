"""The schedule as a constraint problem, solved by OR-tools' CP-SAT: the extra `solver`.

The layers are as few as the longest chain of blocks allows. Among the schedules of so many layers, first the
most heads in a layer is made small, then the most neurons in a layer. The solver starts from the greedy
schedule and is not asked where that is proved to be the best. One worker, a fixed seed, and a limit of
deterministic work rather than of time: the same blocks get the same schedule on every run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from raspc.blocks.spaces import Block, Head
from raspc.layout.schedule import Bound, Schedule, Windows, bounds_of, greedy, size_of, windows
from raspc.numbers.choice import Choice

CHOICE = Choice(
    "solver", "layers",
    "CP-SAT goes on where the greedy schedule is not proved the best",
    "level 2; more schedules than `smallest` takes; OR-tools",
    "at least as good as greedy; optimal, or bound and gap",
)  # fmt: skip

WORK = 1.0
"""The limit of each of the two solves, in CP-SAT's deterministic seconds."""


def is_installed() -> bool:
    """Whether OR-tools can be imported."""
    return find_spec("ortools") is not None


def solved(blocks: Sequence[Block], late: Collection[str] = ()) -> Schedule:
    """The greedy schedule where that is proved the best or OR-tools is not installed, else the solver's.

    `late`: see `raspc.layout.schedule.windows`.
    """
    start = greedy(blocks, late)
    if start.proved_optimal:
        return start
    if not is_installed():
        return replace(start, method="greedy (OR-tools is not installed)")
    return cp_sat(blocks, start, late=late)


def cp_sat(blocks: Sequence[Block], start: Schedule, work: float = WORK, late: Collection[str] = ()) -> Schedule:
    """The solver's schedule, never worse than the one that it starts from. `work`: the limit of each solve."""
    found = windows(blocks, late)
    bounds, stages = dict(bounds_of(blocks, found, start.stages)), start.stages
    problem = _Problem.of(blocks, found, bounds)
    for name, kind in (("heads", 0), ("neurons", 1)):
        bound = bounds[name]
        if bound.least < bound.found:
            stages, least = problem.solve(kind, stages, bound, work)
            bounds = {key: replace(b, least=max(b.least, bounds[key].least)) for key, b in
                      bounds_of(blocks, found, stages).items()}  # fmt: skip
            bounds[name] = Bound(bounds[name].found, max(bounds[name].least, least))
        problem.keep(kind, bounds[name].found)
        if bounds[name].least < bounds[name].found:
            break  # what comes second waits until what comes first is settled
    return Schedule(stages, "cp-sat", all(b.least == b.found for b in bounds.values()), bounds)


@dataclass
class _Problem:
    """The layer of each block that has a choice, and the load of each layer, as variables of the solver."""

    blocks: Sequence[Block]
    found: Windows
    model: Any
    layer: dict[int, Any]
    chosen: dict[tuple[int, int], Any]
    top: tuple[Any, Any]

    @classmethod
    def of(cls, blocks: Sequence[Block], found: Windows, bounds: dict[str, Bound]) -> _Problem:
        from ortools.sat.python import cp_model

        model = cp_model.CpModel()
        free = found.free()
        layer = {i: model.new_int_var(found.early[i] // 2, found.late[i] // 2, f"layer_{i}") for i in free}
        chosen = {
            (i, number): model.new_bool_var(f"block_{i}_in_{number}")
            for i in free
            for number in range(found.early[i] // 2, found.late[i] // 2 + 1)
        }
        totals = [sum(size_of(b) for b in blocks if isinstance(b, Head) is (kind == 0)) for kind in (0, 1)]
        least = (bounds["heads"].least, bounds["neurons"].least)
        top = tuple(model.new_int_var(low, max(low, total), "most") for low, total in zip(least, totals, strict=True))
        problem = cls(blocks, found, model, layer, chosen, (top[0], top[1]))
        problem.constrain()
        return problem

    def constrain(self) -> None:
        """One layer each, after all that it reads, and no layer above the largest load."""
        for i, layer in self.layer.items():
            own = {number: x for (j, number), x in self.chosen.items() if j == i}
            self.model.add_exactly_one(own.values())
            self.model.add(layer == sum(number * x for number, x in own.items()))
        for i, needs in enumerate(self.found.needs):
            for j in needs:
                if i in self.layer or j in self.layer:
                    self.model.add(self.at(j) + self.distance(j, i) <= self.at(i))
        for number in range(max(self.found.late, default=0) // 2 + 1):
            for kind in (0, 1):
                self.model.add(self.load(number, kind) <= self.top[kind])

    def at(self, i: int) -> Any:
        """The layer of a block."""
        return self.layer.get(i, self.found.early[i] // 2)

    def distance(self, first: int, second: int) -> int:
        """Only neurons read a head within its layer."""
        return int(not (isinstance(self.blocks[first], Head) and not isinstance(self.blocks[second], Head)))

    def load(self, number: int, kind: int) -> Any:
        """The heads or the neurons of a layer."""
        stage = 2 * number + kind
        return sum(
            size_of(block) * (self.chosen.get((i, number), 0) if i in self.layer else self.found.early[i] == stage)
            for i, block in enumerate(self.blocks)
            if self.found.early[i] % 2 == kind
        )

    def keep(self, kind: int, most: int) -> None:
        """Never again more than this."""
        self.model.add(self.top[kind] <= most)

    def solve(self, kind: int, hint: Sequence[int], bound: Bound, work: float) -> tuple[tuple[int, ...], int]:
        """The stages with the smallest load found, and a bound on it."""
        from ortools.sat.python import cp_model

        self.hint(hint)
        self.model.add(self.top[kind] <= bound.found)
        self.model.minimize(self.top[kind])
        solver = cp_model.CpSolver()
        parameters = solver.parameters
        parameters.num_workers, parameters.random_seed, parameters.max_deterministic_time = 1, 0, work
        status = solver.solve(self.model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE) or solver.value(self.top[kind]) >= bound.found:
            stages = tuple(hint)  # nothing better: the schedule stays what it was
        else:
            layers = [solver.value(self.layer[i]) if i in self.layer else self.at(i) for i in range(len(self.blocks))]
            stages = tuple(2 * layer + early % 2 for layer, early in zip(layers, self.found.early, strict=True))
        return stages, bound.found if status == cp_model.OPTIMAL and stages == tuple(hint) else int(
            solver.best_objective_bound
        )

    def hint(self, stages: Sequence[int]) -> None:
        """Start from a known schedule."""
        self.model.clear_hints()
        for i, layer in self.layer.items():
            self.model.add_hint(layer, stages[i] // 2)
        for (i, number), x in self.chosen.items():
            self.model.add_hint(x, stages[i] // 2 == number)
