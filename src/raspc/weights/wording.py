"""Decisions of a certificate as sentences: what must hold, and how much of the margin that takes.

A record says the same in a word and two numbers (`separation`, needed 0.08, present 1), for programs to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raspc.weights.certificate import Certificate, Link

MUST: Mapping[str, str] = MappingProxyType(
    {
        "separation": "the head of {} must tell the positions that it selects from all others",
        "default": "the head of {} must notice where nothing is selected",
        "pick": "the head of {} must find the position that it copies from",
        "tie": "the head of {} must look at all positions that it selects alike",
        "leak": "the head of {} must take next to nothing from positions that it does not select",
        "range": "the scores of the head of {} must fit the number format",
        "value set": "{} must have no value that the compiler does not know of",
        "staircase": "the neurons of {} must tell apart the values that they read",
        "gap": "the neurons of {} must tell on which side of a gap a number lies",
        "combinations": "the neurons of {} must read few enough values together to list them",
        "residue": "a direction that is used again must be clean: {}",
        "direction": "the direction {} must show a person which value it holds",
        "answer": "the right answer of {} must lead all others",
        "number": "the number {} must be as exact as is promised",
        "special values": "the answer {} must tell None and its kin from numbers",
        "passes": "the passes must keep every answer of {}",
        "domain": "what the compiler left out must not occur in a permitted input: {}",
        "domain, undecided": "what can occur in a permitted input must be few enough to list: {}",
        "embedding": "the embeddings must be those of the plan: {}",
        "stray weights": "the weights {} must be 0, as no part of the program needs them",
        "norm": "the norm of {} must change no number by more than rounding",
        "rotation": "the rotations of {} must hardly turn a query or a key",
        "digit": "the heads of {} that tell positions must look at one key",
        "position": "BOS must have no position in {}",
        "placement": "each direction must be free when it is written: {}",
        "frame": "the graph must fit the model: {}",
        "plan": "the plan must fit the graph: {}",
        "fault of raspc": "the proof must come to its end: {}",
    }
)
"""What must hold, for each kind of link; {} is its name."""


def parts(link: Link) -> tuple[str, str]:
    """The sentence of what must hold, before and after the name in it."""
    before, _, after = MUST.get(link.kind, f"the {link.kind} of {{}} must have its margin").partition("{}")
    return before, after


def sentence(link: Link) -> str:
    """What must hold, in a sentence."""
    before, after = parts(link)
    return f"{before}{link.name}{after}"


def percent(link: Link) -> str:
    """The part of the margin that is used, as a person writes it."""
    if not isfinite(link.used):
        return "all"
    return "0 %" if link.used == 0 else "< 1 %" if link.used < 0.005 else f"{100 * link.used:,.0f} %"


def share(link: Link) -> str:
    """How much of its margin a decision uses; of one that does not hold, how much more it needs."""
    if link.holds:
        return f"uses {percent(link).replace('<', 'less than')} of its margin"
    return f"needs {link.used:,.3g} times its margin" if isfinite(link.used) else "has no margin"


def headline(found: Certificate) -> str:
    """Whether a model holds, how that is known, and the weakest decision, in one line."""
    ground = "" if not found.holds else ", proved" if found.proved else ", not proved but measured"
    weakest = found.weakest
    told = "" if weakest is None else f": the weakest decision {share(weakest)}"
    return f"{'holds' if found.holds else 'DOES NOT HOLD'}{ground}{told}"


def rows(found: Certificate, most: int) -> list[tuple[str, str]]:
    """The weakest decisions: how much of its margin each uses, and what must hold."""
    return [(percent(link), sentence(link)) for link in found.links[:most]]


HEADS = ("margin used", "decision")
"""What the columns of `rows` are."""
