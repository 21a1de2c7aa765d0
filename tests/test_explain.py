"""What the compiler tells of itself: what each pass did, and why each variable is stored as it is."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.wild import Wild, wild_programs

import raspc
from raspc import library, rasp
from raspc.blocks.spaces import reads_of
from raspc.cli.app import status
from raspc.errors import InputError, InvalidProgram, UnsupportedProgram
from raspc.graph.nodes import Variable
from raspc.passes.pipeline import PIPELINE
from raspc.plan.switches import OPTIONAL, SWITCHES
from raspc.study.explain import OUTPUT, explain


def compiled(program: rasp.SOp, vocab: object, length: int, **options: object) -> raspc.Model:
    """A model; what it assumes is no matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        return raspc.compile(program, vocab, length, **options)  # type: ignore[arg-type]


def told(model: raspc.Model) -> dict[str, str]:
    """For each variable the reason why it has no space, or its forms."""
    return {e.variable: e.why or "; ".join(home.form for home in e.homes) for e in explain(model)}


def test_reverse_at_level_2() -> None:
    """Reverse moves the place of a token; its target position is read off index and length."""
    found = told(compiled(library.reverse(), "abcd", 5, optimize=2))
    assert found["tokens"] == found["reverse"] == "its place in the value set"
    assert found["indices"] == "its number, a parabola over its number"
    assert found["length"].startswith("a number, ")
    assert found["last"] == "virtual: a function of length, whose features its readers read"
    assert found["opposite"].endswith("a sum of functions of indices and length")


def test_readable_is_one_hot() -> None:
    """At level 1 a named variable has one direction for each value."""
    found = told(compiled(library.hist(), "abc", 4))
    assert found["tokens"] == "one-hot"
    assert found["hist"].endswith("; one-hot")


def test_what_is_dead_constant_or_affine() -> None:
    """The three other reasons to need no space."""
    indices, tokens = rasp.indices, rasp.tokens
    everywhere = rasp.Select(tokens, tokens, rasp.Comparison.TRUE)
    mean = rasp.Aggregate(everywhere, tokens).named("mean")
    found = told(compiled((3 * mean + 1).named("line"), range(40), 12, optimize=2))
    assert found["line"].startswith("affine: a sum that readers read off ")
    found = told(compiled(rasp.Map(lambda _: 7, indices), "ab", 3, optimize=2))
    assert "constant: a bias" in found.values()
    assert found["tokens"] == "dead: no one reads it"


@given(wild_programs())
@settings(max_examples=25, deadline=None)
def test_every_variable_is_explained(wild: Wild) -> None:
    """Each has a home or a reason and not both; what is read is written before, what is written is read."""
    try:
        model = compiled(wild.build(), wild.vocab, wild.max_seq_len, causal=wild.causal, optimize=2, partial=True)
    except UnsupportedProgram:
        return
    dims = [dim for e in explain(model) for home in e.homes for dim in range(*home.dims)]
    assert set(dims) <= set(range(model.config.d_model))
    for explanation in explain(model):
        assert bool(explanation.homes) != bool(explanation.why)
        for home in explanation.homes:
            assert home.form
            assert home.readers, f"{explanation.variable} is stored for nobody"
            assert home.to_stage is not None and home.from_stage < home.to_stage + 1


def test_no_graph_no_explanation() -> None:
    """A model without its program cannot be explained, and says what to do."""
    model = replace(compiled(library.hist(), "ab", 3), graph=None)
    with pytest.raises(InputError, match="compile it again"):
        explain(model)


def test_the_record_ends_with_the_model() -> None:
    """Sizes are told pass by pass; each begins where the one before it ended, and the last are the model's."""
    model = compiled(library.sort(), range(5), 5, optimize=2)
    passes = model.alignment["passes"]
    built = [switch.name for switch in SWITCHES if switch.step == "graph"]
    changes = {step["name"]: step["changed"] for step in passes if "changed" in step}
    assert list(changes) == built
    assert changes["causal"] == 0
    names = [step["name"] for step in passes][len(built) :]
    names_of_passes = [one.name for one in PIPELINE if one.applies(model.options)]
    assert names[: len(names_of_passes) + 2] == [*names_of_passes, "represent", "schedule"]
    graph = [step for step in passes if "nodes" in step["before"]]
    assert graph[-1]["after"]["nodes"] == len(model.graph)
    sized = [step for step in passes if "parameters" in step["before"]]
    assert all(a["after"] == b["before"] for a, b in pairwise(sized))
    assert sized[-1]["after"]["parameters"] == sum(array.size for array in model.params.values())
    assert sized[-1]["after"]["d_model"] == model.config.d_model


@pytest.mark.parametrize("names", [(name,) for name in OPTIONAL] + [OPTIONAL])
@pytest.mark.parametrize("program", ["sort", "reverse", "shuffle_dyck", "token_after_last"])
def test_a_disabled_pass_changes_no_answer(program: str, names: tuple[str, ...]) -> None:
    """With each pass left out in turn and with all, the model still computes its program."""
    found = library.PROGRAMS[program]
    model = compiled(found.program, found.vocab, 4, causal=found.causal, optimize=2, disabled_passes=names)
    assert raspc.check(model, limit=300).ok
    assert not {step["name"] for step in model.alignment["passes"]} & set(names)


def test_an_unknown_pass_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(InvalidProgram, match="share_heads"):
        compiled(library.hist(), "ab", 3, disabled_passes=("foo",))


def test_the_commands_tell_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compile --explain --disable-pass`, `inspect --passes` and `inspect --explain`."""
    monkeypatch.setenv("COLUMNS", "200")  # tables wrap at the width of the terminal, whatever that is
    place = str(tmp_path / "m")
    options = ("--vocab", "a,b", "--max-seq-len", "3", "-O", "2", "--disable-pass", "share_heads", "-o", place)
    assert status(["compile", "reverse", *options, "--explain"]) == 0
    out = capsys.readouterr().out
    assert "virtual: a function of length" in out and "represent" in out and "share_heads" not in out
    assert "the same sizes without" in out and "merge_values" in out
    assert status(["inspect", place, "--passes"]) == 0
    out = capsys.readouterr().out
    assert "schedule: greedy, proved optimal" in out and "virtual: a" not in out and "without" in out
    assert status(["inspect", place, "--passes", "--no-each"]) == 0
    assert "--each" in capsys.readouterr().out
    assert status(["inspect", place, "--explain"]) == 0
    assert "values of reverse" in capsys.readouterr().out
    assert status(["compile", "reverse", "--disable-pass", "foo", "-o", place]) == 2
    assert "foo" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["reverse", "sort", "double_hist", "shuffle_dyck1", "most_freq", "addition"])
def test_readers_are_those_that_the_plan_records(name: str) -> None:
    """What `Stored` says of a variable is told of its spaces, and each block that reads one is among the readers."""
    found = library.get(name)
    model = raspc.compile(found.program, found.vocab, 4, found.causal, optimize=2, certify=False)
    plan = model.plan
    assert plan is not None
    places = [place for place, node in enumerate(plan.graph.nodes) if isinstance(node, Variable)]
    for place, explanation in zip(places, explain(model), strict=True):
        told = {reader for home in explanation.homes for reader in home.readers}
        spaces = {group.space for group in plan.lowered.home.get(place, ())}
        blocks = {b.name for b in plan.lowered.blocks if any(spaces & set(read.maps) for read in reads_of(b))}
        assert not explanation.homes or len(told) == len({(one.by, one.purpose) for one in plan.storage[place].readers})
        assert {reader.split(" of ")[-1] for reader in told - {OUTPUT}} == blocks
        assert (OUTPUT in told) == bool(spaces & set(plan.lowered.output.maps))
