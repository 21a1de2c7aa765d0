"""The prompt from a pipe: what is shown, the commands, and that it goes on after an error."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc.text.reader import Chunk, Reader
from raspc.text.repl import main
from raspc.text.show import sequence


def said(script: str) -> str:
    """What a script prints; no spaces at the ends of lines, tabs and runs of spaces as one."""
    out = io.StringIO()
    assert main(io.StringIO(script), out) == 0
    return "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in out.getvalue().splitlines())


SHOWN = [
    ("hist = selector_width(select(tokens, tokens, ==));",
     's-op: hist\nExample: hist("hello") = [1, 1, 2, 2, 1] (ints)'),
    ("tokens;", 's-op: tokens\nExample: tokens("hello") = [h, e, l, l, o] (strings)'),
    ("indices + 1;", 's-op: out\nExample: out("hello") = [1, 2, 3, 4, 5] (ints)'),
    ("length;", 's-op: length\nExample: length("hello") = [5]*5 (ints)'),
    ("1 / length;", 's-op: out\nExample: out("hello") = [0.2]*5 (floats)'),
    ("indices / 3;", 's-op: out\nExample: out("hello") = [0.0, 0.333, 0.667, 1.0, 1.333] (floats)'),
    ('tokens == "l";', 's-op: out\nExample: out("hello") = [F, F, T, T, F] (bools)'),
    ("select(indices, 0, ==);",
     "selector: out\nExample:\nh e l l o\nh | 1\ne | 1\nl | 1\nl | 1\no | 1"),
    ("3;", "value: out = 3"),
    ('x = "abc";', 'value: x = "abc"'),
    ('"a\\nb";', 'value: out = "a\\nb"'),
    ("1 / 2;", "value: out = 0.5"),
    ("x = 4 / 2;", "value: x = 2.0"),
    ('x = [1, 2.5, "a", True];', "list: x = [1, 2.5, 'a', True]"),
    ('[1, "a"];', "list: out = [1, 'a']"),
    ('{"a": [1]};', "dict: out = {'a': [1]}"),
    ("x = [indices, 1];",
     'list: x = [s-op indices, 1]\ns-op: indices\nExample: indices("hello") = [0, 1, 2, 3, 4] (ints)'),
    ("tokens_float([0, 1, 2]);", "= [0.0, 1.0, 2.0] (floats)"),
    ("3;\nout + 1;\nout * 2;", "value: out = 3\nvalue: out = 4\nvalue: out = 8"),
    ("def f(a, b) { return a; }", "console function: f(a, b)"),
    ("select;", "console function: select(keys, queries, comparison)"),
    ("a, b = 1, indices;", 'value: a = 1\ns-op: b\nExample: b("hello") = [0, 1, 2, 3, 4] (ints)'),
    ("def f(a) { return a, 2; } f(1);", "console function: f(a)\nlist: out = [1, 2]"),
    ('tokens("ab");', "= [a, b] (strings)"),
    ("indices([5]);", "= [0] (ints)"),
    ('indices("");', "= []"),
    ('select(indices, indices, <)("ab");', "=\na b\na |\nb | 1"),
    ("full_s([1, 20]);", "=\n1 20\n1 | 1 1\n20 | 1 1"),
    ("for i in [1, 2] { x = i; }", ""),
    ("for i in [1, 2] { x = i; }\nx;\ni;", "value: x = 2\nvalue: i = 2"),
    ("1 / indices;",
     's-op: out\nExample: out("hello") is undefined: division by zero at position 0 of "hello" (<input>:1:3)'),
    ("x = 1; y = 2;", "value: x = 1\nvalue: y = 2"),
    ("x = 1\n+ 2\n;", "value: x = 3"),
    ("def f(a) {\n  return a;\n};\nf(5);", "console function: f(a)\nvalue: out = 5"),
    ("# nothing\n\n", ""),
    ("[" * 100 + "1" + "]" * 100 + ";", "list: out = " + "[" * 51 + "…" + "]" * 51),
    ('load "addition"', "s-op: long_addition"),
    ('load "addition"\nload "addition";', "s-op: long_addition\nnothing new"),
    ('set example "hey"\nlength;', 's-op: length\nExample: length("hey") = [3]*3 (ints)'),
    ("set example [1, 2, 3];\ntokens;", "s-op: tokens\nExample: tokens([1, 2, 3]) = [1, 2, 3] (strings)"),
    ("set example [1, 2, 3];\ntokens_asis;", "s-op: tokens_asis\nExample: tokens_asis([1, 2, 3]) = [1, 2, 3] (ints)"),
    ("set example [1, 2, 3]\ntokens = tokens_int;\ntokens + tokens;",
     "s-op: tokens\nExample: tokens([1, 2, 3]) = [1, 2, 3] (ints)\n"
     "s-op: out\nExample: out([1, 2, 3]) = [2, 4, 6] (ints)"),
    ('set example "ab" # note\nlength;', 's-op: length\nExample: length("ab") = [2]*2 (ints)'),
    ('set example("ab")\nlength;', 's-op: length\nExample: length("ab") = [2]*2 (ints)'),
    ('set example "ab"; length;', 's-op: length\nExample: length("ab") = [2]*2 (ints)'),
    ('x = 1; set example "ab" length;', 'value: x = 1\ns-op: length\nExample: length("ab") = [2]*2 (ints)'),
    ('set example [1,\n2]\nlength;', "s-op: length\nExample: length([1, 2]) = [2]*2 (ints)"),
    ('set example "a" + "b" * 2\nindices;', 's-op: indices\nExample: indices("abb") = [0, 1, 2] (ints)'),
    ('set example "ab" examples off show example full_s;',
     's-op example: "ab"\nselector example: "ab"\nselector: full_s'),
    ('set s-op example "ab"\nset selector example "xyz"\nshow example',
     's-op example: "ab"\nselector example: "xyz"'),
    ('set s-op example "ab"\nshow s-op example\nshow selector example',
     's-op example: "ab"\nselector example: "hello"'),
    ("examples off\ntokens;\nfull_s;", "s-op: tokens\nselector: full_s"),
    ('s-op examples off\nset example "a"\ntokens;\nfull_s;', "s-op: tokens\nselector: full_s\nExample:\na\na | 1"),
    ('selector examples off\nset example "a"\ntokens;\nfull_s;',
     's-op: tokens\nExample: tokens("a") = [a] (strings)\nselector: full_s'),
    ("examples off\nexamples on\nindices;", 's-op: indices\nExample: indices("hello") = [0, 1, 2, 3, 4] (ints)'),
    ("full seq display on\nlength;",
     's-op: length\nExample: length("hello") = (ints)\ninput: h e l l o\noutput: 5 5 5 5 5'),
    ("full seq display on\nset example [100, 2]\nindices;",
     "s-op: indices\nExample: indices([100, 2]) = (ints)\ninput: 100 2\noutput: 0 1"),
    ("full seq display on\nfull seq display off\nlength;", 's-op: length\nExample: length("hello") = [5]*5 (ints)'),
    ("exit\nx = 1;", ""),
    ("exit();\nx = 1;", ""),
    ("exit # bye\nx = 1;", ""),
    ("x = 1; quit() # bye\ny = 1;", "value: x = 1"),
    ("exit = 1;\nexit + 1;", "value: exit = 1\nvalue: out = 2"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), SHOWN, ids=[script[:40] for script, _ in SHOWN])
def test_what_is_shown(script: str, expected: str) -> None:
    """Each kind of value in the form that RASP's users know, and each command's effect."""
    assert said(script) == expected


def test_it_goes_on_after_an_error() -> None:
    """Each error stands in its place with the line of the script, and the rest is carried out."""
    script = 'x = 1;\ny = zz;\nx = (2;\nx = "open\n:nothing\nset example 5\nload "nowhere"\nx; q = x + r; x;\n'
    lines = said(script).splitlines()
    assert [line for line in lines if "|" not in line] == [
        "value: x = 1",
        '<input>:2:5: unknown name "zz"',
        '<input>:3:5: "(" is not closed; expected ")"',
        "<input>:4:5: this string is not closed",
        '<input>:5:1: unknown command ":nothing"; :help lists the commands',
        "<input>:6:13: an input is a string or a list of atoms; found a number",
        f'<input>:7:6: no file "nowhere" in {Path().resolve()} or in the library of raspc',
        "value: x = 1",
        '<input>:8:12: unknown name "r"',
        "value: x = 1",
    ]


@pytest.mark.parametrize(
    ("command", "usage"),
    [("set", "set [s-op|selector] example"), ("show;", "show [s-op|selector] example"),
     ('set exmaple "ab"', "set [s-op|selector] example"), ("set example # note", "set [s-op|selector] example"),
     ("exit please", "exit"), ('load nowhere', 'load "file"'),
     ("examples", "examples on|off"), ("s-op examples maybe", "examples on|off"),
     ("full seq display", "full seq display on|off"), (":compile", ":compile NAME"), (":trace x", ":trace NAME"),
     (":save", ":save DIRECTORY or"), (":layers", ":layers NAME"), ("set example", "set [s-op|selector] example")],
)  # fmt: skip
def test_commands_half_written(command: str, usage: str) -> None:
    """A command that lacks something is answered with its place and how it is written."""
    place, _, words = said(f"\n{command}\n").split("\n")[0].partition(": ")
    assert place == "<input>:2:1"
    assert "write " in words or "written " in words
    assert usage in words


def test_an_unknown_command_spoils_its_own_line_only() -> None:
    """It is told at once, and the statement on the next line is carried out on the example that holds."""
    lines = said('set example "ab"\nset exmaple "xyz"\nlength;\nsett example "q"\nindices;').splitlines()
    assert [line for line in lines if not line.startswith(("|", "2 |", "4 |"))] == [
        '<input>:2:1: write set [s-op|selector] example "hello"',
        "s-op: length",
        'Example: length("ab") = [2]*2 (ints)',
        '<input>:4:1: unknown command "sett"; did you mean "set"?',
        "s-op: indices",
        'Example: indices("ab") = [0, 1] (ints)',
    ]


def test_a_missing_semicolon_spoils_one_statement() -> None:
    """A definition or a loop begins anew, whatever was left open before."""
    output = said("x = 1\nfor i in [1] { y = i; }\nz = 2\ndef f(a) { return a; }\nf(5);")
    assert [line for line in output.splitlines() if "|" not in line] == [
        '<input>:1:5: expected ";" before the end of the text',
        '<input>:3:5: expected ";" before the end of the text',
        "console function: f(a)",
        "value: out = 5",
    ]


def test_drawing(tmp_path: Path) -> None:
    """`draw` writes the flow of a program, layers and heads with their matrices, as HTML or SVG."""
    html, svg = tmp_path / "a.html", tmp_path / "a.svg"
    script = f'load "paper"\ndraw(reverse, "abc", "{html}");\ndraw(reverse, "abc", "{svg}");\ndraw(full_s, "abc");'
    answers = said(script).splitlines()
    assert [line for line in answers if line.startswith("drawn")] == [f"drawn: {html}", f"drawn: {svg}"]
    assert any(line.endswith("an s-op is drawn; found a selector") for line in answers)
    picture = svg.read_text()
    assert html.read_text().endswith(picture)
    for label in ("layer 1", "layer 2", "head 0: select(indices, opposite, ==)", "reverse: ", "= [c, b, a] (strings)"):
        assert label in picture
    assert picture.count('class="on"') == 9 + 3, "the full selector of length, and one key for each query"


def test_drawing_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an input the example is drawn; a file that is loaded draws too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.rasp").write_text('set example "ab"\nmine = indices + 1;\ndraw(mine);\n')
    assert said('load "p"').splitlines() == ["drawn: mine.html", "s-op: mine"]
    assert "= [1, 2] (ints)" in (tmp_path / "mine.html").read_text()


def test_draw_is_no_name_of_programs() -> None:
    """A program that is loaded or compiled writes no files."""
    with pytest.raises(raspc.InvalidProgram, match='unknown name "draw"'):
        raspc.text.load_program('x = draw(tokens, "a");')


def test_compiling(tmp_path: Path) -> None:
    """:compile checks against the program, :layers and :trace look inside, :save writes what loads again."""
    saved, text = tmp_path / "model", tmp_path / "mine.rasp"
    script = (
        "examples off\nx = zz;\n"
        "rev = aggregate(select(indices, length - indices - 1, ==), tokens);\n"
        ":save early\n"
        f":compile rev a,b,c 4\n:layers rev\n:trace rev \"abc\"\n:save {saved}\n:save {text}\n:compile nothing\n"
    )  # fmt: skip
    output = said(script)
    assert "nothing is compiled yet" in output
    assert "compiled: rev, vocabulary {a, b, c}, length 4" in output
    assert "checked: all 120 inputs agree" in output
    assert "RASP's own analysis: layers: 2, heads in a layer: 1" in output
    assert re.search(r"layer 1 attention: .*rev \(head 0\)", output)
    assert re.search(r"rev program \[c, b, a\] \(strings\)\nmodel \[c, b, a\] \(strings\)", output)
    assert 'unknown name "nothing"' in output
    assert raspc.load(saved).apply(["BOS", "a", "b"]).decoded == ["BOS", "b", "a"]
    assert raspc.text.load_program(text, "rev")("ab") == ["b", "a"]
    assert "zz" not in text.read_text()


def test_compiling_for_the_example() -> None:
    """Without a vocabulary and a length those of the example; a redefinition is compiled anew."""
    output = said('set example "abca"\nx = tokens == "a";\n:layers x\nx = indices;\n:layers x\n:compile x causal\n')
    assert output.count("compiled: x, vocabulary {a, b, c}, length 4") == 3
    assert "length 4, causal" in output


@pytest.mark.parametrize(
    ("command", "shown"),
    [(':compile indices ab,c 3', "{ab, c}, length 3"), (":compile indices 1,2 3", "{1, 2}, length 3"),
     (':compile indices "ab" 3', "{a, b}, length 3"), (':compile indices ["x", 2] 3', "{x, 2}, length 3"),
     (":compile indices 3", "{h, e, l, o}, length 3"), (":compile indices a,b", "{a, b}, length 5")],
)  # fmt: skip
def test_vocabularies(command: str, shown: str) -> None:
    """The vocabulary as items, as a string of characters, or as a list; each part may be left out."""
    assert f"compiled: indices, vocabulary {shown}" in said(command)


def test_a_pipe_to_the_module() -> None:
    """A real pipe: plain text on standard output, nothing on standard error, status 0."""
    program = "from raspc.text.repl import main; raise SystemExit(main())"
    run = subprocess.run(
        [sys.executable, "-c", program], input="x = 1;\ny;\nx;\n", capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    assert "\x1b" not in run.stdout
    assert run.stdout.count("value: x =  1") == 2
    assert 'unknown name "y"' in run.stdout


@given(st.lists(st.text(st.sampled_from('ab;{}()[]"#\n =:'), max_size=12), max_size=6))
def test_nothing_is_lost_between_lines(lines: list[str]) -> None:
    """The chunks of a text, put together, are the text, but for blanks, comments and semicolons of our own."""
    text = "\n".join(lines)
    reader = Reader()
    chunks = [chunk for line in text.splitlines() for chunk in reader.feed(line)]
    chunks += list(reader.finish())
    assert _essence("".join(chunk.text + "\n" for chunk in chunks)) == _essence(text)
    for chunk in chunks:
        line = text.splitlines()[chunk.line - 1]
        assert chunk.command or line[chunk.column - 1 :].startswith(chunk.text.split("\n")[0].rstrip(";"))


def _essence(text: str) -> str:
    """Comments are dropped where they stand between statements, so all are dropped here."""
    lines = (re.match(r'(?:"[^"]*(?:"|$)|[^"#])*', line) for line in text.splitlines())
    return re.sub(r"\s", "", "".join(match.group() for match in lines if match))


def test_a_megabyte_through_the_reader() -> None:
    """Lines of statements, and one statement of a megabyte, are taken in linear time."""
    reader = Reader()
    text = "x = [\n" + "1, 2, 3, 4, 5, 6, 7, 8,  # numbers\n" * 30_000 + "];"
    (chunk,) = [chunk for line in text.splitlines() for chunk in reader.feed(line)]
    assert len(chunk.text) > 1_000_000
    many = list(reader.feed("x = 1; " * 100_000))
    assert len(many) == 100_000
    assert many[1] == Chunk(" x = 1;", 30_003, 7)


@given(st.lists(st.one_of(st.integers(), st.booleans(), st.floats(-1e300, 1e300), st.text())))
def test_sequences_are_shown_to_three_digits(items: list[object]) -> None:
    """A number is shown to within 0.0005, or to three digits where that would be 0 or where it is huge."""
    text = sequence(items, full=True)
    for item in items:
        if isinstance(item, float):
            number = float(sequence([item])[1:].split("]")[0])
            assert abs(number - item) <= max(0.0005000001, abs(item) * 0.00501 if abs(item) >= 1e15 else 0.0)
            assert (number == 0) == (item == 0)
    assert text.startswith("[")
