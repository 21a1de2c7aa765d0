"""`raspc certify`: what is known of a saved model in a number format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from raspc.cli import syntax
from raspc.cli.options import DTYPES, Accumulate, Directory, Json, Probabilities, Summation, among
from raspc.cli.output import answer, say, table

if TYPE_CHECKING:
    from raspc.weights.certificate import Certificate, Measured

MOST_LINKS = 12
"""How many decisions are shown, the weakest first."""


def certify(
    directory: Directory,
    dtype: Annotated[
        str | None,
        typer.Option(
            autocompletion=among(*DTYPES), help=f"One of {', '.join(DTYPES)}.", show_default="that of the model"
        ),
    ] = None,
    summation: Summation = None,
    accumulate: Accumulate = None,
    probabilities: Probabilities = None,
    as_json: Json = False,
) -> None:
    """Prove every decision of a model in a precision, from its weights; exit 1 if it does not hold.

    Prints how much of its margin each decision uses, the weakest first; if it does not hold, the length that would.
    """
    from raspc.study.certifying import certificate
    from raspc.weights import load

    found = certificate(load(directory), dtype, summation, accumulate, probabilities, tolerance=True, longest=True)
    answer(found.to_json(), as_json, lambda: _tell(found))
    if not found.holds:
        raise typer.Exit(1)


def _tell(found: Certificate) -> None:
    """The verdict, the weakest decision, what else is known, and the decisions that use most of their margin."""
    from raspc.weights import wording

    say(wording.headline(found))
    say(f"in {found.dtype}, for inputs of up to {found.max_seq_len} tokens; {_rounding(found)}")
    tell_meaning(found)
    if found.measured is not None:
        say(f"measured on {ran(found.measured)}")
    weakest = found.weakest
    if weakest is not None:
        example = f"; most of it on the input {syntax.show_all(weakest.example)}" if weakest.example else ""
        say(f"the weakest decision: {wording.sentence(weakest)}{example}")
    if found.tolerance:
        say(f"every weight may be off by {found.tolerance:.2g} of its size, all at once, and this is still proved")
    if not found.holds:
        say(f"the program compiles for {found.dtype} up to length {found.longest}")
    table(wording.HEADS, wording.rows(found, MOST_LINKS))
    if len(found.links) > MOST_LINKS:
        say(f"and {len(found.links) - MOST_LINKS} more, with --json")


def tell_meaning(found: Certificate) -> None:
    """What the verdict means, and how passes were held to the program."""
    say(f"{found.verdict.partition(':')[0]}: {found.says}")
    if found.passes is not None:
        say(f"the passes keep the answers: shown {found.passes}")


def ran(measured: Measured | None) -> str:
    """On how many inputs a model was run."""
    if measured is None:
        return "0 inputs"
    return f"{'all ' if measured.exhaustive else ''}{measured.inputs:,} inputs"


def _rounding(found: Certificate) -> str:
    """How numbers are rounded, in words."""
    stored = f"sums in {found.summation}, kept in {found.accumulate if found.accumulate != 'stored' else found.dtype}"
    rounded = f"probabilities {'rounded to ' + found.dtype if found.probabilities == 'stored' else 'not rounded'}"
    return f"{stored}; {rounded}"
