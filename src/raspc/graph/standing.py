"""Which tokens can stand where on the inputs of a regular set: exact facts about token, index and length together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raspc.graph.nodes import Index, Length, Node, Token
from raspc.regular.automaton import Automaton

CELLS = 1 << 23
"""The most combinations of token, index and length that are told apart; beyond, of token and index alone."""
WORK = 1 << 28
"""The most steps that it may take to find them out."""

AXES: tuple[type[Node], ...] = (Token, Index, Length)


@dataclass(frozen=True, eq=False)
class Standing:
    """`cells` [token, index, n − 1], the last axis of size 1 where lengths are not told apart: what occurs."""

    cells: NDArray[np.bool_]

    def mask(self, kinds: Sequence[type[Node]]) -> NDArray[np.bool_]:
        """Which combinations of variables of these kinds can be at one position; True for kinds that it knows not of.

        An axis for each kind, of size 1 where nothing is known of it.
        """
        known = [kind for kind in kinds if kind in AXES and self.cells.shape[AXES.index(kind)] > 1]
        others = tuple(axis for axis, kind in enumerate(AXES) if kind not in known)
        found = np.asarray(self.cells.any(axis=others))
        order = sorted(known, key=AXES.index)
        found = found.transpose(tuple(order.index(kind) for kind in known))
        sizes = iter(found.shape)
        return found.reshape([next(sizes) if kind in known else 1 for kind in kinds])


def standing_in(automaton: Automaton, longest: int) -> Standing | None:
    """The facts of the inputs of up to `longest` tokens; None where they would take too long."""
    cells = automaton.n_tokens * longest * longest
    if cells <= CELLS and cells * max(1, automaton.n_states) <= WORK:
        return Standing(automaton.occurrences(longest))
    if automaton.moves.size * longest <= WORK:
        return Standing(automaton.tokens_at(longest)[:, :, None])
    return None
