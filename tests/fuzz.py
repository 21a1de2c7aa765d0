"""Random programs, compiled and compared with the interpreter: `make fuzz SEED=… COUNT=…`.

For each program and each level of optimisation: every short input and random longer ones, every position,
None included. The first difference or crash is shrunk and printed as a script that shows it; exit 1. So is a program
that one level refuses and another compiles.
With `--disable each` every program is compiled without each pass in turn, and without any; or name some passes.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tests.domains import Where, random_where

import raspc
from raspc import InputError, UncertainProgram, UnsupportedProgram, values
from raspc.library.decimals import random_decimal_script
from raspc.library.random_program import Script, random_script
from raspc.library.templates import KINDS as KINDS_OF_LINES
from raspc.library.templates import place
from raspc.numbers.precision import PRECISIONS
from raspc.numbers.promise import is_kept, tolerance
from raspc.plan.switches import OPTIONAL

VOCABULARIES: tuple[tuple[Any, ...], ...] = (
    ("a", "b", "c", 1, 2), ("x", "y", "z"), (0, 1, 2, 3, 4), (-2, -1, 0, 0.5, 3), (True, False),
    ("a", 1, 2.5),
)  # fmt: skip
DECIMALS: tuple[tuple[Any, ...], ...] = (
    (0.1, 0.2, 0.3), (0.1, 0.2), (-0.3, 0.1, 0.2), (0, 1), (0, 1, 2), (1, 10, 100), (-1, 1), (0.5, 1.5), (1, 1 + 1e-10),
    (1e-7, 0, 1), (0.1, 0.7, 1e6), (True, False), (1 / 3, 2 / 3, 1),
)  # fmt: skip
"""Vocabularies whose sums and means differ by rounding alone, by 1e-10, or by magnitudes."""
FORCED = 20
"""So many combinations are forced in a total model."""
SHORT, LONGER, SHORT_IN_DOMAIN = 2, 40, 4
SMALL: tuple[tuple[Any, ...], ...] = (("a", "="), (0, 1, 2), ("x", "y", "z"))
PLACED = (*KINDS_OF_LINES, *(place,) * len(KINDS_OF_LINES))
"""Every other line compares a place."""
Compile = Callable[..., Any]
OF_A_NUMBER = "a margin does not suffice: the number"
"""How a program is refused whose numbers may be off by more than is promised; no other link may ever fail."""


@dataclass(frozen=True)
class Case:
    """A program and how it is compiled."""

    script: Script
    vocab: tuple[Any, ...]
    max_seq_len: int
    causal: bool
    optimize: int | str
    without: tuple[str, ...] = ()
    partial: bool = False
    where: Where | None = None
    dtype: str = "float32"
    uniform: bool = True
    total: bool = False

    def program(self) -> Any:
        """The expression; of a total model its s-ops go by the names that the script gives them, to be forced."""
        return named_lines(self.script) if self.total else self.script.build()

    def options(self) -> dict[str, Any]:
        """How it is compiled, but for the vocabulary and the domain."""
        disabled = {"disabled_passes": self.without} if self.without else {}
        part = {"partial": True} if self.partial else {}
        part |= {"dtype": self.dtype} if self.dtype != "float32" else {}
        part |= {} if self.uniform else {"uniform": False}
        part |= {"total": True} if self.total else {}
        known = {"max_seq_len": self.max_seq_len, "causal": self.causal, "optimize": self.optimize}
        return {**known, **disabled, **part}

    def permits(self, xs: Sequence[Any]) -> bool:
        """Whether an input is one that the program is for."""
        return self.where is None or self.where.permits(xs, self.causal)

    def inputs(self) -> Iterator[list[Any]]:
        """The permitted ones of short inputs, then of longer ones: the same for the same vocabulary and length.

        In a domain all short inputs are tried, as few of the longer ones are permitted.
        """
        short = SHORT if self.where is None else SHORT_IN_DOMAIN
        if self.where is not None and isinstance(self.where.value, list):
            yield from (xs for xs in self.where.value if self.permits(xs))
        yield from filter(self.permits, self._tried(short))

    def outside(self) -> list[list[Any]]:
        """Some inputs that are not permitted."""
        return [xs for xs in self._tried(SHORT) if not self.permits(xs)][:5]

    def _tried(self, short: int) -> Iterator[list[Any]]:
        for n in range(1, min(short, self.max_seq_len) + 1):
            yield from map(list, itertools.product(self.vocab, repeat=n))
        rng = random.Random(self.max_seq_len)
        for i in range(LONGER):
            n = self.max_seq_len if i % 2 else rng.randint(1, self.max_seq_len)
            yield rng.choices(self.vocab, k=n)


@dataclass(frozen=True)
class Fault:
    """What went wrong: the kind, and an input if there is one."""

    kind: str
    text: str
    xs: list[Any] | None = None


def fault(case: Case, compile: Compile = raspc.compile) -> Fault | None:
    """The first difference or crash of a case; None if there is none.

    Raises UnsupportedProgram where the compiler refuses the program.
    """
    program = case.program()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        domain = {} if case.where is None else {"where": case.where.value}
        try:
            model = compile(program, case.vocab, **case.options(), **domain)
        except UnsupportedProgram:
            raise
        except raspc.CertificateError as error:
            if not case.partial and case.dtype == "float32" and OF_A_NUMBER not in str(error):
                return Fault("CertificateError in compile", str(error))
            raise UnsupportedProgram(str(error)) from error  # numbers that the format does not hold as is promised
        except Exception as error:
            return Fault(f"{type(error).__name__} in compile", str(error))
    return _difference(case, program, model) or (_forced_otherwise(program, model) if case.total else None)


def _forced_otherwise(program: Any, model: Any) -> Fault | None:
    told = raspc.lab.check_forced(model, program, FORCED)
    return None if told.first is None else Fault("forced otherwise", str(told), list(told.first.tokens))


def _difference(case: Case, program: Any, model: Any) -> Fault | None:
    inputs = list(case.inputs())
    if (outside := next((xs for xs in case.outside() if _answers(model, xs)), None)) is not None:
        return Fault("an answer outside the domain", "the model should refuse this input", outside)
    if not inputs:
        return None
    try:
        found = model.apply_batch([[model.config.bos, *xs] for xs in inputs]).decoded
    except InputError as error:
        return Fault("a permitted input is refused", str(error))
    for xs, (_, *answer) in zip(inputs, found, strict=True):
        try:
            wanted = raspc.interpret(program, xs, causal=case.causal, where=case.where and case.where.value)
        except raspc.InputError as error:
            if case.partial:
                continue
            return Fault("undefined", f"compiled without a word, but the interpreter says: {error}", xs)
        if not all(map(partial(agree, dtype=case.dtype), answer, wanted)):
            return Fault("difference", f"interpreted {wanted}, compiled {answer}", xs)
    return None


def _answers(model: Any, xs: list[Any]) -> bool:
    try:
        model.apply([model.config.bos, *xs])
    except InputError:
        return False
    return True


def agree(x: Any, y: Any, dtype: str = "float32") -> bool:
    """One value, or numbers as near as is promised of the format; y is the expected one."""
    if values.is_number(x) and values.is_number(y):
        return is_kept(x, y) if dtype == "float32" else bool(abs(x - y) <= tolerance(y, PRECISIONS[dtype]))
    return values.same(x, y)


def shrunk(case: Case, kind: str, compile: Compile = raspc.compile) -> Case:
    """A smaller case with the same kind of fault, found by trying simpler ones until none shows it."""
    while True:
        found = next((c for c in _smaller(case) if _kind(c, compile) == kind), None)
        if found is None:
            return case
        case = found


def _smaller(case: Case) -> Iterator[Case]:
    yield from (replace(case, script=script) for script in case.script.smaller() if script != case.script)
    if case.max_seq_len > 1:
        yield replace(case, max_seq_len=case.max_seq_len - 1)
    for i in range(len(case.vocab) if len(case.vocab) > 1 else 0):
        yield replace(case, vocab=case.vocab[:i] + case.vocab[i + 1 :])
    if case.where is not None:
        yield replace(case, where=None)


def _kind(case: Case, compile: Compile) -> str | None:
    """The kind of fault; None too for a simpler program that is no program or is undefined somewhere."""
    try:
        found = fault(case, compile)
    except Exception:
        return None
    return found and found.kind


def reproduction(case: Case, found: Fault) -> str:
    """A script that shows the fault."""
    options = ", ".join(f"{name}={value!r}" for name, value in case.options().items())
    domain = "" if case.where is None else f", where={case.where.text}"
    lines = [
        f"# {found.kind}: {found.text}",
        "import raspc",
        f"{case.script}",
        f"model = raspc.compile(program, vocab={list(case.vocab)!r}, {options}{domain})",
    ]
    if found.xs is not None:
        lines += [
            f"xs = {found.xs!r}",
            f"print('interpreted', raspc.interpret(program, xs, causal={case.causal}))",
            "print('compiled   ', model.apply([model.config.bos, *xs]).decoded[1:])",
        ]
    return "\n".join(lines)


Switches = Sequence[tuple[str, ...]]
EACH: Switches = ((), *((name,) for name in OPTIONAL), OPTIONAL)
"""All passes; all but one, for each; none."""


def cases(seed: int, number: int, levels: Sequence[int | str], switches: Switches = ((),)) -> list[Case]:
    """The cases of one random program: one for each level of optimisation, without the passes of each switch."""
    rng = random.Random(f"{seed}:{number}")
    vocab, causal, n = rng.choice(VOCABULARIES), rng.random() < 0.25, rng.choice((3, 4, 5, 5, 6))
    script = random_script(rng, rng.randint(5, 12), vocab, n, causal)
    return [Case(script, vocab, n, causal, level, without) for level in levels for without in switches]


def decimal_cases(seed: int, number: int, levels: Sequence[int | str], switches: Switches = ((),)) -> list[Case]:
    """The same of a program about decimals, of 8 to 30 operations; it may be undefined on some input."""
    rng = random.Random(f"{seed}:{number}")
    vocab, causal, n = rng.choice(DECIMALS), rng.random() < 0.25, rng.choice((2, 3, 3, 4, 5))
    script = random_decimal_script(rng, rng.randint(8, 30), vocab, n, causal)
    return [Case(script, vocab, n, causal, level, without, True) for level in levels for without in switches]


def domain_cases(seed: int, number: int, levels: Sequence[int | str], switches: Switches = ((),)) -> list[Case]:
    """The same of a program that is for the inputs of a random domain, and may be undefined on others."""
    rng = random.Random(f"{seed}:{number}")
    vocab, causal, n = rng.choice(VOCABULARIES), rng.random() < 0.25, rng.choice((3, 4, 5, 5, 6))
    where = random_where(rng, vocab, n)
    script = random_script(rng, rng.randint(3, 10), where.occur, n, causal, where.once)
    return [Case(script, vocab, n, causal, level, without, where=where) for level in levels for without in switches]


def place_cases(seed: int, number: int, levels: Sequence[int | str], switches: Switches = ((),)) -> list[Case]:
    """The same of a shorter program for longer inputs, where places are compared by the sign of a difference."""
    rng = random.Random(f"{seed}:{number}")
    vocab, causal, n = rng.choice(SMALL), rng.random() < 0.25, rng.choice((10, 12, 16, 24))
    script = random_script(rng, rng.randint(2, 5), vocab, n, causal, kinds=PLACED)
    return [Case(script, vocab, n, causal, level, without) for level in levels for without in switches]


def narrow_cases(seed: int, number: int, levels: Sequence[int | str], switches: Switches = ((),)) -> list[Case]:
    """Picks, sums and all else in bfloat16 and float16, where many programs are refused."""
    rng = random.Random(f"{seed}:{number}")
    vocab, causal, n = rng.choice(VOCABULARIES), rng.random() < 0.25, rng.choice((3, 4, 5, 8, 12))
    script = random_script(rng, rng.randint(3, 9), vocab, n, causal)
    dtype = rng.choice(("bfloat16", "float16"))
    return [Case(script, vocab, n, causal, level, without, dtype=dtype) for level in levels for without in switches]


def total_cases(seed: int, number: int, levels: Sequence[int | str], switches: Switches = ((),)) -> list[Case]:
    """Small programs whose variables are forced too."""
    rng = random.Random(f"{seed}:{number}")
    vocab, causal, n = rng.choice(VOCABULARIES), rng.random() < 0.25, rng.choice((2, 3, 4))
    script = random_script(rng, rng.randint(2, 7), vocab, n, causal)
    return [Case(script, vocab, n, causal, level, without, total=True) for level in levels for without in switches]


def named_lines(script: Script) -> Any:
    """The expression of a script with each of its s-ops under the name of its line."""
    scope: dict[str, Any] = {"rasp": raspc.rasp, "math": math}
    for line in script.lines:
        made = eval(line.text, scope)
        scope[line.name] = made.named(line.name) if line.is_sop else made
    return eval(script.output, scope)


def width_cases(seed: int, number: int, levels: Sequence[int | str], switches: Switches = ((),)) -> list[Case]:
    """Models whose layers have widths of their own."""
    return [replace(case, uniform=False) for case in cases(seed, number, levels, switches)]


KINDS = {
    "all": cases, "decimals": decimal_cases, "domains": domain_cases, "places": place_cases, "narrow": narrow_cases,
    "widths": width_cases, "total": total_cases,
}  # fmt: skip


def level(text: str) -> int | str:
    """A level as `raspc.compile` takes it."""
    return text if text == "size" else int(text)


def run(
    seed: int,
    count: int,
    levels: Sequence[int | str],
    start: int = 0,
    compile: Compile = raspc.compile,
    switches: Switches = ((),),
    kind: str = "all",
) -> int:
    """Check programs start, start + 1, …; print a summary. The exit status."""
    tally: Counter[str] = Counter()
    for number in range(start, start + count):
        refused: dict[tuple[str, ...], dict[bool, list[Case]]] = {}
        for case in KINDS[kind](seed, number, levels, switches):
            own = refused.setdefault(case.without, {True: [], False: []})
            try:
                found = fault(case, compile)
            except UnsupportedProgram as error:
                own[True].append(case)
                tally["refused"] += 1
                print(f"program {number} at {named(case)} refused: {error}", file=sys.stderr)
                continue
            own[False].append(case)
            if found is not None:
                small = shrunk(case, found.kind, compile)
                print(f"# seed {seed}, program {number}, {named(case)}, shrunk")
                print(reproduction(small, fault(small, compile) or found))
                return 1
            tally["equal"] += 1
        for own in refused.values():
            if own[True] and own[False]:
                one, other = own[True][0], own[False][0]
                print(f"# seed {seed}, program {number}: {named(one)} refuses what {named(other)} compiles")
                print(reproduction(one, Fault("refused at one level", f"but not at {named(other)}")))
                return 1
    total = max(sum(tally.values()), 1)
    print(f"seed {seed}: {count} programs at {list(levels)}: {tally['equal']} equal, ", end="")
    print(f"{tally['refused']} refused ({tally['refused'] / total:.1%}), no difference")
    return 0


def named(case: Case) -> str:
    """The level, and what was left out."""
    without = f" without {', '.join(case.without)}" if case.without else ""
    return f"-O{case.optimize}{without}"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--start", type=int, default=0, help="the number of the first program")
    parser.add_argument("--levels", type=level, nargs="+", default=[0, 1], help="0, 1, 2, size")
    parser.add_argument("--disable", nargs="+", default=[], help="names of passes, or each", metavar="NAME")
    parser.add_argument("--kind", choices=sorted(KINDS), default="all", help="which random programs")
    options = parser.parse_args()
    switches = EACH if options.disable == ["each"] else [tuple(options.disable)]
    return run(options.seed, options.count, options.levels, options.start, switches=switches, kind=options.kind)


if __name__ == "__main__":
    sys.exit(main())
