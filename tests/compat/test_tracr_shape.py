"""What a client asks of a model: its level, its shape, its labels, its sizes."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import UncertainProgram
from raspc import rasp as own
from raspc.blocks.spaces import Head
from raspc.compat.tracr.compiler import compile_rasp_to_model, compiling, lib
from raspc.compat.tracr.compiler.assemble import AssembledTransformerModel
from raspc.compat.tracr.compiler.labels import Feature
from raspc.compat.tracr.rasp import rasp
from raspc.compat.tracr.rasp.adoption import adopted
from raspc.library import random_program

PROGRAMS: dict[str, tuple[Any, Any]] = {
    "reverse": (lib.make_reverse(rasp.tokens), "abc"),
    "hist": (lib.make_hist(), "abc"),
    "frac_prevs": (lib.make_frac_prevs(rasp.tokens == "a"), "abc"),
    "shuffle_dyck2": (lib.make_shuffle_dyck2(), "(){}"),
    "pair_balance": (lib.make_pair_balance(rasp.tokens, "(", ")"), "()"),
    "sort": (lib.make_sort(rasp.tokens, rasp.tokens, max_seq_len=4, min_key=1), (1, 2, 3)),
    "sort_freq": (lib.make_sort_freq(4), "ab"),
    "detect_pattern": (lib.detect_pattern(rasp.tokens, "ab"), "ab"),
    "count_less_freq": (lib.make_count_less_freq(2), "ab"),
    "map": (rasp.tokens + 1, (1, 2)),
    "tokens": (rasp.tokens, (1, 2)),
    "twice the same": (lib.make_hist() + lib.make_hist(), "ab"),
}


def compiled(program: Any, vocab: Any, n: int = 4, **options: Any) -> AssembledTransformerModel:
    """A model without a word about its assumptions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UncertainProgram)
        model = compile_rasp_to_model(program, set(vocab), n, compiler_bos="BOS", **options)
    assert isinstance(model, AssembledTransformerModel)
    return model


def aggregates(program: Any) -> int:
    """How many aggregates and widths a program has; `length` is one, of a selector that selects everything."""
    kinds = own.Aggregate | own.SelectorWidth | own.LengthType
    return sum(isinstance(expr, kinds) for expr in own.topological(program))


@pytest.mark.parametrize("name", PROGRAMS)
def test_tracrs_shape(name: str) -> None:
    """One head for each aggregate, no `unembed`, the answer in the first directions, and right."""
    program, vocab = PROGRAMS[name]
    model = compiled(program, vocab, shape="tracr")
    assert model.compiled.plan is not None
    heads = [block for block in model.compiled.plan.lowered.blocks if isinstance(block, Head)]
    assert len(heads) == aggregates(program)
    parts = [part for facts in model.compiled.alignment.variables.values() for part in facts.to_json()["computed_by"]]
    places = [(part["layer"], part["head"]) for part in parts if "head" in part]
    assert len(set(places)) == len(places) == len(heads)
    assert set(compiled(program, vocab).params) - set(model.params) <= {"unembed", *LAYERS}
    assert list(model.params)[-1] == f"transformer/layer_{model.model_config.num_layers - 1}/mlp/linear_2"
    rng = random.Random(name)
    for _ in range(8):
        xs = rng.choices(list(vocab), k=rng.randint(1, 4))
        out = model.apply(["BOS", *xs])
        for found, wanted in zip(out.decoded[1:], raspc.interpret(program, xs), strict=True):
            assert found == wanted or found == pytest.approx(wanted, rel=1e-4, abs=1e-6)
        if name != "pair_balance":  # a sum of two numbers, of which each has its direction
            count = model.compiled.config.d_vocab_out
            assert np.allclose(out.transformer_output[..., :count], model.compiled.apply(["BOS", *xs]).unembedded)


LAYERS = {f"transformer/layer_{i}/{part}" for i in range(9) for part in (
    "attn/query", "attn/key", "attn/value", "attn/linear", "mlp/linear_1", "mlp/linear_2")}  # fmt: skip


def test_alike_heads_are_one_only_in_raspcs_shape() -> None:
    """Two aggregates of one selector are two heads for a mirror that counts on them."""
    program, vocab = PROGRAMS["pair_balance"]
    assert compiled(program, vocab).model_config.num_heads == 1
    assert compiled(program, vocab, shape="tracr").model_config.num_heads == 2


@pytest.mark.parametrize("seed", range(15))
def test_random_programs_keep_their_meaning_in_tracrs_shape(seed: int) -> None:
    """Whatever the shape leaves out, the answers are the interpreter's."""
    rng = random.Random(seed)
    program = adopted(random_program(rng, operations=5, vocab=(1, 2), max_seq_len=3))
    try:
        model = compiled(program, (1, 2), 3, shape="tracr")
    except raspc.UnsupportedProgram:
        pytest.skip("refused")
    for _ in range(6):
        xs = rng.choices((1, 2), k=rng.randint(1, 3))
        for found, wanted in zip(model.apply(["BOS", *xs]).decoded[1:], raspc.interpret(program, xs), strict=True):
            assert found == wanted or found == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_tracrs_shape_in_haiku_and_jax() -> None:
    """The transform has exactly the parameters of `params`; `forward` takes them too, and both give the answer."""
    hk, jax, jnp = (pytest.importorskip(name) for name in ("haiku", "jax", "jax.numpy"))
    model = compiled(*PROGRAMS["hist"], shape="tracr")
    ids = jnp.array([model.input_encoder.encode(["BOS", *"aba"])])
    run = hk.without_apply_rng(hk.transform(lambda x: model.get_compiled_model()(x, use_dropout=False)))
    shapes = jax.eval_shape(run.init, jax.random.PRNGKey(0), ids)
    assert jax.tree_util.tree_map(lambda x: x.shape, shapes) == jax.tree_util.tree_map(jnp.shape, model.params)
    for out in (run.apply(model.params, ids), model.forward(model.params, ids)):
        assert model.output_encoder.decode(out.unembedded_output[0].tolist())[1:] == [2, 1, 2]


@pytest.mark.parametrize("options", [{"shape": "other"}, {"shape": "tracr", "optimize": 2}])
def test_a_shape_that_there_is_not(options: dict[str, Any]) -> None:
    """One line that names what there is."""
    with pytest.raises(ValueError, match=r"shape.*(raspc|0 or 1)"):
        compiled(*PROGRAMS["hist"], **options)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_level_of_a_call_and_of_the_environment(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """`optimize` wins over RASPC_OPTIMIZE, which wins over the default."""
    program, vocab = PROGRAMS["sort"]
    wanted = raspc.compile(program, set(vocab), 4, optimize=level, bos="BOS", pad="compiler_pad", partial=True)
    monkeypatch.setenv(compiling.LEVEL, str(level))
    assert compiled(program, vocab).compiled.config == wanted.config
    monkeypatch.setenv(compiling.LEVEL, str((level + 1) % 3))
    assert compiled(program, vocab, optimize=level).compiled.config == wanted.config
    monkeypatch.delenv(compiling.LEVEL)
    assert compiled(program, vocab).compiled.options.level.value == 1


def test_a_level_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable, or the option."""
    monkeypatch.setenv(compiling.LEVEL, "most")
    with pytest.raises(ValueError, match="RASPC_OPTIMIZE is 'most'"):
        compiled(*PROGRAMS["hist"])
    with pytest.raises(raspc.InvalidProgram, match="level"):
        compiled(*PROGRAMS["hist"], optimize=7)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("optimize", [0, 1])
def test_the_output_stands_under_the_label_of_the_program(name: str, optimize: int) -> None:
    """The values of a categorical output follow `program.label`; a number has a direction that opens with it."""
    program, vocab = PROGRAMS[name]
    model = compiled(program, vocab, optimize=optimize)
    if name == "pair_balance":
        return  # a sum of two numbers, of which each has its direction
    found = [label for label in model.residual_labels if label.startswith(program.label)]
    values = getattr(model.output_encoder, "encoding_map", None)
    wanted = [program.label] if values is None else [f"{program.label}:{value}" for value in values]
    assert found[: len(wanted)] == wanted
    assert [label.rpartition(":")[0] for label in found].count(program.label) == (0 if values is None else len(wanted))


@pytest.mark.parametrize("name", PROGRAMS)
def test_labels_of_compact_models(name: str) -> None:
    """A label that can be taken apart names one value of one variable; any other says that -O1 can."""
    program, vocab = PROGRAMS[name]
    model = compiled(program, vocab, optimize=2)
    plan = model.compiled.plan
    assert plan is not None
    names = {plan.graph.labels[plan.graph.output]: program.label}
    values = {
        f"{names.get(label, label)}:{value}"
        for label, node in zip(plan.graph.labels, plan.graph.nodes, strict=True)
        for value in getattr(getattr(node, "domain", None), "values", ())
    }
    for label in model.residual_labels:
        if isinstance(label, Feature):
            for take_apart in (label.partition, label.rpartition, label.split, label.rsplit):
                with pytest.raises(ValueError, match=r"optimize=1 \(-O1\)"):
                    take_apart(":")
            assert label.split(" | ") and "".join(label.partition("_")) == str(label)
        else:
            assert label == "is_bos" or label in values
    assert any(isinstance(label, Feature) for label in model.residual_labels)


def test_transformer_lens_reads_o1_and_is_told_about_o2() -> None:
    """Its own loader for Tracr's models, on the readable and on the compact model."""
    loader = pytest.importorskip("transformer_lens.utilities.tracr")
    program, vocab = PROGRAMS["hist"]
    model = compiled(program, vocab)
    assert loader.infer_tracr_output_label(model) == program.label
    for one, like in ((model, program), (compiled(*PROGRAMS["reverse"]), PROGRAMS["reverse"][0])):
        unembed = loader.make_tracr_categorical_unembed(one, like.label)
        assert np.array_equal(unembed, one.params["unembed"]["w"])
    assert loader.make_tracr_transformer_bridge_state_dict(compiled(program, vocab, shape="tracr"))
    with pytest.raises(ValueError, match=r"optimize=1 \(-O1\)"):
        loader.make_tracr_transformer_bridge_state_dict(compiled(program, vocab, optimize=2))


def test_model_config_can_be_set() -> None:
    """The mask and the sizes that stand there are those that run; what does not fit is refused, and so is no relu."""
    program = lib.make_frac_prevs(rasp.tokens == "a")
    model = compiled(program, "ab")
    everything = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.TRUE), rasp.tokens == "a")
    model = compiled(everything, "ab")
    before = model.apply(["BOS", "b", "a"]).decoded
    assert before[1:] == pytest.approx([0.5, 0.5])
    model.model_config.causal = True
    assert model.apply(["BOS", "b", "a"]).decoded[1:] == pytest.approx([0.0, 0.5])
    model.model_config.causal = False
    model.model_config.dropout_rate = 0.5
    assert model.apply(["BOS", "b", "a"]).decoded == before
    model.model_config.num_layers += 1
    with pytest.raises(ValueError, match="do not fit together"):
        model.apply(["BOS", "b", "a"])
    for name, value in {"layer_norm": True, "activation_function": np.tanh}.items():
        changed = compiled(everything, "ab")
        setattr(changed.model_config, name, value)
        with pytest.raises(ValueError, match=name):
            changed.apply(["BOS", "a"])


def test_another_relu_is_relu() -> None:
    """Whichever framework it is from."""
    jax = pytest.importorskip("jax")
    model = compiled(*PROGRAMS["hist"])
    model.model_config.activation_function = jax.nn.relu
    assert model.apply(["BOS", "a", "a"]).decoded == ["BOS", 2, 2]


@pytest.mark.parametrize("causal", [False, True])
def test_transformer_is_a_haiku_module(causal: bool) -> None:
    """On the weights of a compiled model it gives the activations of that model."""
    hk, jnp = pytest.importorskip("haiku"), pytest.importorskip("jax.numpy")
    from raspc.compat.tracr.transformer import model as of_tracr

    model = compiled(*PROGRAMS["reverse"], causal=causal)
    out = model.apply(["BOS", *"abc"])
    assert issubclass(of_tracr.Transformer, hk.Module)

    def run(x: Any) -> Any:
        return of_tracr.Transformer(model.model_config, name="transformer")(x, jnp.ones(x.shape[:2]), use_dropout=False)

    transformed = hk.without_apply_rng(hk.transform(run))
    params = {name: arrays for name, arrays in model.params.items() if name.startswith("transformer/")}
    found = transformed.apply(params, jnp.asarray(out.input_embeddings))
    assert np.allclose(found.output, out.transformer_output, atol=1e-4)
    assert len(found.residuals) == len(found.layer_outputs) == 2 * model.model_config.num_layers
    for ours, theirs in zip(out.residuals, found.residuals, strict=True):
        assert np.allclose(ours, theirs, atol=1e-4)


def test_a_compiled_transformer_model_by_hand() -> None:
    """Embeddings, a transformer and a last map, put together as Tracr's users do."""
    hk, jax, jnp = (pytest.importorskip(name) for name in ("haiku", "jax", "jax.numpy"))
    from raspc.compat.tracr.transformer import model as of_tracr

    config = of_tracr.TransformerConfig(num_heads=2, num_layers=1, key_size=3, mlp_hidden_size=4, dropout_rate=0.1)

    def run(ids: Any, use_dropout: bool) -> Any:
        model = of_tracr.CompiledTransformerModel(
            of_tracr.Transformer(config), hk.Embed(5, 8, name="token_embed"), hk.Embed(6, 8, name="pos_embed"),
            lambda x: x[..., :3], use_unembed_argmax=True, pad_token=4,
        )  # fmt: skip
        return model(ids, use_dropout)

    transformed, key = hk.transform(run), jax.random.PRNGKey(0)
    ids = jnp.array([[0, 1, 2], [0, 1, 4]])
    params = transformed.init(key, ids, True)
    out, again = (transformed.apply(params, key, ids, use_dropout=False) for _ in range(2))
    assert (
        out.unembedded_output.shape == (2, 3)
        and (out.transformer_output.output == again.transformer_output.output).all()
    )
    alone = transformed.apply(params, key, ids[1:, :2], use_dropout=False)
    assert np.allclose(out.transformer_output.output[1, :2], alone.transformer_output.output[0], atol=1e-5)
    assert not np.allclose(
        transformed.apply(params, key, ids, True).transformer_output.output, out.transformer_output.output
    )
