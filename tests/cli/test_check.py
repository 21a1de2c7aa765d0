"""`raspc check` and `raspc run --trace`, on models that are right and on one that is not."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from raspc.certify.checking.variables import stage_name
from raspc.weights import load

from .conftest import Raspc


def break_variable(directory: str, variable: str) -> int:
    """Exchange two directions that a block writes for a variable; the stage that writes them."""
    model = load(directory)
    space = model.alignment["variables"][variable]["spaces"][-1]
    part = model.alignment["variables"][variable]["computed_by"][-1]
    layer, start = f"transformer/layer_{part['layer']}", space["dims"][0]
    name = f"{layer}/mlp/linear_2/w" if part["sublayer"] == "mlp" else f"{layer}/attn/linear/w"
    array = model.params[name].copy()
    array[:, [start, start + 1]] = array[:, [start + 1, start]]
    replace(model, params={**model.params, name: array}).save(directory)
    stage: int = space["from_stage"]
    return stage


ALONE = "  asked: the graph alone, since the model was not compiled here and its program is not named\n"


def test_a_right_model_passes(raspc: Raspc) -> None:
    """All inputs are run where they are few, and the report says so."""
    assert raspc("check", "reverse").out == "equal on all 120 inputs\n" + ALONE
    report = raspc("check", "reverse", "--json").json
    assert (report["ok"], report["checked"], report["exhaustive"]) == (True, 3 + 9 + 27 + 81, True)


def test_many_inputs_are_sampled(raspc: Raspc) -> None:
    """Beyond the limit, that many random inputs."""
    assert raspc("check", "reverse", "--limit", "100").out == "equal on 100 random inputs\n" + ALONE


def test_all_inputs_of_any_number(raspc: Raspc) -> None:
    """`--all` goes beyond the limit; one input is run for those that exchanged tokens make like it."""
    assert raspc("compile", "has_seen", "--vocab", "a,b,c,d", "--max-seq-len", "6", "-o", "seen").code == 0
    told = raspc("check", "seen", "--all", "--limit", "7").out.splitlines()
    assert told[0] == "equal on all 5,460 inputs"
    assert told[1].endswith("the others are the same with tokens exchanged among a b c d")
    report = raspc("check", "seen", "--all", "--json").json
    assert (report["checked"], report["ran"], report["symmetric"]) == (5460, 261, [["a", "b", "c", "d"]])
    plain = raspc("check", "seen", "--all", "--no-symmetry", "--threads", "2")
    assert plain.out == "equal on all 5,460 inputs\n" + ALONE


def test_a_state_is_kept(raspc: Raspc) -> None:
    """A second check finds what the first has found; the state of another model is refused in one line."""
    first = raspc("check", "reverse", "--state", "reverse.state", "--json").json
    assert raspc("check", "reverse", "--state", "reverse.state", "--json").json == first
    ran = raspc("check", "mixed", "--state", "reverse.state")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "another model" in ran.err
    ran = raspc("check", "reverse", "--state", "mine.py")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "backwards" in Path("mine.py").read_text()


def test_more_inputs_than_can_be_written_out(raspc: Raspc) -> None:
    """Two tokens, length 15,000: a number of 4,500 digits is not printed."""
    Path("same.py").write_text("from raspc import rasp\nsame = rasp.Map(lambda x: x, rasp.tokens)")
    assert raspc("compile", "same.py:same", "--vocab", "a,b", "--max-seq-len", "15000", "-o", "long").code == 0
    report = raspc("check", "long", "--limit", "2", "--json").json
    assert (report["ok"], report["total"], report["checked"]) == (True, None, 2)
    ran = raspc("diff", "long", "long", "--run", "--limit", "3")
    assert ran.out.startswith("equal on 3 inputs, not all of about 10^4515: all up to length 1")


class Terminal(io.StringIO):
    """Standard error, where somebody is watching."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_person_sees_progress(raspc: Raspc, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar on the terminal's standard error, and the answer alone on standard output."""
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    ran = raspc("check", "reverse", "--json")
    assert ran.json["ok"] is True
    assert "checking" in terminal.getvalue()
    assert "120/120" in terminal.getvalue()


def test_the_seed_chooses_the_inputs(raspc: Raspc) -> None:
    """The same seed gives the same report."""
    break_variable("reverse", "reverse")
    one, same, other = (raspc("check", "reverse", "--limit", "50", "--seed", seed, "--json").json for seed in "112")
    assert one == same
    assert one["tokens"] != other["tokens"]


@pytest.mark.parametrize("variable", ["opposite", "reverse"])
def test_a_difference_is_located(raspc: Raspc, variable: str) -> None:
    """Exit status 1, an input that differs, and the layer and variable at which it first does."""
    stage = break_variable("reverse", variable)
    ran = raspc("check", "reverse")
    assert ran.code == 1
    assert f"arises in {stage_name(stage)}: {variable} at position" in ran.out
    report = raspc("check", "reverse", "--json")
    assert report.code == 1
    first = report.json
    assert first["ok"] is False
    assert first["expected"] == first["tokens"][::-1] != first["found"]
    assert (first["difference"]["variable"], first["difference"]["stage"]) == (variable, stage)
    assert " ".join(first["tokens"]) in ran.out
    assert load("reverse").apply(["BOS", *first["tokens"]]).decoded[1:] == first["found"]


def test_trace_shows_each_variable_after_each_layer(raspc: Raspc, golden: Callable[[str, str], None]) -> None:
    """The model's value beside the interpreter's, in a golden file that a person reads."""
    golden("trace_reverse.txt", raspc("run", "reverse", "a", "b", "c", "--trace").out)


def test_trace_as_data(raspc: Raspc) -> None:
    """Every stage once; each variable equal to the interpreter's from where it can be read."""
    found = raspc("run", "reverse", "a", "b", "c", "--trace", "--json").json
    assert found["output"] == ["c", "b", "a"]
    assert [stage["stage"] for stage in found["trace"]] == [-1, 0, 1, 2, 3]
    rows = [row for stage in found["trace"] for row in stage["variables"]]
    assert all(row["model"] == row["interpreter"] and row["differ"] == [] for row in rows)
    assert {"name": "reverse", "model": ["c", "b", "a"], "interpreter": ["c", "b", "a"], "differ": []} in rows


def test_trace_marks_what_differs(raspc: Raspc) -> None:
    """A broken variable is marked from the stage that breaks it, and at no earlier one."""
    stage = break_variable("reverse", "opposite")
    found = raspc("run", "reverse", "a", "b", "c", "--trace", "--json").json
    marked = {stage["stage"] for stage in found["trace"] for row in stage["variables"] if row["differ"]}
    assert min(marked) == stage
    assert "differs at [" in raspc("run", "reverse", "a", "b", "c", "--trace").out


def test_a_model_without_its_graph_is_told(raspc: Raspc) -> None:
    """What was exported for another tool cannot be checked; it says why."""
    model = load("reverse")
    type(model)(model.config, model.params, model.residual_labels, model.alignment).save("bare")
    for command in (("check", "bare"), ("run", "bare", "a", "--trace")):
        ran = raspc(*command)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "holds no graph" in ran.err
    assert raspc("inspect", "bare").code == 0
    assert Path("bare/graph.json").read_text() == "null\n"


def test_the_expressions_are_asked_where_the_program_is_named(raspc: Raspc) -> None:
    """`--program` names what was compiled; another program is not what the model computes, and its answer is shown."""
    told = raspc("check", "reverse", "--program", "reverse").out
    assert told == "equal on all 120 inputs\n  asked: the graph, and the interpreter of expressions on 120 inputs\n"
    other = raspc("check", "reverse", "--program", "hist")
    assert other.code == 1
    assert "program" in other.out


def test_a_limit_of_no_input_is_refused(raspc: Raspc) -> None:
    """No check succeeds that compared nothing."""
    assert raspc("check", "reverse", "--limit", "0").code == 2


def test_an_answer_that_means_nothing_is_marked(raspc: Raspc) -> None:
    """`run` says so where the program has no value on the input."""
    Path("part.py").write_text("from raspc import rasp\npart = rasp.Map({'a': 1}.__getitem__, rasp.tokens)")
    assert "--partial" in raspc("compile", "part.py:part", "--vocab", "a,b", "--max-seq-len", "3").err
    told = raspc("compile", "part.py:part", "--vocab", "a,b", "--max-seq-len", "3", "--partial", "-o", "part").err
    assert "has a value on 3 of 14 inputs" in told
    assert "means nothing (it has a value on 3 of 14 inputs)" in raspc("run", "part", "a", "b").err
    assert raspc("run", "part", "a", "b", "--json").json["defined"] is False
    assert (raspc("run", "part", "a", "a").err, raspc("run", "part", "a", "a").out) == ("", "1 1\n")
