"""Which inputs a program is for: `Domain`, one value that the graph carries and everything after it reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from raspc.graph.writing import Writing
from raspc.regular.automaton import Automaton


@dataclass(frozen=True, eq=False)
class Domain:
    """The inputs that are permitted: those that the automaton accepts, and on which the condition holds throughout.

    `automaton`: over the numbers of the vocabulary's tokens, in its order. `condition`: the graph of an s-op that is
    True at every position of a permitted input; an input on which it has no value is not permitted. `predicate`: a
    function of the tokens, which stays in the process that compiled the model: it is never saved. `written`: what the
    person gave, for people. With none of these every input is permitted. `writing`: of a program that writes, what it
    goes on from and where it stops; the inputs are then its prompts, what they begin with, and what it makes of them.
    """

    automaton: Automaton | None = None
    condition: Any = None
    predicate: Callable[[list[Any]], Any] | None = None
    written: str = ""
    writing: Writing | None = None

    @property
    def is_everything(self) -> bool:
        """Whether every input is permitted."""
        return self.automaton is None and not self.is_filtered

    @property
    def is_filtered(self) -> bool:
        """Whether inputs have to be looked at one by one: the automaton alone does not tell which are permitted."""
        return self.condition is not None or self.predicate is not None

    @property
    def identity(self) -> tuple[Any, ...]:
        """What two domains of one vocabulary have in common that are one."""
        condition = None if self.condition is None else str(self.condition)
        return self.automaton, condition, self.predicate, self.writing and self.writing.identity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __str__(self) -> str:
        return self.written or "every input"


EVERYTHING = Domain()
"""The domain of a program that says nothing of its inputs."""
