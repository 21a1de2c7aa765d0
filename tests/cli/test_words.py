"""Picks, signs, sums and promises as the command line shows them: program, places, plan and trace, to be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.conftest import Raspc

TEXT = """
same = select(tokens, tokens, ==);
before = select(indices, indices, <);
marker = select(tokens, "9", ==);

last_place = aggregate(latest(same), indices);
first_largest = aggregate(earliest(best(before, tokens_int)), indices, -1);
at = aggregate(marker, indices);
follows = at == indices - 1;
total = aggregate_sum(before, tokens_int);
place = aggregate(marker, indices, default=-1, single=True);
marks = selector_width(marker);
few = assume(marks, [0, 1]);
twice = (few + 1) * indices;
"""


@dataclass(frozen=True)
class Shown:
    """How one of them is compiled, and an input."""

    length: int
    tokens: str
    options: tuple[str, ...] = ()


SHOWN: dict[str, Shown] = {
    "last_place": Shown(5, "1 0 1 9"),
    "first_largest": Shown(5, "1 0 9 9", ("-O", "2")),
    "follows": Shown(12, "1 9 0"),
    "total": Shown(5, "1 9 0 1"),
    "place": Shown(5, "1 9 0"),
    "twice": Shown(5, "1 9 0", ("--where", "[01]*9[01]*")),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_of_a_word(raspc: Raspc, golden: Callable[[str, str], None], name: str) -> None:
    """What `inspect` says of the model and of its plan, and the variables of a run, in a golden file."""
    shown = SHOWN[name]
    Path("words.rasp").write_text(TEXT)
    made = raspc("compile", f"words.rasp:{name}", "--vocab", "0,1,9", "--max-seq-len", str(shown.length),
                 "-o", "m", *shown.options)  # fmt: skip
    assert made.code == 0, made.err
    parts = {
        "raspc inspect": raspc("inspect", "m").out,
        "raspc inspect --explain": raspc("inspect", "m", "--explain").out,
        "raspc inspect --plan": raspc("inspect", "m", "--plan").out,
        f"raspc run {shown.tokens} --trace": raspc("run", "m", *shown.tokens.split(), "--trace").out,
    }
    told = [f"$ {command}\n{out}" for command, out in parts.items()]
    golden(f"words/{name}.txt", "\n".join("\n".join(told).replace("\r", "").splitlines()) + "\n")
