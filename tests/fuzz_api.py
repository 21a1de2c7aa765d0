"""Calls of the public API and command lines with one or two arguments that nobody means: `make fuzz-api`, or

    python -m tests.fuzz_api --seconds 60

Every entry starts from a call that works. A RaspcError may come out, or a TypeError of ours, in one line that names
the argument; no other exception, within 10 seconds and 2 GiB more than the process has. A call that breaks the promise
is printed and ends the run; `--seed N` makes the call of that number again.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import math
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import raspc
from raspc import lab, library, rasp, raspl
from raspc.cli.app import status
from raspc.errors import RaspcError
from raspc.text import load_program

MEGABYTES, SECONDS = 2048, 10


@dataclass(frozen=True)
class Entry:
    """A function of the API, and arguments with which it works; a value that is a function is made anew each time."""

    call: Callable[..., Any]
    works: Mapping[str, Any]


class Odd:
    """An object that is nothing of ours, whose texts are no help."""

    def __repr__(self) -> str:
        return "odd\nin two lines"


BEFORE = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)

JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 3, 2**31, 2**63, -(10**30), 10**400, 0.5, -0.0, 1e308, math.inf, math.nan, 1j, "", "a",
    "ab", "BOS", "PAD", "-O1", "\ud800", "\0", "a" * 5000, b"a", (), (1, "a"), [], [1, 1], ["a"], [["a"]], [None],
    {}, {"a": 1}, {1, "a"}, range(3), range(10**12), np.int64(2), np.float32(0.5), np.array([1, 2]), np.array("a"),
    object, len, print, rasp, rasp.tokens, rasp.length, BEFORE, rasp.Comparison.EQ, rasp.latest, Odd(), Ellipsis,
    "(a|b)*", "(((", "500 MB", "bfloat16", "float16", "tokens", "/dev/null", ".", "/nonexistent/x",
)  # fmt: skip
"""What an argument may be that ought to be something else."""


@cache
def model() -> raspc.Model:
    """A small model, which calls share."""
    return raspc.compile(library.hist(), "ab", 3)


def _program() -> rasp.SOp:
    return library.hist()


COMPILE = {
    "program": _program, "vocab": ["a", "b"], "max_seq_len": 3, "causal": False, "bos": "BOS", "pad": "PAD",
    "optimize": 2, "partial": False, "strict": False, "certify": True, "verify": False, "disabled_passes": (),
    "dtype": "float32", "summation": "any order", "accumulate": "float32", "probabilities": "stored",
    "memory": "1 GiB", "where": None, "generate": False, "stop": None, "prompts": None, "target": "plain",
    "uniform": True, "sharpness": 1.0, "margin": None, "total": False,
}  # fmt: skip
WRITES = {"vocab": ["a", "=", "."], "max_seq_len": 6, "generate": True, "stop": ".", "prompts": "a{1,2}=",
          "optimize": 2, "target": "plain", "total": False, "margin": None}  # fmt: skip


@cache
def causal_model() -> raspc.Model:
    """One that all families can have, and in which every variable may be forced."""
    return raspc.compile(rasp.causal(library.hist()), "ab", 3, total=True)


@cache
def writer() -> raspc.Model:
    """A small model that writes, which calls share."""
    return raspc.compile(library.WRITERS["write_copy"].build(), **WRITES)


@cache
def task() -> lab.Task:
    """A question of a model, which calls share."""
    return lab.task(model(), pairs=4)


def _scores() -> dict[str, float]:
    return dict.fromkeys(task().edges, 0.5)


def _truth() -> list[str]:
    return list(task().edges)[:1]


ENTRIES: dict[str, Entry] = {
    "compile": Entry(raspc.compile, COMPILE),
    "check": Entry(raspc.check, {"model": model, "limit": 20, "seed": 0, "symmetric": True, "threads": 1,
                                 "program": _program, "dtype": None, "state": None}),
    "certificate": Entry(raspc.certificate, {"model": model, "dtype": "float32", "summation": "any order",
                                             "accumulate": "float32", "probabilities": "stored", "longest": False}),
    "diff": Entry(raspc.diff, {"a": _program, "b": model, "vocab": None, "max_seq_len": None, "causal": None,
                               "limit": 20, "seed": 0, "run": True, "threads": 1}),
    "rotate": Entry(raspc.rotate, {"model": model, "seed": 1, "haar": False}),
    "load": Entry(raspc.load, {"directory": "saved"}),
    "interpret": Entry(raspc.interpret, {"program": _program, "xs": ["a", "b"], "causal": False, "where": None}),
    "load_program": Entry(load_program, {"path_or_source": "x = tokens;", "name": "x", "strict": False, "steps": 1000,
                                         "allow_files": False, "dialect": "rasp"}),
    "Model.apply": Entry(lambda tokens: model().apply(tokens), {"tokens": ["BOS", "a"]}),
    "Model.apply_batch": Entry(lambda batch: model().apply_batch(batch), {"batch": [["BOS", "a"], ["BOS"]]}),
    "Model.save": Entry(lambda directory: model().save(directory), {"directory": "saved"}),
    "Model.to": Entry(lambda target, path: model().to(target, path), {"target": "npz", "path": "x.npz"}),
    "compile a program that writes": Entry(
        lambda program, **options: raspc.compile(program, **options),
        {"program": library.WRITERS["write_copy"].build(), **WRITES},
    ),
    "Model.to a family": Entry(
        lambda target, path, norm_scale, step_sharpness: causal_model().to(
            target, path, norm_scale=norm_scale, step_sharpness=step_sharpness
        ),
        {"target": "llama", "path": "llama", "norm_scale": 2.0**12, "step_sharpness": 2.0**8},
    ),
    "Model.to GGUF": Entry(lambda path: causal_model().to("gguf", path), {"path": "x.gguf"}),
    "Model.generate": Entry(lambda prompt, count: writer().generate(prompt, count), {"prompt": "a=", "count": 3}),
    "Model.stream": Entry(lambda prompt, count: list(writer().stream(prompt, count)), {"prompt": "a=", "count": 3}),
    "Model.generate_batch": Entry(
        lambda prompts, count: writer().generate_batch(prompts, count), {"prompts": ["a=", "aa="], "count": 3}
    ),
    "Model.intervene": Entry(
        lambda values, positions, tokens: model().intervene(values, positions)(tokens),
        {"values": {"hist": 2}, "positions": [0], "tokens": "ab"},
    ),
    "Model.patch": Entry(
        lambda source, names, tokens: model().patch(source, names)(tokens),
        {"source": "ab", "names": ["hist"], "tokens": "aa"},
    ),
    "Model.ablate": Entry(
        lambda names, how, seed: model().ablate(names, how, seed)("ab"), {"names": ["hist"], "how": "mean", "seed": 0}
    ),
    "Model.circuit": Entry(
        lambda granularity, inputs: model().circuit(granularity, inputs), {"granularity": "component", "inputs": ["ab"]}
    ),
    "interpret, forced": Entry(
        lambda force, positions: raspc.interpret(library.hist(), "ab", force=force, positions=positions),
        {"force": {"hist": [1, 2]}, "positions": [0, 1]},
    ),
    "lab.task": Entry(
        lab.task,
        {"model": model, "corruption": "shuffle", "pairs": 4, "seed": 0, "dtype": "float64",
         "granularity": "component", "name": "x"},
    ),
    "lab.truths": Entry(lambda one: lab.truths(task() if one is None else one), {"one": None}),
    "lab.iia": Entry(lab.iia, {"model": model, "alignment": None, "pairs": 4, "seed": 0, "dtype": "float64"}),
    "lab.check_forced": Entry(lab.check_forced, {"model": causal_model, "program": _program, "count": 5, "seed": 0}),
    "lab.methods": Entry(lambda name, one: lab.methods.method(name)(task() if one is None else one),
                         {"name": "weights", "one": None}),
    "lab.scores": Entry(lambda scores, truth, absolute: lab.scores.score(scores, truth, task(), absolute=absolute),
                        {"scores": _scores, "truth": _truth, "absolute": True}),
    "lab.probe": Entry(
        lab.methods.probe, {"model": model, "variable": "hist", "stage": 1, "seed": 0, "dtype": "float64"}
    ),
    "lab.permute": Entry(lab.permute, {"model": model, "seed": 1}),
    "raspl.select": Entry(raspl.select, {"k": rasp.tokens, "q": "a", "pred": raspl.equals, "causal": True}),
    "raspl.kqv": Entry(
        raspl.kqv,
        {"k": rasp.tokens, "q": "a", "v": rasp.indices, "pred": raspl.equals, "default": 0, "reduction": "max"},
    ),
    "raspl.where": Entry(raspl.where, {"condition": rasp.tokens == "a", "x_if": 1, "y_else": 2}),
    "raspl.shift_right": Entry(raspl.shift_right, {"x": rasp.tokens, "n": 1, "default": "a"}),
    "C-RASP": Entry(load_program, {"path_or_source": "x(i) := #[j <= i] Q_a(j)", "name": "x", "dialect": "crasp"}),
    "B-RASP": Entry(load_program, {"path_or_source": "x(i) := Q_a(i)", "name": "x", "dialect": "brasp"}),
    "library.get": Entry(library.get, {"name": "hist"}),
    "an s-op on an input": Entry(lambda xs: library.hist()(xs), {"xs": "ab"}),
    "an operator": Entry(lambda x: rasp.tokens + x, {"x": 1}),
    "Map": Entry(rasp.Map, {"f": len, "inner": rasp.tokens}),
    "SequenceMap": Entry(rasp.SequenceMap, {"f": max, "fst": rasp.tokens, "snd": rasp.indices}),
    "LinearSequenceMap": Entry(rasp.LinearSequenceMap, {"fst": rasp.indices, "snd": rasp.length, "fst_fac": 1,
                                                        "snd_fac": 2}),
    "map": Entry(lambda f, x: rasp.map(f, x, 1), {"f": max, "x": rasp.indices}),
    "where": Entry(rasp.where, {"condition": rasp.tokens == "a", "a": 1, "b": 2}),
    "assume": Entry(rasp.assume, {"sop": rasp.indices, "values": [0, 1, 2]}),
    "is_in": Entry(rasp.is_in, {"sop": rasp.tokens, "values": "ab"}),
    "Select": Entry(rasp.Select, {"keys": rasp.tokens, "queries": "a", "predicate": rasp.Comparison.EQ}),
    "Aggregate": Entry(rasp.Aggregate, {"selector": BEFORE, "sop": rasp.indices, "default": 0, "single": False}),
    "Sum": Entry(rasp.Sum, {"selector": BEFORE, "sop": rasp.indices, "default": 0}),
    "SelectorWidth": Entry(rasp.SelectorWidth, {"selector": BEFORE}),
    "best": Entry(rasp.best, {"selector": BEFORE, "score": rasp.indices, "end": "max"}),
    "latest": Entry(rasp.latest, {"selector": BEFORE}),
    "Full": Entry(rasp.Full, {"fill": 1}),
    "ConstantSOp": Entry(rasp.ConstantSOp, {"value": [1, 2], "check_length": False}),
    "ConstantSelector": Entry(rasp.ConstantSelector, {"value": [[True]], "check_length": False}),
}  # fmt: skip
"""By the name under which a failure is told."""

LINES: tuple[Sequence[str], ...] = (
    ("compile", "hist", "--vocab", "a,b", "--max-seq-len", "3", "-o", "made", "-O", "2", "--memory", "1 GiB"),
    ("run", "saved", "a", "b"), ("run", "saved", "a", "--trace", "--json"), ("check", "saved", "--limit", "20"),
    ("certify", "saved", "--json"), ("inspect", "saved", "--explain"), ("diff", "saved", "hist", "--limit", "20"),
    ("view", "saved", "a", "-o", "page.html"), ("export", "saved", "--to", "npz", "-o", "x.npz"), ("list",),
    ("list", "--passes"), ("parity", "saved"),
    ("convert", "text.rasp:x", "--vocab", "a,b", "--max-seq-len", "3", "-o", "made2"),
    ("compile", "hist", "--vocab", "a,b", "--max-seq-len", "3", "-o", "made3", "--target", "llama", "--causal",
     "--total"),
    ("export", "causal", "--to", "llama", "-o", "llama"), ("circuit", "saved", "--json"), ("lab", "list"),
    ("compile", "write_copy", "--vocab", "a,=,.", "--max-seq-len", "6", "--generate", "--stop", ".", "--prompts",
     "a{1,2}=", "-o", "writes"),
    ("generate", "writes", "a="), ("check", "writes", "--generate"),
    ("compress", "saved", "--dims", "4", "--seeds", "1", "--methods", "pca", "-o", "swept"),
)  # fmt: skip
"""Command lines that work, or are refused in one line."""

WORDS = (
    "", "-", "--", "-o", "--json", "--vocab", "--max-seq-len", "--dtype", "--where", "--limit", "-1", "0",
    "99999999999", "1e999", "nan", "a,b", '["a"', '[1, "a"]', "saved", "missing", "text.rasp", "text.rasp:x",
    "code.py:x", "\ud800",
    "BOS", "hist", "-O", "3", "bfloat16", "(a|b)*", "(((", "--memory", "1 KB", "--causal", "/dev/null", "a" * 300,
    "--help",
)  # fmt: skip


def outcome(call: Callable[[], Any]) -> str:
    """What a call gave: "answered", "refused", or "wrong kind". Any other exception comes through."""
    try:
        call()
    except RaspcError as error:
        assert str(error), "an error without words"
        return "refused"
    except TypeError as error:
        assert "needed" in str(error) and "\n" not in str(error), f"no TypeError of ours: {error}"
        return "wrong kind"
    return "answered"


def api_call(rng: random.Random) -> tuple[str, Callable[[], Any]]:
    """One entry with one or two arguments changed, and the call in words."""
    name = rng.choice(list(ENTRIES))
    entry = ENTRIES[name]
    given = {key: made(value) for key, value in entry.works.items()}
    for key in rng.sample(list(given), min(len(given), rng.choice((1, 1, 2)))):
        given[key] = rng.choice(JUNK)
    return f"{name}({', '.join(f'{key}={value!r:.60}' for key, value in given.items())})", lambda: entry.call(**given)


def made(value: Any) -> Any:
    """An argument that works: the shared model or a program, where their functions stand for them."""
    return value() if any(value is one for one in (model, causal_model, _program, _scores, _truth)) else value


def command_line(rng: random.Random) -> tuple[str, Callable[[], Any]]:
    """One command line with a few words changed, put in or left out."""
    words = list(rng.choice(LINES))
    for _ in range(rng.randint(1, 3)):
        place = rng.randint(1, len(words))
        words[place : place + rng.randint(0, 1)] = [rng.choice(WORDS)] * rng.randint(0, 1)

    def run() -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as told:
            code = status(words)
        assert isinstance(code, int)
        assert "Traceback" not in told.getvalue()

    return f"raspc {' '.join(map(repr, words))}", run


def prepare() -> None:
    """The files that command lines name, in the working directory."""
    model().save("saved")
    causal_model().save("causal")
    writer().save("writes")
    with open("text.rasp", "w") as text:
        text.write("x = tokens;\n")
    with open("code.py", "w") as code:
        code.write("x = 1\n")


def bound() -> None:
    """Limits what this process may take beyond what it has, with the frameworks that commands import."""
    for name in ("torch", "matplotlib.pyplot"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    statm = Path("/proc/self/statm")
    held = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    resource.setrlimit(resource.RLIMIT_AS, (held + (MEGABYTES << 20),) * 2)


def try_one(seed: int) -> str:
    """The call or command line of a number. Raises what it raised, with the call in a note."""
    rng = random.Random(seed)
    words, call = (api_call if rng.random() < 0.7 else command_line)(rng)

    def late(number: int, frame: Any) -> None:
        raise TimeoutError(f"took longer than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return outcome(call)
    except BaseException as error:
        error.add_note(f"--seed {seed}: {words}")
        raise
    finally:
        signal.alarm(0)


def main() -> int:
    """The command line. The exit status is 1 where the promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="the number of the first call")
    parser.add_argument("--count", type=int, default=0, help="how many calls, instead of seconds")
    options = parser.parse_args()
    counts: dict[str, int] = {}
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        prepare()
        bound()
        seed = options.seed
        while seed < options.seed + options.count if options.count else time.monotonic() < end:
            found = try_one(seed)
            counts[found] = counts.get(found, 0) + 1
            seed += 1
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"fuzz-api: {seed - options.seed} calls: {told}; nothing else came out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
