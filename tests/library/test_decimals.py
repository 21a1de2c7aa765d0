"""Random programs about decimals: what the generator promises, and that compiled models agree with the interpreter."""

from __future__ import annotations

import random
import warnings

import pytest
from hypothesis import given, settings
from tests.agreement import LEVELS, alike, answers, some_inputs
from tests.strategies import Case, decimal_cases

import raspc
from raspc import InvalidProgram, UncertainProgram
from raspc.library.decimals import random_decimal_script


def test_equal_seeds_give_equal_programs() -> None:
    """As text, too."""
    first, again = (str(random_decimal_script(random.Random(7), 20)) for _ in range(2))
    assert first == again


def test_programs_are_as_long_as_asked() -> None:
    """About so many operations, all of which the output depends on."""
    sizes = [len(random_decimal_script(random.Random(seed), 30).lines) for seed in range(20)]
    assert sorted(sizes)[10] > 15


def test_words_are_refused() -> None:
    """The programs are about numbers."""
    with pytest.raises(InvalidProgram, match="needed numbers"):
        random_decimal_script(random.Random(0), 5, ("a", 1))


@settings(max_examples=30)
@given(decimal_cases())
def test_models_of_decimals_are_exact(case: Case) -> None:
    """At every level, on every short input on which the program has a value; or the program is refused."""
    for level in LEVELS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UncertainProgram)
            try:
                model = raspc.compile(
                    case.program,
                    case.vocab,
                    case.max_seq_len,
                    case.causal,
                    optimize=level,
                    partial=True,
                )
            except (raspc.UnsupportedProgram, raspc.CertificateError):
                continue
        for xs in some_inputs(case.vocab, case.max_seq_len, 60, 5):
            try:
                wanted = raspc.interpret(case.program, xs, causal=case.causal)
            except raspc.InputError:
                continue
            assert alike(answers(model, [xs])[0], wanted), (level, xs)
