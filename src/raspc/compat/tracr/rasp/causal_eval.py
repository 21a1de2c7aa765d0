"""What a program means under a causal mask."""

from __future__ import annotations

from raspc.compat.tracr.rasp.evaluator import DefaultRASPEvaluator


class CausalEvaluator(DefaultRASPEvaluator):
    """Every selector sees only keys at or before the query; `length` is index + 1."""

    causal = True


evaluate = CausalEvaluator().evaluate
