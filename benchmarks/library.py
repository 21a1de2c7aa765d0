"""Every program of the library at one size."""

from __future__ import annotations

import string
import warnings

import raspc
from benchmarks.measure import Table, median, show_ms
from raspc import library
from raspc.library import Program

VOCABULARY, N = 8, 16


def table() -> Table:
    """The time of a compile in a warm process, and the size of the model; the target is 50 ms."""
    headers = ("program", "tokens", "compile", "layers", "heads", "d_model", "d_mlp", "parameters")
    title = f"The library, vocabulary {VOCABULARY}, N = {N}"
    return Table(title, headers, [row(program) for program in library.PROGRAMS.values()])


def row(program: Program) -> tuple[str, ...]:
    """One program; what it does not accept beyond its own vocabulary and length is left out of its domain."""
    vocab = sized(program.vocab)

    def compile_() -> raspc.Model:
        return raspc.compile(program.program, vocab=vocab, max_seq_len=N, causal=program.causal, partial=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        try:
            model = compile_()
        except raspc.UnsupportedProgram as error:
            return program.name, str(len(vocab)), f"refused: {error}"[:60], *["–"] * 5
        took = median(compile_)
    config, parameters = model.config, sum(array.size for array in model.params.values())
    sizes = (config.n_layers, config.n_heads, config.d_model, config.d_mlp, parameters)
    return program.name, str(len(vocab)), show_ms(took), *(f"{size:,}" for size in sizes)


def sized(vocab: tuple[object, ...]) -> set[object]:
    """The program's own tokens, with more of their kind or fewer, so that there are eight."""
    more = range(100) if all(isinstance(token, int) for token in vocab) else string.ascii_letters
    return set([*vocab, *(token for token in more if token not in vocab)][:VOCABULARY])
