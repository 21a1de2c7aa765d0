"""Which design becomes the model: the first that is settled, else the first that a measurement bears out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import raspc
from raspc import library
from raspc.attempts import Found, model_by
from raspc.certify.proof import certificate
from raspc.errors import CertificateError, UnsupportedProgram
from raspc.plan.alternatives import Refused
from raspc.weights.model import Model

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    """Two models that are not the same."""
    one, other = (raspc.compile(library.hist(), "ab", n, optimize=2) for n in (2, 3))
    return one, other


def refused(told: str) -> Callable[[], Model]:
    """A measurement that shows a fault."""

    def measured() -> Model:
        raise CertificateError(told)

    return measured


def test_the_first_that_is_settled_is_taken(models: tuple[Model, Model]) -> None:
    """What comes before it is not measured, and what comes after is not made."""
    one, other = models

    def attempts():  # type: ignore[no-untyped-def]
        yield Refused(UnsupportedProgram("first"))
        yield Found(one, refused("measured"))
        yield Found(other)
        raise AssertionError("made for nothing")

    assert model_by(attempts()) is other


def test_what_is_not_proved_is_measured_in_order(models: tuple[Model, Model]) -> None:
    """The first that a measurement bears out is taken where none is settled."""
    one, other = models
    found = [Found(one, refused("wrong")), Found(other, lambda: other), Found(one, refused("not asked"))]
    assert model_by(found) is other


def test_the_first_refusal_is_told(models: tuple[Model, Model]) -> None:
    """Of all that were refused, or turned out to be wrong."""
    with pytest.raises(CertificateError, match="wrong"):
        model_by([Found(models[0], refused("wrong")), Refused(UnsupportedProgram("second"))])
    with pytest.raises(UnsupportedProgram, match="first"):
        model_by([Refused(UnsupportedProgram("first")), Found(models[0], refused("wrong"))])


def test_a_design_that_nobody_gets_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a GPT-2 the first design of this program is not proved, and the one with room is."""
    asked: list[bool] = []
    monkeypatch.setattr(certificate, "measure", lambda *_: asked.append(True))
    for name in ("write_word_problem", "write_copy"):
        writer = library.WRITERS[name]
        model = raspc.compile(
            writer.program, writer.vocab, writer.max_seq_len, generate=True, stop=writer.stop, prompts=writer.prompts,
            optimize=2, target="gpt2",
        )  # fmt: skip
        assert model.certificate.verdict == "proved"
    assert not asked
