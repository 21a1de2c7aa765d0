"""A refusal names what the person wrote, wherever in the compiler it arose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import raspc
from raspc import UnsupportedProgram, rasp
from raspc.certify.proof import certificate
from raspc.graph.build import build
from raspc.graph.nodes import Index, Token
from raspc.graph.origins import origin
from raspc.numbers.options import SMALLEST
from raspc.passes.pipeline import run_passes
from raspc.programs import find
from raspc.rasp import Comparison

T, I = rasp.tokens, rasp.indices  # noqa: E741
VOCAB = (0.123, 1.77, 2.3)
EITHER = rasp.Select(T, T, Comparison.LT) | rasp.Select(I, I, Comparison.EQ)


def total(selector: rasp.Selector) -> rasp.SOp:
    """A sum that bfloat16 cannot tell: it is refused while blocks are planned, where expressions are nodes."""
    return rasp.Sum(selector, T)


SUM = total(rasp.Select(T, T, Comparison.LEQ))
REWRITTEN = total(EITHER)


@pytest.mark.parametrize(
    ("program", "named"),
    [(SUM + 1, r"sum \(test_refusals\.py:\d+\)"), (SUM.named("total") + 1, "total"),
     (REWRITTEN * 2, r"sum \(test_refusals\.py:\d+\)")],
    ids=["by its line", "by its name", "after a pass has rewritten it"],
)  # fmt: skip
def test_an_expression_is_named_as_it_was_written(program: rasp.SOp, named: str) -> None:
    """By its name, or its kind with file and line; not by a label that the graph made up."""
    with pytest.raises(UnsupportedProgram) as refusal:
        raspc.compile(program, VOCAB, 3, dtype="bfloat16")
    assert re.match(f"{named}: found a sum in bfloat16", str(refusal.value))


def test_a_text_is_cited(tmp_path: Any) -> None:
    """The place with a caret stands last, after what can be done."""
    path = tmp_path / "sums.rasp"
    path.write_text("y = aggregate_sum(select(tokens, tokens, <=), tokens_asis);\nz = y + 1;\n")
    with pytest.raises(UnsupportedProgram) as refusal:
        raspc.compile(find(f"{path}:z").program, VOCAB, 3, dtype="bfloat16")
    said = str(refusal.value).splitlines()
    assert said[0].startswith("y: found a sum in bfloat16") and "for any length" in said[0]
    assert said[1].endswith("sums.rasp:1:5") and said[-1].strip(" |").startswith("^")


PROGRAMS: dict[str, Callable[[], rasp.SOp]] = {
    "as it was": lambda: SUM + 1,
    "below it a gate was rewritten": lambda: REWRITTEN * 2,
    "a width was split": lambda: rasp.SelectorWidth(EITHER) + 1,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_node_has_an_origin(name: str) -> None:
    """Tokens and indices stand for themselves and the output for the output; what a pass has added for a reader."""
    before = build(PROGRAMS[name](), VOCAB, 3)
    after, _ = run_passes(before, SMALLEST)
    found = [origin(before, after, place) for place in range(len(after))]
    assert found[after.output] == before.output
    inputs = [place for place, node in enumerate(after.nodes) if isinstance(node, Token | Index)]
    assert [found[place] for place in inputs] == [
        place for place, node in enumerate(before.nodes) if isinstance(node, Token | Index)
    ]
    assert set(found) <= set(range(len(before)))


def test_a_function_of_two_means_is_listed_or_refused() -> None:
    """It compares no mean with whole numbers; where there are too many combinations that is said."""
    means = [rasp.Aggregate(rasp.Select(x, x, Comparison.LEQ), T) for x in (T, I)]
    program = rasp.SequenceMap(lambda x, y: x > y, *means)
    assert raspc.compile(program, (0, 1), 2).apply(["BOS", 0, 1]).decoded[1:] == [False, False]
    with pytest.raises(UnsupportedProgram, match=r"sequence_map \(test_refusals\.py:\d+\): found a function with"):
        raspc.compile(program, range(40), 12)


def test_a_certificate_names_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weakest link is told by the name or the line of its expression, where it refuses and where it only warns."""
    mean = rasp.Aggregate(rasp.Select(I, I, Comparison.LEQ), T)
    with pytest.warns(raspc.UncertainProgram, match=r"the number aggregate \(test_refusals\.py:\d+\) must be as"):
        raspc.compile(mean, range(-9, 10), 20)
    monkeypatch.setattr(certificate, "has_slack", lambda *_: False)
    for program, named in ((mean, r"aggregate \(test_refusals\.py:\d+\)"), (mean.named("low"), "low")):
        with pytest.raises(raspc.CertificateError, match=rf"not suffice: the number {named} must be as"):
            raspc.compile(program, range(-9, 10), 20)


def test_a_value_set_without_end_is_named_as_it_was_written() -> None:
    """While a program is tabulated its nodes have numbers, and no labels; a person reads neither."""
    means = rasp.Aggregate(rasp.Select(T, T, Comparison.LEQ), T)
    with pytest.raises(UnsupportedProgram) as refusal:
        raspc.compile(rasp.Map(lambda x: x > 0.5, means), [i / 7 + 1e-11 * i * i for i in range(60)], 30)
    assert re.match(r"aggregate \(test_refusals\.py:\d+\): found a mean", str(refusal.value))
