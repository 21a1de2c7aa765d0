"""Coverage-guided fuzzing of everything that reads what a stranger wrote: `make fuzz-load`, or

    python -m tests.fuzz_load --seconds 60 --target model

Targets: a saved model (any of its files changed, mostly with a hash that fits), a graph as JSON and as text, RASP
text, and the files that sweeps, trainings, checks and the majority pipeline leave and read again. Nothing but a
RaspcError may come out, within 10 seconds and 2 GiB for each input. Inputs are changed as what they are (JSON at places
of its own, text token by token); atheris keeps those that reach new code of raspc. Where atheris is not installed the
same changes are tried blindly, and the run says so. An input that breaks the promise is kept under artifacts/fuzz-load,
and named; `--repeat FILE --target NAME` runs it again.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARTIFACTS = Path("artifacts") / "fuzz-load"
MEGABYTES, SECONDS = 2048, 10
LONGEST = 1 << 18


@dataclass(frozen=True)
class Target:
    """What is fed with bytes, how they are changed, and what to start from."""

    run: Callable[[bytes], None]
    change: Callable[[bytes, random.Random], bytes]
    corpus: Callable[[], Sequence[bytes]]


def packed(held: Mapping[str, bytes], names: Sequence[str]) -> bytes:
    """The files of these names as one string of bytes; what is missing is empty."""
    files = [held.get(name, b"") for name in names]
    return b"".join(struct.pack("<I", len(data)) + data for data in files)


def unpacked(data: bytes, names: Sequence[str]) -> dict[str, bytes]:
    """The files again."""
    held, start = {}, 0
    for name in names:
        size = struct.unpack("<I", data[start : start + 4].ljust(4, b"\0"))[0]
        held[name] = data[start + 4 : start + 4 + size]
        start += 4 + size
    return held


def run_model(data: bytes) -> None:
    """Load the directory and, if it is a model, use it."""
    from tests.hostile import FILES, load_and_use, write

    write(Path("model"), unpacked(data, FILES))
    load_and_use(Path("model"))


def change_model(data: bytes, rng: random.Random) -> bytes:
    """One or two of the files."""
    from tests.hostile import FILES, mutated_files

    return packed(mutated_files(unpacked(data, FILES), rng), FILES)


def models() -> list[bytes]:
    """Sound ones."""
    from tests.hostile import FILES, originals

    return [packed(held, FILES) for held in originals()]


def run_graph(data: bytes) -> None:
    """Read a graph from JSON; one that is accepted is written, as text too, and read again."""
    from raspc import ModelFormatError, jsonvalues
    from raspc.graph import from_json, from_text, to_json, to_text

    try:
        graph = from_json(jsonvalues.loads(data))
    except ModelFormatError:
        return
    assert to_text(from_text(to_text(graph))) == to_text(from_json(to_json(graph)))
    assert len(set(graph.labels)) == len(graph)


def change_json(data: bytes, rng: random.Random) -> bytes:
    """Its content, or now and then its bytes."""
    from tests.hostile import mutated_bytes, mutated_json

    return (mutated_bytes if rng.random() < 0.1 else mutated_json)(data, rng)


def graphs() -> list[bytes]:
    """Those of the sound models."""
    from tests.hostile import originals

    from raspc.weights import saving

    return [held[saving.GRAPH] for held in originals()]


def run_text(data: bytes) -> None:
    """Read a graph from text."""
    from raspc import ModelFormatError
    from raspc.graph import from_text, to_text

    try:
        graph = from_text(data.decode("utf-8", "replace"))
    except ModelFormatError:
        return
    assert from_text(to_text(graph)).labels == graph.labels


def change_lines(data: bytes, rng: random.Random) -> bytes:
    """Lines moved, doubled or dropped; the JSON at their ends; or bytes."""
    from tests.hostile import mutated_bytes, mutated_json

    lines = data.split(b"\n")
    at, how = rng.randrange(len(lines)), rng.random()
    if how < 0.2:
        lines.insert(rng.randrange(len(lines) + 1), lines[at])
    elif how < 0.4:
        del lines[at]
    elif how < 0.8:
        head, brace, body = lines[at].partition(b"{")
        lines[at] = head + mutated_json(brace + body, rng) if brace else mutated_bytes(lines[at], rng)
    else:
        return mutated_bytes(data, rng)
    return b"\n".join(lines)


def texts() -> list[bytes]:
    """The graphs of the sound models as text."""
    from raspc import jsonvalues
    from raspc.graph import from_json, to_text

    return [to_text(from_json(jsonvalues.loads(data))).encode() for data in graphs()]


def run_rasp(data: bytes) -> None:
    """Read a program in RASP's own syntax, and tabulate it for two tokens."""
    from raspc import RaspcError, text
    from raspc.graph.build import build

    try:
        build(text.load_program(data.decode("utf-8", "replace") + "\n"), ("a", "b"), 2)
    except RaspcError as error:
        assert str(error)


PIECES = (
    "x", "f", "tokens", "indices", "length", "full_s", "select", "aggregate", "selector_width", "1", "0", "2.5", '"a"',
    "(", ")", "[", "]", "{", "}", ",", ";", ":", "=", "==", "<", ">=", "+", "-", "*", "/", "^", "%", "and", "or", "not",
    "if", "else", "for", "in", "def", "return", "load", "round", "indicator", "True", "\n", '"', "#", "range", "zip",
    "len", "hist", "9^9", "1e308", "tokens_int", "''", "\\", "é",
)  # fmt: skip


def change_tokens(data: bytes, rng: random.Random) -> bytes:
    """Words and signs put in, taken out, doubled, or moved."""
    words = data.decode("utf-8", "replace").split(" ")
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(words) + 1)
        cut = words[start : start + rng.choice((0, 0, 1, 3))]
        put = rng.choice(([], cut * 2, cut * 50, [rng.choice(PIECES)], [rng.choice(PIECES), rng.choice(PIECES)]))
        words[start : start + len(cut)] = put
        words = words or [""]
    return " ".join(words).encode("utf-8", "replace")


def programs() -> list[bytes]:
    """The files of the package's library, with spaces around every sign; and one statement of each kind."""
    import re

    from raspc.text.environment import LIBRARY

    spaced = [re.sub(r"([^\w\s.])", r" \1 ", path.read_text(encoding="utf-8")) for path in LIBRARY.glob("*.rasp")]
    small = (
        "x = select ( tokens , tokens , == ) ; y = aggregate ( x , indices , 0 ) ;",
        "def f ( a , b = 2 ) { return a + b , [ a , b ] ; } x , y = f ( tokens , b = 1 ) ;",
        "for i in range ( 3 ) { x = [ i * j for j in [ 1 , 2 ] ] ; } y = indices if tokens == \"a\" else x [ 1 ] ;",
        "d = { \"a\" : 1 } ; y = d [ tokens ] + round ( length / 2 ) ; z = hist ( tokens ) in [ 1 , 2 ] ;",
    )  # fmt: skip
    return [text.encode() for text in (*spaced, *small)]


def of_files(kind: str) -> Target:
    """A directory of a kind of `hostile_files`, with some of its files changed; an empty file is none."""
    from tests import hostile_files

    def run(data: bytes) -> None:
        held = unpacked(data, list(hostile_files.sound(kind)))
        hostile_files.try_one(kind, {name: content for name, content in held.items() if content})

    def change(data: bytes, rng: random.Random) -> bytes:
        names = list(hostile_files.sound(kind))
        return packed(hostile_files.changed(unpacked(data, names), rng), names)

    return Target(run, change, lambda: [packed(hostile_files.sound(kind), list(hostile_files.sound(kind)))])


def targets() -> dict[str, Target]:
    """All by name."""
    from tests import hostile_files

    return TARGETS | {kind: of_files(kind) for kind in hostile_files.KINDS}


TARGETS = {
    "model": Target(run_model, change_model, models),
    "graph": Target(run_graph, change_json, graphs),
    "text": Target(run_text, change_lines, texts),
    "rasp": Target(run_rasp, change_tokens, programs),
}


def guided(target: Target, seconds: int, seed: int, artifacts: Path) -> None:
    """Let atheris look for inputs that reach new code; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=["raspc"]):
        corpus = target.corpus()

    def mutate(data: bytes, max_size: int, mutation_seed: int) -> bytes:
        rng = random.Random(mutation_seed)
        return (target.change(data, rng) if data else rng.choice(corpus))[:max_size]

    Path("corpus").mkdir()
    for i, data in enumerate(corpus):
        Path("corpus", str(i)).write_bytes(data)
    options = {"max_total_time": seconds, "seed": seed, "rss_limit_mb": MEGABYTES, "timeout": SECONDS,
               "max_len": LONGEST, "len_control": 0, "artifact_prefix": f"{artifacts}/", "print_final_stats": 1,
               "verbosity": 0}  # fmt: skip
    flags = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *flags, "corpus"], target.run, custom_mutator=mutate)
    atheris.Fuzz()


def blind(target: Target, seconds: int, seed: int, artifacts: Path) -> None:
    """Try the same changes with no knowledge of what they reach."""
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    corpus, rng = list(target.corpus()), random.Random(seed or 1)
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = rng.choice(corpus)
        for _ in range(rng.randint(1, 3)):
            data = target.change(data, rng)[:LONGEST]
        started = time.process_time()
        try:
            target.run(data)
            assert time.process_time() - started < SECONDS, f"took longer than {SECONDS} seconds"
        except BaseException:
            (artifacts / f"crash-{runs}").write_bytes(data)
            print(f"kept as {artifacts / f'crash-{runs}'}", file=sys.stderr)
            raise
        runs += 1
    print(f"Done {runs} runs in {seconds} second(s)", file=sys.stderr)


def one(name: str, seconds: int, seed: int, repeat: Path | None) -> None:
    """A target in this process, in a directory of its own."""
    artifacts = ARTIFACTS.absolute() / name
    artifacts.mkdir(parents=True, exist_ok=True)
    data = repeat.read_bytes() if repeat else None
    sys.path.insert(0, os.getcwd())
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        if data is not None:
            targets()[name].run(data)
            return
        fuzz = guided if importlib.util.find_spec("atheris") else blind
        fuzz(targets()[name], seconds, seed, artifacts)


def main() -> int:
    """The command line: each target in a process of its own. The exit status is 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0, help="0: another one every time")
    parser.add_argument("--target", choices=targets(), action="append")
    parser.add_argument("--repeat", type=Path, help="an input that was kept")
    parser.add_argument("--here", action="store_true", help="in this process (what each process is started with)")
    options = parser.parse_args()
    names = options.target or list(targets())
    if options.here or options.repeat:
        one(names[0], options.seconds, options.seed, options.repeat)
        return 0
    if not importlib.util.find_spec("atheris"):
        print("atheris is not installed (pip install 'raspc[fuzz]'; it has wheels for CPython on Linux and macOS):")
        print("the same changes are tried without guidance by coverage")
    failed = [name for name in names if not passed(name, options.seconds, options.seed)]
    print(f"fuzz-load: {'failed: ' + ', '.join(failed) if failed else 'nothing but RaspcError came out'}")
    return int(bool(failed))


def passed(name: str, seconds: int, seed: int) -> bool:
    """Whether a target kept the promise; a line of figures, or all that its process said."""
    command: list[Any] = [sys.executable, "-m", "tests.fuzz_load", "--here", "--target", name]
    command += ["--seconds", str(seconds), "--seed", str(seed)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("INFO", "WARNING"))]
    told = [
        " ".join(line.split())
        for line in lines
        if line.startswith(("Done", "stat::number_of", "stat::peak_rss", "stat::new_units"))
    ]
    print(f"{name}: {'; '.join(told)}" if done.returncode == 0 else "\n".join([f"{name}: FAILED", *lines[-60:]]))
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
