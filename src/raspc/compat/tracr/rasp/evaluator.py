"""What a program means, one overridable method for each kind of expression.

The meaning itself is that of `raspc.interpret`; this is the door through which Tracr's users change it.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar

from raspc import rasp as own
from raspc.compat.tracr.rasp.expressions import KINDS
from raspc.errors import InvalidProgram
from raspc.interpret import step
from raspc.rasp import Value

Method = Callable[[Any, Sequence[Value]], Any]
Memory = dict[tuple[int, int, int], tuple[Any, ...]]

_memory: ContextVar[Memory | None] = ContextVar("memory", default=None)
"""What has been worked out since the outermost call of `evaluate` in this thread."""


class RASPEvaluator(abc.ABC):
    """Something that gives an expression a value on an input."""

    @abc.abstractmethod
    def evaluate(self, expr: own.Expr, xs: Sequence[Value]) -> Any:
        """The value of the expression on the input."""


class DefaultRASPEvaluator(RASPEvaluator):
    """Evaluates by kind: `evaluate` calls the expression's `eval_…` method, which evaluates the children.

    Override any of them. Within one outermost call an expression is worked out once, however many read it.
    """

    causal: ClassVar[bool] = False

    def __init__(self) -> None:
        methods: dict[type, Method] = {
            own.TokensType: self.eval_tokens,
            own.IndicesType: self.eval_indices,
            own.LengthType: self.eval_length,
            own.Map: self.eval_map,
            own.SequenceMap: self.eval_sequence_map,
            own.LinearSequenceMap: self.eval_sequence_map,
            own.Elementwise: self._eval,
            own.Full: self.eval_full,
            own.ConstantSOp: self.eval_constant_sop,
            own.SelectorWidth: self.eval_selector_width,
            own.Aggregate: self.eval_aggregate,
            own.Select: self.eval_select,
            own.Best: self._eval,
            own.Sum: self._eval,
            own.Assume: self._eval,
            own.ConstantSelector: self.eval_constant_selector,
            own.SelectorAnd: self.eval_selector_and,
            own.SelectorOr: self.eval_selector_or,
            own.SelectorNot: self.eval_selector_not,
        }
        # Under Tracr's classes as well: people look methods up by `type(expr)`, and put in their own.
        self._eval_fn_by_expr_type = methods | {
            KINDS[kind]: method for kind, method in methods.items() if kind in KINDS
        }

    def evaluate(self, expr: own.Expr, xs: Sequence[Value]) -> Any:
        """The n values of an s-op, or the n×n matrix of a selector (row = query).

        Raises InputError, a ValueError, where the program is undefined on this input.
        """
        memory = _memory.get()
        if memory is not None:
            return self._recalled(expr, xs, memory)
        token = _memory.set(memory := {})
        try:
            return self._recalled(expr, xs, memory)
        finally:
            _memory.reset(token)

    def _recalled(self, expr: own.Expr, xs: Sequence[Value], memory: Memory) -> Any:
        """The value, from memory if it is there; a fresh copy, as callers may change what they get."""
        place = (id(self), id(expr), id(xs))
        if place not in memory:
            # What the ids are of is kept beside the value, so that none of them is given out anew.
            memory[place] = (self._method(expr)(expr, xs), self, expr, xs)
        value = memory[place][0]
        return [list(row) for row in value] if isinstance(expr, own.Selector) else list(value)

    def _method(self, expr: own.Expr) -> Method:
        methods = self._eval_fn_by_expr_type
        method = next((methods[kind] for kind in type(expr).__mro__ if kind in methods), None)
        if method is None:
            raise InvalidProgram(f"found {expr!r}, needed an s-op or a selector of RASP")
        return method

    def _eval(self, expr: own.Expr, xs: Sequence[Value]) -> Any:
        children = [self.evaluate(child, xs) for child in expr.children]
        return step(expr, xs, children, self.causal)

    def eval_tokens(self, sop: own.TokensType, xs: Sequence[Value]) -> Any:
        """The input itself."""
        return self._eval(sop, xs)

    def eval_indices(self, sop: own.IndicesType, xs: Sequence[Value]) -> Any:
        """0 … n−1."""
        return self._eval(sop, xs)

    def eval_length(self, sop: own.LengthType, xs: Sequence[Value]) -> Any:
        """n at each position; index + 1 under a causal mask."""
        return self._eval(sop, xs)

    def eval_map(self, sop: own.Map, xs: Sequence[Value]) -> Any:
        """`f` of each value; None stays None."""
        return self._eval(sop, xs)

    def eval_sequence_map(self, sop: own.SequenceMap, xs: Sequence[Value]) -> Any:
        """`f` of each pair; None stays None."""
        return self._eval(sop, xs)

    def eval_full(self, sop: own.Full, xs: Sequence[Value]) -> Any:
        """The fill at each position."""
        return self._eval(sop, xs)

    def eval_constant_sop(self, sop: own.ConstantSOp, xs: Sequence[Value]) -> Any:
        """The given values. Raises ValueError for an input of another length, where that is checked."""
        return self._eval(sop, xs)

    def eval_selector_width(self, sop: own.SelectorWidth, xs: Sequence[Value]) -> Any:
        """The number of keys that each query selects."""
        return self._eval(sop, xs)

    def eval_aggregate(self, sop: own.Aggregate, xs: Sequence[Value]) -> Any:
        """The selected value or mean. Raises ValueError for a mean of unequal words."""
        return self._eval(sop, xs)

    def eval_select(self, selector: own.Select, xs: Sequence[Value]) -> Any:
        """The predicate of each key and query. Raises ValueError where one of them is None."""
        return self._eval(selector, xs)

    def eval_constant_selector(self, selector: own.ConstantSelector, xs: Sequence[Value]) -> Any:
        """The given matrix. Raises ValueError for an input of another length, where that is checked."""
        return self._eval(selector, xs)

    def eval_selector_and(self, selector: own.SelectorAnd, xs: Sequence[Value]) -> Any:
        """Selected by both."""
        return self._eval(selector, xs)

    def eval_selector_or(self, selector: own.SelectorOr, xs: Sequence[Value]) -> Any:
        """Selected by either."""
        return self._eval(selector, xs)

    def eval_selector_not(self, selector: own.SelectorNot, xs: Sequence[Value]) -> Any:
        """Not selected by the inner selector."""
        return self._eval(selector, xs)


evaluate = DefaultRASPEvaluator().evaluate
