"""Each family in its own class of `transformers`: the answers are the model's; what a family cannot hold is refused."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest
from tests.stock.stocked import compiled, differences, logits_of, stock_class

import raspc
from raspc import InputError, InvalidProgram, RaspcError, library, rasp
from raspc.stock.convert import stock_of
from raspc.target.families import FAMILIES
from raspc.weights import sampling

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers, and of programs that a causal mask changes

PROGRAMS = ("hist", "sort", "cumulative_sum", "dyck1_ptf", "induction")
RMS_FAMILIES = ("llama", "qwen2", "mistral", "gemma")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_family_gives_the_answers(family: str, name: str) -> None:
    """Whatever norm, activation and order a family has, at the default level and as small as can be."""
    for level in (1, 2):
        model = compiled(name, family, optimize=level)
        for exit in FAMILIES[family].exits:
            assert differences(stock_of(model, family, exit), model) == []


REFUSED = {("bert", "pair_balance"), *(("opt", name) for name in ("frac_prevs", "pair_balance", "fraction"))}
"""Numbers that are not listed: OPT has no class for them, and BERT's norms leave the difference of two too coarse."""


def refused(wanted: bool) -> AbstractContextManager[Any]:
    """Whether what follows is to be refused, in one line."""
    return pytest.raises(RaspcError, match=r"label|margin") if wanted else nullcontext()


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", library.PROGRAMS)
def test_all_of_the_library(family: str, name: str) -> None:
    """Every program, in every family that has its mask and its exit, at -O1 and -O2."""
    for level in (1, 2):
        with refused((family, name) in REFUSED):
            model = compiled(name, family, optimize=level)
            assert differences(stock_of(model, family, FAMILIES[family].exits[-1]), model) == []


@pytest.mark.parametrize("name", ["hist", "majority"])
def test_t5_holds_a_plain_model_whose_first_layer_reads_no_positions(name: str) -> None:
    """Its encoder has no table of positions, so that they are there from the second layer on."""
    program = library.get(name)
    model = raspc.compile(program.program, program.vocab, program.max_seq_len)
    assert differences(stock_of(model, "t5"), model) == []


@pytest.mark.parametrize("family", RMS_FAMILIES)
def test_rms_leaves_the_logits_as_they_are(family: str) -> None:
    """The norm is the identity, so that a Llama rounds as the plain model does."""
    model = compiled("sort", family)
    batch = sampling.inputs_of(model)[-40:]
    found = logits_of(stock_of(model, family, "labels"), model, batch)
    ids = model.encode_batch(batch)
    real = ids != model.config.pad_id
    assert np.abs(found - model.logits(ids))[real].max() <= 1e-6


def test_the_width_is_the_next_that_a_class_allows() -> None:
    """RMS takes four dimensions at most, layer norm nine; then a multiple of what the class asks for."""
    for family, more in {"llama": 4, "gpt2": 9}.items():
        model = compiled("hist", family)
        stock, config = stock_of(model, family), model.config
        step = config.d_head if family == "gpt2" else 2 * config.n_heads
        most = -(-(config.d_model + more) // step) * step
        assert len(stock.labels) <= max(most, config.n_heads * config.d_head)


def test_answers_that_are_tokens_keep_their_ids() -> None:
    """Others are tokens behind PAD; one row stands for unknown words; what is no answer is never the largest."""
    model = raspc.compile(rasp.where(rasp.tokens == "a", "b", "c"), "ab", 3, causal=True)
    stock = stock_of(model, "gpt2", "lm")
    assert stock.tokens == ("a", "b", "BOS", "PAD", "c") and stock.n_inputs == 4 and stock.unk_id == 5
    assert {answer.value: answer.column for answer in stock.answers} == {"b": 1, "c": 4}
    found = logits_of(stock, model, [["BOS", "a", "b"]])
    assert found[0, 1:].argmax(-1).tolist() == [1, 4]
    others = np.delete(found, [1, 4], axis=-1)
    assert others.max() < found[..., [1, 4]].min() - 1000


def test_numbers_are_tokens_where_they_are_listed() -> None:
    """The nearest listed number is the token; a number that is not listed has no token."""
    counts = rasp.numerical(library.hist())
    model = raspc.compile(counts, "abc", 5, causal=True, target="llama")
    assert model.config.output.kind == "numerical"
    assert differences(stock_of(model, "llama", "lm"), model.plain) == []
    mean = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE), rasp.tokens * 0.37)
    unlisted = raspc.compile(mean, range(40), 40, causal=True)
    with pytest.raises(InputError, match=r"not listed.*labels"):
        stock_of(unlisted, "gpt2", "lm")


@pytest.mark.parametrize(
    ("family", "exit", "says"),
    [
        ("gptx", None, "unknown family 'gptx'; known are llama, gpt2"),
        ("opt", "labels", "opt has no class for the exit labels; it has lm"),
        ("bert", "lm", "bert has no class for the exit lm; it has labels"),
        ("gpt2", "words", "unknown exit 'words'; known are lm, labels"),
        ("llama", None, "llama has no table of positions"),
        ("bert", None, "bert sees later positions"),
    ],
)  # fmt: skip
def test_what_a_family_cannot_hold_is_refused(family: str, exit: Any, says: str) -> None:
    """One line: what is wrong, and what to do."""
    model = raspc.compile(library.sort(), "abc", 3, causal=True)
    with pytest.raises(InputError, match=re.escape(says)) as refusal:
        stock_of(model, family, exit)
    assert "\n" not in str(refusal.value)


def test_steep_scores_are_refused_and_left_out_for_a_target() -> None:
    """What makes x² overflow does not reach a norm."""
    plain = raspc.compile(library.sort(), range(4), 4, causal=True, optimize=2)
    with pytest.raises(InputError, match=r"steep scores.*compile it with target='gpt2'"):
        stock_of(plain, "gpt2")
    assert differences(stock_of(compiled("sort", "gpt2", optimize=2), "gpt2"), compiled("sort", "gpt2")) == []


def test_sums_that_a_layer_norm_spoils_are_refused_and_kept_small_for_a_target() -> None:
    """A head of a sum multiplies what BOS holds, which after a layer norm is 0 but for rounding."""
    program = library.get("cumulative_sum")
    plain = raspc.compile(program.program, program.vocab, program.max_seq_len, causal=True)
    model = compiled("cumulative_sum", "gpt2")
    assert differences(stock_of(model, "gpt2", "labels"), model) == []
    with pytest.raises(InputError, match=r"adds numbers by heads.*target='gpt2'"):
        stock_of(plain, "gpt2")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"target": "gpt5", "causal": True}, "the target is 'gpt5'; there are plain, llama"),
        ({"target": "llama"}, "llama sees no later positions; pass causal=True"),
        ({"target": "bert", "causal": True}, "bert sees later positions; pass causal=False"),
        ({"target": "bert", "generate": True}, "bert sees later positions, so it cannot write"),
    ],
)  # fmt: skip
def test_a_target_that_does_not_fit_is_refused(options: dict[str, Any], says: str) -> None:
    """Before any work is done."""
    with pytest.raises(InvalidProgram, match=re.escape(says)):
        raspc.compile(library.hist(), "ab", 3, **options)


def test_positions_that_are_read_before_a_family_has_made_them_are_refused() -> None:
    """T5's first layer makes positions; a model that is compiled for it reads them later."""
    with pytest.raises(InputError, match=r"its first layer makes them.*compile it with target='t5'") as refusal:
        stock_of(raspc.compile(library.sort(), "ab", 3), "t5")
    assert "\n" not in str(refusal.value)
    model = raspc.compile(library.sort(), "ab", 3, target="t5")
    assert differences(stock_of(model, "t5"), model) == []


PLACES = rasp.where(rasp.indices > 3, rasp.tokens, "a")


@pytest.mark.parametrize("family", ["llama", "gpt_neox", "gpt2", "bert", "t5"])
def test_a_length_beyond_the_limit_of_a_family_is_refused(family: str) -> None:
    """In bfloat16 counted and made positions end at 256, which is said in a line; a table of them goes on."""
    options = {"causal": FAMILIES[family].causal, "target": family, "optimize": 2, "dtype": "bfloat16"}
    if FAMILIES[family].pos_embed is not None:
        assert raspc.compile(PLACES, "abc", 260, **options).certificate.proved
        return
    with pytest.raises(
        RaspcError, match=r"bfloat16 (tells apart|holds).*(up to length 256|compile it for fewer)"
    ) as found:
        raspc.compile(PLACES, "abc", 260, **options)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("family", ["llama", "gpt_neox", "gpt2", "bert", "t5"])
def test_long_inputs_are_taken_in_float32(family: str) -> None:
    """No family ends at a length of its own."""
    model = raspc.compile(PLACES, "abc", 20_000, causal=FAMILIES[family].causal, target=family, optimize=2)
    assert model.certificate.proved and model.config.max_seq_len == 20_000


def test_a_norm_scale_and_a_sharpness_may_be_asked_for() -> None:
    """They are what the weights show."""
    model = compiled("hist", "llama")
    stock = stock_of(model, "llama", norm_scale=2.0**20, step_sharpness=2.0**8)
    assert set(stock.params["model.norm.weight"].tolist()) == {2.0**20}
    assert differences(stock, model) == []
    assert stock_class(stock).config.hidden_act == "silu"
