"""Saves small models of the format that raspc writes now, with what they answer and hold: `tests/saved/formatN/`.

    python tests/saved/make.py tests/saved/format2

Run once for each format, by the revision that writes it; what is there already is never written again.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import raspc
from raspc import jsonvalues, library, rasp
from raspc.certify.checking.variables import trace_variables
from raspc.rasp import Comparison

T, INDEX = rasp.tokens, rasp.indices
SAME = rasp.Select(T, T, Comparison.EQ)
MARKER = rasp.Select(T, rasp.Full("="), Comparison.EQ)
AT, MARKS = rasp.Aggregate(MARKER, INDEX, default=-1), rasp.SelectorWidth(MARKER).named("marks")
BEFORE = rasp.Select(INDEX, INDEX, Comparison.LT)
EITHER = rasp.Select(T, T, Comparison.EQ) | rasp.Select(INDEX, INDEX, Comparison.EQ)

CASES: dict[str, tuple[Any, Any, int, dict[str, Any]]] = {
    "reverse-0": (library.reverse(), "ab", 3, {"optimize": 0}),
    "hist-1": (library.hist(), "abc", 4, {"optimize": 1}),
    "hist-2-bfloat16": (library.hist(), "ab", 6, {"optimize": 2, "dtype": "bfloat16"}),
    "sort-0": (library.sort(), range(3), 3, {"optimize": 0}),
    "sort-2": (library.sort(), range(4), 4, {"optimize": 2}),
    "sort_freq-2": (library.sort_freq(), "abc", 4, {"optimize": 2}),
    "frac_prevs-1": (rasp.numerical(library.frac_prevs(T == "x")), "xy", 5, {"optimize": 1, "causal": True}),
    "shuffle_dyck-2": (library.shuffle_dyck(["()"]), "()", 4, {"optimize": 2}),
    "induction-1": (library.induction(), "abc", 4, {"optimize": 1, "causal": True}),
    "most_freq-2-float16": (library.most_freq(), "ab", 4, {"optimize": 2, "dtype": "float16"}),
    "mean-2": (rasp.Aggregate(BEFORE, T, default=None), (1, 2.5, -3), 4, {"optimize": 2}),
    "either-1": (rasp.SelectorWidth(EITHER) * 2 + INDEX, (0, 1), 4, {"optimize": 1}),
    "either-2-without": (rasp.SelectorWidth(EITHER), "ab", 4, {"optimize": 2, "disabled_passes": ["reuse", "steep"]}),
    "rotated-1": (library.hist(), "ab", 3, {"optimize": 1}),
    "latest-2": (rasp.Aggregate(rasp.latest(SAME & BEFORE), T, default="_"), "ab", 4, {"optimize": 2, "causal": True}),
    "best-1": (rasp.Aggregate(rasp.earliest(rasp.best(BEFORE, T)), INDEX, default=-1), range(3), 4, {"optimize": 1}),
    "best-2": (rasp.SelectorWidth(rasp.best(BEFORE, T, "min")), (-1, 2, 5), 4, {"optimize": 2}),
    "sum-0": (rasp.Sum(BEFORE, T), (0, 1, 3), 4, {"optimize": 0}),
    "sum-2": (rasp.Map(lambda x: x % 3, rasp.Sum(SAME, INDEX).named("total")), "ab", 5, {"optimize": 2}),
    "sum-1-bfloat16": (rasp.Sum(BEFORE, T), (0, 1), 4, {"optimize": 1, "dtype": "bfloat16"}),
    "sign-2": (AT == INDEX - 1, "a=", 12, {"optimize": 2}),
    "single-1": (rasp.Aggregate(MARKER, INDEX, default=-1, single=True), "a=", 4, {"optimize": 1}),
    "domain-1": ((AT + MARKS).named("goal") == INDEX, "01=", 5, {"optimize": 1, "where": "[01]*=[01]*"}),
    "domain-2": (AT * 2, "01=", 40, {"optimize": 2, "where": "[01]*=[01]*"}),
    "condition-2": (AT, "01=", 4, {"optimize": 2, "where": MARKS == 1}),
    "widths-1": (library.sort(), range(3), 3, {"optimize": 1, "uniform": False}),
    "widths-2": (library.reverse(), "ab", 4, {"optimize": 2, "uniform": False}),
    "widths-2-bfloat16": (library.sort_freq(), "abc", 3, {"optimize": 2, "uniform": False, "dtype": "bfloat16"}),
    "assume-1": (rasp.assume(MARKS, [0, 1]) * 2 + INDEX, "01=", 4, {"optimize": 1, "where": "[01]*=?[01]*"}),
}  # fmt: skip
SINCE = dict.fromkeys((
    "latest-2", "best-1", "best-2", "sum-0", "sum-2", "sum-1-bfloat16", "sign-2", "single-1", "domain-1", "domain-2",
    "condition-2", "assume-1", "widths-1", "widths-2", "widths-2-bfloat16",
), 2)  # fmt: skip
"""Of what there is no model in the first formats: the first in which there is."""
ONE_MARKER = ("=", "01=1", "0=10")
"""Inputs for the cases that are not for every input."""


def cases_of(form: int) -> list[str]:
    """The cases of a format."""
    return [name for name in CASES if SINCE.get(name, 1) <= form]


def made(name: str) -> raspc.Model:
    """The model of a case."""
    program, vocab, length, options = CASES[name]
    model = raspc.compile(program, list(vocab), length, **options)
    return raspc.rotate(model, seed=0) if name.startswith("rotated") else model


def inputs(name: str) -> list[list[Any]]:
    """A few inputs, the longest among them."""
    _, vocab, length, options = CASES[name]
    if "where" in options or name == "single-1":
        return [list(text) for text in (("a=", "=a", "a") if name == "single-1" else ONE_MARKER)]
    tokens = list(vocab)
    return [tokens[:1], (tokens * length)[:length], (tokens[::-1] * length)[1 : 1 + length]]


def facts(name: str, model: raspc.Model) -> list[dict[str, Any]]:
    """For each input what the model answers, and which variables can be read after which stage, with their values."""
    found = []
    for tokens in inputs(name):
        held = trace_variables(model, tokens).held
        trace = {
            str(stage): {label: [written(v) for v in values] for label, values in variables.items()}
            for stage, variables in held.items()
        }
        answer = [written(value) for value in model.apply([model.config.bos, *tokens]).decoded[1:]]
        found.append({"tokens": tokens, "answer": answer, "trace": trace})
    return found


def written(value: Any) -> Any:
    """A value as JSON; a number to five digits, and what cannot be read as it shows."""
    if value is ...:
        return "..."
    return float(f"{value:.5g}") if isinstance(value, float) else jsonvalues.encode(value)


def main() -> None:
    """Write every case that is not there."""
    warnings.simplefilter("ignore")
    root = Path(sys.argv[1])
    for name in CASES:
        if not (root / name).exists():
            model = made(name)
            model.save(root / name)
            verdict = None if model.certificate is None else model.certificate["verdict"]
            expected = {"verdict": verdict, "facts": facts(name, model)}
            (root / f"{name}.json").write_text(json.dumps(expected, indent=None) + "\n")


if __name__ == "__main__":
    main()
