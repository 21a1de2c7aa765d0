"""What a syntax tree means: values, and expressions of `raspc.rasp` where s-ops take part.

Each rule is a generator that yields the nodes whose values it needs, and returns its own value. One loop runs
them on a stack of its own, so neither nested brackets nor long chains of calls meet Python's recursion limit,
and one counter bounds the work that a short text can ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from raspc.text import expressions, statements, syntax
from raspc.text.frames import Frame, Steps
from raspc.text.kinds import Value
from raspc.text.operators import Refused
from raspc.text.source import TextError
from raspc.text.syntax import Node

RULES = {**expressions.RULES, **statements.RULES}

MAX_CALLS_SHOWN = 3


def evaluate(node: Node, frame: Frame) -> Value:
    """The value of a node; assignments bind names in the frame.

    Raises TextError, with its place, whatever is wrong with the program.
    """
    stack: list[tuple[Steps, Node, Frame]] = []
    request: tuple[Node, Frame] | None = (node, frame)
    value: Value = None
    try:
        while request or stack:
            if request:
                node, frame = request
                value, request = _start(node, frame, stack), None
                continue
            steps, node, frame = stack[-1]
            try:
                request = steps.send(value)
            except StopIteration as done:
                stack.pop()
                value = done.value
            else:
                value = None
    except Refused as error:
        raise _traced(TextError(str(error), frame.at(node)), stack) from error
    except TextError as error:
        raise _traced(error, stack) from error.__cause__
    return value


def _start(node: Node, frame: Frame, stack: list[tuple[Steps, Node, Frame]]) -> Value:
    """The value of a leaf; of any other node the start of its rule, put on the stack."""
    while isinstance(node, syntax.Brackets):
        node = node.inner
    frame.budget.spend()
    if leaf := expressions.LEAVES.get(type(node)):
        return leaf(node, frame)
    stack.append((RULES[type(node)](node, frame), node, frame))
    return None


def _traced(error: TextError, stack: Sequence[tuple[Steps, Node, Frame]]) -> TextError:
    """The error with the innermost calls that led to it."""
    calls = [(node, frame) for (_, node, frame), (_, _, inner) in pairwise(stack)
             if isinstance(node, syntax.Call) and inner is not frame]  # fmt: skip
    for node, frame in calls[: -MAX_CALLS_SHOWN - 1 : -1]:
        error = error.called_from(frame.at(node))
    return error
