"""Numbers as users run them: a bound is compared with what is promised near it, and what is checked is what is run."""

from __future__ import annotations

from typing import Any

import pytest

import raspc
from raspc import rasp
from raspc.numbers.promise import tolerance

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
