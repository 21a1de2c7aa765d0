"""The fuzzer: a short run, and proof that it finds, shrinks and prints a fault."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests import fuzz

import raspc
from raspc import rasp

Case = tuple[rasp.SOp, tuple[Any, ...], int, bool]


def test_random_programs_agree() -> None:
    """Programs at -O0 and -O1 against the interpreter: no difference, no crash."""
    assert fuzz.run(seed=1, count=40, levels=[0, 1]) == 0


def test_random_programs_agree_without_passes() -> None:
    """The compact form of a few programs: with all passes, without each in turn, and without any."""
    assert fuzz.run(seed=3, count=4, levels=[2], switches=fuzz.EACH) == 0


@pytest.mark.parametrize(("kind", "count"), [("domains", 20), ("places", 6), ("widths", 12)])
def test_random_programs_of_other_kinds_agree(kind: str, count: int) -> None:
    """Programs for the inputs of a domain, which refuse others; longer ones that compare places by a sign.

    And models whose layers have widths of their own.
    """
    assert fuzz.run(seed=5, count=count, levels=[0, 2], kind=kind) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("domains", 1000), ("places", 300), ("widths", 1000)])
def test_many_random_programs_of_other_kinds_agree(kind: str, count: int) -> None:
    """The same, of many."""
    assert fuzz.run(seed=6, count=count, levels=[0, 1, 2], kind=kind) == 0


def answering_all(program: Any, *args: Any, where: Any, **options: Any) -> Any:
    """A compiler that forgets which inputs the program is for."""
    return raspc.compile(program, *args, partial=True, certify=False, **options)


def forgetful(program: Any, *args: Any, max_seq_len: int, **options: Any) -> Any:
    """A compiler that forgets the longest inputs."""
    return raspc.compile(program, *args, max_seq_len=max_seq_len - 1, **options)


@pytest.mark.parametrize(
    ("broken", "kind"), [(answering_all, "an answer outside the domain"), (forgetful, "a permitted input is refused")]
)
def test_faults_of_domains_are_found(broken: Any, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that answers where it should not, and one that refuses what is permitted."""
    assert fuzz.run(seed=0, count=20, levels=[1], compile=broken, kind="domains") == 1
    printed = capsys.readouterr().out
    assert f"# {kind}" in printed
    assert ("where=" in printed) == (broken is answering_all), "a fault that needs no domain is shown without one"


@pytest.mark.slow
def test_many_random_programs_agree_without_passes() -> None:
    """The same for a hundred programs, at every level."""
    assert fuzz.run(seed=4, count=100, levels=[0, 1, 2], switches=fuzz.EACH) == 0


@pytest.mark.slow
def test_many_random_programs_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """2,000 programs of 5 to 12 operations at -O0 and -O1: no difference, and under 3 % refused."""
    assert fuzz.run(seed=2, count=2000, levels=[0, 1]) == 0
    refused = capsys.readouterr().err.count("refused")
    assert refused < 0.03 * 4000


def test_random_programs_agree_in_narrow_formats() -> None:
    """Those that bfloat16 and float16 do not refuse, picks and sums among them."""
    assert fuzz.run(seed=5, count=12, levels=[1, 2], kind="narrow") == 0


@pytest.mark.slow
def test_many_random_programs_agree_in_narrow_formats(capsys: pytest.CaptureFixture[str]) -> None:
    """Most are not refused."""
    assert fuzz.run(seed=6, count=300, levels=[0, 1, 2], kind="narrow") == 0
    assert capsys.readouterr().err.count("refused") < 0.5 * 900


def wildcards() -> Case:
    """A table of three variables, two of which depend on the index: cells that cannot occur are no values."""
    marks = rasp.ConstantSOp([True, True, "_"], check_length=False)
    found = rasp.map(lambda x, y, z: (x == y) + (y == z), marks, rasp.tokens, rasp.indices)
    return found, (1, 2.5), 3, False


def never_empty() -> Case:
    """A selector that is never empty, which the compiler knows only before it rewrites it."""
    before = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)
    place = rasp.SelectorWidth(before | rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.EQ) & before)
    third = rasp.Select(place, place, lambda k, q: q == 3)
    here = rasp.Select(rasp.indices, rasp.tokens, rasp.Comparison.EQ)
    return rasp.Aggregate(~(here & third), rasp.indices, default=0), (1,), 3, True


def chosen_means() -> Case:
    """A mean that is not listed, in one branch of a choice."""
    everything = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE)
    mean = rasp.Aggregate(everything, rasp.tokens, default=False)
    less = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.LT)
    same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    before = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LT)
    rank = rasp.SelectorWidth(less | same & before)
    return rasp.where(rank == 0, mean, rasp.tokens), (1, 2, 4), 4, True


def equal_scores() -> Case:
    """A score that is True here and 1 there, which are one value, beside numbers."""
    everything = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE)
    marked = rasp.map(
        lambda mean, i: True if mean == i + 1 else None, rasp.Aggregate(everything, rasp.indices), rasp.indices
    )
    score = rasp.NaryMap(lambda x, y: y if x is None else x, marked, rasp.tokens, none_in_none_out=False)
    return rasp.Sum(rasp.best(rasp.best(everything, score, "min"), rasp.tokens), rasp.indices), (0, 1, 3, 4), 3, False


@pytest.mark.parametrize("build", [wildcards, never_empty, chosen_means, equal_scores])
@pytest.mark.parametrize("level", [0, 1])
def test_what_the_fuzzer_has_found_stays_mended(build: Callable[[], Case], level: int) -> None:
    """Every input, every position, of programs that once came out wrong."""
    program, vocab, n, causal = build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        model = raspc.compile(program, vocab, n, causal=causal, optimize=level)
    for length in range(1, n + 1):
        for xs in itertools.product(vocab, repeat=length):
            answer = model.apply([model.config.bos, *xs]).decoded[1:]
            wanted = raspc.interpret(program, list(xs), causal=causal)
            assert all(map(fuzz.agree, answer, wanted)), (xs, wanted, answer)


def swapped(program: Any, *args: Any, **options: Any) -> Any:
    """A compiler with a fault: the first two columns of a categorical answer change places."""
    model = raspc.compile(program, *args, **options)
    if model.config.output.kind != "categorical" or model.config.d_vocab_out < 2:
        return model
    order = [1, 0, *range(2, model.config.d_vocab_out)]
    changes = {name: model.params[name][..., order] for name in ("unembed/w", "unembed/b")}
    params = {name: changes.get(name, np.asarray(model.params[name])) for name in model.params}
    return dataclasses.replace(model, params=params, certificate=None)


def crashing(program: Any, *args: Any, **options: Any) -> Any:
    """A compiler that fails on long programs."""
    if len(raspc.rasp.topological(program)) > 3:
        raise ZeroDivisionError("too long")
    return raspc.compile(program, *args, **options)


@pytest.mark.parametrize("broken", [swapped, crashing])
def test_a_fault_is_found_shrunk_and_printed(broken: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The first fault becomes a short script."""
    assert fuzz.run(seed=0, count=20, levels=[1], compile=broken) == 1
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith(("v", "s"))]
    assert "difference" in printed if broken is swapped else "ZeroDivisionError" in printed
    assert len(lines) <= 3
    assert "max_seq_len=1" in printed or broken is crashing


def refusing(program: Any, *args: Any, **options: Any) -> Any:
    """A compiler whose lowest level refuses what its others compile."""
    if options["optimize"] == 0:
        raise raspc.UnsupportedProgram("too much for -O0")
    return raspc.compile(program, *args, **options)


def test_what_one_level_alone_refuses_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that all levels refuse is none."""
    assert fuzz.run(seed=0, count=2, levels=[0, 1], compile=refusing) == 1
    assert "-O0 refuses what -O1 compiles" in capsys.readouterr().out
    assert fuzz.run(seed=0, count=2, levels=[0], compile=refusing) == 0


def uncertain(program: Any, *args: Any, **options: Any) -> Any:
    """A compiler whose scores do not part keys."""
    raise raspc.CertificateError("a margin does not suffice: the head of x")


def test_only_numbers_may_be_refused_for_their_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    """Any other link that fails is a fault of the compiler."""
    assert fuzz.run(seed=0, count=1, levels=[1], compile=uncertain) == 1
    assert "CertificateError in compile" in capsys.readouterr().out


def test_the_printed_script_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is Python that compiles the program and shows both answers."""
    assert fuzz.run(seed=0, count=20, levels=[1], compile=swapped) == 1
    script = capsys.readouterr().out
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    interpreted, compiled = (line.split(maxsplit=1) for line in ran.stdout.splitlines()[-2:])
    assert (interpreted[0], compiled[0]) == ("interpreted", "compiled")
    assert interpreted[1] == compiled[1], "raspc itself has no such fault"


def test_agreement_is_strict() -> None:
    """None is no number, and numbers may differ by a ten-thousandth only."""
    assert fuzz.agree(1, 1.00001) and fuzz.agree(None, None) and fuzz.agree(True, 1.0)
    assert not fuzz.agree(None, 0) and not fuzz.agree(1, 1.001) and not fuzz.agree("1", 1)
