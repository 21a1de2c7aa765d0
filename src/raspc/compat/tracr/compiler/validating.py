"""What of a program cannot be compiled: the errors of the compiler itself, as a list.

An empty list means that `compile_rasp_to_model` takes the program.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from raspc import rasp as own
from raspc.compat.tracr.compiler import compiling
from raspc.errors import InvalidProgram, RaspcError, UncertainProgram
from raspc.interpret import RULES
from raspc.rasp import Value


def validate(program: own.SOp, xs: Sequence[Value], causal: bool = False) -> list[RaspcError]:
    """Everything that `static_validate` and `dynamic_validate` find."""
    return static_validate(program) or dynamic_validate(program, xs, causal)


def static_validate(program: own.Expr) -> list[RaspcError]:
    """What is wrong whatever the input: a program that is no s-op, expressions of unknown kinds."""
    if not isinstance(program, own.SOp):
        return [InvalidProgram(f"found {program!r}, needed an s-op: aggregate a selector or take its width")]
    return [
        InvalidProgram(f"{expr!r} is not an expression that raspc knows")
        for expr in own.topological(program)
        if not any(kind in RULES for kind in type(expr).__mro__)
    ]


def dynamic_validate(program: own.SOp, xs: Sequence[Value], causal: bool = False) -> list[RaspcError]:
    """Why the program does not compile for the tokens of an input and up to its length."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncertainProgram)
            compiling.compile_rasp_to_model(program, set(xs), max(len(xs), 1), causal)
    except RaspcError as error:
        return [error]
    return []
