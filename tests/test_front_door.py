"""The package from outside: its names, and what they are."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings

import pytest

import raspc
from raspc import rasp
from raspc.rasp import Comparison, expressions, words


def test_the_public_names_are_seen_and_no_others() -> None:
    """`raspc.<TAB>` in a new process, before anything was used."""
    code = "import raspc; print(*dir(raspc))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert seen == sorted(raspc.__all__)
    assert all(getattr(raspc, name) is not None for name in seen)


def test_the_language_shows_its_words_and_no_others() -> None:
    """`rasp.<TAB>`: each has a docstring or is one of the inputs; all that is public is there."""
    assert dir(rasp) == sorted(rasp.__all__)
    own = {
        name
        for part in (expressions, words)
        for name, value in vars(part).items()
        if getattr(value, "__module__", "") == part.__name__ and not name.startswith("_")
    }
    assert own - {"as_sop", "as_value", "right_of"} <= set(rasp.__all__)


def reverse() -> rasp.SOp:
    """The input, last position first."""
    last = rasp.length - 1 - rasp.indices
    return rasp.Aggregate(rasp.Select(rasp.indices, last, Comparison.EQ), rasp.tokens)


def test_a_model_is_called_as_its_program_is() -> None:
    """Without BOS, on lists and words; with it too; one input, or many of any lengths."""
    model = raspc.compile(reverse(), "abc", 4)
    assert model(["a", "b"]) == model("ab") == model(["BOS", "a", "b"]) == reverse()("ab") == ["b", "a"]
    assert model.answers(["abc", ["a"], ("b", "c")]) == [["c", "b", "a"], ["a"], ["c", "b"]]
    out = model.run("abc")
    assert (out.answers, out.decoded) == (["c", "b", "a"], ["BOS", "c", "b", "a"])
    assert out.tokens == ["BOS", "a", "b", "c"]
    assert len(out.residuals) == 2 * model.config.n_layers


def test_what_a_model_cannot_take_is_told() -> None:
    """A word of letters that are no tokens, a wrong kind, one bad input of several."""
    model = raspc.compile(reverse(), "abc", 4)
    with pytest.raises(raspc.InputError, match="'x'"):
        model("axb")
    with pytest.raises(TypeError, match="tokens is 3, of type int; needed a sequence of tokens, without BOS"):
        model(3)  # type: ignore[arg-type]
    with pytest.raises(raspc.InputError, match="input 1 of the batch"):
        model.answers(["ab", "aa?"])


def test_a_causal_program_says_so_once() -> None:
    """The mark is heard by compile, by the interpreter and by the command line's reading of a file; no warning."""
    before = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, Comparison.TRUE), rasp.indices)
    program = rasp.causal(before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = raspc.compile(program, "ab", 4)
    assert model.config.causal
    assert model("abab") == program("abab") == raspc.interpret(program, "abab") == [0, 0.5, 1, 1.5]
    assert program("abab", causal=False) == before("abab") == [1.5] * 4
    assert raspc.check(model).ok
    assert not raspc.compile(program, "ab", 4, causal=False).config.causal
    with pytest.warns(raspc.UncertainProgram, match=r"say so once: rasp\.causal\(program\)"):
        raspc.compile(before, "ab", 4, causal=True)
    with pytest.raises(raspc.InvalidProgram, match="causal: found a selector where an s-op is needed"):
        rasp.causal(rasp.Select(before, before, Comparison.EQ))  # type: ignore[arg-type]


def test_atoms_stand_for_s_ops() -> None:
    """Where RASP text takes them."""
    first = rasp.Select(rasp.indices, 0, Comparison.EQ)
    assert first("ab") == rasp.Select(rasp.indices, rasp.Full(0), Comparison.EQ)("ab")
    assert rasp.Select("a", rasp.tokens, Comparison.EQ)("ab") == [[True, True], [False, False]]
    assert rasp.Aggregate(first, 7)("ab") == rasp.Sum(first, 7)("ab") == [7, 7]
    assert rasp.where(True, "x", rasp.tokens)("ab") == ["x", "x"]


def test_the_version() -> None:
    """Three numbers; that the wheel has the same: tests/test_wheel.py."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", raspc.__version__)
