"""`optimize="size"`: a layer more where that makes the model four times smaller; what was weighed is told."""

from __future__ import annotations

import random
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.agreement import differences, some_inputs
from tests.fuzz import VOCABULARIES

import raspc
from raspc import library, rasp
from raspc.cli.app import status
from raspc.numbers.options import PRICE
from raspc.plan import plan as planned
from raspc.plan.plan import Size, frontier
from raspc.rasp import Comparison

T, I = rasp.tokens, rasp.indices  # noqa: E741
PREVIOUS = rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), T, default=0)


def count_of(token: int) -> rasp.SOp:
    """How often a token occurs."""
    return rasp.SelectorWidth(rasp.Select(T, token, Comparison.EQ))


PRODUCT = rasp.SequenceMap(lambda x, y: (x * y) % 3 == 1, count_of(0), count_of(1))
PROGRAM = rasp.SequenceMap(lambda c, t: (t * t + 2) % 7 if c else t, PRODUCT, PREVIOUS)
"""One table over two counts and a token, or two small ones after another."""
VOCAB, LENGTH = (0, 1, 2, 3), 8


@cache
def model(optimize: Any) -> raspc.Model:
    """The program above."""
    return raspc.compile(PROGRAM, VOCAB, LENGTH, optimize=optimize)


def size_of(one: raspc.Model) -> Size:
    """Layers and parameters."""
    return Size(one.config.n_layers, sum(array.size for array in one.params.values()))


def test_one_layer_more_is_weighed_against_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a lower price the smaller model is taken; both sizes are told, and both models are right and proved."""
    monkeypatch.setattr(planned, "PRICE", 2)
    small, quick = raspc.compile(PROGRAM, VOCAB, LENGTH, optimize="size"), model(2)
    assert size_of(small).layers == size_of(quick).layers + 1
    assert 2 * size_of(small).parameters < size_of(quick).parameters
    assert small.alignment.frontier == (size_of(quick), size_of(small))
    assert small.certificate is not None and small.certificate.verdict == "proved"
    for one in (small, quick):
        assert not differences(PROGRAM, one, some_inputs(VOCAB, LENGTH, 100, 100), False)
    monkeypatch.setattr(planned, "PRICE", 10**6)
    assert size_of(raspc.compile(PROGRAM, VOCAB, LENGTH, optimize="size")) == size_of(quick)


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("seed", [0, 7, 14, 26, 39, 52, 60, 112])
def test_random_programs_cost_no_more_than_at_level_2(seed: int) -> None:
    """What is taken is the best that is told; it costs no more than -O2's, and answers alike."""
    vocab, length = VOCABULARIES[seed % len(VOCABULARIES)], 3 + seed % 3
    program = library.random_program(random.Random(seed), 8 + seed % 8, vocab=vocab, max_seq_len=length, causal=False)
    two, small = (raspc.compile(program, vocab, length, optimize=level, certify=False) for level in (2, "size"))
    assert size_of(small).cost("size") <= size_of(two).cost("size")
    told = [Size(*pair) for pair in small.alignment.frontier] or [size_of(small)]
    assert size_of(small) == min(told, key=lambda size: size.cost("size"))
    assert tuple(told) == frontier(told)
    assert not differences(program, small, some_inputs(vocab, length, 40, 40), False)


def test_what_a_layer_costs() -> None:
    """One layer for four times the parameters; of equal costs fewer layers; by layers only ties look at parameters."""
    assert PRICE == 4
    for objective, best in (("size", Size(2, 99)), ("layers", Size(1, 400))):
        assert min(Size(1, 400), Size(2, 99), Size(3, 26), key=lambda size: size.cost(objective)) == best
    assert min(Size(2, 100), Size(1, 400), key=lambda size: size.cost("size")) == Size(1, 400)
    assert frontier([Size(3, 5), Size(1, 9), Size(2, 9), Size(2, 7), Size(4, 5)]) == (
        Size(1, 9),
        Size(2, 7),
        Size(3, 5),
    )


def test_it_is_saved_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loaded model knows what it was compiled for; compile and inspect print what was weighed."""
    monkeypatch.setattr(planned, "PRICE", 2)
    raspc.compile(PROGRAM, VOCAB, LENGTH, optimize="size").save(tmp_path / "m")
    loaded = raspc.load(tmp_path / "m")
    assert loaded.options.objective == "size" and loaded.alignment["frontier"] == loaded.alignment.to_json()["frontier"]
    assert "-Os, float32" in str(loaded.plan) and "given up: soonest" in str(loaded.plan)
    assert status(["inspect", str(tmp_path / "m"), "--passes", "--json"]) == 0
    assert f'"frontier": [[{size_of(model(2)).layers}, {size_of(model(2)).parameters}]' in capsys.readouterr().out
    for option in (["-Os"], ["-O", "size"], ["--optimize", "size"]):
        assert status(["compile", "hist", *option, "-o", str(tmp_path / "hist")]) == 0
        assert "layers against parameters" in capsys.readouterr().out
    assert status(["compile", "hist", "-O3", "-o", str(tmp_path / "hist")]) == 2
    assert "'3' is not one of 0, 1, 2, size, s" in capsys.readouterr().err


def test_other_words_are_refused() -> None:
    """The levels that there are, are named."""
    with pytest.raises(raspc.InvalidProgram, match=r"'small'; there are \(0, 1, 2, 'size'\)"):
        raspc.compile(T, (0, 1), 2, optimize="small")


def test_layers_come_first_elsewhere() -> None:
    """Nothing is told where one plan is the best in both; at other levels the design is as before."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = raspc.compile(library.reverse(), "ab", 4, optimize="size")
    assert (plain.alignment.frontier, plain.alignment.objective) == ((), "size")
    assert model(2).alignment.objective is None and "soonest" not in model(2).options.given_up
