"""The stock families: what each computes, and what it calls its parameters and its sizes. One table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from raspc.target.names import Layer


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Norms:
    """The normalisations of a family: `rms` or `layer`, and the modules that hold their gains.

    `first`: of the embeddings, or None. `attention`, `mlp`: of a layer, `{i}` stands for its number. `last`: before the
    head, or None. `post`: the stream itself is normalised after what is added to it, rather than what is read of it.
    `eps`: what is added to the variance. `from_one`: the stored gain is what exceeds 1.
    """

    kind: str
    attention: str
    mlp: str
    last: str | None
    first: str | None = None
    post: bool = False
    eps: float = 1e-6
    from_one: bool = False

    @property
    def centred(self) -> bool:
        """Whether the mean is taken out, and each norm has a bias."""
        return self.kind == "layer"


@dataclass(frozen=True)
class Family:
    """A family of transformers as `transformers` has it.

    `classes`: for each exit the class that loads it, and the module of its head. `token_embed`, `pos_embed`: tables;
    `pos_embed` is None where there is none, and `pos_offset` rows of it come before the first position. `modules`: the
    linear maps of a layer; equal names of query, key and value mean one map, in which they stand `side by side` or head
    by head (`fused`). `gate`: the map whose activation `linear_1` is multiplied by, or None. `biased`: the maps that
    have a bias. `rows_are_inputs`: weights are [in, out] rather than [out, in]. `rotary`: queries and keys are turned
    by their positions. `own_width`: heads may have any width; else heads × width is that of the stream.
    `embed_scale`: embeddings are multiplied by the root of that width. `scales_scores`: products are divided by the
    root of the width of heads.
    `relative`: the table of biases that scores get by the distance of key and query, or None where there is none.
    `sizes`: what `config.json` calls layers, heads, width, neurons and positions; `fields`: its other fields. `idle`:
    parameters that stay 0, with their shapes.
    """

    name: str
    model_type: str
    classes: Mapping[str, tuple[str, str]]
    causal: bool
    token_embed: str
    modules: Layer[str]
    norms: Norms
    activation: str
    sizes: Mapping[str, str]
    pos_embed: str | None = None
    pos_offset: int = 0
    gate: str | None = None
    fused: str | None = None
    biased: frozenset[str] = frozenset()
    rows_are_inputs: bool = False
    rotary: bool = False
    own_width: bool = False
    embed_scale: bool = False
    scales_scores: bool = True
    relative: str | None = None
    fields: Mapping[str, Any] = field(default_factory=_nothing)
    idle: Mapping[str, tuple[int | str, ...]] = field(default_factory=_nothing)

    @property
    def exits(self) -> tuple[str, ...]:
        """How answers may leave a model of this family."""
        return tuple(self.classes)


ALL = frozenset(Layer._fields)
HUGE_THETA = 1e38
"""The base of the angles of RoPE that turns half of the pairs by nothing that float32 sees."""

LLAMA_SIZES = MappingProxyType(
    {
        "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads", "d_model": "hidden_size",
        "d_mlp": "intermediate_size", "n_ctx": "max_position_embeddings",
    }
)  # fmt: skip

LLAMA = Family(
    name="llama",
    model_type="llama",
    classes={"lm": ("LlamaForCausalLM", "lm_head"), "labels": ("LlamaForTokenClassification", "score")},
    causal=True,
    token_embed="model.embed_tokens",
    modules=Layer(
        query="model.layers.{i}.self_attn.q_proj", key="model.layers.{i}.self_attn.k_proj",
        value="model.layers.{i}.self_attn.v_proj", linear="model.layers.{i}.self_attn.o_proj",
        linear_1="model.layers.{i}.mlp.up_proj", linear_2="model.layers.{i}.mlp.down_proj",
    ),
    gate="model.layers.{i}.mlp.gate_proj",
    norms=Norms(
        "rms", "model.layers.{i}.input_layernorm", "model.layers.{i}.post_attention_layernorm", "model.norm"
    ),
    activation="silu",
    rotary=True,
    own_width=True,
    sizes={**LLAMA_SIZES, "n_kv_heads": "num_key_value_heads", "d_head": "head_dim"},
    fields={
        "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
        "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
        "rope_parameters": {"rope_type": "default", "rope_theta": HUGE_THETA},
    },
)  # fmt: skip

MISTRAL = replace(
    LLAMA,
    name="mistral",
    model_type="mistral",
    classes={"lm": ("MistralForCausalLM", "lm_head"), "labels": ("MistralForTokenClassification", "score")},
    fields={
        "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "sliding_window": None,
        "attention_dropout": 0.0, "rope_parameters": {"rope_type": "default", "rope_theta": HUGE_THETA},
    },
)  # fmt: skip

QWEN2 = replace(
    LLAMA,
    name="qwen2",
    model_type="qwen2",
    classes={"lm": ("Qwen2ForCausalLM", "lm_head"), "labels": ("Qwen2ForTokenClassification", "score")},
    biased=frozenset({"query", "key", "value"}),
    fields={
        "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "use_sliding_window": False,
        "attention_dropout": 0.0, "rope_parameters": {"rope_type": "default", "rope_theta": HUGE_THETA},
    },
)  # fmt: skip

GEMMA = replace(
    LLAMA,
    name="gemma",
    model_type="gemma",
    classes={"lm": ("GemmaForCausalLM", "lm_head"), "labels": ("GemmaForTokenClassification", "score")},
    norms=replace(LLAMA.norms, from_one=True),
    activation="gelu_tanh",
    embed_scale=True,
    fields={
        "hidden_act": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "attention_bias": False,
        "attention_dropout": 0.0, "rope_parameters": {"rope_type": "default", "rope_theta": HUGE_THETA},
    },
)  # fmt: skip

GPT2 = Family(
    name="gpt2",
    model_type="gpt2",
    classes={"lm": ("GPT2LMHeadModel", "lm_head"), "labels": ("GPT2ForTokenClassification", "classifier")},
    causal=True,
    token_embed="transformer.wte",
    pos_embed="transformer.wpe",
    modules=Layer(
        query="transformer.h.{i}.attn.c_attn", key="transformer.h.{i}.attn.c_attn",
        value="transformer.h.{i}.attn.c_attn", linear="transformer.h.{i}.attn.c_proj",
        linear_1="transformer.h.{i}.mlp.c_fc", linear_2="transformer.h.{i}.mlp.c_proj",
    ),
    fused="side by side",
    norms=Norms("layer", "transformer.h.{i}.ln_1", "transformer.h.{i}.ln_2", "transformer.ln_f", eps=1e-5),
    activation="gelu_tanh",
    biased=ALL,
    rows_are_inputs=True,
    sizes={"n_layers": "n_layer", "n_heads": "n_head", "d_model": "n_embd", "d_mlp": "n_inner", "n_ctx": "n_positions"},
    fields={
        "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": False,
        "scale_attn_weights": True, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0,
        "classifier_dropout": 0.0,
    },
)  # fmt: skip

OPT = Family(
    name="opt",
    model_type="opt",
    classes={"lm": ("OPTForCausalLM", "lm_head")},
    causal=True,
    token_embed="model.decoder.embed_tokens",
    pos_embed="model.decoder.embed_positions",
    pos_offset=2,
    modules=Layer(
        query="model.decoder.layers.{i}.self_attn.q_proj", key="model.decoder.layers.{i}.self_attn.k_proj",
        value="model.decoder.layers.{i}.self_attn.v_proj", linear="model.decoder.layers.{i}.self_attn.out_proj",
        linear_1="model.decoder.layers.{i}.fc1", linear_2="model.decoder.layers.{i}.fc2",
    ),
    norms=Norms(
        "layer", "model.decoder.layers.{i}.self_attn_layer_norm", "model.decoder.layers.{i}.final_layer_norm",
        "model.decoder.final_layer_norm", eps=1e-5,
    ),
    activation="relu",
    biased=ALL,
    sizes={**LLAMA_SIZES, "d_mlp": "ffn_dim", "d_embed": "word_embed_proj_dim"},
    fields={
        "activation_function": "relu", "tie_word_embeddings": False, "do_layer_norm_before": True, "dropout": 0.0,
        "attention_dropout": 0.0, "layerdrop": 0.0, "enable_bias": True, "layer_norm_elementwise_affine": True,
    },
)  # fmt: skip

GPT_NEOX = Family(
    name="gpt_neox",
    model_type="gpt_neox",
    classes={"lm": ("GPTNeoXForCausalLM", "lm_head"), "labels": ("GPTNeoXForTokenClassification", "classifier")},
    causal=True,
    token_embed="gpt_neox.embed_in",
    modules=Layer(
        query="gpt_neox.layers.{i}.attention.query_key_value", key="gpt_neox.layers.{i}.attention.query_key_value",
        value="gpt_neox.layers.{i}.attention.query_key_value", linear="gpt_neox.layers.{i}.attention.dense",
        linear_1="gpt_neox.layers.{i}.mlp.dense_h_to_4h", linear_2="gpt_neox.layers.{i}.mlp.dense_4h_to_h",
    ),
    fused="by head",
    norms=Norms(
        "layer", "gpt_neox.layers.{i}.input_layernorm", "gpt_neox.layers.{i}.post_attention_layernorm",
        "gpt_neox.final_layer_norm", eps=1e-5,
    ),
    activation="gelu",
    biased=ALL,
    sizes=LLAMA_SIZES,
    fields={
        "hidden_act": "gelu", "layer_norm_eps": 1e-5, "tie_word_embeddings": False, "use_parallel_residual": False,
        "attention_bias": True, "attention_dropout": 0.0, "hidden_dropout": 0.0, "classifier_dropout": 0.0,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.0},
    },
)  # fmt: skip

BERT = Family(
    name="bert",
    model_type="bert",
    classes={"labels": ("BertForTokenClassification", "classifier")},
    causal=False,
    token_embed="bert.embeddings.word_embeddings",
    pos_embed="bert.embeddings.position_embeddings",
    modules=Layer(
        query="bert.encoder.layer.{i}.attention.self.query", key="bert.encoder.layer.{i}.attention.self.key",
        value="bert.encoder.layer.{i}.attention.self.value", linear="bert.encoder.layer.{i}.attention.output.dense",
        linear_1="bert.encoder.layer.{i}.intermediate.dense", linear_2="bert.encoder.layer.{i}.output.dense",
    ),
    norms=Norms(
        "layer", "bert.encoder.layer.{i}.attention.output.LayerNorm", "bert.encoder.layer.{i}.output.LayerNorm", None,
        first="bert.embeddings.LayerNorm", post=True, eps=1e-12,
    ),
    activation="gelu",
    biased=ALL,
    sizes=LLAMA_SIZES,
    fields={
        "hidden_act": "gelu", "layer_norm_eps": 1e-12, "type_vocab_size": 1, "is_decoder": False,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0,
    },
    idle={"bert.embeddings.token_type_embeddings.weight": (1, "d_model")},
)  # fmt: skip

T5 = Family(
    name="t5",
    model_type="t5",
    classes={"labels": ("T5ForTokenClassification", "classifier")},
    causal=False,
    token_embed="transformer.shared",
    modules=Layer(
        query="transformer.encoder.block.{i}.layer.0.SelfAttention.q",
        key="transformer.encoder.block.{i}.layer.0.SelfAttention.k",
        value="transformer.encoder.block.{i}.layer.0.SelfAttention.v",
        linear="transformer.encoder.block.{i}.layer.0.SelfAttention.o",
        linear_1="transformer.encoder.block.{i}.layer.1.DenseReluDense.wi",
        linear_2="transformer.encoder.block.{i}.layer.1.DenseReluDense.wo",
    ),
    norms=Norms(
        "rms", "transformer.encoder.block.{i}.layer.0.layer_norm", "transformer.encoder.block.{i}.layer.1.layer_norm",
        "transformer.encoder.final_layer_norm",
    ),
    activation="relu",
    own_width=True,
    scales_scores=False,
    relative="transformer.encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
    sizes={
        "n_layers": "num_layers", "n_heads": "num_heads", "d_model": "d_model", "d_mlp": "d_ff", "d_head": "d_kv",
        "n_ctx": "n_positions",
    },
    fields={
        "feed_forward_proj": "relu", "layer_norm_epsilon": 1e-6, "dropout_rate": 0.0, "classifier_dropout": 0.0,
        "is_encoder_decoder": False, "num_decoder_layers": 0, "use_cache": False,
    },
)  # fmt: skip

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for family in (LLAMA, GPT2, OPT, GPT_NEOX, QWEN2, GEMMA, MISTRAL, BERT, T5)}
)
"""By name, as `model.to` takes them."""


def is_centred(target: str) -> bool:
    """Whether a target is a family that takes the mean out of what is read."""
    return target in FAMILIES and FAMILIES[target].norms.centred
