"""Random programs, as the text of a script and as expressions, for tests, fuzzing and data sets.

A program is grown line by line. The set of values that each line can take is followed on the way, so that
nearly all programs are defined on every input of their vocabulary and length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from raspc import rasp
from raspc.errors import InvalidProgram
from raspc.library.facts import Analysis
from raspc.library.growing import LEAVES, Dice, Line, Pool, grow
from raspc.library.templates import KINDS
from raspc.rasp import SOp, Value


class NumpyGenerator(Protocol):
    """What is used of `numpy.random.Generator`."""

    def integers(self, low: int, /) -> Any:
        """A random integer from 0 to low − 1."""


class PythonRandom(Protocol):
    """What is used of `random.Random`."""

    def randrange(self, start: int, /) -> int:
        """A random integer from 0 to start − 1."""


Rng = NumpyGenerator | PythonRandom

_PATIENCE = 3
"""So many lines may be grown for each operation that is asked for; not all become a part of the program."""


@dataclass(frozen=True)
class Script:
    """A random program as text: one definition a line, and the name of the s-op that it outputs."""

    lines: tuple[Line, ...]
    output: str

    def build(self) -> SOp:
        """The expression."""
        scope: dict[str, Any] = {"rasp": rasp, "math": math}
        for line in self.lines:
            # The text is ours, put together from the templates of this package.
            scope[line.name] = eval(line.text, scope)
        result = eval(self.output, scope)
        assert isinstance(result, SOp)
        return result

    def __str__(self) -> str:
        """Python that defines `program`."""
        lines = [f"{line.name} = {line.text}" for line in self.lines]
        return "\n".join(["import math", "from raspc import rasp", "", *lines, f"program = {self.output}", ""])

    def live(self) -> Script:
        """Without the lines that the output does not depend on."""
        needed, kept = {self.output}, []
        for line in reversed(self.lines):
            if line.name in needed:
                needed |= set(line.uses)
                kept.append(line)
        return replace(self, lines=tuple(reversed(kept)))

    def smaller(self) -> Iterator[Script]:
        """Scripts with fewer lines: an earlier output, or a name replaced by an earlier one of its kind.

        They need not be defined everywhere: whoever shrinks a failure tries them in turn.
        """
        for line in self.lines[:-1]:
            if line.is_sop:
                yield replace(self, output=line.name).live()
        for i, line in enumerate(self.lines):
            for earlier in _substitutes(self.lines[:i], line):
                yield self._without(i, earlier)

    def _without(self, index: int, stand_in: str) -> Script:
        gone = self.lines[index].name
        rest = [line.renamed(gone, stand_in) for line in self.lines[index + 1 :]]
        output = stand_in if self.output == gone else self.output
        return Script((*self.lines[:index], *rest), output).live()


def _substitutes(earlier: Sequence[Line], line: Line) -> list[str]:
    leaves = list(LEAVES) if line.is_sop else []
    return leaves + [other.name for other in earlier if other.is_sop == line.is_sop]


def random_script(
    rng: Rng,
    operations: int = 8,
    vocab: Sequence[Value] = ("a", "b", "c", 1, 2),
    max_seq_len: int = 5,
    causal: bool = False,
    once: Value = None,
    kinds: Sequence[Callable[[Pool], str]] = KINDS,
) -> Script:
    """A random program as a script; the arguments are those of `random_program`.

    `once`: a token that no input holds twice; the program may rely on that. `kinds`: what its lines are drawn from.
    """
    if operations < 1:
        raise InvalidProgram(f"random_program: found {operations} operations, needed at least 1")
    pool = Pool(dice_of(rng), Analysis(tuple(vocab), max_seq_len, causal, once))
    for _ in range(_PATIENCE * operations):
        if pool.size() >= operations:
            break
        grow(pool, kinds)
    return Script(tuple(pool.lines), pool.output()).live()


def random_program(
    rng: Rng,
    operations: int = 8,
    vocab: Sequence[Value] = ("a", "b", "c", 1, 2),
    max_seq_len: int = 5,
    causal: bool = False,
) -> SOp:
    """A random program of about this many operations; equal seeds give equal programs.

    Every construct of `raspc.rasp` occurs. Programs are defined on every input over `vocab` up to
    `max_seq_len`, in the causal form if `causal`, but for rare exceptions (under 3 %).

    `rng` is a `random.Random` or a NumPy `Generator`.
    """
    return random_script(rng, operations, vocab, max_seq_len, causal).build()


def dice_of(rng: Rng) -> Dice:
    """Choices from either kind of generator."""
    return _Dice(rng)


class _Dice:
    """Choices from either kind of generator."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng

    def below(self, n: int) -> int:
        """A random integer from 0 to n − 1."""
        rng: Any = self._rng
        return int(rng.integers(n)) if hasattr(rng, "integers") else int(rng.randrange(n))
