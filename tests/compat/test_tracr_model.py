"""The assembled model: shapes, encoders, parameters, labels; agreement with `raspc.compile`."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import UncertainProgram
from raspc.compat.tracr.compiler import compiling, lib, validating
from raspc.compat.tracr.compiler.assemble import AssembledTransformerModel
from raspc.compat.tracr.rasp import rasp
from raspc.compat.tracr.rasp.adoption import adopted
from raspc.compat.tracr.transformer.encoder import CategoricalEncoder, NumericalEncoder
from raspc.library import random_program


def compiled(program: Any, vocab: Any, n: int, **options: Any) -> AssembledTransformerModel:
    """A model without a word about its assumptions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        return compiling.compile_rasp_to_model(program, vocab, n, compiler_bos="BOS", **options)


def test_the_model_is_that_of_raspc() -> None:
    """Same parameters, labels and answers as `raspc.compile` at -O1."""
    program = lib.make_reverse(rasp.tokens)
    theirs = compiled(program, {"a", "b"}, 4)
    ours = raspc.compile(program, {"a", "b"}, 4, bos="BOS", pad="compiler_pad")
    assert [label.replace(program.label, "reverse") for label in theirs.residual_labels] == list(ours.residual_labels)
    for name, array in ours.params.items():
        module, _, short = name.rpartition("/")
        assert np.array_equal(theirs.params[module][short], array)
    assert theirs.apply(["BOS", "a", "b"]).decoded == ours.apply(["BOS", "a", "b"]).decoded


def test_mlp_exactness_has_no_effect() -> None:
    """Any value gives the same model."""
    models = [compiled(lib.make_hist(), {1, 2}, 4, mlp_exactness=x) for x in (1, 100)]
    for module, arrays in models[0].params.items():
        for short, array in arrays.items():
            assert np.array_equal(models[1].params[module][short], array)


def test_the_defaults_are_tracrs() -> None:
    """BOS, PAD and the mask."""
    model = compiling.compile_rasp_to_model(lib.make_hist(), {1, 2}, 3)
    assert (model.input_encoder.bos_token, model.input_encoder.pad_token) == ("compiler_bos", "compiler_pad")
    assert (compiling.COMPILER_BOS, compiling.COMPILER_PAD) == ("compiler_bos", "compiler_pad")
    assert model.model_config.causal is False


@pytest.mark.parametrize("taken", ["compiler_bos", "compiler_pad"])
def test_special_tokens_in_the_vocabulary_are_value_errors(taken: str) -> None:
    """As in Tracr."""
    with pytest.raises(ValueError, match=taken):
        compiling.compile_rasp_to_model(rasp.tokens, {"a", taken}, 3)


def test_ids_are_in_tracrs_order() -> None:
    """The sorted vocabulary, then BOS, then PAD, as the TransformerLens notebook expects."""
    model = compiled(lib.make_reverse(rasp.tokens), {3, 1, 2}, 4)
    assert model.input_encoder.encode(["BOS", 1, 2, 3]) == [3, 0, 1, 2]
    assert dict(model.input_encoder.encoding_map) == {1: 0, 2: 1, 3: 2, "BOS": 3, "compiler_pad": 4}
    assert dict(model.output_encoder.encoding_map) == {1: 0, 2: 1, 3: 2}  # type: ignore[union-attr]
    assert model.output_encoder.bos_encoding is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "program,vocab",
    [(rasp.tokens, {1, 2, 3}), (lib.make_reverse(rasp.tokens), {1, 2, 3}), (lib.make_hist(), {1, 2})],
)
def test_the_answer_is_in_the_first_directions(program: Any, vocab: set[int]) -> None:
    """People unembed Tracr's models by their first dimensions, in the order of the output encoder."""
    model = compiled(program, vocab, 3)
    count = model.output_encoder.vocab_size  # type: ignore[union-attr]
    out = model.apply(["BOS", 1, 2, 1])
    ids = out.transformer_output[..., :count].argmax(-1)
    assert ids[0, 1:].tolist() == out.unembedded[0, 1:].tolist()
    values = list(model.output_encoder.encoding_map)  # type: ignore[union-attr]
    assert [label.rpartition(":")[2] for label in model.residual_labels[:count]] == list(map(str, values))


def test_parameters_can_be_replaced_but_not_written() -> None:
    """`apply` reads the dictionaries; the model that raspc knows keeps its own arrays."""
    model = compiled(lib.make_reverse(rasp.tokens), {1, 2}, 3)
    with pytest.raises(ValueError, match="read-only"):
        model.params["unembed"]["b"][0] = 1
    before = model.apply(["BOS", 1, 2])
    model.params["unembed"] = {**model.params["unembed"], "b": np.array([1e6, 0])}
    assert model.apply(["BOS", 1, 2]).decoded == ["BOS", 1, 1]
    assert model.compiled.apply(["BOS", 1, 2]).decoded == before.decoded == ["BOS", 2, 1]
    model.params = {name: dict(arrays) for name, arrays in model.compiled.params.modules().items()}  # type: ignore[attr-defined]
    assert model.apply(["BOS", 1, 2]).decoded == before.decoded


CASES = {
    "the s-op of a selector": rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ),
    "a mean of words": rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE), rasp.tokens),
    "None as a key": rasp.SelectorWidth(rasp.Select(lib.shift_by(1, rasp.tokens), rasp.tokens, rasp.Comparison.EQ)),
    "always undefined": rasp.Map(lambda x: {}[x], rasp.tokens),
    "a constant": rasp.ConstantSOp([1, 2]),
    "sort": lib.make_sort_freq(2),
    "clashing lengths": rasp.ConstantSOp([1, 2]) + rasp.ConstantSOp([1, 2, 3]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("xs", [["a", "b"], [1, 2], ["a"]])
def test_validate_agrees_with_compile(name: str, xs: list[Any]) -> None:
    """Nothing is found where the interpreter has a value, and then the model gives it; where it has none, one error."""
    program = CASES[name]
    errors = validating.validate(program, xs)  # type: ignore[arg-type]
    try:
        wanted = raspc.interpret(program, xs)
        model = compiled(program, set(xs), len(xs))
    except raspc.RaspcError as error:
        assert [type(found) for found in errors] == [validating.TracrUnsupportedExpr]
        assert errors[0].reason == str(errors[0])
        assert not isinstance(error, raspc.InputError) or str(error) == errors[0].reason
    else:
        assert errors == [] and model.apply(["BOS", *xs]).decoded[1:] == wanted


def test_static_validation_finds_foreign_expressions() -> None:
    """An expression of an unknown kind is reported whatever the input."""

    class Foreign(rasp.SOp):
        """Not one of the constructs."""

    errors = validating.static_validate(Foreign())
    assert len(errors) == 1 and "raspc knows" in str(errors[0])


@pytest.mark.parametrize("seed", range(25))
def test_random_programs_come_out_right(seed: int) -> None:
    """Programs through Tracr's classes and model against the interpreter, None included."""
    vocab, causal = ("a", "b", 1, 2), bool(seed % 2)
    rng = random.Random(seed)
    program = adopted(random_program(rng, operations=6, vocab=vocab, max_seq_len=4, causal=causal))
    try:
        model = compiled(program, vocab, 4, causal=causal)
    except raspc.UnsupportedProgram:
        pytest.skip("refused")
    for _ in range(8):
        xs = rng.choices(vocab, k=rng.randint(1, 4))
        for found, wanted in zip(
            model.apply(["BOS", *xs]).decoded[1:], raspc.interpret(program, xs, causal=causal), strict=True
        ):
            assert found == wanted or found == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_encoders_by_hand() -> None:
    """The constructor's checks are ValueErrors, and a length counts BOS."""
    basis = _directions("ab", "BOS", "PAD")
    encoder = CategoricalEncoder(basis, enforce_bos=True, bos_token="BOS", pad_token="PAD", max_seq_len=3)
    assert encoder.encode(["BOS", "a", "b"]) == [2, 0, 1] and encoder.pad_encoding == 3
    for bad in (["a"], ["BOS", "?"], ["BOS", "a", "b", "a"]):
        with pytest.raises(ValueError, match=r"."):
            encoder.encode(bad)
    with pytest.raises(ValueError, match="ids"):
        encoder.decode([7])
    with pytest.raises(ValueError, match="BOS is enforced"):
        CategoricalEncoder(basis, enforce_bos=True)
    with pytest.raises(ValueError, match="not among"):
        CategoricalEncoder(basis, bos_token="other")
    assert NumericalEncoder().decode([0.5]) == [0.5]


def _directions(letters: str, *more: str) -> list[Any]:
    from raspc.compat.tracr.craft.bases import BasisDirection

    return [BasisDirection("tokens", value) for value in (*letters, *more)]
