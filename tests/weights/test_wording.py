"""What a certificate says to people: each decision in a sentence, with the part of its margin that it uses."""

from __future__ import annotations

import re
from math import inf
from pathlib import Path

import raspc
from raspc import library
from raspc.certify.proof.domain import KIND, UNDECIDED
from raspc.certify.proof.prove import FAULT
from raspc.certify.proof.sameness import PASSES
from raspc.weights import wording
from raspc.weights.certificate import Link

ROOM = Path(raspc.__file__).parent / "certify" / "proof"


def test_every_kind_of_decision_has_its_sentence() -> None:
    """The kinds that the proof writes are those that have words, and no others."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py"))
    written = set(re.findall(r"(?:Link|unfit)\(\s*\"([a-z ,]+)\"", text)) | {"staircase", "combinations"}
    assert written | {KIND, UNDECIDED, FAULT, PASSES} == set(wording.MUST)


def test_a_model_that_holds() -> None:
    """The first line says how much of the margin is used; a table says by what."""
    found = raspc.compile(library.reverse(), "abc", 8).certificate
    assert found is not None
    assert wording.headline(found) == "holds, proved: the weakest decision uses 8 % of its margin"
    first, *_ = wording.rows(found, 3)
    assert first == ("8 %", "the head of length must tell the positions that it selects from all others")


def test_a_decision_that_does_not_hold() -> None:
    """It says how much more it needs; where no margin is there, that."""
    assert wording.share(Link("number", "mean", 3.0, 2.0, "absolute error")) == "needs 1.5 times its margin"
    assert wording.share(Link("number", "mean", inf, 2.0, "absolute error")) == "has no margin"
    assert wording.share(Link("value set", "mean", 1.0, 0.0, "values")) == "has no margin"
    assert wording.share(Link("tie", "mean", 0.0, 1.0, "")) == "uses 0 % of its margin"
    assert wording.share(Link("tie", "mean", 0.001, 1.0, "")) == "uses less than 1 % of its margin"
