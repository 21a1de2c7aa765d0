"""Idioms that everybody writes: by what there was before the words for them, and by the words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import machines
from benchmarks.measure import Table

PRELUDE = """
from benchmarks import machines
from raspc import library, rasp
T, I, EQ, LT = rasp.tokens, rasp.indices, rasp.Comparison.EQ, rasp.Comparison.LT
A, S, W = rasp.Aggregate, rasp.Select, rasp.SelectorWidth
same, before, everything = S(T, T, EQ), S(I, I, LT), S(I, I, rasp.Comparison.TRUE)
seen, marker = W(same & before), S(T, rasp.Full("="), EQ)
rank = W(S(T, T, LT) | same & before)
one = rasp.Full(1)
"""
COMPILE = """
import json, time, warnings, raspc
warnings.simplefilter("ignore")
start = time.process_time()
try:
    model = raspc.compile(program, {vocab!r}, {n}, causal={causal}, optimize=2, where={where})
    found = [sum(a.size for a in model.params.values()), model.config.n_layers, model.certificate.verdict]
except raspc.RaspcError as error:
    found = [type(error).__name__]
print(json.dumps([*found, time.process_time() - start]))
"""
LIMIT = 240
"""Seconds after which a compile is given up."""


@dataclass(frozen=True)
class Idiom:
    """One idiom as two expressions; `words` is the one with the words that are meant for it, for the inputs of `where`.

    Without another one there is but one way to write it, which was refused, or took millions of parameters.
    """

    name: str
    without: str
    words: str
    vocab: Sequence[str | int]
    lengths: Sequence[int]
    causal: bool = False
    where: str = "None"


LETTERS = tuple("abcdefgh")
IDIOMS = (
    Idiom("the last place of this token",
          "A(same & S(seen, W(same) - 1, EQ), I)", "A(rasp.latest(same), I)", LETTERS, (16, 64, 256)),
    Idiom("what came after this token (induction)",
          "A(S(I, A(same & S(seen, seen - 1, EQ), I, default=-2) + 1, EQ), T)", "library.induction()",
          LETTERS, (16, 64, 2100, 4096), causal=True),
    Idiom("the least value", "A(S(rank, 0, EQ), T)", "A(rasp.best(everything, T, 'min'), T)", range(8), (16, 64, 256)),
    Idiom("the place of the greatest value", "A(S(W(S(T, T, rasp.Comparison.GT) | same & before), 0, EQ), I)",
          "A(rasp.earliest(rasp.best(everything, T)), I)", range(8), (16, 64, 256)),
    Idiom("has this token been seen", "seen > 0", "A(rasp.earliest(same), I) < I", LETTERS, (16, 64, 256)),
    Idiom("twice the sum less the length", "rasp.map(lambda m, n: 2 * m * n - n, A(everything, T), rasp.length)",
          "2 * A(everything, T) * rasp.length - rasp.length", (1, 2, 3), (10, 20)),
    Idiom("the sum so far", "W(S(T % 2, one, EQ)) + 2 * W(S(T // 2 % 2, one, EQ)) + 4 * W(S(T // 4, one, EQ))",
          "rasp.Sum(everything, T)", range(8), (16, 64, 128), causal=True),
    Idiom("is the marker just before (a mean of places)", "", "A(marker, I) == I - 1", ("a", "="), (12, 48, 128)),
    Idiom("is the marker just before (one place)", "", "A(rasp.latest(marker), I) == I - 1", ("a", "="), (12, 48, 512)),
    Idiom("a named goal: a mean of places and a count", "",
          "((A(marker, I, default=0) + W(S(T, '1', EQ))).named('goal') == I).named('here')",
          ("1", "0", "="), (10, 12, 16), causal=True),
    Idiom("a Turing machine (busy beaver 4, 107 steps)", "machines.beaver(words=False)", "machines.beaver()",
          machines.BEAVER_TOKENS, (108,), causal=True, where="[machines.beaver_run()]"),
    Idiom("the same without a domain", "machines.beaver(words=False)", "machines.beaver()",
          machines.BEAVER_TOKENS, (108,), causal=True),
    Idiom("count to 99 (one map of four)", "machines.count_up()", "machines.count_up()",
          machines.COUNT_TOKENS, (104,), causal=True, where="machines.count_runs()"),
    Idiom("count to 99 (a choice)", "machines.count_up()", "machines.count_by_choice()",
          machines.COUNT_TOKENS, (104,), causal=True, where="machines.count_runs()"),
)  # fmt: skip


def table() -> Table:
    """Each idiom both ways at -O2: parameters, layers, how it is known to be right, and seconds of a compile."""
    rows = [row(idiom, n) for idiom in IDIOMS for n in idiom.lengths]
    return Table("Idioms (-O2)", ("idiom", "length", "without its word", "with its word"), rows)


def row(idiom: Idiom, n: int) -> tuple[str, ...]:
    """One idiom at one length."""
    without = compiled(idiom.without, idiom, n) if idiom.without else "the same words"
    return idiom.name, f"{n:,}", without, compiled(idiom.words, idiom, n, idiom.where)


def compiled(expression: str, idiom: Idiom, n: int, where: str = "None") -> str:
    """What a compile gives, in a process of its own."""
    compiling = COMPILE.format(vocab=list(idiom.vocab), n=n, causal=idiom.causal, where=where)
    program = f"{PRELUDE}program = {expression}\n{compiling}"
    try:
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return f"no end in {LIMIT} s"
    if ran.returncode:
        return ran.stderr.strip().splitlines()[-1][:60]
    *found, took = json.loads(ran.stdout)
    if len(found) == 1:
        return f"refused ({found[0]})"
    parameters, layers, verdict = found
    return f"{parameters:,}; {layers} layer{'s' * (layers > 1)}, {verdict}, {took:.1f} s"
