"""Texts of C-RASP and B-RASP with faults: each is told with its place, all of a text at once; hostile ones end soon."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.text.dialects.formulas import random_brasp, random_crasp

import raspc
from raspc import InputError, InvalidProgram, programs
from raspc.cli.app import status
from raspc.text import SUFFIXES, load_program

FAULTS: dict[str, tuple[str, str, str]] = {
    "nothing": ("crasp", "  // only a comment", "expected a definition, such as accept(i) := #[j <= i] Q_a(j) = 2"),
    "no definition": ("brasp", "a = Q_a", "1:1: expected a definition, such as accept(i) := rightmost j"),
    "a comment of RASP": ("crasp", "# majority\na := Q_a", "Q_a(j) = 2; a comment opens with //"),
    "no formula": ("crasp", "a := Q_a\nb :=", "2:5: unexpected the end of the text; expected a formula"),
    "half a count": ("crasp", "a := 1 +", 'expected "(", "+", "true" or a name'),
    "a bracket": ("crasp", "a := #[Q_a", '1:7: "[" is not closed; expected "]"'),
    "a bracket too many": ("brasp", "a := Q_a)", '1:9: ")" closes nothing'),
    "a bracket behind a comment": ("crasp", "a := (Q_a // :-)\n", '1:6: "(" is not closed'),
    "a string": ("crasp", 'a := Q_"a\nb := Q_b', "1:8: this string is not closed"),
    "a test of nothing": ("crasp", "a := Q_", 'unknown name "Q_"; a test for a token is written Q_a or Q_"a"'),
    "a character": ("crasp", "a := Q_a & Q_b", "'&' is no character of C-RASP; write and"),
    "a quote": ("crasp", "a := Q_'x'", "is no character of C-RASP; the token is named"),
    "a hash": ("brasp", "a := #[Q_a]", "'#' is no character of B-RASP; a comment opens with //"),
    "an unknown name": ("crasp", "opened := #[Q_a]\na := opend > 0", '2:6: unknown name "opend"; did you mean'),
    "a name below": ("crasp", "a := b\nb := Q_b", 'unknown name "b"; a definition reads those above it'),
    "itself": ("brasp", "a := a", 'unknown name "a"; a definition reads those above it'),
    "twice": ("brasp", "a := Q_a; a := Q_b", '1:11: "a" is defined already; choose another name'),
    "a word of the language": ("crasp", "min := 1", '1:1: unexpected "min"; expected a name'),
    "a test as a name": ("crasp", "Q_a := Q_a", 'unexpected "Q_a"; expected a name'),
    "two positions in a head": ("crasp", "a(i,j) := Q_a", '1:4: unexpected ","; expected ")"'),
    "another position": ("crasp", "a(i) := Q_a(j)", '1:9: this is about position "j"; needed "i"'),
    "two positions": ("crasp", "a := Q_a(i) and Q_b(j)", 'positions "i" and "j" in one formula; needed one'),
    "two positions in B-RASP": ("brasp", "a := Q_a(i) and Q_b(j)", 'positions "i" and "j" in one formula; needed one'),
    "a position in a bare count": ("crasp", "a := #[Q_a(j)]", 'names the position "j"; write #[j <= i] before it'),
    "a third position": ("crasp", "a(i) := #[j<=i] Q_a(k)", 'what is counted is about "k"; needed "j"'),
    "one position in a mask": ("crasp", "a(i) := #[i<=i] Q_a(i)", 'compares "i" with itself'),
    "a Boolean as a count": ("crasp", "a := Q_a + 1", "1:6: this is a Boolean; needed a count, such as"),
    "a count as a Boolean": ("crasp", "b := 2\na := not b", "2:10: this is a count; needed a Boolean, such as"),
    "a count of counts": ("crasp", "a := #[3]", "this is a count; needed a Boolean"),
    "a condition that counts": ("crasp", "a := 1 ? 2 : 3", "1:6: this is a count; needed a Boolean"),
    "a Boolean branch": ("crasp", "a := Q_a ? 1 : Q_b", "1:16: this is a Boolean; needed a count"),
    "a chain of comparisons": ("crasp", "a := 1 <= 2 <= 3", '1:13: unexpected "<="'),
    "a product of counts": ("crasp", "a := #[Q_a] * #[Q_b]", "a count times a count; C-RASP adds counts"),
    "a long number": ("crasp", "a := " + "9" * 5_000, "a number of 5000 digits; needed at most 15"),
    "a long product": ("crasp", "a := " + "9999 * " * 9 + "#[Q_a]", "this number has more than 15 digits"),
    "which position": ("brasp", "a(i) := ▶_j [j<i, Q_a] Q_b(j) : 0", "of which position? write Q_a(j) or (i)"),
    "a score of a third": ("brasp", "a(i) := ▶_j [j<i, Q_a(k)] 1 : 0", 'about position "k"; needed "j" or "i"'),
    "a default of the key": ("brasp", "a(i) := ▶_j [1, 1] 1 : Q_b(j)", '1:24: this is about position "j"; needed "i"'),
    "attention to itself": ("brasp", "a(i) := ▶_i [1, 1] 1 : 0", '"i" is the position that attends and the one'),
    "a mask of others": ("brasp", "a(i) := ▶_j [j<k, 1] 1 : 0", "the mask compares j and k; needed j and i"),
    "no mask": ("brasp", "a(i) := ▶_j [Q_a(j)] 1 : 0", 'unexpected "Q_a"; expected "true" or a name'),
    "no default": ("brasp", "a(i) := ▶_j [1, 1] Q_a(j)", 'the end of the text; expected ":"'),
    "attention in a formula": ("brasp", "a(i) := not ▶_j [1, 1] 1 : 0", 'unexpected "▶_"; expected a formula'),
    "attention in brackets": ("brasp", "a(i) := (▶_j [1, 1] 1 : 0)", 'unexpected "▶_"; expected a formula'),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_place(name: str) -> None:
    """File, line and column, the line with a caret, and what is needed."""
    dialect, text, message = FAULTS[name]
    with pytest.raises(InvalidProgram) as raised:
        load_program(text, dialect=dialect)
    assert message in str(raised.value)
    assert str(raised.value).startswith("<text>:") and "\n" in str(raised.value) and "^" in str(raised.value)


def test_all_faults_at_once() -> None:
    """One for each definition; what only follows from another is not told."""
    text = "a := b\nc := Q_a and\n\nd(i) := a(i) and c(i) ; e := d\nf := 1 + Q_x // no\nf := 2"
    with pytest.raises(InvalidProgram) as raised:
        load_program(text, dialect="crasp")
    assert [fault.partition(" ")[0] for fault in raised.value.faults] == [
        "<text>:1:6:", "<text>:2:13:", "<text>:5:10:", "<text>:6:1:"
    ]  # fmt: skip


HOSTILE = {
    "nested brackets": "a := " + "(" * 4_000 + "Q_a" + ")" * 4_000,
    "negations": "a := " + "not " * 4_000 + "Q_a",
    "a long chain": "a := " + "Q_a and " * 1_500 + "Q_a",
    "open brackets": "a := " + "(" * 4_000,
    "one long name": "a" * 1_000_000,
    "many names": "a " * 200_000,
    "a long gap": "a" + " " * 1_000_000 + "b",
    "heads that are none": "a((" * 100_000,
    "signs of definition": "(((:=" * 10_000,
    "quotes": '"' * 100_000,
    "comments": "// " * 500_000,
    "many positions": "a := " + "".join(f"Q_a(x{i}) and " for i in range(1_000)) + "Q_a",
    "many unknown names": "a := " + "".join(f"b{i} and " for i in range(1_000)) + "Q_a",
    "a chain of what follows": "a0 := b\n" + "".join(f"a{i + 1} := a{i}\n" for i in range(2_000)),
    "a name many times": "a := Q_a\n" * 2_000,
    "zero bytes": "a := \0\0",
}


@pytest.mark.parametrize("dialect", ["crasp", "brasp"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end(name: str, dialect: str) -> None:
    """In a program or in a RaspcError; nothing recurses and nothing takes the square of its length."""
    try:
        program = load_program(HOSTILE[name], dialect=dialect)
    except InvalidProgram as error:
        assert len(error.faults) >= 1
    else:
        assert len(program("ab")) == 2


def test_the_budget() -> None:
    """A text may hold so many parts as it may take steps, as in RASP."""
    text = "a := #[Q_a] > 0\nb := a and a and a"
    assert load_program(text, dialect="crasp", steps=9)("b") == [False]
    with pytest.raises(
        InvalidProgram, match="2:6: this text asks for more than 8 steps; shorten it, or give it more: --steps 80"
    ):
        load_program(text, dialect="crasp", steps=8)
    with pytest.raises(InputError, match="steps is 0"):
        load_program(text, dialect="crasp", steps=0)


def test_what_is_loaded(tmp_path: Path) -> None:
    """The ending of a file says its dialect; a name in the text, or behind a colon, or the last one."""
    file = tmp_path / "few.crasp"
    file.write_text("a := #[Q_a]\nfew := a < 2", encoding="utf-8")
    assert load_program(file)("aba") == load_program(str(file))("aba") == [True, True, False]
    assert load_program(f"{file}:a")("aba") == load_program(file, "a")("aba") == [1, 1, 2]
    assert load_program(file, "a").name == "a"
    with pytest.raises(InputError, match=r'few\.crasp: defines no "fuw"; did you mean "few"\?'):
        load_program(file, "fuw")
    with pytest.raises(InvalidProgram, match="1:1: expected a definition"):
        load_program("tokens;", dialect="brasp")
    with pytest.raises(InputError, match="dialect is 'xrasp'; there are rasp, crasp, brasp"):
        load_program("tokens;", dialect="xrasp")
    with pytest.raises(TypeError, match="dialect is 3, of type int"):
        load_program("tokens;", dialect=3)  # type: ignore[arg-type]
    (tmp_path / "bad.brasp").write_bytes(b"a := \xff")
    with pytest.raises(InputError, match="byte 5 is no UTF-8"):
        load_program(tmp_path / "bad.brasp")
    with pytest.raises(InputError, match=r"absent\.crasp: cannot be read"):
        load_program("absent.crasp")


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files of both dialects in compile, run and check --program; faults have status 2."""
    assert programs.TEXTS == SUFFIXES
    monkeypatch.chdir(tmp_path)
    Path("lead.crasp").write_text("a := #[Q_a]\nlead := a > #[Q_b]\n", encoding="utf-8")
    Path("next.brasp").write_text("next(i) := ◀_j [j > i, 1] Q_a(j) : 0\n", encoding="utf-8")
    for file, kind, answer in (("lead.crasp", "causal", "True False"), ("next.brasp", "inputs", "False False")):
        assert status(["compile", file, "--vocab", "a,b", "--max-seq-len", "5", "-o", "m"]) == 0
        assert kind in capsys.readouterr().out
        assert status(["run", "m", "a", "b"]) == 0 and capsys.readouterr().out.strip() == answer
        assert status(["check", "m", "--program", file]) == 0
        assert "equal on all 62 inputs" in capsys.readouterr().out
    assert status(["compile", "lead.crasp:a", "--vocab", "a,b", "-o", "a", "--no-causal"]) == 0
    assert status(["check", "a", "--program", "lead.crasp"]) == 1
    Path("bad.crasp").write_text("a := b\nc := d", encoding="utf-8")
    capsys.readouterr()
    assert status(["compile", "bad.crasp", "--vocab", "a,b"]) == 2
    assert 'bad.crasp:1:6: unknown name "b"' in (said := capsys.readouterr().err) and "bad.crasp:2:6" in said


def test_a_refusal_shows_the_place() -> None:
    """What cannot be compiled is shown where it stands in the text."""
    program = load_program("a := #[Q_a]\nb := #[Q_b] - a", dialect="crasp")
    with pytest.raises(raspc.UnsupportedProgram, match=r"b: found a function of 2 variables[^\n]*\n<text>:2:6\n"):
        raspc.compile(program, "ab", 5_000)


SPACED = '( ) [ ] := : ; # #[ j i (i) (j) Q_a Q_" not ? ▶_j 1 < <= ≔ min , // - * x0 true \0 é'
PIECES = [*SPACED.split(), "\n", " and ", "x1 := ", "9" * 20]


@pytest.mark.parametrize("dialect", ["crasp", "brasp"])
def test_damaged_texts(dialect: str) -> None:
    """Random programs with pieces put in, taken out and exchanged: a program, or an error of raspc."""
    rng, read = random.Random(dialect), 0
    for _ in range(200):
        text = {"crasp": random_crasp, "brasp": random_brasp}[dialect](rng, "ab", 3).text(rng, False)
        for _ in range(rng.randint(1, 2)):
            start = rng.randrange(len(text) + 1)
            text = text[:start] + rng.choice([*PIECES, ""]) + text[start + rng.choice((0, 0, 1, 3)) :]
        try:
            program = load_program(text, dialect=dialect)
        except raspc.RaspcError as error:
            assert "^" in str(error), text
        else:
            assert len(program("ab")) == 2
            read += 1
    assert 2 < read < 198
