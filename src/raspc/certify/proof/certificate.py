"""Making a certificate: every decision of a model with the margin that it needs and the margin that it has.

`proved`: every margin follows from sound bounds (see `bounds`, `attention`, `mlp`). Where a bound is too coarse to
decide, the model is run against its program instead, and where it keeps `SLACK` times better
than was promised, the certificate says that it was measured, not proved. A total model is proved, or fails; so is one
whose inputs are too long to be run.
"""

from __future__ import annotations

from msgspec.structs import replace

from raspc.certify.checking.measure import LONGEST, has_slack, measure
from raspc.certify.proof.examined import Examined
from raspc.certify.proof.premises import assumed
from raspc.certify.proof.prove import FAULT, prove
from raspc.certify.proof.sameness import PASSES
from raspc.errors import CertificateError, InternalError
from raspc.graph.nodes import Graph
from raspc.numbers.precision import Precision
from raspc.numbers.promise import COARSE
from raspc.weights import wording
from raspc.weights.certificate import UNPLANNED, Certificate, Link, Measured
from raspc.weights.model import Model

NUMBER = "number"
"""The kind of a link that holds a numerical answer against what is promised of it."""
DECISIVE = ("stray weights", "range", "placement", "frame", "embedding", "plan", "domain", FAULT)
"""Links that no run makes up for: without them it is not known what the weights are."""


def examine(model: Model, plan: Examined, precision: Precision, links: tuple[Link, ...] | None = None) -> Certificate:
    """The certificate of a model, whether it holds or not; measured where it cannot be proved.

    `links`: what `prove` gives, where that was asked for already.
    """
    links = prove(plan, precision) if links is None else links
    proved = all(link.holds for link in links)
    found = _certificate(plan.graph, "proved" if proved else "fails", links, None, precision)
    if any(link.kind == PASSES for link in links) and plan.kept is not None:
        found = replace(found, passes=plan.kept.how)
    if proved or any(link.kind in DECISIVE and not link.holds for link in links):
        return found
    if plan.graph.max_seq_len > LONGEST:
        return found
    report = measure(model, precision)
    if plan.graph.total:  # inputs do not lead to all combinations that it is for
        return replace(found, measured=report)
    near = all(link.used <= COARSE for link in links if link.kind == NUMBER)
    slack = _is_right(report) and near and has_slack(model, precision)
    return replace(found, verdict="measured" if slack else "fails", measured=report)


def _is_right(report: Measured) -> bool:
    """Whether something was compared, and nothing differed."""
    return report.inputs > 0 and not report.failures


def unplanned(model: Model, graph: Graph, precision: Precision) -> Certificate:
    """The certificate of a model without a plan: what a run shows, and that nothing is proved."""
    report = measure(model, precision)
    return _certificate(graph, UNPLANNED if _is_right(report) else "fails", (), report, precision)


def _certificate(
    graph: Graph, verdict: str, links: tuple[Link, ...], measured: Measured | None, precision: Precision
) -> Certificate:
    writing = graph.where.writing
    return Certificate(
        precision.name, graph.max_seq_len, verdict, links, assumed(graph), measured,
        summation=precision.summation,
        accumulate="stored" if precision.sum_bits < 24 else "float64" if precision.sum_bits > 24 else "float32",
        probabilities="stored" if precision.rounded_probabilities else "float32",
        writes=writing.promise if writing is not None and writing.tried else None,
    )  # fmt: skip


REMEDIES = {
    "number": "average numbers of one sign and subtract later, or numbers that are nearer to each other or smaller "
    "(divide them first), or shorten the maximum length",
    "domain": "this is a fault of raspc: please report it",
    FAULT: "the proof broke off, so that nothing is known of the model; this is a fault of raspc, please report it",
}
"""What to do about a decision of each kind that does not hold."""


def certify(model: Model, plan: Examined, precision: Precision) -> Certificate:
    """The certificate of a model that holds. Raises CertificateError for one that does not, with its weakest link."""
    found = examine(model, plan, precision)
    if not found.holds:
        raise refused(found, plan.graph)
    return found


def refused(found: Certificate, graph: Graph) -> CertificateError:
    """Why a certificate does not hold: the weakest link, and an input that shows it; and what to do."""
    weakest = found.weakest
    if weakest is None:
        raise InternalError("a certificate without links does not hold; this is a fault of raspc, please report it")
    must, after = wording.parts(weakest)
    before = f"in {found.dtype}, for inputs of up to {found.max_seq_len} tokens, a margin does not suffice: {must}"
    lacks = f"{after}, and {wording.share(weakest)}"
    shown = found.measured and found.measured.tokens
    example = f"; the input {list(shown)!r} shows it" if shown else ""
    if found.measured is None and found.max_seq_len > LONGEST:
        example = f"; to run it instead, inputs of more than {LONGEST:,} tokens are too long"
    remedy = REMEDIES.get(weakest.kind, "shorten the maximum length")
    error = CertificateError(f"{before}{weakest.name}{lacks}{example}; {remedy}, or compile with certify=False")
    error.before, error.where, error.graph = before, weakest.name, graph
    return error
