"""The table "What differs" of docs/rasp-syntax.md: one row for each difference, and what it says of us is true."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc.text import MAX_STEPS, Environment, load_program
from raspc.text.examine import MAX_INPUT
from raspc.text.files import MAX_FILE
from raspc.text.operators import MAX_BITS, MAX_SIZE
from raspc.text.repl import main
from raspc.text.source import Source

PAGE = (Path(__file__).parents[2] / "docs" / "rasp-syntax.md").read_text(encoding="utf-8")
HEADING = "## What differs\n"
TABLE = PAGE.split(HEADING)[1]
ROWS = [row.split(" | ")[0].removeprefix("| ") for row in TABLE.splitlines() if row.startswith("| ")][1:]
"""The first cell of each row."""


def value(text: str, name: str = "x") -> Any:
    """The value of a name in a text."""
    environment = Environment()
    environment.run(Source("test", text))
    return environment.names()[name]


def on(text: str, xs: Any) -> list[Any]:
    """What an expression gives on an input."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.DoubtfulText)
        return list(load_program(f"x = {text};")(xs))


def said(script: str) -> str:
    """What the prompt prints."""
    out = io.StringIO()
    main(io.StringIO(script), out)
    return out.getvalue()


def refused(text: str) -> bool:
    """Whether a text is an error."""
    with pytest.raises(raspc.RaspcError):
        value(text)
    return True


def refused_vocabulary(vocab: list[Any]) -> bool:
    """Whether a vocabulary is refused."""
    with pytest.raises(raspc.InvalidProgram, match="equal"):
        raspc.compile(load_program("x = tokens;"), vocab, 3)
    return True


def tells_what_is_undefined() -> bool:
    """Once, with its place."""
    with pytest.warns(raspc.DoubtfulText, match='unknown name "zzz" in f'):
        return list(load_program("def f(a) { return zzz; } x = indices;")("a")) == [0]


def rounds_means() -> bool:
    """The sum is rounded once: here that is not what a running sum gives."""
    terms = [0.1, 0.2, 0.3]
    found = on("aggregate(full_s, tokens_float)", [str(term) for term in terms])
    running = terms[0] + terms[1] + terms[2]
    return found == [math.fsum(terms) / 3] * 3 != [running / 3] * 3


def draws_here() -> bool:
    """HTML, or SVG where the file is named so."""
    from raspc.text.draw import flow_svg

    return flow_svg(value("x = indices + 1;"), "ab").startswith("<svg")


def skips_commands() -> bool:
    """With a warning."""
    with pytest.warns(raspc.DoubtfulText, match="skipped"):
        return list(load_program('set example "ab"\nx = indices;')("a")) == [0]


def limits_sizes() -> bool:
    """The numbers of the row are those of the code."""
    said_of = next(row for row in ROWS if row.startswith("integers of more"))
    numbers = [f"{MAX_BITS:,} bits", f"{MAX_INPUT:,} tokens", "1,000 digits", f"{MAX_FILE // 2**20} MiB"]
    return all(number in said_of for number in numbers) and MAX_SIZE == MAX_STEPS == 1_000_000


CHECKS: dict[str, Callable[[], bool]] = {
    "a mean": rounds_means,
    "words aggregated": lambda: on("aggregate(select(indices, indices - 1, ==), tokens)", "ab") == [0, "a"],
    "booleans aggregated": lambda: on('aggregate(full_s, tokens == "a")', "ab") == [0.5, 0.5]
    and refused('x = average(tokens == "a");'),
    "values of several types": lambda: on('tokens if indices > 0 else 1', "ab") == [1, "b"],
    "a division by zero": lambda: on("0 if indices == 0 else 1 / indices", "abc") == [0, 1, 0.5],
    "`y = hist": lambda: value('hist = indices; x = hist("abc")[2];') == 2,
    "`list[(s-op)]`": lambda: on("[5, 6][(indices)]", "ab") == [5, 6],
    "`set example": lambda: 'length("ab")' in said('set example "ab"; length;'),
    "`draw`": draws_here,
    "tokens that are equal": lambda: refused_vocabulary([1, 1.0]),
    "`selector_width(selector, assume_bos)`": lambda: on("selector_width(full_s, True)", "ab") == [2, 2],
    "commands in a file": skips_commands,
    "text that Python": lambda: "warning" in said("x = 1 or 0 and 0;"),
    "`%` with a string": lambda: refused('x = "%d" % 3;'),
    "`tokens_float` of": lambda: refused('x = tokens_float(["nan"]);') and refused('x = tokens_float(["inf"]);'),
    "integers of more": limits_sizes,
    "a text of more": lambda: refused("def f(n) { return f(n); } x = f(1);"),
    "a function with a name": tells_what_is_undefined,
    "`def f(a, b = 1)`": lambda: value("def f(a, b = 1) { return a - b; } x = f(1, b=2);") == -1,
    "`!=`": lambda: value("x = 1 != 2;") and on("selector_width(select(tokens, tokens, !=))", "aab") == [1, 1, 2],
    "`round x`": lambda: value("x = round 2.6;") == 3,
    "a fixed list": lambda: on("[5, 6][indices / 1.0]", "ab") == [5, 6],
    "`example`": lambda: value("example = 1; set = 2; full = 3; on = 4; exit = 5; x = example + exit;") == 6,
    "a command or": lambda: value('load "paper"\nx = hist;') is not None,
    "`:compile`": lambda: ":compile" in said(":help"),
    "`largest`": lambda: on("largest(indices)", "abc") == [2, 2, 2] and value("largest = 1; x = largest;") == 1,
    "`select`": lambda: refused("select = 1;") and refused("range = 1;"),
    "`out`": lambda: value("3; y = 5; x = out;") == 3 and value("3; out = 7; x = out;") == 7,
}  # fmt: skip
"""By how a row begins."""


def test_there_is_one_table() -> None:
    """One heading, one table below it, nothing after."""
    assert PAGE.count(HEADING) == 1
    assert len(re.findall(r"^\|---", TABLE, re.MULTILINE)) == 1


@pytest.mark.parametrize("row", [row for row in ROWS if not row.startswith("**")])
def test_each_row_is_true(row: str) -> None:
    """What a row says of this implementation can be seen."""
    (check,) = (check for start, check in CHECKS.items() if row.startswith(start))
    assert check()


def test_each_check_has_its_row() -> None:
    """No check without a row: the table has not lost one."""
    assert all(any(row.startswith(start) for row in ROWS) for start in CHECKS)
