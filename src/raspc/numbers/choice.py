"""A choice: a candidate that the compiler may take where it is the best, and that can be left out for study.

Each is declared beside what makes the candidate, as `CHOICE` or as one of `CHOICES` of that file;
`raspc.plan.switches` gathers them. `Options.has` says whether a candidate of this name may be made.
"""

from __future__ import annotations

from dataclasses import dataclass

STEPS = ("graph", "passes", "storage", "scores", "neurons", "blocks", "layers", "heads", "places")
"""The steps of a compile at which something can be left out, in order."""


@dataclass(frozen=True)
class Choice:
    """A candidate: its name, the step of `STEPS` that may take it, what it is, when it can be made, what is then so."""

    name: str
    step: str
    does: str
    requires: str
    ensures: str
