"""Graph text in, readiness out: for each variable what it is a function of, and what can be read of it when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from raspc.blocks.reading import features as F
from raspc.blocks.reading.readiness import Readiness
from raspc.graph.nodes import Listed, Variable
from raspc.graph.serial import from_text
from raspc.numbers.options import SMALLEST
from raspc.passes.pipeline import run_passes

GRAPHS = Path(__file__).parents[2] / "golden" / "graph"
NAMES = sorted(path.stem for path in GRAPHS.glob("*.txt"))


def told(found: Readiness) -> Iterator[str]:
    """A paragraph for each variable."""
    labels, times = found.graph.labels, found.times
    for place, node in enumerate(found.graph.nodes):
        if not isinstance(node, Variable):
            continue
        joint = found.derived(place)
        roots = (
            "" if joint is None else f", a function of {', '.join(labels[root] for root in joint.roots) or 'nothing'}"
        )
        yield f"{labels[place]}{roots}"
        yield f"  there from stage {times.soonest[place]} to {times.latest[place]}, decoded by {times.decoded[place]}"
        if place in found.left:
            yield f"  left by attention: {left(found, place)}"
        if isinstance(node.domain, Listed):
            yield f"  ready: {', '.join(ready(found, place, node.domain)) or 'nothing'}"
            yield f"  along a line: {numbers(found.position(place)[0])}, off by {found.position(place)[1]:.3g}"
        if found.is_noisy(place):
            yield "  noisy"


def left(found: Readiness, place: int) -> str:
    """What attention leaves of a count, a mean or a sum."""
    one = found.left[place]
    if one.share is not None:
        return f"the share {numbers(one.share.code)} of {'keys' if one.share.counts_keys else 'BOS'}"
    return f"{', '.join(one.group.labels)}{'' if one.raised is None else ', added'}"


def ready(found: Readiness, place: int, domain: Listed) -> Iterator[str]:
    """Which of the number and the indicators can be read before neurons decode anything."""
    number = F.number(domain)
    if domain.is_number.any() and np.isfinite(number).all() and found.is_ready(place, number):
        yield "its number"
    for value, column in zip(domain.values, np.eye(len(domain)), strict=True):
        if found.is_ready(place, column):
            yield f"is {value!r}"


def numbers(column: F.Floats) -> str:
    """As they are, to six digits."""
    return ", ".join(f"{number:.6g}" for number in (column + 0.0).tolist())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_ready(name: str, golden: Callable[[str, str], None]) -> None:
    """Of each kind of node, and each kind of value set."""
    graph, _ = run_passes(from_text((GRAPHS / f"{name}.txt").read_text(encoding="utf-8")), SMALLEST)
    golden(f"readiness/{name}.txt", "\n".join(told(Readiness.of(graph, SMALLEST))) + "\n")
