"""Files as programs: commands are skipped with a note, undefined names are told, steps are counted."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import pytest

import raspc
from raspc.cli.app import status
from raspc.errors import InputError, InvalidProgram
from raspc.text import load_program
from raspc.text.environment import Manner
from raspc.text.reader import Reader
from raspc.text.repl import main
from raspc.text.session import Session


def notes_of(text: str, name: str | None = None) -> list[str]:
    """The first line of each warning that a text gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_program(text, name)
    assert all(warning.category is raspc.DoubtfulText for warning in caught)
    return [str(warning.message).split("\n")[0] for warning in caught]


COMMANDS = [
    ('set example "ab"\nx = length;', ['<text>:1:1: skipped `set example "ab"`, which is for the prompt']),
    ('x = length; set example("ab"); show example', [
        '<text>:1:13: skipped `set example("ab")`, which is for the prompt',
        "<text>:1:32: skipped `show example`, which is for the prompt",
    ]),
    ("full seq display on\ns-op examples off # note\nx = length;", [
        "<text>:1:1: skipped `full seq display on`, which is for the prompt",
        "<text>:2:1: skipped `s-op examples off`, which is for the prompt",
    ]),
    ('x = length;\ndraw(x);\ndraw(x, "ab");', [
        "<text>:2:1: skipped `draw(x)`, which is for the prompt",
        '<text>:3:1: skipped `draw(x, "ab")`, which is for the prompt',
    ]),
    ("x = length;\nexit # bye\ny = zzz;", ["<text>:2:1: exit; nothing after it is read"]),
    ('x = length;\nhist = selector_width(full_s);\nhist("ab");\nx;', []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), COMMANDS)
def test_commands_in_files_are_skipped_with_a_note(text: str, expected: list[str]) -> None:
    """The prompt's commands do nothing in a program; each is told with its place."""
    assert notes_of(text, "x") == expected


def test_names_that_nothing_defines_are_told() -> None:
    """A function may name what is defined later; what never is, is told though nothing calls it."""
    assert notes_of(
        "def f(a) { return a + lenght; } def g(a) { return h(a); } def h(a) { return a; } x = g(indices);"
    ) == ['<text>:1:23: unknown name "lenght" in f; did you mean "length"?']


def test_the_budget_of_steps_is_an_option() -> None:
    """A recursion that needs more than is given is refused by an error that names the option; given more, it ends."""
    text = "def f(n) { return 0 if n == 0 else f(n - 1); } y = f(1000); x = indices + y;"
    with pytest.raises(InvalidProgram, match=r"asks for more than 5,000 steps; .*--steps 50000 .* steps=50000"):
        load_program(text, steps=5_000)
    assert load_program(text, steps=50_000)("ab") == [0, 1]
    with pytest.raises(InputError, match="steps is 0; needed a whole number of at least 1"):
        load_program(text, steps=0)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`compile` warns and goes on; `--strict` refuses with the place; `--steps` is the budget."""
    path, out = tmp_path / "p.rasp", tmp_path / "out"
    path.write_text(
        'set example "ab"\nx = indices > 0 and tokens in [True];\n'
        "def f(n) { return 1 if n == 0 else f(n - 1); }\ny = f(100) + indices;\n"
    )
    command = ["compile", f"{path}:x", "--vocab", "a,b", "--max-seq-len", "3", "-o", str(out)]
    assert status(command) == 0
    told = capsys.readouterr().err
    assert "warning: " in told
    assert "p.rasp:1:1: skipped `set example" in told
    assert "p.rasp:2:5: RASP reads `(indices > 0 and tokens) in [True]`, Python would read" in told
    assert raspc.load(out).apply(["BOS", "a", "b"]).decoded == ["BOS", False, True]
    assert status([*command, "--strict"]) == 2
    assert "p.rasp:2:5: RASP reads" in capsys.readouterr().err
    assert status([*command, "--steps", "100"]) == 2
    assert "more than 100 steps" in capsys.readouterr().err


def test_the_working_directory_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`load` looks beside the file, then where the command runs, then in the library."""
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "main.rasp").write_text('load "part";\nload "paper";\nx = part + tokens;\n')
    (tmp_path / "part.rasp").write_text('part = "here";\n')
    monkeypatch.chdir(tmp_path)
    assert load_program(tmp_path / "far" / "main.rasp", "x")("a") == ["herea"]
    (tmp_path / "far" / "part.rasp").write_text('part = "beside";\n')
    assert load_program(tmp_path / "far" / "main.rasp", "x")("a") == ["besidea"]


def test_a_bad_statement_does_not_discard_a_file_at_the_prompt(tmp_path: Path) -> None:
    """Each fault of a loaded file is told, text that does not parse among them, and its other names are there."""
    (tmp_path / "half.rasp").write_text(
        'set example "ab"\na = 1;\nb = zzz;\nc = (2;\nd = b + 1;\ne = length;\nfull seq\n'
    )
    lines = said(f'load "{tmp_path / "half"}"\na;\nb;\nd;').splitlines()
    assert [re.sub(r".*half", "half", line) for line in lines if "|" not in line] == [
        'half.rasp:4:5: "(" is not closed; expected ")"',
        'half.rasp:3:5: unknown name "zzz"',
        "value: a = 1",
        "s-op: e",
        "value: a = 1",
        '<input>:3:1: unknown name "b"',
        '<input>:4:1: unknown name "d"',
    ]
    assert said(f'load "{tmp_path / "half"}"\ne;').endswith('Example: e("ab") = [2]*2 (ints)')


def said(script: str) -> str:
    """What the prompt prints, with blanks as one space."""
    out = io.StringIO()
    main(io.StringIO(script), out, Manner(allow_files=True))
    return "\n".join(" ".join(line.split()) for line in out.getvalue().splitlines())


def test_the_prompt_takes_strict_and_steps(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--strict` a doubtful statement is carried out after a warning; with it, it is an error."""
    script = "x = 1 or 0 and 0;\ndef f(n) { return 0 if n == 0 else f(n - 1); }\nf(90);\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    status(["repl", "--steps", "200"])
    shown = capsys.readouterr().out
    assert "warning: <input>:1:5: RASP reads `(1 or 0) and 0`, Python would read `1 or (0 and 0)`" in shown
    assert "value: x =  False" in shown
    assert "this text asks for more than 200 steps" in shown
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    status(["repl", "--strict"])
    shown = capsys.readouterr().out
    assert "warning" not in shown
    assert "<input>:1:5: RASP reads" in shown
    assert "value: x" not in shown
    assert "value: out =  0" in shown


def test_the_prompt_reads_a_changed_file_again(tmp_path: Path) -> None:
    """A file that was edited, or one that it loads, is carried out anew; what has not changed is not."""
    inner, outer = tmp_path / "inner.rasp", tmp_path / "outer.rasp"
    inner.write_text("k = 1;")
    outer.write_text('load "inner"; x = k + 10;')
    told: list[str] = []
    session, reader = Session(told.append, told.append, Manner(allow_files=True)), Reader()

    def load() -> list[str]:
        told.clear()
        for chunk in reader.feed(f'load "{outer}";'):
            session.take(chunk)
        return [line.strip() for line in told]

    assert load() == ["value: k =  1", "value: x =  11"]
    assert load() == ["nothing new"]
    inner.write_text("k = 2;")
    assert load() == ["value: k =  2", "value: x =  12"]


def test_faults_of_colon_commands_have_their_place() -> None:
    """The line and column of the name or text at fault, in the line of the command."""
    lines = said('\n:trace zzz "ab"\n:compile tokens [1, zz] 3\n:layers full_s # note').splitlines()
    assert [line for line in lines if line.startswith("<input>")] == [
        '<input>:2:8: unknown name "zzz"',
        '<input>:3:21: unknown name "zz"',
        '<input>:4:1: "full_s" is a selector; needed an s-op',
    ]


def test_load_looks_in_its_own_folders_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at files of the machine, by their place, by `..` or through a link; unless the person says so."""
    (tmp_path / "inside" / "deeper").mkdir(parents=True)
    (tmp_path / "secret.rasp").write_text("told = indices;")
    (tmp_path / "inside" / "deeper" / "own.rasp").write_text("found = indices + 1;")
    (tmp_path / "inside" / "linked.rasp").symlink_to(tmp_path / "secret.rasp")
    monkeypatch.chdir(tmp_path / "inside")
    for name in (str(tmp_path / "secret.rasp"), "../secret", "deeper/../../secret", "linked", "/etc/passwd"):
        text = f'load "{name}"; answer = told;'
        with pytest.raises(raspc.InvalidProgram, match=r"outside the folder of the text.*--allow-files"):
            load_program(text)
    assert load_program('load "deeper/own"; answer = found;')("ab") == [1, 2]
    assert load_program('load "../secret"; answer = told;', allow_files=True)("ab") == [0, 1]
    (tmp_path / "inside" / "main.rasp").write_text('load "../secret"; answer = told;')
    assert status(["compile", "main.rasp", "--vocab", "a,b", "--max-seq-len", "3"]) == 2
    assert status(["compile", "main.rasp", "--vocab", "a,b", "--max-seq-len", "3", "--allow-files"]) == 0


def test_the_prompt_replaces_only_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures, saved texts and models, typed or in a loaded file; `--force` says otherwise."""
    monkeypatch.chdir(tmp_path)
    for name in ("victim.html", "victim.rasp", "drawn.html"):
        Path(name).write_text("years of work")
    Path("draws.rasp").write_text('x = indices; draw(x, "ab", "drawn.html");')
    lines = 'a = indices;\ndraw(a, "ab", "victim.html");\n:save victim.rasp\nload "draws";\n'
    lines += 'draw(a, "ab", "new.html");\ndraw(a, "ab", "new.html");\n:save new.rasp\n:save new.rasp\n'
    said = io.StringIO()
    main(io.StringIO(lines), said)
    assert said.getvalue().count("is there already; choose another name") == 3
    assert {Path(name).read_text() for name in ("victim.html", "victim.rasp", "drawn.html")} == {"years of work"}
    assert Path("new.html").exists() and Path("new.rasp").exists()
    main(io.StringIO(lines), io.StringIO(), Manner(force=True))
    assert "years of work" not in Path("victim.html").read_text() + Path("victim.rasp").read_text()
