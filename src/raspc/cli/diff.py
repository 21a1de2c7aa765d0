"""`raspc diff`: two programs or models compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raspc.cli import syntax
from raspc.cli.check import progress_bar
from raspc.cli.options import Json, Seed
from raspc.cli.output import answer, encoded, say
from raspc.errors import InputError

if TYPE_CHECKING:
    from raspc.certify.checking.difference import Comparison
    from raspc.graph import Graph
    from raspc.programs import Found
    from raspc.weights import Model

Subject = Annotated[str, typer.Argument(metavar="DIR|PROGRAM", help="A saved model, or a program as for compile.")]


def diff(
    a: Subject,
    b: Subject,
    vocab: Annotated[str | None, typer.Option(help="For programs: tokens a,b,c or a JSON array.")] = None,
    max_seq_len: Annotated[int | None, typer.Option(help="For programs: the longest input, BOS not counted.")] = None,
    causal: Annotated[bool | None, typer.Option("--causal/--no-causal", help="For programs: hide later keys.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="All inputs are tried if there are so few, else so many.")
    ] = 100_000,
    every: Annotated[bool, typer.Option("--all", help="Try all inputs, however many.")] = False,
    run: Annotated[bool, typer.Option("--run", help="Try inputs even where weights or graphs are equal.")] = False,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Say whether A and B are equal, or the first input on which they differ; exit 1 on a difference."""
    from raspc.certify.checking.difference import diff as compare

    sides = _sides((a, b), _Options(vocab, max_seq_len, causal))
    with progress_bar("comparing") as progress:
        found = compare(sides[0], sides[1], limit=None if every else limit, seed=seed, run=run, progress=progress)
    answer(_record(found), as_json, lambda: _tell(found, (a, b)))
    if not found:
        raise typer.Exit(1)


class _Options:
    """What the command line says of programs."""

    def __init__(self, vocab: str | None, max_seq_len: int | None, causal: bool | None) -> None:
        self.vocab = None if vocab is None else syntax.vocabulary(vocab)
        self.max_seq_len, self.causal = max_seq_len, causal

    @property
    def given(self) -> bool:
        return self.vocab is not None or self.max_seq_len is not None or self.causal is not None


def _sides(names: tuple[str, str], options: _Options) -> list[Model | Graph]:
    """Models as they are; programs tabulated for the options, else for the other's model, else for their defaults."""
    from raspc import programs
    from raspc.weights import load

    found = [load(name) if Path(name).is_dir() else programs.find(name) for name in names]
    if options.given and not any(isinstance(x, programs.Found) for x in found):
        raise InputError("--vocab, --max-seq-len and --causal are for programs; both sides are saved models")
    return [_graph(x, y, options) if isinstance(x, programs.Found) else x for x, y in (found, reversed(found))]


def _graph(program: Found, other: Found | Model, options: _Options) -> Graph:
    from raspc.graph.build import build
    from raspc.programs import Found

    if isinstance(other, Found):
        vocab = options.vocab or program.vocab or other.vocab
        length = options.max_seq_len or program.max_seq_len or other.max_seq_len
        causal = program.causal if options.causal is None else options.causal
    else:
        config = other.config
        words = [v for i, v in enumerate(config.vocab) if i not in (config.bos_id, config.pad_id)]
        vocab, length = options.vocab or words, options.max_seq_len or config.max_seq_len
        causal = config.causal if options.causal is None else options.causal
    if vocab is None:
        raise InputError(f"{program.name}: needs --vocab, as --vocab a,b,c; only the library's programs have a default")
    if length is None:
        raise InputError(f"{program.name}: needs --max-seq-len; only the library's programs have a default")
    return build(program.program, vocab, length, causal)


def _record(found: Comparison) -> dict[str, Any]:
    return found.to_json() | {name: encoded(getattr(found, name)) for name in ("tokens", "a", "b")}


def _tell(found: Comparison, names: tuple[str, str]) -> None:
    for note in found.notes:
        say(note)
    if found.equal:
        say(_HOW[found.how](found))
        return
    first = len(found.tokens or ()) <= found.up_to
    say("different; the first input, in order of length:" if first else "different, on an input found at random:")
    width = max(len(name) for name in (*names, "input")) + 2
    for name, items in (("input", found.tokens), (names[0], found.a), (names[1], found.b)):
        say(f"  {name:{width}}{'undefined' if items is None else syntax.show_all(items)}")


def _by_inputs(found: Comparison) -> str:
    undefined = f" (but {found.undefined:,} on which neither is defined)" if found.undefined else ""
    if found.exhaustive:
        return f"equal on all {found.checked:,} inputs up to length {found.up_to}{undefined}"
    from raspc.certify.checking.inputs import shown

    short = f"all up to length {found.up_to}, random ones beyond" if found.up_to else "random ones"
    return f"equal on {found.checked:,} inputs, not all of {shown(found.total)}: {short}{undefined}"


_HOW = {
    "weights": lambda found: "equal: the same weights",
    "normal form": lambda found: f"equal by normal form: one program, on all inputs up to length {found.up_to}",
    "inputs": _by_inputs,
}
