"""What occurs on the inputs of a domain that are all tried: facts, since there are no other inputs.

Inputs on which the program is undefined are left out. What a variable is found to hold narrows its value set, and a
table is listed for the combinations that are found; that this leaves nothing out is proved again with the model
(`raspc.certify.proof.domain`), for which every claim stays in the graph: no variable is narrowed to a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc import values as V
from raspc.graph.evaluate import RULES, Bools, Column, Run, gather, settle
from raspc.graph.nodes import Aggregate, Ids, Listed, Sum
from raspc.graph.store import Store
from raspc.numbers.arithmetic import NEAR, sums_are_exact


@dataclass(frozen=True, eq=False)
class Observed:
    """The runs over all permitted inputs of the graph that is being built."""

    store: Store
    runs: Callable[[], Sequence[Run]]

    def combinations(self, places: Sequence[int], sizes: Sequence[int]) -> NDArray[np.intp]:
        """The combinations of values that some position holds, as ascending flat indices."""
        seen = np.zeros(int(np.prod(sizes)), bool)
        for run in self.runs():
            columns = [run.column(place).ids for place in places]
            there = _there(run)
            for column in columns:
                there = there & (column >= 0)
            flat = np.zeros(int(there.sum()), np.intp)
            for column, size in zip(columns, sizes, strict=True):
                flat = flat * size + column[there]
            seen[flat] = True
        return np.flatnonzero(seen)

    def counts(self, selector: int) -> tuple[int, int]:
        """The fewest and the most keys that some query selects; (0, 0) where the program is undefined everywhere."""
        found = [
            (int(many.min()), int(many.max()))
            for run in self.runs()
            for counted in (run.matrix(selector).sum(axis=0),)
            for many in (counted[_there(run)],)
            if many.size
        ]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else (0, 0)

    def kept(self, node: Aggregate | Sum) -> Listed:
        """The values of an aggregate or a sum that occur, and one more where that would be none or a single one."""
        domain, seen = node.listed, np.zeros(len(node.listed), bool)
        for run in self.runs():
            ids, there = self._result(run, node), _there(run)
            seen[ids[there & (ids >= 0)]] = True
        for place in range(len(seen)):
            if seen.sum() >= min(2, len(seen)):
                break
            seen[place] = True
        return Listed(tuple(value for value, held in zip(domain.values, seen.tolist(), strict=True) if held))

    def means(self, node: Aggregate, source: int) -> Listed | None:
        """The means that occur, of numbers whose sums are exact; None of others, and of means that are too near."""
        domain = self.store.listed(source)
        if source in self.store.exact or not domain.all_numbers or any(isinstance(x, bool) for x in domain.values):
            return None
        if not sums_are_exact(domain.values, self.store.max_len):
            return None
        found, is_empty = [np.zeros(0)], False
        for run in self.runs():
            gathered, there = gather(run, run.matrix(node.selector), run.column(source), domain), _there(run)
            found.append(np.unique(gathered.mean[there & (gathered.count > 0)]))
            is_empty |= bool((there & (gathered.count == 0)).any())
        means = np.unique(np.concatenate(found))
        if not len(means) or (np.diff(means) <= 2 * NEAR * np.maximum(1.0, np.abs(means[1:]))).any():
            return None
        values = [int(x) if x.is_integer() else x for x in means.tolist()]
        return Listed(V.canonical([*values, *([node.default] if is_empty or node.may_be_empty else [])]))

    def _result(self, run: Run, node: Aggregate | Sum) -> Ids:
        """[B, T]: the numbers of the node's values, before it has a place."""
        if isinstance(node, Sum):
            column = RULES[Sum](run, node)
        else:
            source = self.store.domain(node.source)
            column = settle(
                run.batch, node, gather(run, run.matrix(node.selector), run.column(node.source), source), source
            )
        assert isinstance(column, Column)
        return column.ids


def _there(run: Run) -> Bools:
    """[B, T]: the positions of inputs on which the program has a value so far."""
    return run.valued
