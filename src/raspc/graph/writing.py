"""That a program writes: from which prompts it goes on, at which token it stops, and what was found out of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raspc.regular.automaton import Automaton


@dataclass(frozen=True, eq=False)
class Writing:
    """A program whose answer at the last token is the next token.

    `prompts`: what it is given to go on from, over the numbers of the vocabulary's tokens; None for every input.
    `stop`: the token that ends an answer, None where nothing does. `written`: the prompts as the person gave them.
    `tried`: on so many prompts the program was found to write tokens and to stop; `every`: whether these are all.
    """

    prompts: Automaton | None = None
    stop: Any = None
    written: str = ""
    tried: int = 0
    every: bool = False

    @property
    def identity(self) -> tuple[Any, ...]:
        """What two of them have in common that are one."""
        return self.prompts, repr(self.stop), self.tried, self.every

    @property
    def promise(self) -> str:
        """What is known of its answers, for people."""
        prompts = f"{'all ' if self.every else ''}{self.tried:,} prompts" if self.tried != 1 else "one prompt"
        ends = "writes tokens" if self.stop is None else f"writes tokens and stops at {self.stop!r}"
        return f"{ends}: on {prompts}" if self.tried else "nothing was tried"
