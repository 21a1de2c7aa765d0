"""Evaluators that people derive from Tracr's: memory, a mask of one's own, other meanings of one construct."""
# ruff: noqa - written as its author would write it

import numpy as np
from tracr.compiler import lib
from tracr.rasp import causal_eval, rasp


class CachedEvaluator(rasp.DefaultRASPEvaluator):
    """Remembers what it worked out, by expression and input."""

    def __init__(self):
        super().__init__()
        self.cache, self.calls = {}, 0

    def evaluate(self, expr, xs):
        key = (expr.unique_id, tuple(xs))
        if key not in self.cache:
            self.calls += 1
            self.cache[key] = super().evaluate(expr, xs)
        return self.cache[key]


class WindowEvaluator(rasp.DefaultRASPEvaluator):
    """Lets each query see itself and the position before it only."""

    def evaluate(self, expr, xs):
        out = super().evaluate(expr, xs)
        if not isinstance(expr, rasp.Selector):
            return out
        out = np.array(out)
        window = np.tril(np.ones(out.shape)) * np.triu(np.ones(out.shape), -1)
        return np.logical_and(window, out).tolist()


class TokenCorruptingEvaluator(rasp.DefaultRASPEvaluator):
    """Reads another input."""

    def eval_tokens(self, sop, xs):
        return ["a"] * len(xs)


class SumEvaluator(rasp.DefaultRASPEvaluator):
    """Aggregates by sums."""

    def eval_aggregate(self, sop, xs):
        selector_value = self.evaluate(sop.selector, xs)
        values = self.evaluate(sop.sop, xs)
        return [sum(v for s, v in zip(row, values) if s) for row in selector_value]


class MarkedMap(rasp.Map):
    """A kind of map of one's own, with a rule of its own."""


class MarkingEvaluator(rasp.DefaultRASPEvaluator):
    """Adds a rule for it."""

    def __init__(self):
        super().__init__()
        self._eval_fn_by_expr_type[MarkedMap] = self.eval_marked

    def eval_marked(self, sop, xs):
        return [(sop.f(x), "marked") for x in self.evaluate(sop.inner, xs)]


class LookingUpEvaluator(rasp.DefaultRASPEvaluator):
    """Looks methods up itself, and replaces one."""

    def __init__(self):
        super().__init__()
        self._eval_fn_by_expr_type[rasp.Map] = lambda sop, xs: ["map"] * len(xs)

    def evaluate(self, expr, xs):
        return self._eval_fn_by_expr_type[type(expr)](expr, xs)


cached = CachedEvaluator()
x = rasp.tokens
for _ in range(20):
    x = x + x
assert cached.evaluate(x, [1, 2]) == [2**20, 2**21]
assert cached.calls == 21, cached.calls
assert cached.evaluate(lib.make_reverse(rasp.tokens), "abc") == ["c", "b", "a"]

counts = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE))
assert WindowEvaluator().evaluate(counts, "abcd") == [1, 2, 2, 2]
assert causal_eval.evaluate(counts, "abcd") == [1, 2, 3, 4]
assert rasp.evaluate(counts, "abcd") == counts("abcd") == [4, 4, 4, 4]

assert TokenCorruptingEvaluator().evaluate(lib.make_hist(), "abc") == [3, 3, 3]
select_all = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
assert SumEvaluator().evaluate(rasp.Aggregate(select_all, rasp.tokens, default=0), [1, 2, 3]) == [1, 3, 6]
assert MarkingEvaluator().evaluate(MarkedMap(lambda t: t + 1, rasp.tokens), [1]) == [(2, "marked")]
assert rasp.evaluate(MarkedMap(lambda t: t + 1, rasp.tokens), [1]) == [2]
assert LookingUpEvaluator().evaluate(lib.make_hist() + 1, "aa") == ["map", "map"]
assert LookingUpEvaluator().evaluate(lib.make_sort_unique(rasp.tokens, rasp.tokens), "ba") == ["a", "b"]
print("evaluators agree")
