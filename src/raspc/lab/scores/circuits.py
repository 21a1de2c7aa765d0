"""Completeness and minimality of a circuit (Wang et al. 2023, section 4), by its answers.

Complete: take any part K away from the circuit C, and from the whole model M; both answer alike. Else something that
can stand in for K is missing in C. Minimal: each edge of C, with some K taken away, changes an answer when it goes too.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from raspc.lab.scores.curves import Keeping
from raspc.lab.tasks import Task, answers_of
from raspc.lab.under import differ

DRAWS = 6
"""How many parts K are drawn, beside the empty one."""


def parts(task: Task, circuit: Collection[str], draws: int = DRAWS) -> list[frozenset[str]]:
    """Nothing, and random halves of the circuit, drawn with the seed of the task."""
    rng, members = np.random.default_rng((task.seed, len(circuit))), sorted(circuit)
    drawn = [
        frozenset(m for m, is_in in zip(members, rng.random(len(members)) < 0.5, strict=True) if is_in)
        for _ in range(draws)
    ]
    return list(dict.fromkeys([frozenset(), *drawn]))


def completeness(task: Task, everything: Collection[str], circuit: Collection[str], corrupted: Keeping) -> float:
    """The share of answers that C without K and M without K give alike, in the mean over parts K."""
    found = []
    for part in parts(task, circuit):
        mine = task.logits(corrupted(set(circuit) - part)).numpy()
        whole = task.logits(corrupted(set(everything) - part)).numpy()
        found.append(1 - differ(task.model, whole, mine)[task.real].mean())
    return float(np.mean(found))


def minimality(task: Task, circuit: Collection[str], corrupted: Keeping) -> float | None:
    """The share of the circuit that has a part: taken away beside some K, an answer changes. None for no circuit."""
    if not circuit:
        return None
    needed: set[str] = set()
    for part in parts(task, circuit):
        left = set(circuit) - part
        before = task.logits(corrupted(left)).numpy()
        for member in sorted(left - needed):
            after = task.logits(corrupted(left - {member})).numpy()
            if (differ(task.model, before, after) & task.real).any():
                needed.add(member)
    return len(needed) / len(circuit)


def kept_answers(task: Task, circuit: Collection[str], corrupted: Keeping) -> float:
    """The share of answers that stay where all but the circuit is corrupted."""
    return float(1 - answers_of(task, task.logits(corrupted(circuit)).numpy())[task.real].mean())
