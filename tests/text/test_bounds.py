"""Short texts that ask for much: they end in one error, and what is shown stays short."""

from __future__ import annotations

import io

import pytest

import raspc
from raspc.text import load_program
from raspc.text.repl import main
from raspc.text.show import MAX_SHOWN, atom_or_more, whole

DOUBLED = "x = [1];\n" + "x = [x, x];\n" * 40

GREEDY = {
    "long lists in a list": ("x = [range(1000000) for i in range(100)];", "more than 10,000,000 items"),
    "long strings in a list": ('s = "ab" * 400000; x = [s + s + s for i in range(100)];', "more than 1000000 items"),
    "long strings, each short enough": ('s = "ab" * 200000; x = [s + s for i in range(100)];', "more than 10,000,000"),
    "a long list, zipped with itself": (f"x = range(900000); y = zip({', '.join(['x'] * 9)});", "a zip of 8100000"),
    "shared lists as a table": (DOUBLED + "y = x[indices];", "more than 1,000,000 items, those inside counted"),
    "shared lists compared": (DOUBLED + "y = 1 if x == x else 2;", "more than 1,000,000 items, those inside counted"),
    "shared lists as a key": (DOUBLED + "y = {x: 1};", "more than 1,000,000 items, those inside counted"),
    "membership of shared lists": (DOUBLED + "y = tokens in x;", "more than 1,000,000 items, those inside counted"),
}


@pytest.mark.parametrize(("text", "message"), GREEDY.values(), ids=GREEDY)
def test_what_asks_for_too_much_is_refused(text: str, message: str) -> None:
    """At once, with the place; a table, a key and a comparison count a list wherever it stands."""
    with pytest.raises(raspc.InvalidProgram, match=message):
        load_program(f"{text}\nanswer = indices;")


def test_more_is_had_for_the_asking() -> None:
    """`steps` governs both the steps and the items."""
    text = "x = [range(1000000) for i in range(11)]; answer = indices;"
    with pytest.raises(raspc.InvalidProgram, match="steps=10000000 in Python"):
        load_program(text)
    assert load_program(text, steps=1_200_000)([7, 7]) == [0, 1]


def test_a_row_of_a_long_list_costs_nothing() -> None:
    """Only what is made counts: a loop may look at a long row as often as it has steps."""
    load_program("rows = [range(1000) for i in range(100)]; x = [rows[i % 100][0] for i in range(20000)]; a = indices;")


def test_what_is_shown_is_cut() -> None:
    """A value of exponential size costs what is shown of it; a text that is to mean the value is whole."""
    shared: list[object] = [1]
    for _ in range(40):
        shared = [shared, shared]
    shown = atom_or_more(shared)
    assert len(shown) == MAX_SHOWN + 1
    assert shown.endswith("…")
    assert atom_or_more("a" * 20_000) == '"' + "a" * (MAX_SHOWN - 1) + "…"
    assert whole(list(range(5_000))) == str(list(range(5_000)))
    assert atom_or_more({"a": [1, (2, "b")]}) == "{'a': [1, [2, 'b']]}"


def test_the_prompt_shows_the_first_s_ops_of_a_list() -> None:
    """Each once, wherever it stands, and no more than a screen of them."""
    said = io.StringIO()
    lines = "x = [indices];\n" + "x = [x, x];\n" * 40 + "y = [indices + i for i in range(30)];\n"
    main(io.StringIO(lines), said)
    assert "… and more" in said.getvalue()
    assert len(said.getvalue()) < 45 * (MAX_SHOWN + 500)


def test_typos_among_many_and_long_names() -> None:
    """A near name is found among thousands; names of a page are not compared, letter by letter, with each other."""
    names = "".join(f"quite_a_long_name_{i} = indices + {i};\n" for i in range(3_000))
    with pytest.raises(raspc.InvalidProgram, match='did you mean "quite_a_long_name_7"'):
        load_program(f"{names}answer = quite_a_lang_name_7;")
    page = "a" * 20_000
    long = "".join(f"{page}{i} = indices;\n" for i in range(20))
    with pytest.raises(raspc.InvalidProgram, match=r'unknown name "a+b0'):
        load_program(long + "".join(f"x{i} = {page}b{i};\n" for i in range(20)))
