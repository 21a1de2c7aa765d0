"""Text that RASP and Python group in two ways: what is told, what brackets silence, what is refused."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc.errors import InvalidProgram
from raspc.text import Environment, load_program
from raspc.text.environment import LIBRARY, Manner
from raspc.text.files import read
from raspc.text.parsing import parse
from raspc.text.readings import doubtful
from raspc.text.source import Source


def readings(text: str) -> list[tuple[str, str]]:
    """How RASP and how Python read each doubtful stretch of an expression."""
    source = Source("test", f"x = {text};")
    return [(found.ours, found.pythons) for found in doubtful(parse(source), source)]


DOUBTFUL = [
    ('a > 0 and t in ["a"]', '(a > 0 and t) in ["a"]', 'a > 0 and (t in ["a"])'),
    ("a in b if c else d", "a in (b if c else d)", "(a in b) if c else d"),
    ("a if b else c in d", "(a if b else c) in d", "a if b else (c in d)"),
    ("a if b else c if d else e", "(a if b else c) if d else e", "a if b else (c if d else e)"),
    ("a or b and c", "(a or b) and c", "a or (b and c)"),
    ("not a == b", "(not a) == b", "not (a == b)"),
    ("not a in b", "(not a) in b", "not (a in b)"),
    ("a < b < c", "(a < b) < c", "(a < b) and (b < c)"),
    ("a < b + 1 == c", "(a < b + 1) == c", "(a < b + 1) and (b + 1 == c)"),
    ("not a < b < c", "((not a) < b) < c", "not ((a < b) and (b < c))"),
    ("d and a < b < c < e", "d and ((a < b) < c) < e", "d and ((a < b) and (b < c) and (c < e))"),
    ("a in b in c", "(a in b) in c", "(a in b) and (b in c)"),
    ("-a ^ b", "(-a) ^ b", "-(a ^ b)"),
    ("a ^ b ^ c", "(a ^ b) ^ c", "a ^ (b ^ c)"),
    ("a % b * c", "a % (b * c)", "(a % b) * c"),
    ("f(a or b and c)", "(a or b) and c", "a or (b and c)"),
    ("1 if a or b and c else 2", "(a or b) and c", "a or (b and c)"),
]


@pytest.mark.parametrize(("text", "ours", "pythons"), DOUBTFUL)
def test_both_readings_are_shown(text: str, ours: str, pythons: str) -> None:
    """As RASP's own interpreter groups it, and as Python does."""
    assert readings(text) == [(ours, pythons)]


@pytest.mark.parametrize(("text", "ours", "pythons"), DOUBTFUL)
def test_brackets_settle_it(text: str, ours: str, pythons: str) -> None:
    """Each reading, written with its brackets, has one meaning only; so the brackets are the right ones."""
    assert readings(ours) == []
    assert readings(pythons) == []


AGREED = [
    "a + b * c == d and e", "a - b - c", "a * b / c % d", "not a and b", "a if b in c else d", "(a or b) and c",
    "1 if a if b else 3 else 4", "a == not b", "round(a) ^ b", "2 ^ -1", "a in b", "[a in b, c]", "- - a", "-a * b",
    "a if b else (c if d else e)", "not (a == b)", "a and b and c", "a or b or c", "a and b or c",
]  # fmt: skip


@pytest.mark.parametrize("text", AGREED)
def test_what_has_one_reading_is_not_told(text: str) -> None:
    """Both group alike, or Python takes no such text, or brackets stand."""
    assert readings(text) == []


PIECES = st.sampled_from(["^", "*", "/", "%", "+", "-", "==", "<", ">=", "in", "and", "or"])
RUNS = st.lists(st.tuples(st.sampled_from(["", "not ", "-"]), PIECES), min_size=1, max_size=5)


class _Flat(ast.NodeTransformer):
    """`(a and b) and c` as `a and b and c`: brackets that change nothing."""

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """One node for a run of one operator."""
        self.generic_visit(node)
        nested = [x.values if isinstance(x, ast.BoolOp) and type(x.op) is type(node.op) else [x] for x in node.values]
        return ast.BoolOp(node.op, [value for values in nested for value in values])


def python_tree(text: str) -> str:
    """What Python makes of a text."""
    return ast.dump(_Flat().visit(ast.parse(text.replace("^", "**"))))


@given(RUNS)
def test_the_reading_of_python_is_pythons(run: list[tuple[str, str]]) -> None:
    """What is shown as Python's reading has, for Python, the tree of the text without brackets."""
    names = iter("abcdef")
    text = next(names) + "".join(f" {symbol} {prefix}{next(names)}" for prefix, symbol in run)
    try:
        tree = python_tree(text)
    except SyntaxError:
        assert readings(text) == [] or "not" in text
        return
    for _, pythons in readings(text):
        if pythons.count("and") == text.count("and"):  # no chain of comparisons, which is written out
            assert python_tree(pythons) == tree


def test_a_warning_has_its_place() -> None:
    """File, line, column, both readings, the line with carets."""
    text = 'y = 1;\nx = indices > 0 and tokens in ["a", "b"];'
    with pytest.warns(raspc.DoubtfulText) as caught:
        program = load_program(text)
    assert program("abba") == [False] * 4
    assert str(caught[0].message) == (
        '<text>:2:5: RASP reads `(indices > 0 and tokens) in ["a", "b"]`, '
        'Python would read `indices > 0 and (tokens in ["a", "b"])`; write the brackets that you mean\n'
        '  2 | x = indices > 0 and tokens in ["a", "b"];\n'
        "    |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    )


DOUBTFUL_STATEMENTS = [
    "x = 1 or 0 and 0;", "def f(a) { return not a == 1; }", "for a in [1 or 0 and 0] { b = a; }", "1 < 2 < 3;",
    'set example "a" if 1 else "b" if 1 else "c"',
]  # fmt: skip


@pytest.mark.parametrize("text", DOUBTFUL_STATEMENTS)
def test_strict_refuses(text: str, tmp_path: Path) -> None:
    """Such text is an error with its place, in a loaded file too; without `strict` it is carried out."""
    with pytest.raises(InvalidProgram, match=r"test:1:\d+: RASP reads .* Python would read .*brackets"):
        Environment(manner=Manner(strict=True)).run(Source("test", text))
    lax = Environment()
    lax.run(Source("test", text))
    assert len([note for note in lax.files.notes if "RASP reads" in note]) == 1
    (tmp_path / "p.rasp").write_text(text)
    with pytest.raises(InvalidProgram, match=r"p.rasp:1:\d+: RASP reads"):
        Environment(tmp_path, manner=Manner(strict=True)).run(Source("test", 'load "p";'))


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.rasp")), ids=lambda path: path.stem)
def test_our_own_library_has_one_reading(path: Path) -> None:
    """No text of the package is doubtful."""
    source = read(path)
    assert list(doubtful(parse(source), source)) == []


def test_long_runs() -> None:
    """A run of twenty thousand operators is read without recursion, and shown cut."""
    ((ours, pythons),) = readings("a < " * 20_000 + "a")
    assert ours.endswith("…")
    assert pythons.endswith("…")


MEANINGS: list[tuple[str, str, list[Any]]] = [
    ('indices > 0 and tokens in ["a", "b"]', "abba", [False] * 4),
    ("indices or 0 and 0", "ab", [False, False]),
    ("not indices == 0", "ab", [False, True]),
]


@pytest.mark.parametrize(("text", "xs", "expected"), MEANINGS)
def test_the_first_reading_is_what_is_meant(text: str, xs: str, expected: list[Any]) -> None:
    """The text and the reading that is shown as RASP's have the same values."""
    ((ours, _),) = readings(text)
    with pytest.warns(raspc.DoubtfulText):
        program = load_program(f"x = {text};")
    assert program(xs) == load_program(f"x = {ours};")(xs) == expected
