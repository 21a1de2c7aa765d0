"""Languages with a program and a recogniser each, and how the two are compared."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from raspc.rasp import SOp
from raspc.text import load_program


@dataclass(frozen=True)
class Language:
    """A program whose last value says whether the whole input is a word of the language, and plain Python that does."""

    dialect: str
    text: str
    vocab: str
    accepts: Callable[[str], bool]
    short: int = 7
    """All words up to this length are interpreted; those up to 5 are run through a model, or fewer."""

    @property
    def program(self) -> SOp:
        """The expression."""
        found = load_program(self.text, dialect=self.dialect)
        assert isinstance(found, SOp)
        return found

    def words(self, longest: int) -> Iterator[str]:
        """Every word up to a length but the empty one, which has no last position."""
        for n in range(1, longest + 1):
            yield from map("".join, itertools.product(self.vocab, repeat=n))
