"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def _library_names(incomplete: str) -> list[str]:
    from raspc import library

    return [name for name in (*library.PROGRAMS, *library.WRITERS) if name.startswith(incomplete)]


def _pass_names(incomplete: str) -> list[tuple[str, str]]:
    from raspc.plan.switches import SWITCHES

    return [(switch.name, switch.does) for switch in SWITCHES if switch.name.startswith(incomplete)]


def among(*names: str) -> Callable[[str], list[str]]:
    """The completion of an option that takes one of these."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


def listed(*names: str) -> Callable[[str], list[str]]:
    """The completion of an option that takes several of these, with commas between them."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in before.split(",")]

    return complete


def families(incomplete: str) -> list[str]:
    """The completion of the stock families."""
    from raspc.target.families import FAMILIES

    return [name for name in FAMILIES if name.startswith(incomplete)]


def _targets(incomplete: str) -> list[str]:
    return [name for name in ("plain",) if name.startswith(incomplete)] + families(incomplete)


DTYPES = ("float64", "float32", "tf32", "bfloat16", "float16")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Directory = Annotated[
    Path, typer.Argument(metavar="DIR", help="A model that `raspc compile` wrote.", show_default=False)
]
Tokens = Annotated[
    list[str],
    typer.Argument(
        metavar="TOKENS...",
        help="The input, without BOS; words, numbers, or quoted strings.",
        show_default=False,
    ),
]
Program = Annotated[
    str,
    typer.Argument(
        metavar="PROGRAM",
        help="A library name, prog.rasp[:name] (or .crasp, .brasp), file.py:attribute, or package.module:attribute.",
        autocompletion=_library_names,
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="The seed of random inputs.")]
Summation = Annotated[
    str | None,
    typer.Option(
        autocompletion=among("any order", "blocked", "pairwise"),
        help="How sums are taken: any order, blocked or pairwise.",
    ),
]
Accumulate = Annotated[
    str | None,
    typer.Option(
        autocompletion=among("float32", "stored"),
        help="float32, or stored: sums of a narrow dtype are rounded to it after each term.",
    ),
]
Probabilities = Annotated[
    str | None,
    typer.Option(
        autocompletion=among("stored", "float32"),
        help="stored: the softmax gives the dtype; float32: a fused kernel keeps it.",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="N",
        min=1,
        help="The most steps that a RASP text may ask for.",
        show_default="1000000",
    ),
]
AllowFiles = Annotated[
    bool, typer.Option("--allow-files", help="Let `load` in RASP text name files outside its own folders.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse what is not proved, and RASP text that can be read in two ways.")
]
DisablePass = Annotated[
    list[str] | None,
    typer.Option(
        "--disable-pass",
        metavar="NAME",
        help="Leave out a pass, for study; may be repeated.",
        autocompletion=_pass_names,
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Check each pass: what it requires, what it ensures, that answers stay.")
]
Memory = Annotated[
    str, typer.Option(help='What the arrays of the model may take, as "500 MB"; a larger model is refused.')
]
Partial = Annotated[bool, typer.Option("--partial", help="Accept a program that is undefined on some inputs.")]
Uniform = Annotated[
    bool, typer.Option(help="Give all layers the width of the widest; with --no-uniform each has what it needs.")
]
Total = Annotated[
    bool,
    typer.Option("--total", help="Answer as the program does too where variables are forced to what never occurs."),
]
Sharpness = Annotated[
    float,
    typer.Option(help="What scores and steps are multiplied by, up to 1; 0 is the least that is proved."),
]
Margin = Annotated[
    float | None, typer.Option(help="By how much the right logit leads, at least 1; codes then have room for noise.")
]
Target = Annotated[
    str,
    typer.Option(
        autocompletion=_targets,
        help="plain, or the stock family whose parameters the model is to have: llama, gpt2, bert, …",
    ),
]
Optimize = Annotated[
    str,
    typer.Option(
        "-O", "--optimize", metavar="0|1|2|size", autocompletion=among("0", "1", "2", "size"),
        help="0, 1: readable; 2: compact; size, s: compact, more layers where each makes it 4 times smaller.",
    ),
]  # fmt: skip


def level(text: str) -> int | str:
    """The level that `-O` names: a number, or "size". Raises typer.BadParameter for any other text."""
    found = LEVELS.get(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(LEVELS)}", param_hint="'-O' / '--optimize'")
    return found


LEVELS: dict[str, int | str] = {"0": 0, "1": 1, "2": 2, "size": "size", "s": "size"}
Where = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="REGEX", help="The inputs that it is for: a regular expression over tokens, as '[0-9]+='."
    ),
]
Generate = Annotated[bool, typer.Option("--generate", help="The program writes: its last answer is the next token.")]
Stop = Annotated[str | None, typer.Option(help="The token that ends what it writes.", show_default=False)]
Prompts = Annotated[
    str | None, typer.Option(metavar="REGEX", help="What it goes on from, as '[0-9]+='.", show_default=False)
]
