"""The certificate is no decoration: what is taken from the weights it notices, what it allows does no harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import library, parity, rasp
from raspc.certify.checking.measure import measure
from raspc.certify.proof import certificate as certificates
from raspc.certify.proof.prove import prove
from raspc.certify.proof.tightness import tightness, typical
from raspc.errors import CertificateError
from raspc.numbers.precision import PRECISIONS, SUMMATIONS, precision_of
from raspc.numbers.shares import as_integers, counts_to
from raspc.study.certifying import certificate, examined
from raspc.weights.certificate import Link
from raspc.weights.model import Model

C = rasp.Comparison
PROGRAMS = ("reverse", "hist", "sort_unique", "frac_prevs", "detect_pattern", "shuffle_dyck", "sort_freq")


def compiled(name: str, **options: Any) -> Model:
    """A program of the library with its own vocabulary and length."""
    entry = library.get(name)
    return raspc.compile(entry.program, entry.vocab, entry.max_seq_len, **options)


def changed(model: Model, **parts: Callable[[np.ndarray[Any, Any]], None]) -> Model:
    """The model with some parameters changed in place; `__` stands for `/`."""
    params = {name: np.array(array) for name, array in model.params.items()}
    for name, change in parts.items():
        change(params[name.replace("__", "/")])
    return replace(model, params=params)


def scaled(factor: float, where: Any = ...) -> Callable[[np.ndarray[Any, Any]], None]:
    """Multiply a part of a parameter."""

    def change(array: np.ndarray[Any, Any]) -> None:
        array[where] *= factor

    return change


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_weights_say_what_was_planned(name: str, level: int) -> None:
    """Blocks read back off the weights are those of the plan, and no weight is left over."""
    model = compiled(name, optimize=level)
    plan = examined(model)
    assert not plan.actual.stray
    for said, planned in zip(plan.actual.blocks, plan.lowered.blocks, strict=True):
        for part in ("query", "key", "value", "read"):
            if hasattr(planned, part):
                one, other = getattr(said, part), getattr(planned, part)
                assert all(np.allclose(one.maps[space], other.maps[space], rtol=1e-6) for space in other.maps)
    assert certificate(model).verdict == model.certificate["verdict"]


def test_all_of_the_library_is_proved() -> None:
    """Every program of the library, at -O1."""
    assert {compiled(name).certificate["verdict"] for name in library.PROGRAMS} == {"proved"}


# -- margins taken away ------------------------------------------------------------------------------

HEAD = "transformer__layer_0__attn"
MLP = "transformer__layer_0__mlp"


def unproved(model: Model) -> Model:
    """The model, once its certificate has been seen to fail."""
    found = certificate(model)
    assert not found.proved
    assert found.weakest is not None and not found.weakest.holds
    return model


@pytest.mark.parametrize("name", ["hist", "reverse", "sort_unique"])
def test_a_head_that_is_too_soft_is_noticed(name: str) -> None:
    """Scores at a hundredth of their scale select nothing, and the separation says so."""
    model = changed(compiled(name), **{f"{HEAD}__query__w": scaled(0.01), f"{HEAD}__query__b": scaled(0.01)})
    assert not raspc.check(unproved(model)).ok


def test_a_staircase_that_is_too_flat_is_noticed() -> None:
    """Ramps that reach from one count to the next mix them."""
    model = changed(compiled("hist"), **{f"{MLP}__linear_1__w": scaled(0.25), f"{MLP}__linear_1__b": scaled(0.25)})
    assert not raspc.check(unproved(model)).ok


def test_codes_that_are_too_near_are_noticed() -> None:
    """Two tokens whose embeddings are nearly one."""
    model = compiled("hist")

    def nearer(embeddings: np.ndarray[Any, Any]) -> None:
        embeddings[1] = 0.9 * embeddings[0] + 0.1 * embeddings[1]

    assert not raspc.check(unproved(changed(model, token_embed__embeddings=nearer))).ok


def test_an_answer_without_a_lead_is_noticed() -> None:
    """The unembedding of one answer at nothing leaves equal logits; at a thousandth the answer still leads."""
    unproved(changed(compiled("reverse"), unembed__w=scaled(0.0, (slice(None), 1))))
    weak = changed(compiled("reverse"), unembed__w=scaled(0.001, (slice(None), 1)))
    assert certificate(weak).proved and raspc.check(weak).ok


def test_a_default_that_wins_is_noticed() -> None:
    """BOS scores more than a selected key."""
    model = compiled("shift_by")
    head = examined(model).lowered.blocks[0]

    def raised(bias: np.ndarray[Any, Any]) -> None:
        bias[head.query.width] *= -1

    unproved(changed(model, **{f"{HEAD}__query__b": raised}))


def test_what_is_left_in_a_dimension_is_noticed() -> None:
    """Neurons that clear half of a dimension that another variable takes over leave a little; others leave too much."""
    model = compiled("reverse", optimize=2, disabled_passes=("plain_counts",))
    reused = examined(model).actual.reused
    assert reused
    old = reused[0]
    layer = f"transformer__layer_{old.layer}__mlp"
    neurons = np.flatnonzero(
        (np.asarray(model.params[f"transformer/layer_{old.layer}/mlp/linear_1/w"])[old.dim] != 0)
        & (np.asarray(model.params[f"transformer/layer_{old.layer}/mlp/linear_2/w"])[:, old.dim] != 0)
    )
    links = certificate(changed(model, **{f"{layer}__linear_2__w": scaled(0.5, (neurons, old.dim))})).links
    assert any(link.kind == "residue" and link.needed > 0 for link in links)
    unproved(changed(model, **{f"{layer}__linear_2__w": scaled(500.0, (neurons, old.dim))}))


def test_a_weight_that_no_block_has_is_noticed() -> None:
    """One entry that should be 0."""
    model = compiled("reverse")
    name = "transformer/layer_1/attn/key/w"
    zero = tuple(map(int, np.argwhere(np.asarray(model.params[name]) == 0)[0]))

    def set_to_one(array: np.ndarray[Any, Any]) -> None:
        array[zero] = 1.0

    found = certificate(changed(model, transformer__layer_1__attn__key__w=set_to_one))
    assert found.weakest is not None and found.weakest.kind == "stray weights" and found.weakest.name == name
    assert not found.holds


# -- what the certificate allows ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reverse", "hist", "sort_unique", "detect_pattern", "majority"])
def test_weights_off_by_the_tolerance_do_no_harm(name: str) -> None:
    """Every weight moved up or down by the certified part of itself: all inputs are still answered rightly."""
    model = compiled(name)
    found = certificate(model, tolerance=True)
    assert found.tolerance is not None and found.tolerance > 0
    rng = np.random.default_rng(0)
    for _ in range(4):
        params = {
            key: np.asarray(array, np.float64) * (1 + found.tolerance * rng.choice([-1.0, 1.0], np.shape(array)))
            for key, array in model.params.items()
        }
        assert raspc.check(replace(model, params=params), limit=3000).ok


def test_a_tolerance_is_not_given_where_it_does_not_hold() -> None:
    """Four times the tolerance is not proved."""
    plan = examined(compiled("hist"))
    found = certificate(compiled("hist"), tolerance=True)
    assert found.tolerance is not None
    shaken = replace(PRECISIONS["float32"], weight_error=4 * found.tolerance)
    assert not all(link.holds for link in prove(plan, shaken))


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_error_is_larger_than_its_bound(name: str) -> None:
    """What the stream holds on inputs lies within the bounds, space by space; bounds are not far above."""
    model = compiled(name)
    found = tightness(model, examined(model), PRECISIONS["float32"])
    assert all(one.seen <= one.bound for one in found)
    assert typical(found) < 1e6


# -- other precisions --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    ("name", "level"),
    [("reverse", 1), ("hist", 1), ("sort_unique", 1), ("shift_by", 2), ("detect_pattern", 1), ("caesar", 1),
     ("shuffle_dyck1", 2), ("running_majority", 2), ("most_freq", 1), ("dyck2_ptf", 0), ("induction", 1)],
)  # fmt: skip
def test_narrow_models_are_proved_and_right(name: str, level: int, dtype: str) -> None:
    """Compiled for a narrow format, run in it on adversarial inputs."""
    model = compiled(name, dtype=dtype, optimize=level)
    assert model.certificate["dtype"] == dtype and model.certificate["proved"]
    assert measure(model, precision_of(dtype))["failures"] == 0


@pytest.mark.parametrize("probabilities", ["stored", "float32"])
@pytest.mark.parametrize(("n", "level"), [(32, 0), (32, 1), (32, 2), (256, 1)])
def test_bfloat16_counts_to_256_with_one_head(n: int, level: int, probabilities: str) -> None:
    """A width of up to 256 keys, whether the softmax is rounded or not."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.EQ))
    model = raspc.compile(program, "abc", n, optimize=level, dtype="bfloat16", probabilities=probabilities)
    assert model.certificate["proved"] and model.config.n_heads == 1
    assert model.certificate["probabilities"] == probabilities
    assert measure(model, precision_of("bfloat16", probabilities=probabilities))["failures"] == 0


@pytest.mark.parametrize(("dtype", "probabilities"), [("bfloat16", "stored"), ("float16", "float32")])
def test_a_key_is_counted_exactly_whatever_an_exp_is_off_by(dtype: str, probabilities: str) -> None:
    """Every count of keys, every probability off by as much as the margin allows, sums in both orders, as stored."""
    precision, counts = precision_of(dtype, probabilities=probabilities), np.arange(41.0)
    share = as_integers(counts, 40, precision)
    assert share is not None and precision.holds(share.code)
    rng = np.random.default_rng(0)
    for margin in (0.0, 2.0**-19):
        for d in range(41):
            own = np.float32(1 / (share.raised + d)) * (1 + margin * rng.uniform(-1, 1, d)).astype(np.float32)
            own = precision.round(own) if precision.rounded_probabilities else own
            for order in (own, own[::-1]):
                total = np.float32(0)
                for probability in order:
                    total += np.float32(probability) * np.float32(share.at_key)
                assert precision.round(total) == share.code[d]


@pytest.mark.parametrize(("n", "level"), [(300, 2), pytest.param(600, 1, marks=pytest.mark.slow)])
def test_larger_counts_are_added_digit_by_digit(n: int, level: int, tmp_path: Path) -> None:
    """bfloat16 has no integer 257: heads count a stretch of positions each, and no sum of theirs is large."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.EQ))
    model = raspc.compile(program, "ab", n, optimize=level, dtype="bfloat16")
    assert model.config.n_heads == 2 and model.certificate["holds"]
    assert measure(model, precision_of("bfloat16"))["failures"] == 0
    model.save(tmp_path / "model")
    again = raspc.load(tmp_path / "model")
    assert again.apply(["BOS"] + ["a"] * (n - 20) + ["b"] * 20).decoded[1:] == [n - 20] * (n - 20) + [20] * 20


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_for_a_narrow_format_runs_in_it(dtype: str, tmp_path: Path) -> None:
    """Whoever runs, checks, traces or exports it gets the answers that were proved; elsewhere it is refused."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.EQ))
    raspc.compile(program, "ab", 100, dtype=dtype).save(tmp_path / "model")
    model = raspc.load(tmp_path / "model")
    tokens = ["a"] * 97 + ["b"] * 3
    right = [97] * 97 + [3] * 3
    assert model.precision.name == dtype
    assert model.apply(["BOS", *tokens]).decoded[1:] == right
    assert model.apply_batch([["BOS", *tokens], ["BOS", "b"]], trace=True).decoded[0][1:] == right
    assert raspc.check(model, limit=60).ok
    assert certificate(model).proved and certificate(model).dtype == dtype
    assert raspc.diff(model, program, vocab="ab", max_seq_len=100, limit=60, run=True).equal
    with pytest.raises(raspc.InputError, match=f"parity compares activations in float32, .* compiled for {dtype}"):
        parity.run(model)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_for_a_narrow_format_is_exported_in_it(dtype: str) -> None:
    """By default; NPZ keeps the weights as they are."""
    torch = pytest.importorskip("torch")
    model = raspc.compile(rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.EQ)), "ab", 100, dtype=dtype)
    module = model.to("torch")
    assert next(module.parameters()).dtype == getattr(torch, dtype)
    ids = torch.tensor([[model.config.bos_id] + [0] * 60 + [1] * 40])
    best = module(ids)[0, 1:].argmax(-1).tolist()
    assert [model.config.output.values[i] for i in best] == [60] * 60 + [40] * 40
    kept = model.to("npz")
    assert all(np.array_equal(kept[name.replace("/", "__")], array) for name, array in model.params.items())


def test_weights_beyond_the_range_of_a_format_prove_nothing() -> None:
    """A value of 2²² is infinite in float16: the certificate says so in a link, without a warning."""
    found = certificate(compiled("double_hist", dtype="bfloat16"), "float16")
    assert not found.holds and found.weakest is not None and found.weakest.needed == np.inf
    assert all(link["needed"] == link["needed"] for link in found.to_json()["links"])


def test_a_dtype_in_which_a_narrow_model_errs_is_refused() -> None:
    """In float32 counts are no integers, by as much as M is no power of two: equal ones do not score alike."""
    model = compiled("double_hist", dtype="bfloat16")
    with pytest.raises(raspc.InputError, match=r"float32 does not hold for this model: .* differs from bfloat16's"):
        model.to("torch", dtype="float32")


def test_inputs_that_are_too_long_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not proved is refused there, before the scores of one input take all memory; what is proved is not."""
    program = library.fraction()
    sound = raspc.compile(program, "ab", 6)
    monkeypatch.setattr(certificates, "LONGEST", 5)
    assert raspc.compile(program, "ab", 6).certificate == sound.certificate
    monkeypatch.setattr(certificates, "prove", lambda *_: (Link("separation", "fraction", 2.0, 1.0, "steps"),))
    with pytest.raises(CertificateError, match="needs 2 times its margin; to run it instead, inputs of more than 5"):
        raspc.compile(program, "ab", 6)


def test_a_length_that_is_too_long_is_refused_with_one_that_is_not() -> None:
    """The refusal names the greatest length; that one compiles, the next does not."""
    mean = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, C.LEQ), rasp.tokens)
    program, vocab = rasp.map(lambda v: v > 2.4, mean), (1, 2, 3, 4)
    with pytest.raises(raspc.UnsupportedProgram, match="in bfloat16 this program compiles up to length") as refusal:
        raspc.compile(program, vocab, 12, dtype="bfloat16")
    longest = int(str(refusal.value).split()[-1])
    assert 1 <= longest < 12
    assert raspc.compile(program, vocab, longest, dtype="bfloat16").certificate["holds"]
    with pytest.raises(raspc.UnsupportedProgram):
        raspc.compile(program, vocab, longest + 1, dtype="bfloat16")


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("dtype", "level"), [("bfloat16", 0), ("bfloat16", 2), ("float16", 1)])
def test_means_that_are_decoded_are_counted(dtype: str, level: int, causal: bool) -> None:
    """A mean of booleans with a default: how many keys are selected and how many of them are true say what it is."""
    selector = rasp.Select(rasp.indices, rasp.indices, C.LT)
    share = rasp.Aggregate(selector, rasp.map(lambda t: t == "a", rasp.tokens), default=0.35)
    program = rasp.map(lambda v: f"{v:.2f}", share)
    model = raspc.compile(program, "ab", 6, optimize=level, causal=causal, dtype=dtype)
    assert model.certificate["proved"]
    assert measure(model, precision_of(dtype))["failures"] == 0


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
def test_a_table_of_one_variable_twice_is_certified() -> None:
    """A function of a counted mean and itself, which neurons compute of the mean alone."""
    program = library.random_program(Random(1188), 6, ("a", "b", 1), 4)
    model = raspc.compile(program, ("a", "b", 1), 4, optimize=0, dtype="bfloat16", partial=True)
    assert measure(model, precision_of("bfloat16"))["failures"] == 0


def test_a_mean_of_which_all_counts_are_one_is_counted() -> None:
    """Selecting what is averaged makes two of the counts the same variable."""
    is_a = rasp.map(lambda t: t == "a", rasp.tokens)
    chosen = rasp.Select(is_a, rasp.indices, lambda key, query: key)
    share = rasp.Aggregate(chosen, is_a, default=0.25) + rasp.Aggregate(
        rasp.Select(rasp.indices, rasp.indices, C.LEQ), is_a
    )
    model = raspc.compile(rasp.map(lambda v: v > 0.7, share), "ab", 4, dtype="bfloat16")
    assert model.certificate["proved"] and measure(model, precision_of("bfloat16"))["failures"] == 0


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_copies_of_one_number_arrive_as_that_number(dtype: str) -> None:
    """Several keys hold the index that is picked; their probabilities are rounded, and what comes of it is proved."""
    same = rasp.Select(rasp.tokens, rasp.tokens, C.EQ)
    first = rasp.Aggregate(same, rasp.map(lambda t: {"a": 5, "b": 2, "c": 7}[t], rasp.tokens))
    program = rasp.Aggregate(rasp.Select(rasp.indices, first, C.EQ), rasp.tokens, default="none")
    model = raspc.compile(program, "abc", 9, dtype=dtype)
    assert model.certificate["proved"]
    assert measure(model, precision_of(dtype))["failures"] == 0


def test_the_greatest_length_of_a_saved_model_is_found_from_its_graph() -> None:
    """A float32 model that bfloat16 cannot run: its graph, tabulated again for shorter inputs, says what could."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.EQ))
    model = raspc.compile(program, "ab", 40)
    found = certificate(model, "bfloat16", longest=True)
    assert not found.holds and found.longest == 40
    assert raspc.compile(program, "ab", 40, dtype="bfloat16").certificate["holds"]
    assert certificate(model, longest=True).longest == 40


def test_the_weakest_link_comes_with_an_input() -> None:
    """The input takes the variables to the values at which the margin is smallest."""
    model = compiled("sort_unique")
    found = certificate(model, "bfloat16")
    examples = [link.example for link in found.links if link.example is not None]
    assert examples and all(set(example) <= set(library.get("sort_unique").vocab) for example in examples)
    assert any("example" in link for link in found.to_json()["links"])


@pytest.mark.parametrize("summation", sorted(SUMMATIONS))
def test_the_model_of_summation_is_recorded(summation: str) -> None:
    """Any way of summing that rounds less proves no less."""
    found = certificate(compiled("hist"), summation=summation)
    assert found.proved and found.to_json()["summation"] == summation


def test_unknown_options_are_told_with_those_that_are_known() -> None:
    """One line, with the names."""
    with pytest.raises(raspc.InputError, match="unknown dtype 'int8'; known are float64, float32"):
        certificate(compiled("hist"), "int8")
    with pytest.raises(raspc.InputError, match="unknown summation"):
        raspc.compile(rasp.tokens, "ab", 3, summation="by magic")


def test_a_model_without_a_graph_has_no_certificate() -> None:
    """The error says what to do."""
    with pytest.raises(raspc.InputError, match="compile it again"):
        certificate(replace(compiled("hist"), graph=None))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "tf32", "float32", "float64"])
def test_rounding_is_that_of_the_format(dtype: str) -> None:
    """Against the formats of PyTorch and NumPy, subnormal and overflowing numbers included."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal(4000) * 10.0 ** rng.uniform(-45, 39, 4000)
    with np.errstate(over="ignore"):
        numbers = numbers.astype(np.float32).astype(np.float64)
    with np.errstate(over="ignore"):
        found = PRECISIONS[dtype].round(numbers)
    kind = {"tf32": "float32"}.get(dtype, dtype)
    want = torch.tensor(numbers).to(getattr(torch, kind)).to(torch.float64).numpy()
    assert np.array_equal(found, want)


def test_sums_in_a_narrow_accumulator_round_after_each_term() -> None:
    """bfloat16 throughout: counting to more than the format holds goes wrong, and the certificate does not hold."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.EQ))
    model = raspc.compile(program, "ab", 12)
    precision = precision_of("bfloat16", accumulate="stored")
    found = certificate(model, "bfloat16", accumulate="stored")
    assert found.verdict != "proved"
    ids = np.array([[model.config.bos_id, *([0] * 12)]])
    assert model.logits_in(ids, precision).shape[:2] == (1, 13)


def random_models(dtype: str, count: int, seed: int) -> tuple[int, int]:
    """(compiled, wrong) of random programs in a precision, on adversarially chosen inputs."""
    made = wrong = 0
    precision = precision_of(dtype)
    for number in range(count):
        program = library.random_program(Random(seed + number), 6, ("a", "b", 1), 4)
        try:
            model = raspc.compile(program, ("a", "b", 1), 4, optimize=number % 3, dtype=dtype, partial=True)
        except (raspc.UnsupportedProgram, raspc.CertificateError):
            continue
        made += 1
        wrong += measure(model, precision)["failures"] > 0
    return made, wrong


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_no_certified_model_of_a_random_program_is_wrong(dtype: str) -> None:
    """A few dozen programs; a few thousand with `make test-all`."""
    made, wrong = random_models(dtype, 30, 0)
    assert wrong == 0 and made > 5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_no_certified_model_of_many_random_programs_is_wrong(dtype: str) -> None:
    """A thousand programs in each precision."""
    made, wrong = random_models(dtype, 1000, 1000)
    assert wrong == 0 and made > 300


@pytest.mark.parametrize("name", ["reverse", "hist", "sort_unique", "shift_by"])
def test_pytorch_in_bfloat16_gives_the_same_answers(name: str) -> None:
    """A model that was compiled for bfloat16, exported and run by PyTorch in that format."""
    torch = pytest.importorskip("torch")
    model = compiled(name, dtype="bfloat16")
    module = model.to("torch", dtype="bfloat16")
    entry = library.get(name)
    rng = np.random.default_rng(0)
    tokens = [
        [model.config.bos, *(entry.vocab[i] for i in rng.integers(0, len(entry.vocab), entry.max_seq_len))]
        for _ in range(50)
    ]
    ids = model.encode_batch(tokens)
    with torch.no_grad():
        found = module(torch.tensor(ids))
    logits = (found if isinstance(found, torch.Tensor) else found.unembedded).float().numpy()
    assert (logits[:, 1:].argmax(-1) == model.logits(ids)[:, 1:].argmax(-1)).all()


def test_counting_over_long_inputs_is_proved_in_any_order_of_summation() -> None:
    """A width of 1,100 keys: all powers are 1, so that their sum is an integer."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.TRUE))
    model = raspc.compile(program, (1, 2, 3), 1100)
    assert model.certificate["proved"] and model.certificate["summation"] == "any order"
    assert model.apply([model.config.bos, *([1] * 1100)]).decoded[1:] == [1100] * 1100


@pytest.mark.slow
@pytest.mark.parametrize(("length", "level", "proved"), [(2800, 1, True), (4096, 2, False)])
def test_counting_over_very_long_inputs(length: int, level: int, proved: bool) -> None:
    """2,800 keys by bound; 4,096 by running them, for the number that -O2 keeps is too long for the bound."""
    program = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, C.EQ))
    model = raspc.compile(program, (1, 2, 3), length, optimize=level)
    assert model.certificate["holds"] and model.certificate["proved"] == proved
    for tokens in ([1] * length, [1, 2] * (length // 2), [1] * (length - 1) + [3]):
        want = [tokens.count(token) for token in tokens]
        assert model.apply([model.config.bos, *tokens]).decoded[1:] == want


def test_counts_lie_apart_far_beyond_what_is_stored_for_them() -> None:
    """By the bound on a share float32 counts to 100,000 and more in any order of summation, bfloat16 to 256."""
    assert counts_to(precision_of("float32")) >= 100_000
    assert counts_to(precision_of("float32", "blocked")) >= 100_000
    assert counts_to(precision_of("bfloat16")) == 256 < counts_to(precision_of("float16"))
