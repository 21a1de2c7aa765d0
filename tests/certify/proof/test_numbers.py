"""Numbers as users run them: a bound is compared with what is promised near it, and what is checked is what is run."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raspc
from raspc import rasp
from raspc.certify.checking.measure import has_slack
from raspc.certify.proof import certificate
from raspc.certify.proof.numbers import of_several
from raspc.numbers.precision import PRECISIONS
from raspc.numbers.promise import COARSE, is_kept, tolerance

EVERYWHERE = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE)


def mean(x: rasp.SOp) -> rasp.SOp:
    """Over all positions."""
    return rasp.Aggregate(EVERYWHERE, x)


@pytest.mark.parametrize("vocab", [(0, 1, 2, 3), (0, 1000), (0.25, 3_000_000), (-7, -2_500)])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_mean_of_one_sign_is_proved_whatever_its_size(vocab: tuple[Any, ...], level: int) -> None:
    """Rounding errs in proportion to such a mean, so that numbers of any size are proved right."""
    model = raspc.compile(mean(rasp.tokens), vocab, 40, optimize=level)
    assert model.certificate is not None and model.certificate.proved
    xs = [vocab[0]] * 39 + [vocab[-1]]
    (wanted,) = set(raspc.interpret(mean(rasp.tokens), xs))
    assert all(abs(x - wanted) <= tolerance(wanted) for x in model.apply(["BOS", *xs]).decoded[1:])


@pytest.mark.parametrize("vocab", [(1, 10**4, -(10**4)), (19.99, 250_000, -250_000)])
def test_a_mean_that_cancels_is_not_proved_by_the_size_of_what_it_is_made_of(vocab: tuple[Any, ...]) -> None:
    """The bound is held against what is promised near 0, not at the ends of the interval."""
    model = raspc.compile(mean(rasp.tokens), vocab, 3, certify=False)
    assert not raspc.certificate(model).proved


def test_a_batch_rounds_as_one_input_does() -> None:
    """A model that is wrong as users run it is wrong in a batch and in a check too."""
    model = raspc.compile(mean(rasp.tokens) - mean(rasp.tokens + 1), [0, 1000], 20, certify=False)
    xs = ["BOS", 0, *[1000] * 19]
    one, (many,) = model.apply(xs).decoded, model.apply_batch([xs]).decoded
    assert one[1] == pytest.approx(many[1], abs=1e-4)  # both are wrong, and alike
    assert abs(many[1] + 1) > tolerance(1.0)
    assert not raspc.check(model).ok


ROWS = st.lists(st.tuples(st.integers(-5, 5), st.sampled_from([0.0, 1e-6, 6e-6, 1e-4, 4e-4])), min_size=1, max_size=3)


@given(st.lists(ROWS, min_size=2, max_size=3), st.integers(-5, 15), st.sampled_from([0.0, 3e-6, 2e-5]))
def test_a_sum_of_several_keeps_the_promise_wherever_its_bound_says_so(
    terms: list[list[tuple[int, float]]], bias: int, off: float
) -> None:
    """Whichever values come together, also where their sum is 0."""
    seen = {
        place: SimpleNamespace(values=np.array([[x] for x, _ in rows], float), error=np.array([[e] for _, e in rows]))
        for place, rows in enumerate(terms)
    }
    passed = sum(max(e for _, e in rows) for rows in terms)
    read: Any = SimpleNamespace(
        seen=seen, bias=np.array([float(bias)]), rounding=np.array([1e-6]), error=np.array([passed + 1e-6])
    )
    found = of_several(read, off, PRECISIONS["float32"])
    worst = max(
        (sum(e for _, e in rows) + off + 1e-6) / tolerance(float(bias + sum(x for x, _ in rows)))
        for rows in product(*terms)
    )
    assert found.needed > found.allowed or worst <= 1 + 1e-12


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_sum_that_may_be_0_errs_with_its_terms(level: int) -> None:
    """Its terms are of one sign, and rounding errs in proportion to them: where the sum is 0 nothing is off by much."""
    few = rasp.Select(rasp.indices, rasp.indices, lambda k, q: q - 2 <= k <= q)
    total = rasp.Sum(few, rasp.indices, default=0)
    program = rasp.LinearSequenceMap(total, rasp.Aggregate(few, total, default=1), -2, -2)
    assert raspc.compile(program, [3], 4, optimize=level).certificate.verdict == "proved"


CANCELS = mean(rasp.tokens)
SUM = mean(rasp.tokens) * rasp.length
SHIFTED = mean(rasp.tokens) - mean(rasp.tokens + 1)


@pytest.mark.parametrize(
    ("program", "vocab", "length"),
    [
        (CANCELS, (1, 10**4, -(10**4)), 3),
        (CANCELS, (19.99, 250_000, -250_000), 3),
        (SUM, (0, 1, 2, 3), 8),
        (SUM, (0, 1), 13),
        (SUM, (0, 1), 16),
        (SHIFTED, (0, 1000), 20),
    ],
)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_is_no_proof_for_a_mean_is_one_for_its_counts(
    program: rasp.SOp, vocab: tuple[Any, ...], length: int, level: int
) -> None:
    """Programs that were wrong are computed from counts: proved, or measured with room to spare, and right."""
    model = raspc.compile(program, vocab, length, optimize=level)
    assert model.certificate is not None and model.certificate.holds
    assert raspc.check(model, limit=2000).ok
    for xs in ([vocab[-1], *vocab], [*vocab[1:]] * 2 + [vocab[0]] * 3, [vocab[1]] + [vocab[0]] * (length - 1)):
        tokens = xs[:length]
        wanted = raspc.interpret(program, tokens)
        assert all(map(is_kept, model.apply(["BOS", *tokens]).decoded[1:], wanted))


def test_what_cannot_be_counted_is_measured_with_a_word_about_it() -> None:
    """Means of 61 numbers of both signs are too many to count, and cancel by more than bounds allow."""
    with pytest.warns(raspc.UncertainProgram, match="measured, not proved"):
        model = raspc.compile(mean(rasp.tokens), range(-30, 31), 20)
    assert model.certificate is not None and model.certificate.verdict == "measured"
    assert 2 < model.certificate.links[0].used <= COARSE


def test_what_has_no_slack_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number whose sample is not right to a part of the promise: what to write instead, and the length that does."""
    monkeypatch.setattr(certificate, "has_slack", lambda *_: False)
    with pytest.raises(raspc.CertificateError, match=r"average numbers of one sign .*compiles up to length"):
        raspc.compile(mean(rasp.tokens), range(-30, 31), 20)


def test_what_cancels_by_far_more_is_refused_whatever_a_sample_shows() -> None:
    """Means of whole numbers up to 1,000 of both signs are wrong where they cancel, which random inputs do not show."""
    program, xs = mean(rasp.tokens), [897, 897, 897, -897, -897, -897, 1]
    some = [*range(-1000, 1001, 20), 897, -897, 1]
    with pytest.raises(raspc.CertificateError, match="average numbers of one sign"):
        raspc.compile(program, some, 20)
    model = raspc.compile(program, some, 20, certify=False)
    assert has_slack(model, model.precision)
    assert not is_kept(model.apply(["BOS", *xs]).decoded[1], 1 / 7)


def test_what_is_measured_warns() -> None:
    """A bound that exceeds the promise by less than it is coarse leaves a model that works, and a word about it."""
    with pytest.warns(raspc.UncertainProgram, match="measured, not proved"):
        model = raspc.compile(mean(rasp.tokens), range(-9, 10), 20)
    assert model.certificate is not None and model.certificate.verdict == "measured"
    assert 1 < model.certificate.links[0].used <= COARSE


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_mean_that_is_picked_errs_in_proportion(level: int) -> None:
    """Numbers of thousands, of which a pick may have none: at its default 0 it is right to 1e-5, beside 5001 to less.

    Told of all of them together, no number would be nearer than the greatest one is: 0.004.
    """
    thousands = rasp.numerical((rasp.indices + 1) * 1000 + rasp.tokens)
    mean = rasp.Aggregate(rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ), thousands)
    previous = rasp.Select(rasp.indices, rasp.indices - 1, rasp.Comparison.EQ)
    model = raspc.compile(rasp.Aggregate(previous, mean, default=0), (0, 1), 5, optimize=level)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert raspc.check(model).ok
