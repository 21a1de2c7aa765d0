"""The public API on arguments that nobody means: see `tests.fuzz_api`, of which this runs the first calls."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests import fuzz_api

import raspc
from raspc import library, rasp
from raspc.cli.app import status
from raspc.rasp import Comparison


def test_nothing_but_our_errors_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """250 calls and command lines with one or two wrong arguments; each kind of outcome is among them."""
    monkeypatch.chdir(tmp_path)
    fuzz_api.prepare()
    outcomes = Counter(map(fuzz_api.try_one, range(250)))
    assert outcomes.keys() == {"answered", "refused", "wrong kind"}


def test_every_entry_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a refusal is of what was changed."""
    monkeypatch.chdir(tmp_path)
    fuzz_api.prepare()
    for name, entry in fuzz_api.ENTRIES.items():
        made = {key: fuzz_api.made(value) for key, value in entry.works.items()}
        assert fuzz_api.outcome(lambda entry=entry, made=made: entry.call(**made)) == "answered", name


@pytest.mark.parametrize("line", [line for line in fuzz_api.LINES if line[0] != "compress"], ids=" ".join)
def test_every_command_line_works_as_it_stands(
    line: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Likewise."""
    monkeypatch.chdir(tmp_path)
    fuzz_api.prepare()
    assert status(line) == 0, capsys.readouterr().err


@pytest.mark.parametrize(("call", "words"), [
    (lambda: rasp.is_in(None, [1]), "is_in"),
    (lambda: raspc.rotate(3, 1), "model"),
    (lambda: fuzz_api.model().apply(7), "tokens"),
    (lambda: fuzz_api.model().apply_batch([["BOS"], None]), "batch 1"),
    (lambda: raspc.diff(fuzz_api.model(), fuzz_api.model(), vocab=3), "vocab"),
    (lambda: raspc.check(fuzz_api.model(), dtype=rasp.length), "dtype"),
    (lambda: library.get(["hist"]), "name"),
    (lambda: fuzz_api.model().save(None), "directory"),
    (lambda: fuzz_api.model().to(None), "target"),
    (lambda: raspc.text.load_program(b"x"), "path_or_source"),
])  # fmt: skip
def test_a_wrong_kind_is_named(call: object, words: str) -> None:
    """One line of ours: the argument, what it is, what is needed."""
    with pytest.raises((TypeError, raspc.InvalidProgram), match=rf"^{words}\b"):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("call", [
    lambda: rasp.ConstantSOp(range(10**12)),
    lambda: rasp.assume(rasp.tokens, range(10**12)),
    lambda: rasp.is_in(rasp.tokens, range(10**12)),
    lambda: raspc.compile(rasp.tokens, range(10**12), 2),
    lambda: raspc.interpret(rasp.tokens, range(10**12)),
], ids=["ConstantSOp", "assume", "is_in", "vocab", "input"])  # fmt: skip
def test_long_ranges_are_not_written_out(call: object) -> None:
    """More values than any program has use for."""
    with pytest.raises(raspc.InputError, match="more than 4,194,304 items"):
        call()  # type: ignore[operator]


def test_a_tuple_may_be_bos_or_pad() -> None:
    """A mark is one value, also where it is made of several."""
    same = rasp.Select(rasp.tokens, rasp.tokens, Comparison.EQ)
    model = raspc.compile(rasp.SelectorWidth(same), "ab", 3, bos=("x", 1), pad=("x", 2))
    assert raspc.check(model).ok
    assert model.apply_batch([[("x", 1), "a"], [("x", 1), "a", "b", "a"]]).decoded == [
        [("x", 1), 1],
        [("x", 1), 2, 1, 2],
    ]
    assert model.apply([("x", 1), "a", ("x", 2)]).decoded == [("x", 1), 1, ("x", 2)]


def test_zero_dimensional_arrays_have_no_items() -> None:
    """NumPy's scalars pass for sequences where one only looks at their type."""
    with pytest.raises(TypeError, match=r"^the input is .*needed a sequence of tokens"):
        raspc.interpret(rasp.tokens, np.array("a"))
