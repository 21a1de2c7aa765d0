"""What a stranger wrote is read or refused: only our errors come out, in little time and memory."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import fuzz_load, hostile

from raspc import ModelFormatError, jsonvalues
from raspc.cli.app import status
from raspc.graph import GraphLimits, from_json
from raspc.weights import Limits, load, saving


def test_the_models_to_start_from_are_sound(tmp_path: Path) -> None:
    """Unchanged they load and work, so that a refusal is of what was changed; forging changes nothing."""
    for i, held in enumerate(hostile.originals()):
        hostile.write(tmp_path / str(i), held)
        assert hostile.load_and_use(tmp_path / str(i))
        assert hostile.forged(held).keys() == held.keys()
        hostile.write(tmp_path / str(i), hostile.forged(held))
        assert hostile.load_and_use(tmp_path / str(i))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rng=st.randoms(use_true_random=False))
def test_a_changed_model_is_refused_or_works(rng: random.Random, tmp_path: Path) -> None:
    """Any of its files changed at places of its own, the hash made to fit: ModelFormatError, or a model that runs."""
    hostile.write(tmp_path / "model", hostile.mutated_files(rng.choice(hostile.originals()), rng))
    hostile.load_and_use(tmp_path / "model")


def test_what_loads_can_be_used(tmp_path: Path) -> None:
    """Changed models that load go to every command: an answer or one line, never a traceback."""
    used = 0
    for seed in range(120):
        rng = random.Random(seed)
        hostile.write(tmp_path / "model", hostile.mutated_files(rng.choice(hostile.originals()), rng))
        used += hostile.use_by_commands(tmp_path / "model") or 0
    assert used > 10


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(fuzz_load.TARGETS)), rng=st.randoms(use_true_random=False))
def test_what_the_fuzzer_feeds(name: str, rng: random.Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each target on inputs as the fuzzer makes them."""
    monkeypatch.chdir(tmp_path)
    target = fuzz_load.TARGETS[name]
    data = target.change(rng.choice(target.corpus()), rng)
    target.run(data)


def test_the_fuzzer_would_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that breaks the promise is found, and its input kept."""
    monkeypatch.chdir(tmp_path)

    def broken(data: bytes) -> None:
        if len(data) == 3:
            raise KeyError("no error of ours")

    target = fuzz_load.Target(broken, lambda data, rng: data + b"x", lambda: [b""])
    monkeypatch.setattr("resource.setrlimit", lambda *limits: None)
    with pytest.raises(KeyError):
        fuzz_load.blind(target, 10, 1, tmp_path)
    assert next(tmp_path.glob("crash-*")).read_bytes() == b"xxx"


BOUNDED = """
import resource, sys, time
from pathlib import Path
from raspc import ModelFormatError
from raspc.weights import load
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
started = time.process_time()
try:
    load(Path(sys.argv[1]))
    print("loaded")
except ModelFormatError as error:
    print("refused:", error)
assert time.process_time() - started < 30
"""

GATE = b'{"kind":"gate","op":"and","args":[]},'
TOKEN = b'{"kind":"token","domain":{"values":["a"]}}'
FRAME = b'{"format":1,"output":0,"max_seq_len":1,"causal":false,"exact_length":null,"notes":[],"nodes":['
LARGE: dict[str, tuple[bytes, str]] = {
    "a graph of a million nodes": (FRAME + GATE * 10**6 + TOKEN + b"]}", "found 1000001 nodes, needed at most 100000"),
    "twenty million empty lists": (b"[" + b"[]," * (20 * 2**20) + b"[]]", "items, needed at most 8388608"),
    "a string of sixty megabytes": (b'"' + b"a" * (60 * 2**20) + b'"', "graph.json"),
    "thirty million brackets": (b"[" * (30 * 2**20), "nesting"),
    "an integer of a million digits": (b"9" * 10**6, "graph.json"),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_graphs_are_refused_in_bounded_memory(name: str, tmp_path: Path) -> None:
    """Files below the limit of bytes that would be more in memory: refused within 1.5 GB and half a minute."""
    content, message = LARGE[name]
    hostile.write(tmp_path, hostile.forged({**hostile.originals()[0], saving.GRAPH: content}))
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stdout.startswith("refused:") and message in ran.stdout, ran.stdout + ran.stderr[-500:]


def test_limits_are_adjustable() -> None:
    """What is too large for one is not for another; each limit is named in the refusal."""
    nodes = jsonvalues.loads(hostile.originals()[0][saving.GRAPH])
    assert from_json(nodes, GraphLimits(nodes=len(nodes["nodes"])))
    for small, word in (
        (GraphLimits(nodes=1), "nodes"),
        (GraphLimits(values=1), "values"),
        (GraphLimits(cells=1), "cells"),
        (GraphLimits(max_seq_len=1), "max_seq_len"),
    ):
        with pytest.raises(ModelFormatError, match=word):
            from_json(nodes, small)


def test_limits_of_a_model_hold_for_its_graph(tmp_path: Path) -> None:
    """They come with the limits of files."""
    hostile.write(tmp_path, hostile.originals()[0])
    assert load(tmp_path).graph is not None
    with pytest.raises(ModelFormatError, match="at most 1"):
        load(tmp_path, Limits(claims=GraphLimits(nodes=1)))


FRAMES: dict[str, tuple[dict[str, object], str]] = {
    "another vocabulary": ({"vocab": ["x", "b", "c", "BOS", "PAD"]}, "vocabulary"),
    "BOS among the words": ({"bos_id": 0, "pad_id": 3}, "last two ids"),
    "another mask": ({"causal": True}, "mask"),
    "another output": ({"output": {"kind": "categorical", "values": [1, 2, 3, 5]}}, "output"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_graph_of_another_frame_is_refused(name: str, tmp_path: Path) -> None:
    """Config and graph of one directory, with a hash that fits, must speak of the same inputs and answers."""
    change, words = FRAMES[name]
    held = hostile.originals()[0]
    config = jsonvalues.loads(held[saving.CONFIG]) | change
    hostile.write(tmp_path, hostile.forged({**held, saving.CONFIG: jsonvalues.dumps(config)}))
    with pytest.raises(ModelFormatError, match=words):
        load(tmp_path)


def displaced(alignment: dict[str, Any], name: str, value: Any) -> None:
    """One field of the last space of `hist` changed; None: left out."""
    space = alignment["variables"]["hist"]["spaces"][-1]
    if value is None:
        del space[name]
    else:
        space[name] = value


ALIGNMENTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no variables of the graph": (lambda a: a["variables"].pop("hist"), "not those of the graph"),
    "a variable too many": (lambda a: a["variables"].update(x=a["variables"]["hist"]), "not those of the graph"),
    "dimensions outside": (lambda a: displaced(a, "dims", [0, 999]), "outside the stream"),
    "dimensions backwards": (lambda a: displaced(a, "dims", [3, 1]), "outside the stream"),
    "dimensions of words": (
        lambda a: displaced(a, "dims", ["a", "b"]),
        r"labels.json: alignment.variables\[...\].spaces\[\d\].dims\[0\]: needed int, found str",
    ),
    "no last stage": (
        lambda a: displaced(a, "to_stage", None),
        r"labels.json: alignment.variables\[...\].spaces\[\d\]: object missing required field to_stage",
    ),
    "a stage outside": (lambda a: displaced(a, "from_stage", 9), "written by no layer of the model"),
    "no level": (lambda a: a.pop("optimize"), "optimize is missing"),
    "level 7": (lambda a: a.update(optimize=7), "labels.json: alignment.optimize: needed int <= 2"),
    "a layer outside": (lambda a: a["variables"]["hist"]["computed_by"][0].update(layer=9), "no layer of the model"),
    "a head of a selector that is none": (
        lambda a: a["selectors"].update(x=[{}]),
        r"labels.json: alignment.selectors\[...\]\[0\]: object missing required field",
    ),
    "passes without names": (
        lambda a: a["passes"][0].pop("name"),
        r"labels.json: alignment.passes\[0\]: object missing required field name",
    ),
    "a precision that is none": (
        lambda a: a["precision"].update(name="int8"),
        "labels.json: alignment.precision: unknown dtype 'int8'",
    ),
    "a field too many": (lambda a: a.update(x=1), "labels.json: alignment: object contains unknown field x"),
}


@pytest.mark.parametrize("name", ALIGNMENTS)
def test_an_alignment_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    """Where variables live and what computes them must be within the model, in the form that readers expect."""
    change, words = ALIGNMENTS[name]
    held = hostile.originals()[0]
    labels = jsonvalues.loads(held[saving.LABELS])
    change(labels["alignment"])
    hostile.write(tmp_path, hostile.forged({**held, saving.LABELS: jsonvalues.dumps(labels)}))
    with pytest.raises(ModelFormatError, match=words):
        load(tmp_path)


SHOWN: dict[str, tuple[Callable[[Any, Any], Any], tuple[str, ...], str]] = {
    "a certificate without links": (
        lambda c, a: c["certificate"].pop("links"),
        (),
        "config.json: certificate: object missing required field links",
    ),
    "a certificate of words": (
        lambda c, a: c["certificate"].update(links=[1]),
        (),
        r"config.json: certificate.links\[0\]: needed object, found int",
    ),
    "passes of words": (
        lambda c, a: a["passes"][-1].update(after={"d_model": "x"}),
        ("--passes",),
        r"labels.json: alignment.passes\[\d+\].after\[...\]: needed int, found str",
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_record_that_lacks_what_is_shown_is_told(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`raspc inspect` of a certificate or a record of another form: one line that names the place, exit status 2."""
    change, options, words = SHOWN[name]
    held = hostile.originals()[0]
    config, labels = (jsonvalues.loads(held[file]) for file in (saving.CONFIG, saving.LABELS))
    change(config, labels["alignment"])
    changed = {**held, saving.CONFIG: jsonvalues.dumps(config), saving.LABELS: jsonvalues.dumps(labels)}
    hostile.write(tmp_path / "model", hostile.forged(changed))
    assert status(["inspect", str(tmp_path / "model"), *options]) == 2
    assert re.fullmatch(rf"raspc: {words}[^\n]*\n", capsys.readouterr().err)


@pytest.mark.parametrize("command", [["run", "a", "b", "--trace"], ["inspect"], ["check"], ["diff", "hist"]])
def test_a_space_of_another_width_is_told(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fewer dimensions than the variable has directions: the plan says otherwise, and the model does not load."""
    held = hostile.originals()[0]
    labels = jsonvalues.loads(held[saving.LABELS])
    displaced(labels["alignment"], "dims", [0, 1])
    hostile.write(tmp_path / "model", hostile.forged({**held, saving.LABELS: jsonvalues.dumps(labels)}))
    code = status([command[0], str(tmp_path / "model"), *command[1:]])
    assert (code, "the alignment is not that of the plan" in capsys.readouterr().err) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(fuzz_load.targets()))
def test_a_minute_of_fuzzing(name: str) -> None:
    """Each target for a while, guided where atheris is installed; as `make fuzz-load` does for longer."""
    assert fuzz_load.passed(name, 15, 1)
