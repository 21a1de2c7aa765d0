"""The grammar: precedence, literals, and what stands where; long and deep texts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc.text.environment import LIBRARY, Environment
from raspc.text.operators import BINARY
from raspc.text.parsing import parse, parser
from raspc.text.source import Source


def value(text: str) -> Any:
    """The value of an expression in a fresh environment."""
    (done,) = Environment().steps(Source("test", f"{text};"))
    return done.value


PYTHON = {"^": "**", **{symbol: symbol for symbol in ("+", "-", "*", "%", "==", "!=", "<", "<=", ">", ">=")}}
LEVELS = [["and", "or"], ["==", "!=", "<", "<=", ">", ">="], ["+", "-"], ["%"], ["*"], ["^"]]
"""From the loosest to the tightest, as the language's description has them; all associate to the left."""


def bracketed(operands: list[str], operators: list[str]) -> str:
    """The chain with brackets: split at the last of the loosest operators. Another algorithm than the parser's."""
    if not operators:
        return operands[0]
    level = next(level for level in LEVELS if any(o in level for o in operators))
    at = max(i for i, o in enumerate(operators) if o in level)
    left, right = bracketed(operands[: at + 1], operators[:at]), bracketed(operands[at + 1 :], operators[at + 1 :])
    joined = f"({left} {PYTHON.get(operators[at], operators[at])} {right})"
    return f"bool{joined}" if operators[at] in ("and", "or") else joined


SMALL = st.sampled_from(["1", "2", "3"])
CHAINS = st.integers(0, 6).flatmap(
    lambda n: st.tuples(
        st.lists(SMALL, min_size=n + 1, max_size=n + 1),
        st.lists(st.sampled_from([*PYTHON, "and", "or"]), min_size=n, max_size=n),
    )
)


@given(CHAINS)
def test_precedence(chain: tuple[list[str], list[str]]) -> None:
    """A chain of operators means what its bracketed form means in Python; `and` and `or` give booleans."""
    operands, operators = chain
    text = " ".join(x for pair in zip(operands, [*operators, ""], strict=True) for x in pair)
    try:
        expected = eval(bracketed(operands, operators), {})
    except (ZeroDivisionError, OverflowError):
        return
    if isinstance(expected, int) and expected.bit_length() > 4000:
        return
    assert value(text) == expected
    assert type(value(text)) is type(expected)


def test_every_operator_has_a_level() -> None:
    """The table of the levels above leaves out `/` (between `^` and `%`, with `*`) and `in` (loosest of all) alone."""
    assert set(BINARY) == {o for level in LEVELS for o in level} | {"/", "in"}
    assert BINARY["/"].precedence == BINARY["*"].precedence
    assert BINARY["in"].precedence < min(operator.precedence for o, operator in BINARY.items() if o != "in")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2^2", 4),
        ("not 1 == 0", True),
        ("not 0 == 0", False),
        ("1 if 0 else 2 if 0 else 3", 3),
        ("1 if True else 2 if False else 3", 3),
        ("1 if 1 if True else 0 else 4", 1),
        ("1 if 0 if True else 1 else 4", 4),
        ("1 if [] else 2", 2),
        ('1 if [0] else 2', 1),
        ('1 if "" else 2', 2),
        ("5 if True else 2 in [2]", False),
        ("2 if True else 5 in [2]", True),
        ("1 > 0 and 2 in [True]", True),
        ("1 in [1] in [True]", True),
        ("not 1 in [False]", True),
        ("1 and 2", True),
        ('0 or "a"', True),
        ('0 or ""', False),
        ('"ab" * 3', "ababab"),
        ('3 * "ab"', "ababab"),
        ("[1] * 3", [1, 1, 1]),
        ("2 * [1, 2]", [1, 2, 1, 2]),
        ("[1, 2] == [1, 2]", True),
        ("[1, [2]] != [1, [3]]", True),
        ('{"a": [1]} == {"a": [1]}', True),
        ("range(True)", [0]),
        ("(1 if 1 else 2) + 1", 2),
        ("1 if 1 else 2 + 1", 1),
        ("round(2.6) ^ 2", 9),
        ("round 2.6 ^ 2", 9),
        ("indicator(1 == 1) + 1", 2),
        ("round -2.6", -3),
        ("- - 3", 3),
        ("+3 - -2", 5),
        ("7 / 2", 3.5),
        ("7 % 4 * 2", 7),
        ('"a" + "b" == "ab"', True),
        ("[1, 2, 3,][1]", 2),
        ("[[1, 2], [3]][0][1]", 2),
        ('{"a": 1, "b": 2,}["b"]', 2),
        ("{[1, 2]: 3}[[1, 2]]", 3),
        ("[]", []),
        ("{}", {}),
        ("[x + y for x, y in zip([1, 2], [3, 4])]", [4, 6]),
        ("{x: x * x for x in range(3)}", {0: 0, 1: 1, 2: 4}),
        ("[[x * y for x in range(y)] for y in [1, 2]]", [[0], [0, 2]]),
        ("range(1, 7, 3)", [1, 4]),
        ("len([1, 2]) + len({1: 2}) + len(\"abc\")", 6),
        ("2 in [1, 2]", True),
        ('"c" in {"a": 1}', False),
        ('"ab"[1]', "b"),
        (r'"a\nb"', r"a\nb"),
        (r'len("a\nb")', 4),
        ('"C:\\"', "C:\\"),
        ('"#" + "a"', "#a"),
        (".5 + 1.", 1.5),
        ("1e3 + 2.5E-1", 1000.25),
        ("1.0 + 1", 2.0),
        ("True and False", False),
        ("True or False and False", False),
        ("[1, 2] + [3]", [1, 2, 3]),
        ('(indices + 1)("ab")', [1, 2]),
        ('round(indices / 2)("abc")', [0, 0, 1]),
        ('not (tokens == "a")("ab")', None),
    ],
)  # fmt: skip
def test_expressions(text: str, expected: Any) -> None:
    """One expression for each construct and each doubtful reading."""
    if expected is None:
        with pytest.raises(Exception, match="needs an s-op or an atom; found a list"):
            value(text)
    else:
        found = value(text)
        assert found == expected
        assert type(found) is type(expected) or isinstance(found, list)


@given(st.text(st.characters(codec="utf-8", exclude_characters='\n"'), max_size=20))
def test_strings_are_read_back(text: str) -> None:
    """A string is what stands between the quotes: there are no escapes."""
    assert value(f'"{text}"') == text


def test_comments_and_semicolons() -> None:
    """Comments stand anywhere; a block may be followed by a semicolon."""
    text = "# first\nx = 1; # then\ndef f(a) { # inside\n return a; };\nfor y in [1] { x = y + 1; }# end"
    environment = Environment()
    environment.run(Source("test", text))
    assert environment.own["x"] == 2


def test_two_thousand_lines_parse_in_half_a_second() -> None:
    """The library's own files, repeated to 2,000 lines; the least of three runs, since machines are shared."""
    lines = "".join(path.read_text() for path in sorted(LIBRARY.glob("*.rasp"))).splitlines()
    text = "\n".join((lines * (2000 // len(lines) + 1))[: len(lines) * (2000 // len(lines))])
    text += "\n" + "\n".join(f"x{i} = aggregate(select(tokens, tokens, ==), indices + {i});" for i in range(100))
    assert 1900 <= text.count("\n") <= 2100
    parser()
    assert min(_seconds_to_parse(text) for _ in range(3)) < 0.5


def _seconds_to_parse(text: str) -> float:
    start = time.process_time()
    parse(Source("test", text))
    return time.process_time() - start


DEEP = {
    "round brackets": ("(" * 1000 + "1" + ")" * 1000, 1),
    "round brackets around sums": ("(1 + " * 1000 + "1" + ")" * 1000, 1001),
    "calls": ("round(" * 1000 + "1" + ")" * 1000, 1),
    "prefixes": ("- " * 1000 + "1", 1),
    "choices": ("1 if 0 else " * 1000 + "2", 2),
    "a long sum": ("1" + " + 1" * 20_000, 20_001),
    "a chain of powers": ("1" + " ^ 1" * 20_000, 1),
    "indices": ("[" * 1000 + "5" + "]" * 1000 + "[0]" * 1000, 5),
    "comprehensions": ("[" * 300 + "1" + " for x in [1]]" * 300 + "[0]" * 300, 1),
}


@pytest.mark.parametrize("name", DEEP)
def test_nesting_has_an_answer(name: str) -> None:
    """Nesting of a thousand brackets, and chains of thousands of operators, are computed."""
    text, expected = DEEP[name]
    assert value(text) == expected


def test_deep_expressions_of_sops() -> None:
    """A thousand nested elementwise operations make a program that runs."""
    assert value("(1 + " * 1000 + "indices" + ")" * 1000 + '("abc")') == [1000, 1001, 1002]


def test_a_thousand_functions_call_each_other() -> None:
    """A chain of calls is bounded by memory, not by Python's stack."""
    text = "def f0(x) { return x; }\n"
    text += "".join(f"def f{i}(x) {{ return f{i - 1}(x) + 1; }}\n" for i in range(1, 1000))
    environment = Environment()
    environment.run(Source("test", text + "y = f999(indices);"))
    assert environment.own["y"]("ab") == [999, 1000]


def test_a_megabyte() -> None:
    """A file of a megabyte is read and carried out."""
    text = "".join(f"x{i} = {i} + 1;  # {'padding ' * 12}\n" for i in range(9000))
    assert len(text) > 1_000_000
    environment = Environment()
    environment.run(Source("test", text))
    assert environment.own["x8999"] == 9000
