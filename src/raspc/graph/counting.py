"""How many keys a selector of tokens can select on the inputs of a regular set: the fewest and the most."""

from __future__ import annotations

import numpy as np

from raspc.graph.nodes import Best, Gate, Select, Token
from raspc.graph.selectors import Facts
from raspc.regular.automaton import Automaton


def counted(facts: Facts, place: int, automaton: Automaton, longest: int) -> tuple[int, int]:
    """(fewest, most) keys of a query, on inputs of up to `longest` tokens; (0, `longest`) where nothing is known."""
    node = facts.nodes[place]
    if isinstance(node, Gate):
        parts = [counted(facts, arg, automaton, longest) for arg in node.args]
        if node.op == "and":
            return (0, min((most for _, most in parts), default=longest)) if parts else (1, longest)
        return max((least for least, _ in parts), default=0), min(longest, sum(most for _, most in parts))
    if isinstance(node, Best):
        least, most = counted(facts, node.selector, automaton, longest)
        return min(least, 1), most
    if not isinstance(node, Select) or not isinstance(facts.nodes[node.key], Token):
        return 0, longest
    found = [
        (automaton.count_bounds(column == 1, longest)[0], automaton.count_bounds(column != 0, longest)[1])
        for column in np.unique(node.cells.T, axis=0)
    ]
    least = 0 if facts.causal else min((low for low, _ in found), default=0)  # of a prefix there may be fewer
    return least, max((high for _, high in found), default=longest)
