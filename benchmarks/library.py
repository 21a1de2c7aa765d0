"""Every program of the library at one size: what a compile takes at each level, and the size of the model."""

from __future__ import annotations

import string
import warnings

import raspc
from benchmarks.measure import Table, part_of, show_ms
from raspc import doubts, library
from raspc.library import Program

VOCABULARY, N = 8, 16
LEVELS = (0, 1, 2)
TARGET = 0.05
"""Seconds of CPU time that a compile without its certificate is to stay below, at any level."""
ROUNDS = 5


def table() -> Table:
    """CPU times in a warm process, the least of some rounds in which all programs take turns; then the sizes at -O1."""
    headers = (
        "program", "tokens", *(f"-O{level}" for level in LEVELS), "certified, -O1", "of it asking the interpreter",
        "layers", "heads", "d_model", "d_mlp", "parameters",
    )  # fmt: skip
    took: dict[tuple[str, int], float] = {}
    certified: dict[str, tuple[float, float]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        for _ in range(1 + ROUNDS):  # in the first round modules are loaded; the others are faster
            for program in library.PROGRAMS.values():
                for level in LEVELS:
                    key = program.name, level
                    took[key] = min(seconds(program, level, certify=False)[0], took.get(key, TARGET * 100))
                found = seconds(program, 1, certify=True)
                certified[program.name] = min(found, certified.get(program.name, found))
        rows = [
            (program.name, str(len(sized(program.vocab))), *(show_ms(took[program.name, level]) for level in LEVELS),
             *map(show_ms, certified[program.name]), *sizes(program))
            for program in library.PROGRAMS.values()
        ]  # fmt: skip
    over = sorted({name for (name, _), time_ in took.items() if time_ > TARGET})
    title = f"The library, vocabulary {VOCABULARY}, N = {N}: CPU time of a compile, uncertified but for one column; "
    return Table(f"{title}over {show_ms(TARGET)}: {', '.join(over) or 'none'}", headers, rows)


def seconds(program: Program, level: int, certify: bool) -> tuple[float, float]:
    """The CPU time of one compile, and of asking the interpreter of expressions in it."""
    return part_of(doubts, "ask", lambda: compiled(program, level, certify))


def compiled(program: Program, level: int = 1, certify: bool = True) -> raspc.Model:
    """One program; what it does not accept beyond its own vocabulary and length is left out of its domain."""
    return raspc.compile(
        program.program, sized(program.vocab), N, program.causal, optimize=level, partial=True, certify=certify
    )


def sizes(program: Program) -> tuple[str, ...]:
    """Of the model at level 1."""
    model = compiled(program, certify=False)
    config, parameters = model.config, sum(array.size for array in model.params.values())
    return tuple(f"{x:,}" for x in (config.n_layers, config.n_heads, config.d_model, config.d_mlp, parameters))


def sized(vocab: tuple[object, ...]) -> set[object]:
    """The program's own tokens, with more of their kind or fewer, so that there are eight."""
    more = range(100) if all(isinstance(token, int) for token in vocab) else string.ascii_letters
    return set([*vocab, *(token for token in more if token not in vocab)][:VOCABULARY])
