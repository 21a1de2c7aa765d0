"""Every error has file, line, column, the source line with a caret, and what was expected or known."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import raspc
from raspc.errors import InputError, InvalidProgram, RaspcError, UnsupportedProgram
from raspc.text import MAX_STEPS, Environment, load_program
from raspc.text.environment import Files, Manner
from raspc.text.repl import main
from raspc.text.source import Source, TextError

# The text, with « and » around what the caret marks, and words of the message.
FAULTS = [
    # names
    ("x = «tokns»;", 'unknown name "tokns"; did you mean "tokens"?'),
    ("x = 1;\n  y = x + «zzzzz»;", 'unknown name "zzzzz"'),
    ("«range» = 1;", '"range" is a word of the language'),
    ("def «select»(a) { return a; }", '"select" is a word of the language'),
    ("def f(a, «a») { return a; }", '"a" is a parameter already'),
    ("def f(«zip») { return 1; }", '"zip" is a word of the language'),
    ("def f(a) { return «bb»; } x = f(1);", 'unknown name "bb"'),
    ("def f(a) { return f(«a»); } x = f(1);", "asks for more than 1,000 steps"),
    ("def f(a) { x = «y»; y = a; return x; } z = f(1);", 'unknown name "y"'),
    ("x = [y for y in [1]]; z = «y»;", 'unknown name "y"'),
    # kinds
    ("x = full_s «+» 1;", '"+" needs s-ops or atoms; found a selector; aggregate it'),
    ("x = full_s «and» True;", "joins two selectors or two s-ops; found a selector and a boolean"),
    ("x = aggregate(«tokens», tokens);", "a selector is needed; found an s-op"),
    ("x = aggregate(values=tokens, «selector=3»);", "a selector is needed; found a number"),
    ("x = aggregate(full_s, default=0, «values=full_s»);", "the values are an s-op or an atom; found a selector"),
    ("x = aggregate(full_s, «full_s»);", "the values are an s-op or an atom; found a selector"),
    ("x = aggregate(full_s, tokens, 0, «2»);", "single is True or False; found a number"),
    ("x = latest(«tokens»);", "a selector is needed; found an s-op"),
    ("x = earliest(«3»);", "a selector is needed; found a number"),
    ("x = best(full_s, «full_s»);", "the scores are an s-op or an atom; found a selector"),
    ('x = best(full_s, tokens, «"most"»);', 'the end of the score is "max" or "min"; found \'most\''),
    ("x = aggregate_sum(full_s, «full_s»);", "the values are an s-op or an atom; found a selector"),
    ("x = aggregate_sum(full_s, tokens, «indices»);", "the default of a sum is an atom; found an s-op"),
    ("x = assume(indices, «3»);", "what is promised is a list of atoms; found a number"),
    ("x = assume(indices, «[]»);", "what is promised is a list of atoms; found a list"),
    ("x = assume(«full_s», [1]);", "the values are an s-op or an atom; found a selector"),
    ("x = aggregate(full_s, tokens, «indices»);", "the default of an aggregate is an atom; found an s-op"),
    ("x = select(«full_s», 1, ==);", "the keys are an s-op or an atom; found a selector"),
    ("x = select(tokens, «[1]», ==);", "the queries are an s-op or an atom; found a list"),
    ("x = select(tokens, 1, «2»);", "select ends with one of == < <= > >= !=; found a number"),
    ("x = selector_width(«tokens»);", "a selector is needed; found an s-op"),
    ('x = "a" «*» "b";', "not defined for a string and a string"),
    ('x = "a" «*» 9999999;', "the result has more than 1000000 items"),
    ("x = [1] «*» 9999999;", "the result has more than 1000000 items"),
    ("x = [1] «*» [2];", "not defined for a list and a list"),
    ("x = [1] «<» [2];", '"<" needs s-ops or atoms; found a list'),
    ("x = [tokens] «==» [tokens];", "lists are compared where they hold atoms: an s-op is no constant"),
    ('y = tokens «%» 2;\nx = y("a");', "% takes numbers, at position 0"),
    ('y = tokens «*» 9999999;\nx = y("a");', "the result has more than 1000000 items, at position 0"),
    ('x = average(«tokens == "l"»);', "the average of booleans; take it of indicator"),
    ("x = average(«has_focus(full_s)»);", "the average of booleans"),
    ("x = «max(indices)»;", "max(a, b) takes 2 arguments; found 1: b is missing"),
    ('x = «mark_first_instance(tokens)»;', "mark_first_instance(seq, value) takes 2 arguments; found 1"),
    ('x = tokens «%» "a";', '"%" takes numbers; found a string'),
    ('x = «-"a"»;', '"-" takes a number; found a string'),
    ('x = "a" «+» 1;', "not defined for a string and a number"),
    ('x = "a" «<» 1;', "not defined for a string and a number"),
    ("x = 1 «in» 2;", '"in" needs a list, a dictionary or an s-op on its right; found a number'),
    ("x = «round(full_s)»;", '"round" needs an s-op or an atom; found a selector'),
    ("x = 1 if «full_s» else 2;", "a condition is a boolean or an s-op; found a selector"),
    ("x = «1 if tokens == 1 else full_s»;", "both choices are s-ops or atoms; found a selector"),
    ("x = «5»(1);", "a number cannot be called"),
    ("x = «full_s[0]»;", "only s-ops, lists, dictionaries and strings are indexed; found a selector"),
    ("x = «tokens[indices]»;", "an s-op is indexed by an integer; found an s-op; load_from_location takes an s-op"),
    ("x = «tokens[0.5]»;", "an s-op is indexed by an integer; found a number"),
    ("x = «[full_s][tokens]»;", "a selector is no constant"),
    ("for x in «tokens» { y = x; }", "a loop runs over a list; found an s-op"),
    ("x = [y for y in «5»];", "a loop runs over a list; found a number"),
    ("x = {«tokens»: 1};", "a key of a dictionary is an atom or a list of atoms; found an s-op"),
    ("x = «len(tokens)»;", "the s-op length holds the length of the input"),
    ("x = «zip([1], [1, 2])»;", "zip takes lists of one length; found 1, 2"),
    ("x = «range(1.5)»;", "range takes one to three integers"),
    ("x = «range(1, 2, 0)»;", "the step of a range is not 0"),
    ("x = «tokens(1)»;", "an input is a string or a list of atoms; found a number"),
    ("x = «tokens([full_s])»;", "a selector is no constant"),
    # arguments
    ("x = «select(tokens, 1)»;", "select(keys, queries, comparison) takes 3 arguments; found 2"),
    ("x = «aggregate(full_s)»;", "takes 2 to 4 arguments; found 1: values is missing"),
    ("def f(a, b) { return a; }\nx = «f(1)»;", "f(a, b) takes 2 arguments; found 1: b is missing"),
    ("def f(a, b = 2) { return a; }\nx = «f(1, 2, 3)»;", "takes 1 to 2 arguments; found 3"),
    ("def f(a) { return a; }\nx = «f(1, a=2)»;", 'is given "a" twice'),
    ("def f(alpha) { return 1; }\nx = «f(alpa=2)»;", 'has no parameter "alpa"; did you mean "alpha"?'),
    ("x = «tokens()»;", "applied to one input; found 0 arguments"),
    # results
    ("«a, b» = 5;", "2 names on the left, a number on the right"),
    ("«a, b» = [1, 2, 3];", "2 names on the left, 3 values on the right"),
    ("def f(a) { return a, a; }\nx = f(1) «+» 1;", '"+" needs s-ops or atoms; found a list'),
    ('«a, b» = "abc";', "2 names on the left, 3 values on the right"),
    # arithmetic
    ("x = 1 «/» 0;", "division by zero"),
    ("x = 1 «%» 0;", "division by zero"),
    ("x = 9^9 «^» 9999;", "the result is too large"),
    ("x = 10.0 «^» 999;", "the result is too large"),
    ("x = (0 - 8) «^» 0.5;", "a root of a negative number"),
    ("x = «1e999»;", "beyond the range of floats"),
    (f"x = «{'1' * 1001}»;", "an integer of 1001 digits"),
    ("x = «[1, 2][2]»;", "index 2 is beyond a list of 2"),
    ('x = «{"a": 1}["b"]»;', "the dictionary has no key 'b'"),
    ("y = 1 «/» indices;\nx = y(\"ab\");", "division by zero at position 0 of \"ab\""),
    ("y = (1 «/» indices) + 1;\nx = selector_width(select(y, 1, ==))(\"ab\");", "division by zero at position 0"),
    ("y = 2 if indices == 0 else (indices «%» (indices - 1));\nx = y(\"abc\");", "division by zero at position 1"),
    ('y = tokens «<» 3;\nx = y("ab");', "'<' not supported between instances of 'str' and 'int', at position 0"),
    ('x = «tokens_int("a1")»;', "'a' is no whole number, at position 0 of \"a1\""),
    ('y = «aggregate(full_s, tokens)»;\nx = y("ab");', "an average of unequal values that are not all numbers"),
    # text
    ('x = «"abc»\ny = 1;', "this string is not closed"),
    ("x = «(»1 + 2;", '"(" is not closed; expected ")"'),
    ("x = f(1, «[»2, 3);", '"[" is not closed; expected "]"'),
    ("def f(a) «{» return a;", '"{" is not closed; expected "}"'),
    ("x = 1«)»;", '")" closes nothing'),
    ("x = «1»\ny = 2;", 'expected ";" before "y"'),
    ("x = 1 + «;»", 'unexpected ";"; expected a value'),
    ("x = «=» 1;", 'unexpected "="'),
    ("def f(a) { x = 1; «}»", 'unexpected "}"; expected "return"'),
    ("x = «'»a';", "strings are written in double quotes"),
    ("x = a «&» b;", "write and"),
    ("x = a if b «;»", 'unexpected ";"; expected "else"'),
    ("«x»", 'expected ";" before the end of the text'),
    ("def f(a) { «load \"paper\"»; return a; } x = f(1);", "load stands outside functions and loops"),
    ("load «\"nowhere\"»;", 'no file "nowhere"'),
    # commands
    ("«set exmaple \"ab\"»", 'write set [s-op|selector] example "hello"'),
    ("x = 1;\n  «show exampel» # note\n", "write show [s-op|selector] example"),
    ("«sett example \"ab\"»;", 'unknown command "sett"; did you mean "set"?'),
    ("«full seq display maybe»;", "write full seq display on|off"),
    ("«s-op exmaples off»", "write s-op examples on|off"),
    ("«exit please»", "write exit"),
    ("def f(a) { «set example» \"a\" return a; }", 'unexpected "set example"'),
    ("«show»;", "the command is written show [s-op|selector] example"),
    ("load «\"papr\"»;", 'did you mean "paper"?'),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "message"), FAULTS)
def test_faults(marked: str, message: str) -> None:
    """The place, the line, the caret under what is at fault, and the words."""
    text = re.sub("[«»]", "", marked)
    with pytest.raises(InvalidProgram) as caught:
        Environment(manner=Manner(steps=1000)).run(Source("prog.rasp", text))
    fault = caught.value.faults[0]
    head, excerpt, carets = fault.split("\n")[:3]
    assert message in head
    before = marked[: marked.index("«")]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert head.startswith(f"prog.rasp:{line}:{column}: ")
    if len(text.split("\n")[line - 1]) < 90:
        assert excerpt.endswith("| " + text.split("\n")[line - 1])
        size = max(1, marked.index("»") - marked.index("«") - 1)
        assert carets.split("|", 1)[1] == " " * column + "^" * size


def test_long_lines_are_cut() -> None:
    """A fault in a line of a megabyte is shown with its surroundings only."""
    text = "x = " + "1 + " * 20_000 + "zzz;"
    with pytest.raises(InvalidProgram) as caught:
        Environment().run(Source("prog.rasp", text))
    head, excerpt, carets = caught.value.faults[0].split("\n")
    assert head.startswith(f"prog.rasp:1:{len(text) - 3}: ")
    assert len(excerpt) < 120
    assert excerpt[carets.index("^") :].startswith("zzz")


def test_calls_are_shown() -> None:
    """A fault inside a function names the calls that led to it, innermost first."""
    text = "def f(x) { return 1 / x; }\ndef g(x) { return f(x - 1); }\ny = g(1);"
    with pytest.raises(InvalidProgram) as caught:
        Environment().run(Source("prog.rasp", text))
    places = re.findall(r"called at prog.rasp:(\d+):(\d+)", caught.value.faults[0])
    assert places == [("2", "19"), ("3", "5")]


def test_all_faults_at_once() -> None:
    """Every faulty statement is told, but not what only follows from one already told."""
    text = "a = zzz;\nb = a + 1;\ndef f(x) { return b; }\nc = f(1);\nd = 1 / 0;\n"
    with pytest.raises(InvalidProgram) as caught:
        Environment().run(Source("prog.rasp", text))
    assert [fault.split(": ")[0] for fault in caught.value.faults] == ["prog.rasp:1:5", "prog.rasp:5:7"]


BEFORE = 'x = 1; y = tokens; def f(a) { return a; } load "paper";'
FAILING = ["x, y = 5;", "x = 2 / 0;", "for a in [1, 2] { x = a; z = 1 / (a - 2); }", "x = (1;",
           'load "nowhere";', "x = q + f(1);", "x, q = range(5);"]  # fmt: skip


@pytest.mark.parametrize("text", FAILING)
def test_a_failed_statement_changes_nothing(text: str) -> None:
    """The names and their values are those from before, one by one."""
    names = Environment()
    names.run(Source("test", BEFORE))
    before = names.names()
    with pytest.raises(TextError):
        list(names.steps(Source("test", text)))
    after = names.names()
    assert list(before) == list(after)
    assert all(before[name] is after[name] for name in before)


def test_a_failed_load_changes_nothing(tmp_path: Path) -> None:
    """A file that fails in its middle gives no name to the file that loads it."""
    (tmp_path / "half.rasp").write_text("a = 1;\nb = zzz;\nc = 2;\n")
    names = Environment(tmp_path)
    before = names.names()
    with pytest.raises(InvalidProgram, match=r"half.rasp:2:5: unknown name \"zzz\"[^$]*loaded at test:1:6"):
        list(names.steps(Source("test", 'load "half";')))
    assert list(names.names()) == list(before)


def test_cycles_of_files(tmp_path: Path) -> None:
    """Files that load each other are an error that names them, also where the first is the program itself."""
    (tmp_path / "a.rasp").write_text('load "b"; x = 1;')
    (tmp_path / "b.rasp").write_text('load "c"; y = 1;')
    (tmp_path / "c.rasp").write_text('load "a"; z = 1;')
    with pytest.raises(InvalidProgram, match=r"a\.rasp → b\.rasp → c\.rasp → a\.rasp; break the cycle"):
        load_program(tmp_path / "a.rasp")
    with pytest.raises(InvalidProgram, match="break the cycle"):
        Environment(tmp_path, files=Files()).run(Source("test", 'load "c";'))


ENDLESS = [
    "x = [[1 for a in range(1000)] for b in range(100000)];",
    "for a in range(2000) { for b in range(2000) { x = a; } }",
    'x = "a"; for i in range(100) { x = x + x; }',
    "x = [1]; for i in range(100) { x = x + x; }",
    "x = 3; for i in range(100) { x = x * x; }",
    "x = range(1000000000);",
    "def f0(x) { return x; }"
    + "".join(f"def f{i}(x) {{ return f{i - 1}(x) + f{i - 1}(x); }}" for i in range(1, 40))
    + "y = f39(1);",
    "def f(n) { return f(n + 1); } x = f(0);",
    "def f(n) { return f(n) + f(n); } x = f(0);",
]


@pytest.mark.parametrize("text", ENDLESS)
def test_short_texts_with_endless_work(text: str) -> None:
    """Loops, doublings and recursion end in an error of ours, within the budget of steps (here a tenth) and sizes."""
    with pytest.raises(InvalidProgram, match=r"steps|too large|at most|more than"):
        Environment(manner=Manner(steps=MAX_STEPS // 10)).run(Source("test", text))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"x = 1;\xff\xfe", "no UTF-8"), (None, "No such file"), (b"x = 1;", "defines no s-op"), (b"", "defines no s-op")],
)
def test_files(tmp_path: Path, content: bytes | None, message: str) -> None:
    """What cannot be read or holds no program is an InputError that names the file."""
    path = tmp_path / "prog.rasp"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_program(path)
    assert "prog.rasp" in str(caught.value)


PIECES = st.sampled_from(
    ["x", "f", "tokens", "indices", "full_s", "select", "aggregate", "1", "0", "2.5", '"a"', "(", ")", "[", "]",
     "{", "}", ",", ";", ":", "=", "==", "<", "+", "-", "*", "/", "^", "%", "and", "or", "not", "if", "else", "for",
     "in", "def", "return", "load", "round", "indicator", "True", "\n", '"', "#", "range", "zip", "len", "hist", "'",
     "set example", "show example", "s-op examples off", "full seq display on", "exit", "exit()", "set", "draw", "out",
     "tokens_int", "average", "max", "f(x)", "x =", ";\n", "def f(x) { return", "; }", "for x in", '"ab"', ":layers"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=25).map(" ".join)))
@example("x = " + "(" * 1000)
@example("x = " + "[" * 100_000)
@example("x = " + ")" * 1000)
@example("x = " + "{1: " * 1000 + "}" * 1000 + ";")
@example("def f(a) {" * 1000)
@example("x = " + "[" * 1000 + "]" * 1000 + " in [" + "[" * 1000 + "]" * 1000 + "];")
@example("x = {" + "[" * 1000 + "]" * 1000 + ": 1};")
@example('load "' + "a" * 100_000 + '";')
@example('load "\\\0";')
@example("x = tokens(" + "[" * 2000 + "]" * 2000 + ");")
def test_any_text_gets_an_answer_or_an_error_of_ours(text: str) -> None:
    """Nothing but RaspcError comes out of any text, and its message has a place."""
    try:
        Environment(manner=Manner(steps=20_000)).run(Source("prog.rasp", text))
    except RaspcError as error:
        assert re.match(r"prog.rasp:\d+:\d+: .+\n  \d+ \| ", str(error))


@given(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=25).map(" ".join)))
@example("set example " + "[" * 1000)
@example("exit" * 1000)
@example("1 if " * 500 + "else" * 500)
@example("\n" * 10 + ":compile x\n:trace\n:save")
def test_the_prompt_answers_anything(text: str) -> None:
    """Whatever is typed, an error is ours and has its place; the sitting goes on, or ends where it is told to."""
    out = io.StringIO()
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):  # what is drawn and saved goes there
        assert main(io.StringIO(text), out, Manner(steps=5_000)) == 0
    assert "raspc failed" not in out.getvalue()


@pytest.mark.parametrize(
    ("text", "place", "marked"),
    [("y = 1;\nx = aggregate(full_s, tokens);", "2:5", "^" * 25), ("x = tokens / 2;", "1:12", "^"),
     ("x = tokens_int + 1;", "1:16", "^")],
)  # fmt: skip
def test_a_refusal_of_the_compiler_shows_the_place(text: str, place: str, marked: str) -> None:
    """What is undefined on some input of the vocabulary is refused with the line of the text and a caret."""
    program = load_program(text, "x")
    with pytest.raises(UnsupportedProgram) as caught:
        raspc.compile(program, ["a", "b"], 3)
    message = str(caught.value)
    assert f"\n<text>:{place}\n" in message
    assert message.endswith(f" {marked}")
