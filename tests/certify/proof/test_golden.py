"""Graph text in, proof out: which decisions a model rests on, and about how much of its margin each takes."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log10
from pathlib import Path

import pytest

from raspc.certify.proof.certificate import examine
from raspc.certify.proof.weights import examined
from raspc.graph.serial import from_text
from raspc.numbers.options import Level, Options
from raspc.plan.planning import planned
from raspc.weights.certificate import Certificate, Link
from raspc.weights.making import model_of

GRAPHS = Path(__file__).parents[2] / "golden" / "graph"
NAMES = sorted(path.stem for path in GRAPHS.glob("*.txt"))


def told(found: Certificate) -> str:
    """The verdict, then a line for each decision, by name."""
    links = sorted(found.links, key=lambda link: (link.name, link.kind, link.unit))
    return "\n".join((found.verdict, *dict.fromkeys(map(line, links)))) + "\n"


def line(link: Link) -> str:
    """A decision, and below which power of ten the used part of its margin lies: bounds may change a bit."""
    used = "nothing" if link.used == 0 else f"below 1e{ceil(log10(link.used))}" if link.holds else "more than all"
    return f"{link.name}: {link.kind}, {used} of {link.present:.3g} {link.unit}"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_model_rests_on(name: str, golden: Callable[[str, str], None]) -> None:
    """At level 2, for each kind of node and each kind of value set."""
    options = Options(Level.COMPACT)
    plan = planned(from_text((GRAPHS / f"{name}.txt").read_text(encoding="utf-8")), options)
    model = model_of(plan)
    golden(f"proof/{name}.txt", told(examine(model, examined(plan, model), options.precision)))
