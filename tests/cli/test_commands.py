"""What each command prints, for a person and as JSON."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.hand_built import random_model

from raspc import library
from raspc.cli.commands import COMMANDS, GROUPS
from raspc.weights import load

from .conftest import Raspc


def test_list_names_every_program(raspc: Raspc) -> None:
    """One row and one record for each program of the library."""
    told, records = raspc("list"), raspc("list", "--json").json["programs"]
    assert [record["name"] for record in records] == list(library.PROGRAMS)
    assert all(record["name"] in told.out for record in records)
    assert records[0].keys() == {"name", "vocab", "max_seq_len", "causal", "description", "source"}


def test_compile_then_run(raspc: Raspc) -> None:
    """A library name alone compiles, into build/NAME, and the answer is the program's."""
    assert raspc("compile", "reverse").code == 0
    assert raspc("run", "build/reverse", "a", "b", "c").out == "c b a\n"
    assert raspc("run", "build/reverse", "a", "b", "c", "--json").json == {
        "input": ["a", "b", "c"],
        "output": ["c", "b", "a"],
    }


def test_compile_says_what_it_made(raspc: Raspc) -> None:
    """The report holds the sizes that the saved config holds."""
    report = raspc("compile", "reverse", "--max-seq-len", "5", "-o", "m", "--json").json
    saved = json.loads(Path("m/config.json").read_text())
    assert report["directory"] == "m"
    assert report["max_seq_len"] == 5
    assert {name: report[name] for name in ("n_layers", "d_model", "vocab")} == {
        name: saved[name] for name in ("n_layers", "d_model", "vocab")
    }
    assert report["parameters"] == sum(array.size for array in load("m").params.values())


def test_options_reach_the_compiler(raspc: Raspc) -> None:
    """--causal, --bos, --pad and -O are those of raspc.compile."""
    raspc("compile", "frac_prevs", "--causal", "--bos", "<s>", "--pad", "0", "-O", "0", "-o", "m")
    config = load("m").config
    assert (config.causal, config.bos, config.pad) == (True, "<s>", 0)


def test_a_python_program_compiles(raspc: Raspc) -> None:
    """A file's attribute, its vocabulary and its length."""
    raspc("compile", "mine.py:backwards", "--vocab", "1,2,3", "--max-seq-len", "3", "-o", "m")
    assert raspc("run", "m", "1", "2", "3").out == "3 2 1\n"


def test_a_rasp_file_compiles(raspc: Raspc) -> None:
    """The last s-op of a file in RASP's own syntax, or the one that is named; a selector is told apart."""
    Path("prog.rasp").write_text("flip = select(indices, length - indices - 1, ==);\nrev = aggregate(flip, tokens);\n")
    options = ("--vocab", "a,b", "--max-seq-len", "4", "-o", "m")
    for program in ("prog.rasp", "prog.rasp:rev"):
        assert raspc("compile", program, *options).code == 0
        assert raspc("run", "m", "a", "b").out == "b a\n"
    refused = raspc("compile", "prog.rasp:flip", *options)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "prog.rasp:flip is a selector" in refused.err


def test_an_error_in_rasp_shows_its_place(raspc: Raspc) -> None:
    """File, line and column, then the line itself with a caret below the fault."""
    Path("bad.rasp").write_text("x = lenght - 1;\n")
    ran = raspc("compile", "bad.rasp", "--vocab", "a,b", "--max-seq-len", "4")
    assert (ran.code, ran.out) == (2, "")
    fault, line, caret = ran.err.splitlines()
    assert fault.startswith("raspc: bad.rasp:1:5: ")
    assert line.index("lenght") == caret.index("^")


def test_tokens_are_found_by_value_or_letters(raspc: Raspc) -> None:
    """In the vocabulary 2, 10, "1x" each token is typed as it is written."""
    assert raspc("run", "mixed", "2", "10", "1x").out == "2 10 1x\n"


def test_bos_may_be_typed(raspc: Raspc) -> None:
    """An input that opens with BOS is not given another."""
    assert raspc("run", "reverse", "BOS", "a", "b").out == raspc("run", "reverse", "a", "b").out == "b a\n"


def test_negative_numbers_are_tokens(raspc: Raspc) -> None:
    """-1 is a token and no option."""
    raspc("compile", "mine.py:backwards", "--vocab", "-1,0,1", "--max-seq-len", "3", "-o", "m")
    assert raspc("run", "m", "-1", "0", "1").out == "1 0 -1\n"


def test_markup_is_no_markup(raspc: Raspc) -> None:
    """Tokens that Rich would take for markup are shown as they are."""
    raspc("compile", "mine.py:backwards", "--vocab", "[b],[/b],a", "--max-seq-len", "2", "-o", "m")
    assert raspc("run", "m", "[b]", "[/b]").out == "[/b] [b]\n"
    assert "[/b]" in raspc("inspect", "m").out


def test_warnings_are_one_line(raspc: Raspc) -> None:
    """An assumption of the compiler is told on standard error, and the command still succeeds."""
    with warnings.catch_warnings():
        ran = raspc("compile", "mine.py:backwards", "--vocab", "a,b", "--max-seq-len", "3", "--causal", "-o", "m")
    assert ran.code == 0
    assert ran.err.startswith("raspc: warning: ")
    assert ran.err.count("\n") == 1


def test_inspect_says_where_all_is(raspc: Raspc, golden: Callable[[str, str], None]) -> None:
    """Layers, variables and their dimensions, in a golden file that a person reads."""
    golden("inspect_reverse.txt", raspc("inspect", "reverse").out.partition("certificate:")[0])


def test_inspect_prints_the_plan(raspc: Raspc, golden: Callable[[str, str], None]) -> None:
    """What is stored and why, scores, blocks, layers, in a golden file that a person reads; in JSON the same text."""
    told = raspc("inspect", "reverse", "--plan").out
    golden("inspect_reverse_plan.txt", told)
    assert raspc("inspect", "reverse", "--plan", "--json").json == {"plan": told}


def test_a_model_without_a_plan_has_none_to_print(raspc: Raspc) -> None:
    """One that was not compiled."""
    random_model().save("mine")
    ran = raspc("inspect", "mine", "--plan")
    assert (ran.code, ran.out) == (2, "") and "saved without a plan; compile it again" in ran.err


def test_inspect_counts_every_part(raspc: Raspc) -> None:
    """Heads, neurons and dimensions that are named are those of the config."""
    found = raspc("inspect", "reverse", "--json").json
    heads = [len(layer["heads"]) for layer in found["layers"]]
    neurons = [layer["neurons"][-1]["neurons"][1] if layer["neurons"] else 0 for layer in found["layers"]]
    dims = [dim for v in found["variables"] for space in v["spaces"] for dim in range(*space["dims"])]
    assert max(heads) == found["n_heads"]
    assert max(neurons) <= found["d_mlp"]
    assert sorted([*dims, found["residual_labels"].index("is_bos")]) == list(range(found["d_model"]))
    assert [node["name"] for node in found["program"] if node["is"] == "token"] == ["tokens"]


def test_export_writes_a_file(raspc: Raspc) -> None:
    """The arrays as NPZ, under the canonical names."""
    report = raspc("export", "reverse", "--to", "npz", "-o", "m.npz", "--json").json
    assert report["output"] == "m.npz"
    with np.load("m.npz") as arrays:
        assert "unembed__w" in arrays.files


def test_inspect_shows_the_certificate(raspc: Raspc) -> None:
    """The verdict and the decisions with the least margin left, or that there is none."""
    told = raspc("inspect", "reverse").out
    assert "certificate: holds, proved: the weakest decision uses" in told
    assert "in float32, for inputs of up to 4 tokens" in told
    assert re.search(r"\d % +the head of reverse must tell the positions", told)
    assert raspc("inspect", "reverse", "--json").json["certificate"]["holds"] is True
    raspc("compile", "reverse", "--no-certify", "-o", "m")
    assert "certificate: none" in raspc("inspect", "m").out


def test_the_prompt_reads_a_pipe(raspc: Raspc, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements come in, what they show goes out; as JSON too."""
    script = "back = length - indices - 1;\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    ran = raspc("repl")
    assert (ran.code, ran.err) == (0, "")
    assert "s-op: back" in ran.out
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    assert raspc("repl", "--json").json["lines"] == ran.out.splitlines()


@pytest.mark.parametrize("args", [[], ["--help"], ["compile", "--help"], ["--version"]])
def test_help_is_no_error(raspc: Raspc, args: list[str]) -> None:
    """Help and the version go to standard output, with status 0."""
    ran = raspc(*args)
    assert (ran.code, ran.err) == (0, "")
    assert "raspc" in ran.out


@pytest.mark.parametrize(
    ("words", "offered"), [("compile rev", "reverse"), ("insp", "inspect"), ("export m --to tor", "torch")]
)
def test_the_shell_completes(words: str, offered: str) -> None:
    """Commands, programs of the library and targets are completed."""
    count = len(words.split())
    environment = {"_RASPC_COMPLETE": "complete_bash", "COMP_WORDS": f"raspc {words}", "COMP_CWORD": str(count)}
    command = [sys.executable, "-c", "from raspc.cli import app; app.app(prog_name='raspc')"]
    ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert offered in ran.stdout.split()


@pytest.mark.parametrize(
    ("name", "command"),
    [(name, command) for name, command, _ in COMMANDS if name != "serve"]
    + [(f"{group} {name}", command) for group, _, commands in GROUPS for name, command in commands],
)
def test_every_command_answers_in_json(name: str, command: Callable[..., None]) -> None:
    """--json is an option of every command that ends by itself."""
    assert "as_json" in inspect.signature(command).parameters, name


def test_a_closed_pipe_is_no_error() -> None:
    """`raspc list | head -1` ends quietly."""
    command = [sys.executable, "-m", "raspc", "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdout.close()
        assert ran.stderr.read() == b""
    assert ran.returncode in (0, 1)


def test_the_start_imports_nothing_heavy() -> None:
    """The command line is there before Rich, Lark, safetensors or the compiler have been imported."""
    heavy = ("rich.table", "lark", "safetensors", "torch", "prompt_toolkit")
    program = f"import sys; import raspc.cli.app; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_model_is_compiled_for_the_way_in_which_it_runs(raspc: Raspc) -> None:
    """Format, sums and probabilities are said once, and kept with the certificate."""
    options = ("--dtype", "bfloat16", "--summation", "pairwise", "--probabilities", "float32")
    assert raspc("compile", "hist", "--vocab", "a,b", "--max-seq-len", "9", *options, "-o", "narrow").code == 0
    assert raspc("check", "narrow").code == 0
    found = raspc("inspect", "narrow", "--json").json["certificate"]
    assert (found["dtype"], found["summation"], found["probabilities"]) == ("bfloat16", "pairwise", "float32")
    assert "probabilities not rounded" in raspc("certify", "narrow").out
    assert raspc("compile", "hist", "--accumulate", "twice", "-o", "other").code == 2


def test_lab(raspc: Raspc) -> None:
    """Methods are asked of a saved model; the same again is the same; a report; what there is not is refused."""
    words = ("--suite", "reverse", "--methods", "weights, oracle", "--pairs", "4", "-o", "out", "--workers", "0")
    told = raspc("lab", "run", *words)
    assert told.code == 0 and told.out.endswith("out: 4 rows; raspc lab report out\n") and "oracle" in told.out
    rows = raspc("lab", "run", *words, "--json").json["rows"]
    assert [(row["method"], row["truth"]) for row in rows] == [
        (method, truth) for method in ("weights", "oracle") for truth in ("varying", "under")
    ]
    pytest.importorskip("pyarrow")
    assert raspc("lab", "report", "out", "--json").json == {
        "page": "out/report.html", "tables": ["out/results.parquet", "out/edges.parquet"], "answers": 2, "planned": 2,
    }  # fmt: skip
    for change in (("--levels", "0,x"), ("--corruption", "noise"), ("--dtype", "int8"), ("--workers", "9999")):
        refused = raspc("lab", "run", *words, *change)
        assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1), change
    assert raspc("lab", "report", "reverse").code == 2
