"""The certificate: every decision of a model with the margin that it needs and the margin that it has.

`proved`: every margin follows from sound bounds (see `bounds`, `attention`, `mlp`). Where a bound is too coarse to
decide, the model is run against its program instead, and the certificate says that it was measured, not proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from raspc.certify.examined import Examined
from raspc.certify.links import Link
from raspc.certify.measure import measure
from raspc.certify.prove import prove
from raspc.errors import CertificateError
from raspc.numbers.precision import Precision
from raspc.weights.model import Model


@dataclass(frozen=True)
class Certificate:
    """What is known of a model in one precision. `links`: its decisions, the weakest first.

    `holds`: every answer is right, as far as is known; `proved`: by bounds alone. `measured`: what a run on inputs
    found, where bounds do not decide. `tolerance`: how far off, relative to its size, every weight may be at
    once, by bounds. `longest`: the greatest length for which a model of this program would hold.
    """

    dtype: str
    max_seq_len: int
    proved: bool
    holds: bool
    links: tuple[Link, ...]
    assumptions: tuple[str, ...]
    measured: Mapping[str, Any] | None = None
    summation: str = "any order"
    accumulate: str = "float32"
    probabilities: str = "stored"
    tolerance: float | None = None
    longest: int | None = None

    @property
    def weakest(self) -> Link | None:
        """The decision whose margin is used up most."""
        return self.links[0] if self.links else None

    @property
    def verdict(self) -> str:
        """ "proved", "measured" or "fails"."""
        return "proved" if self.proved else "measured" if self.holds else "fails"

    def to_json(self) -> dict[str, Any]:
        """The certificate as JSON data."""
        return {
            "dtype": self.dtype,
            "summation": self.summation,
            "accumulate": self.accumulate,
            "probabilities": self.probabilities,
            "max_seq_len": self.max_seq_len,
            "verdict": self.verdict,
            "holds": self.holds,
            "proved": self.proved,
            "measured": None if self.measured is None else dict(self.measured),
            "assumptions": list(self.assumptions),
            **({"tolerance": self.tolerance} if self.tolerance is not None else {}),
            **({"longest": self.longest} if self.longest is not None else {}),
            "links": [link.to_json() for link in self.links],
        }


def examine(model: Model, plan: Examined, precision: Precision) -> Certificate:
    """The certificate of a model, whether it holds or not; measured where it cannot be proved."""
    links = prove(plan, precision)
    proved = all(link.holds for link in links)
    found = Certificate(
        precision.name, plan.graph.max_seq_len, proved, proved, links, plan.graph.notes,
        summation=precision.summation,
        accumulate="stored" if precision.sum_bits < 24 else "float64" if precision.sum_bits > 24 else "float32",
        probabilities="stored" if precision.rounded_probabilities else "float32",
    )  # fmt: skip
    if proved or any(link.kind in ("stray weights", "range") and not link.holds for link in links):
        return found
    report = measure(model, precision)
    return replace(found, holds=report["failures"] == 0, measured=report)


def certify(model: Model, plan: Examined, precision: Precision) -> Certificate:
    """The certificate of a model that holds. Raises CertificateError for one that does not, with its weakest link."""
    found = examine(model, plan, precision)
    if not found.holds:
        raise CertificateError(refusal(found) + "; shorten the maximum length, or compile with certify=False")
    return found


def refusal(found: Certificate) -> str:
    """Why a certificate does not hold: the weakest link, and an input that shows it."""
    weakest = found.weakest
    assert weakest is not None
    text = (
        f"in {found.dtype} the margins do not hold at length {found.max_seq_len}: the weakest link is the "
        f"{weakest.kind} of {weakest.name}, which needs {weakest.needed:.3g} of {weakest.present:.3g} {weakest.unit}"
    )
    shown = (found.measured or {}).get("tokens")
    return text + (f"; the input {shown!r} shows it" if shown else "")
