"""Statements, functions, loops, files: which names hold where, and what is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from raspc import rasp
from raspc.errors import InputError, InvalidProgram
from raspc.text import Environment, load_program
from raspc.text.environment import LIBRARY
from raspc.text.source import Source


def names_of(text: str, folder: Path | None = None) -> dict[str, Any]:
    """The names that a text defines."""
    environment = Environment(folder)
    environment.run(Source("test", text))
    return environment.own


STATEMENTS = [
    ("x = 1; y = x + 1;", {"x": 1, "y": 2}),
    ("x, y = 1, 2; x, y = y, x;", {"x": 2, "y": 1}),
    ("x, y = [1, 2];", {"x": 1, "y": 2}),
    ("def f(a, b) { return a + b, a - b; } x, y = f(5, 3);", {"x": 8, "y": 2}),
    ("def f(a, b = 2) { return a * b; } x = f(3); y = f(3, b=5); z = f(b=1, a=4);", {"x": 6, "y": 15, "z": 4}),
    ("k = 1; def f(a) { return a + k; } k = 10; x = f(1);", {"x": 11}),
    ("def g() { return f(1); } def f(a) { return a + 1; } x = g();", {"x": 2}),
    ("def f(a) { return a + 1; } def g(a) { return f(a); } def f(a) { return a * 5; } x = g(3);", {"x": 15}),
    ("def f(n) { return 1 if n == 0 else n * f(n - 1); } x = f(5);", {"x": 120}),
    ("def even(n) { return True if n == 0 else odd(n - 1); }"
     "def odd(n) { return False if n == 0 else even(n - 1); } x = even(7);", {"x": False}),
    ("def f(n) { return 0 if n == 0 else f(n - 1); } g = f; def f(n) { return 7; } x = g(5);", {"x": 7}),
    ("def outer(a) { def inner(z) { return z + a + b; } b = 100; return inner(1); } x = outer(10);", {"x": 111}),
    ("for i in [1, 2] { k = i; def f(a) { return a + k; } x = f(10); }", {"x": 12, "i": 2}),
    ("k = 1; def f(a) { k = k + a; return k; } x = f(5); y = k;", {"x": 6, "y": 1}),
    ("def twice(f, a) { return f(f(a)); } def g(a) { return a * 3; } x = twice(g, 2);", {"x": 18}),
    ("def add(n) { def f(a) { return a + n; } return f; } g = add(2); x = g(5);", {"x": 7}),
    ("x = 0; for i in range(4) { x = x + i; }", {"x": 6}),
    ("x = 0; for a, b in zip([1, 2], [10, 20]) { x = x + a * b; }", {"x": 50}),
    ("i = 7; x = 0; for i in [1, 2] { x = x + i; } y = i;", {"x": 3, "y": 2}),
    ("a = 1; for a in [5, 6] { b = a; } x = a;", {"x": 6}),
    ("x = 1, 2;", {"x": [1, 2]}),
    ("def f(a) { return a, a + 1; } x = f(1); y = f(1)[0]; a, b = f(5);", {"x": [1, 2], "y": 1, "a": 5, "b": 6}),
    ('x, y = "ab";', {"x": "a", "y": "b"}),
    ('x = ""; for a, b in ["ab", "cd"] { x = x + b + a; }', {"x": "badc"}),
    ('x = [a + "-" + b for a, b in ["ab", "cd"]];', {"x": ["a-b", "c-d"]}),
    ("def f(tokens, length, indices) { return tokens + length + indices; } x = f(1, 2, 3);", {"x": 6}),
    ("def f(full_s) { return full_s; } x = f(1);", {"x": 1}),
    ("3; x = out + 1;", {"x": 4}),
    ("3; x = 5; y = out;", {"y": 3}),
    ("out = 7; 3; x = out;", {"x": 7}),
    ("exit = 1; set = 2; example = 3; full = 4; x = exit + set + example + full;", {"x": 10}),
    ("x = 0; for a in [1, 2] { for b in [1, 2] { x = x + a * b; } }", {"x": 9}),
    ('x = ""; for c in "abc" { x = c + x; }', {"x": "cba"}),
    ("x = 0; for k in {1: 5, 2: 6} { x = x + k; }", {"x": 3}),
    ("def f(list) { x = 0; for a in list { x = x + a; } return x; } y = f([1, 2, 3]);", {"y": 6}),
    ("sort = 5; x = sort;", {"sort": 5, "x": 5}),
    ("fs = {\"a\": [1, 2]}; x = fs[\"a\"][1];", {"x": 2}),
    ("def f(a,) { return a; } x = f(1,);", {"x": 1}),
    ("def f() { return 1; } x = f();", {"x": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), STATEMENTS)
def test_statements(text: str, expected: dict[str, Any]) -> None:
    """Assignments, closures over values, several results, loops."""
    found = names_of(text)
    assert {name: found[name] for name in expected} == expected


ON_INPUTS = [
    ("tokens", "ab", ["a", "b"]),
    ("tokens_int + 1", "123", [2, 3, 4]),
    ("tokens_float / 2", "12", [0.5, 1.0]),
    ("tokens_str + tokens_str", [1, 2.0, 2.5], ["11", "2.02.0", "2.52.5"]),
    ("tokens + tokens", [1, 2, 3], ["11", "22", "33"]),
    ('tokens == "1"', [1, 2, 3], [True, False, False]),
    ("tokens_asis + tokens_asis", [1, 2, 3], [2, 4, 6]),
    ("tokens_asis", [1, "a", 2.5], [1, "a", 2.5]),
    ("tokens_int", [1.7, "2", True], [1, 2, 1]),
    ("tokens_float", "012", [0.0, 1.0, 2.0]),
    ("not tokens_bool", ["T", "False", 1, 0, "0", ""], [False, False, False, True, False, True]),
    ("indicator(tokens_bool)", [1, 0, "F"], [1, 0, 1]),
    ("tokens[0]", "abc", ["a", "a", "a"]),
    ("tokens[-1]", "abc", ["c", "c", "c"]),
    ("tokens[3]", "abc", [0, 0, 0]),
    ("tokens[-4]", "abc", [0, 0, 0]),
    ("tokens[1.0]", "abc", ["b", "b", "b"]),
    ("(indices + 1)[-1][0]", "abc", [3, 3, 3]),
    ("sort(tokens, tokens)[-1]", "bca", ["c", "c", "c"]),
    ("tokens and indices", "ab", [False, True]),
    ("indices or 0", "ab", [False, True]),
    ("tokens and tokens", "ab", [True, True]),
    ("tokens * 3", "ab", ["aaa", "bbb"]),
    ("indices * \"ab\"", "abc", ["", "ab", "abab"]),
    ('indices > 0 and (tokens in ["a", "b"])', "abba", [False, True, True, True]),
    ('indices > 0 and tokens in ["a", "b"]', "abba", [False, False, False, False]),
    ('"T" if tokens == "a" else "F" if tokens == "b" else "P"', "abba", ["P", "F", "F", "P"]),
    ('count(tokens, "l")', "hello", [2, 2, 2, 2, 2]),
    ("count(tokens, tokens)", "hello", [5, 5, 5, 5, 5]),
    ('count("l", tokens)', "hello", [2, 2, 2, 2, 2]),
    ('shift(tokens, indices, "-")', "hello", ["h", "-", "e", "-", "l"]),
    ("max(indices, 2)", "hello", [2, 2, 2, 3, 4]),
    ("min(indices, 2)", "hello", [0, 1, 2, 2, 2]),
    ('mark_first_instance(tokens, "l")', "hello", [False, False, True, False, False]),
    ('mark_last_instance(tokens, "l")', "hello", [False, False, False, True, False]),
    ("mark_first_instance(tokens, tokens)", "hello", [True, False, False, False, False]),
    ('aggregate(select_from_first(tokens, "l"), indices)', "hello", [2, 2, 2, 2, 2]),
    ('aggregate(select_from_last(tokens, "l"), indices)', "hello", [3, 3, 3, 3, 3]),
    ('selector_width(select_from_first(tokens, "z"))', "hello", [0, 0, 0, 0, 0]),
    ("length - indices", "abc", [3, 2, 1]),
    ("indices ^ 2 % 3", "abc", [0, 1, 1]),
    ("2 ^ indices", "abc", [1, 2, 4]),
    ("indices ^ indices", "abc", [1, 1, 4]),
    ("-indices", "abc", [0, -1, -2]),
    ("+indices", "abc", [0, 1, 2]),
    ("round(indices / 4)", "abcd", [0, 0, 0, 1]),
    ('"x" if indices % 2 == 0 else tokens', "abc", ["x", "b", "x"]),
    ("1 if True else tokens", None, 1),
    ("indices if length > 1 else 5", "ab", [0, 1]),
    ('tokens in ["a", "b"]', "abc", [True, True, False]),
    ('tokens in {"a": 0}', "ab", [True, False]),
    ('"c" in tokens', "abc", [True, True, True]),
    ('"d" in tokens', "abc", [False, False, False]),
    ("indices in tokens_int", "110", [True, True, False]),
    ("[10, 20, 30][indices]", "abc", [10, 20, 30]),
    ('"xyz"[indices]', "abc", ["x", "y", "z"]),
    ('{"a": 1, "b": 2}[tokens]', "ba", [2, 1]),
    ("[10, 20][aggregate(full_s, indices)]", "abc", [20, 20, 20]),
    ("tokens == \"a\" and indices > 0", "aa", [False, True]),
    ("tokens == \"a\" or indices > 0", "ab", [True, True]),
    ("aggregate(select(indices, indices - 1, ==), tokens)", "abc", [0, "a", "b"]),
    ("aggregate(select(indices, indices - 1, ==), tokens, \"-\")", "abc", ["-", "a", "b"]),
    ("aggregate(select(indices, 0, ==), 7)", "abc", [7, 7, 7]),
    ("aggregate(select(1, indices, ==), indices)", "abc", [0, 1.0, 0]),
    ("selector_width(select(indices, indices, <))", "abc", [0, 1, 2]),
    ("selector_width(select(indices, indices, <=) and not select(indices, 0, ==))", "abc", [0, 1, 2]),
    ("selector_width(select(indices, 0, ==) or select(indices, 2, ==), assume_bos=True)", "abc", [2, 2, 2]),
    ("selector_width(full_s)", "abc", [3, 3, 3]),
    ("aggregate(full_s, tokens == \"a\")", "ab", [0.5, 0.5]),
    ("aggregate(latest(select(tokens, tokens, ==)), indices)", "aba", [2, 1, 2]),
    ("aggregate(earliest(select(tokens, tokens, ==)), indices)", "aba", [0, 1, 0]),
    ("aggregate(best(full_s, indices % 2), tokens)", "ab", ["b", "b"]),
    ("aggregate(best(full_s, indices, \"min\"), tokens)", "ab", ["a", "a"]),
    ("selector_width(best(full_s, tokens, end=\"max\"))", "bab", [2, 2, 2]),
    ("aggregate_sum(select(indices, indices, <), tokens_int)", "312", [0, 3, 4]),
    ("aggregate_sum(select(indices, indices, <), tokens_int, \"-\")", "31", ["-", 3]),
    ("aggregate(select(tokens, \"=\", ==), indices, default=-1, single=True)", "a=", [1, 1]),
    ("assume(indices, [0, 1]) + assume(length, range(3))", "ab", [2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "xs", "expected"), ON_INPUTS)
def test_sops(text: str, xs: Any, expected: Any) -> None:
    """What s-ops of each construct give on an input."""
    value = names_of(f"x = {text};")["x"]
    found = value if xs is None else value(xs)
    assert found == expected
    if isinstance(found, list):
        assert [type(x) for x in found] == [type(x) for x in expected]


@pytest.mark.parametrize("symbol", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize(("keys", "queries"), [("indices", "indices"), ("1", "indices"), ("indices", "1"), ("1", "1")])
def test_select(symbol: str, keys: str, queries: str) -> None:
    """Rows are queries, columns are keys; the comparison reads key first; atoms stand on either side."""
    matrix = names_of(f"s = select({keys}, {queries}, {symbol});")["s"]("abc")
    side = {"indices": lambda i: i, "1": lambda i: 1}
    assert matrix == [
        [eval(f"{side[keys](k)} {symbol} {side[queries](q)}") for k in range(3)] for q in range(3)
    ]  # fmt: skip


def test_names_are_given_to_expressions() -> None:
    """An s-op bears the public name that it was assigned to; a private one bears none."""
    found = names_of("hist = selector_width(full_s); _x = tokens + 1; s = select(1, 1, ==);")
    assert found["hist"].given_name == "hist"
    assert found["s"].given_name == "s"
    assert found["_x"].given_name is None


def test_expressions_know_their_place() -> None:
    """Each expression that a text builds carries the place of its operator, for messages."""
    found = names_of("x = 1;\ny = tokens + 1;")
    assert str(found["y"].annotations["location"]) == "test:2:12"


def test_loading(tmp_path: Path) -> None:
    """Public names come from a file and from what it loads; private names stay; the folder is the file's own."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.rasp").write_text('load "b"; x = y + _z; _private = 1;')
    (tmp_path / "inner" / "b.rasp").write_text("y = 1; _z = 100;")
    with pytest.raises(InvalidProgram, match='unknown name "_z"'):
        names_of('load "inner/a.rasp";', tmp_path)
    (tmp_path / "inner" / "a.rasp").write_text('load "b"; x = y + 1; _private = 1;')
    environment = Environment(tmp_path)
    environment.run(Source("test", 'load "inner/a";'))
    assert environment.loaded == {"x": 2, "y": 1}


def test_each_file_once(tmp_path: Path) -> None:
    """A file is carried out once in an environment, whoever loads it; all loaders receive its names."""
    (tmp_path / "shared.rasp").write_text('x = tokens + "!";')
    (tmp_path / "a.rasp").write_text('load "shared"; a = x;')
    (tmp_path / "b.rasp").write_text('load "shared"; b = x;')
    environment = Environment(tmp_path)
    environment.run(Source("test", 'load "a"; load "b"; load "shared.rasp";'))
    assert len(environment.files.exports) == 3
    first = environment.loaded["x"]
    (tmp_path / "shared.rasp").write_text("x = 5;")
    environment.run(Source("test", 'load "shared";'))
    assert environment.loaded["x"] is first


def test_a_file_beside_the_loader_comes_before_the_library(tmp_path: Path) -> None:
    """`load "paper"` finds paper.rasp here first, and the package's only where there is none."""
    assert "reverse" in _loaded(tmp_path, "paper")
    (tmp_path / "paper.rasp").write_text("mine = 1;")
    assert _loaded(tmp_path, "paper") == {"mine": 1}


def _loaded(folder: Path, name: str) -> dict[str, Any]:
    environment = Environment(folder)
    environment.run(Source("test", f'load "{name}";'))
    return environment.loaded


def test_what_was_defined_last_holds(tmp_path: Path) -> None:
    """A load replaces a name of before; a later assignment replaces a loaded one."""
    (tmp_path / "a.rasp").write_text("x = 1;")
    environment = Environment(tmp_path)
    environment.run(Source("test", 'x = 5; load "a"; y = x; x = 7; z = x;'))
    assert (environment.own["y"], environment.own["z"]) == (1, 7)


def test_load_program(tmp_path: Path) -> None:
    """The last s-op, or the one that is named, of a file or a text."""
    path = tmp_path / "prog.rasp"
    path.write_text("\ufefffirst = tokens;\r\nlast = indices;\r\nk = 5;\r\ns = full_s;\r\nfirst = first;\r\n")
    assert load_program(path)("ab") == ["a", "b"]
    assert load_program(f"{path}:last")("ab") == [0, 1]
    assert load_program(path, "last")("ab") == [0, 1]
    assert isinstance(load_program(path, "s"), rasp.Selector)
    assert load_program("x = indices; y = 1;")("ab") == [0, 1]
    assert load_program('load "paper";', "reverse")("ab") == ["b", "a"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("k", '"k" is a number; needed an s-op or a selector'),
     ("f", r'"f" is a function; needed .* `answer = f\(a, b\);`'),
     ("lst", 'defines no "lst"; did you mean "last"?')],
)  # fmt: skip
def test_load_program_refuses(name: str, message: str) -> None:
    """A name that is no s-op or selector says what it is."""
    with pytest.raises(InputError, match=message):
        load_program("last = tokens; k = 5; def f(a, b) { return a; }", name)


def test_the_library_is_all_loadable() -> None:
    """Every file of the package's library loads alone and together with the others."""
    together = Environment()
    for path in sorted(LIBRARY.glob("*.rasp")):
        alone = Environment()
        alone.run(Source("test", f'load "{path.stem}";'))
        together.run(Source("test", f'load "{path.stem}";'))
        assert set(alone.loaded) <= set(together.loaded)
