"""Elementwise expressions mean at each position what Python says, whatever is written inside whatever."""

from __future__ import annotations

import ast
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from raspc.interpret import interpret
from raspc.text import load_program

LEAVES = st.sampled_from(["indices", "length", "tokens_int", "0", "1", "2", "0.5", "True", "False"])
BINARY = ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or")


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An expression around others, with brackets, so that Python reads it as RASP does."""
    return st.one_of(
        st.tuples(inner, st.sampled_from(BINARY), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(st.sampled_from(["not ", "-", "+"]), inner).map(lambda parts: f"({''.join(parts)})"),
        st.tuples(st.sampled_from(["round", "indicator"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
        st.tuples(inner, st.lists(st.integers(0, 3), max_size=3)).map(lambda parts: f"({parts[0]} in {parts[1]})"),
        inner.map(lambda index: f"[10, 20, 30, 40][round({index}) % 4]"),
    )


EXPRESSIONS = st.recursive(LEAVES, larger, max_leaves=8)
INPUTS = st.lists(st.integers(-2, 3), min_size=1, max_size=4)


class Absent(Exception):
    """No value at this position: an arithmetic error, somewhere that the value depends on."""


class _Booleans(ast.NodeTransformer):
    """`and` and `or` of RASP give booleans, whatever they are between."""

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """`bool(x and y)`."""
        return ast.Call(ast.Name("bool", ast.Load()), [self.generic_visit(node)], [])  # type: ignore[list-item]


def at_position(text: str, position: int, xs: list[int]) -> Any:
    """What Python computes; its `and`, `or` and `if` skip what RASP evaluates, so the skipped is evaluated too."""
    names = {"indices": position, "length": len(xs), "tokens_int": xs[position], "indicator": lambda x: 1 if x else 0,
             "round": round}  # fmt: skip
    tree = ast.fix_missing_locations(_Booleans().visit(ast.parse(text, mode="eval")))
    try:
        return eval(compile(tree, "test", "eval"), {"__builtins__": {"bool": bool}}, names)
    except ArithmeticError as error:
        raise Absent from error


@given(EXPRESSIONS, INPUTS)
def test_expressions_mean_what_python_says(text: str, xs: list[int]) -> None:
    """Where Python has a value and RASP one, they are equal; RASP lacks one only where a division by zero stands."""
    try:
        program = load_program(f"x = indices * 0 + ({text});")
    except Exception as error:
        assert "division by zero" in str(error)
        return
    for position, found in enumerate(interpret(program, xs)):
        try:
            expected = at_position(text, position, xs)
        except Absent:
            assert found is None
            continue
        if found is None:
            assert "/" in text or "%" in text
        else:
            assert found == expected
