"""What of a program has no meaning, on any input or on one: the interpreter's word, in the form of a list.

Nothing is compiled here. `compile_rasp_to_model` itself says what it cannot compile exactly, and looks at all inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

from raspc import rasp as own
from raspc.errors import InputError, UnsupportedProgram
from raspc.interpret import RULES, interpret
from raspc.rasp import Value


class TracrUnsupportedExpr(UnsupportedProgram):
    """An expression that cannot be compiled, or has no value on an input: `expr`, and the `reason`."""

    def __init__(self, expr: object, reason: str) -> None:
        super().__init__(reason)
        self.expr, self.reason = expr, reason


def validate(
    program: own.SOp, xs: Sequence[Value] | None = None, causal: bool = False
) -> list[TracrUnsupportedExpr]:  # fmt: skip
    """Everything that `static_validate` finds, and, where an input is given, `dynamic_validate`."""
    found = static_validate(program)
    return found if found or xs is None else dynamic_validate(program, xs, causal)


def static_validate(program: own.Expr) -> list[TracrUnsupportedExpr]:
    """What is wrong whatever the input: a program that is no s-op, expressions of unknown kinds."""
    if not isinstance(program, own.SOp):
        reason = f"found {program!r}, needed an s-op: aggregate a selector or take its width"
        return [TracrUnsupportedExpr(program, reason)]
    return [
        TracrUnsupportedExpr(expr, f"{expr!r} is not an expression that raspc knows")
        for expr in own.topological(program)
        if not any(kind in RULES for kind in type(expr).__mro__)
    ]


def dynamic_validate(program: own.SOp, xs: Sequence[Value], causal: bool = False) -> list[TracrUnsupportedExpr]:
    """Why the program has no value on this input: the interpreter stops at the first expression that has none."""
    try:
        interpret(program, xs, causal)
    except InputError as error:
        return [TracrUnsupportedExpr(error.expression or program, str(error))]
    return []
