"""A converter with a fault makes a wrong stock model; the certificate of the sound one refuses it, or parity does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.faults.records import planted
from tests.faults.targets import BIASED, CERTIFIED, CHECKED, COUNTED, MIRRORED, MULTIPLIED, TOKENIZERS, TURNED, unsharp
from tests.stock.stocked import compiled

import raspc
from raspc import library, rasp
from raspc.attempts import has_products
from raspc.certify.proof import knobs
from raspc.errors import InternalError, RaspcError
from raspc.stock import exits
from raspc.stock.convert import USUAL
from raspc.stock.model import is_turned, stocked
from raspc.target.families import FAMILIES
from raspc.weights import Model, sampling

pytestmark = pytest.mark.filterwarnings("ignore")  # of programs that a causal mask changes
PROGRAM = "hist"
COUNTING: Mapping[str, Any] = {"disabled_passes": ("rotation",)}
"""So that positions are counted where they could be turned."""


def plain_for(family: str) -> Model:
    """The plain model that a sound compiler makes for a family."""
    return compiled(PROGRAM, family, certify=False).plain


def answers(model: Model) -> list[object]:
    """All answers in NumPy, as the family computes; a number that is none is a wrong one."""
    batch = sampling.inputs_of(model)[-60:]
    with np.errstate(all="ignore"):
        return [row.decoded for row in map(model.apply, batch)]


@pytest.mark.parametrize(("name", "family"), [(n, f) for n, (families, _) in CERTIFIED.items() for f in families])
def test_a_fault_of_the_converter_is_refused(name: str, family: str) -> None:
    """The wrong model is no model of the sound compiler; the faulty one gives it no certificate either."""
    plain = plain_for(family)
    with planted(CERTIFIED[name][1]):
        wrong = stocked(plain, family, USUAL)
        try:
            itself = compiled(PROGRAM, family).certificate.holds
        except RaspcError:
            itself = False
    sound = stocked(plain, family, USUAL)
    assert answers(wrong) != answers(sound) or name in ("pairs that turn",)
    assert raspc.certificate(sound).holds
    assert not raspc.certificate(wrong).holds
    assert not itself


@pytest.mark.parametrize(("name", "family"), [(n, f) for n, (families, _) in MIRRORED.items() for f in families])
def test_a_fault_of_a_mirrored_frame_is_refused(name: str, family: str) -> None:
    """In bfloat16 a fault may leave the answers right on a sample; the certificate knows it all the same."""
    plain = compiled(PROGRAM, family, certify=False, dtype="bfloat16").plain
    with planted(MIRRORED[name][1]):
        wrong = stocked(plain, family, 2.0**5)
    assert raspc.certificate(stocked(plain, family, 2.0**5)).proved
    assert not raspc.certificate(wrong).proved


@pytest.mark.parametrize("family", ["llama", "gpt_neox"])
@pytest.mark.parametrize("name", COUNTED)
def test_a_fault_of_counted_positions_is_refused(name: str, family: str) -> None:
    """By the compiler itself, and by the certificate of a model that was made without one."""
    sound = compiled("shift_by", family, **COUNTING)
    assert sound.certificate.proved
    wrong = None
    with planted(COUNTED[name]):
        with pytest.raises(RaspcError):
            compiled("shift_by", family, **COUNTING)
        try:
            wrong = compiled("shift_by", family, certify=False, **COUNTING)
        except RaspcError:
            return
    assert answers(wrong) != answers(sound)
    assert not raspc.certificate(wrong).holds


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_fault_of_a_tokenizer_is_refused(name: str, tmp_path: Path) -> None:
    """The export reads its own file before it writes anything, and refuses one that does not tell its tokens."""
    pytest.importorskip("tokenizers")
    model = compiled("hist", "llama")  # its answers are numbers, which are added tokens
    with planted(TOKENIZERS[name]), pytest.raises(InternalError, match=r"the tokenizer (reads|has)"):
        model.to("llama", tmp_path / "out", exit="lm")
    assert not list(tmp_path.iterdir())
    assert model.to("llama", tmp_path / "out", exit="lm").is_dir()


@pytest.mark.parametrize("name", TURNED)
def test_a_fault_of_a_rotation_is_refused(name: str) -> None:
    """A wrong pair, sign, distance or base is refused by the proof, which reads the pairs off the weights.

    The faulty compiler counts positions then, as it does wherever a rotation does not tell them.
    """
    plain = compiled("induction", "llama", certify=False).plain
    sound = stocked(plain, "llama", USUAL)
    with planted(TURNED[name]):
        wrong, itself = stocked(plain, "llama", USUAL), compiled("induction", "llama")
    assert raspc.certificate(sound).holds and is_turned(sound) and is_turned(wrong)
    assert not raspc.certificate(wrong).holds
    assert answers(wrong) != answers(sound) or name == "a base that turns what is to stand still"
    assert not is_turned(itself) and answers(itself) == answers(sound)


@pytest.mark.parametrize("name", BIASED)
def test_a_fault_of_positions_by_biases_is_refused(name: str) -> None:
    """By the sound certificate, and by the proof of a compiler that makes, reads and compares with the same fault."""
    plain = compiled("shift_by", "t5", certify=False).plain
    sound = stocked(plain, "t5", 1.0)
    assert raspc.certificate(sound).proved
    with planted(BIASED[name]):
        wrong = stocked(plain, "t5", 1.0)
        try:
            itself = compiled("shift_by", "t5").certificate.proved
        except RaspcError:
            itself = False
    assert not raspc.certificate(wrong).holds and not itself
    assert answers(wrong) != answers(sound) or name in RIGHT_HERE


RIGHT_HERE = (
    "biases that are too small", "biases of a head of the program", "heads that write in the second layer",
    "later keys are seen", "keys of tokens differ",
)  # fmt: skip
"""Faults that leave the answers as they are: all tokens have one value, whichever of them a head sees."""


def product_of_digits(**options: Any) -> Model:
    """Each digit times the one before."""
    before = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices - 1, rasp.Comparison.EQ), rasp.tokens, default=0)
    return raspc.compile(rasp.tokens * before, range(4), 4, causal=True, optimize=2, target="llama", **options)


@pytest.mark.parametrize("name", MULTIPLIED)
def test_a_fault_of_a_product_is_refused(name: str) -> None:
    """By a proof that reads the factors off the weights, and by one that knows no plan but that of the fault.

    The faulty compiler goes through values then, as it does wherever products are not proved.
    """
    plain = product_of_digits(certify=False).plain
    sound = stocked(plain, "llama", USUAL)
    with planted(MULTIPLIED[name]):
        wrong, itself = stocked(plain, "llama", USUAL), product_of_digits()
        believed = raspc.certificate(wrong)
    assert has_products(sound) and raspc.certificate(sound).holds
    assert answers(wrong) != answers(sound)
    assert not raspc.certificate(wrong).holds and not believed.holds
    assert not has_products(itself) and answers(itself) == answers(sound)


def test_steps_that_are_not_steep_are_refused() -> None:
    """With K = ¼ nothing is proved, and a run shows that the answers are wrong."""
    with planted(unsharp), pytest.raises(RaspcError, match="margin"):
        compiled("hist", "llama")


@pytest.mark.parametrize(("name", "family"), [(n, f) for n, (families, _) in CHECKED.items() for f in families])
def test_a_fault_of_an_exit_is_found_by_parity(name: str, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The classes of transformers give other answers than the model."""
    pytest.importorskip("transformers")
    from raspc.parity import stock

    entry = library.get("hist")
    model = raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=FAMILIES[family].causal)
    inputs = sampling.inputs_of(model)[-12:]
    assert stock.run(model, family, inputs).ok
    CHECKED[name][1](monkeypatch)
    monkeypatch.setattr(exits, "EXITS", {"lm": exits.lm, "labels": exits.labels})
    assert not stock.run(model, family, inputs).ok


def test_every_fault_has_a_family_of_each_norm() -> None:
    """Of the faults of norms, some show after RMS and some after a layer norm."""
    kinds = {FAMILIES[family].norms.kind for families, _ in CERTIFIED.values() for family in families}
    assert kinds == {"rms", "layer"} and len(CERTIFIED) >= 11 and knobs.LEAST_SCALE >= 1
