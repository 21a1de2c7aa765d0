"""One position after another by a plan: it gives what the whole pass gives, whatever is zero, however it is cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.hand_built import MODELS, WORDS
from tests.run.test_fast import sparse_model

import raspc
from raspc import library
from raspc.library import WRITERS
from raspc.run import fast, stepping
from raspc.run.plain import forward
from raspc.run.stepping import Growing, steps_of
from raspc.weights import Model


def fed(model: Model, ids: list[int], cuts: list[int]) -> Any:
    """The logits [position, d_vocab_out] after each piece, and where the pieces end."""
    growing, found, at = Growing.by(steps_of(model.fast)), [], 0
    while at < len(ids):
        size = cuts[len(found) % len(cuts)]
        found.append(growing.feed(ids[at : at + size]))
        at += size
    assert growing.filled == len(ids)
    return np.array(found), np.minimum(np.cumsum([cuts[i % len(cuts)] for i in range(len(found))]), len(ids)) - 1


@given(
    density=st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    seed=st.integers(0, 1000),
    sizes=st.sampled_from([sizes | {"causal": True} for sizes in MODELS.values()]),
    words=st.lists(st.sampled_from(WORDS), max_size=6),
    cuts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    many=st.sampled_from([0, 1 << 14]),
)
@settings(max_examples=100, deadline=None)
def test_steps_compute_what_a_whole_pass_does(
    density: float, seed: int, sizes: dict[str, Any], words: list[Any], cuts: list[int], many: int
) -> None:
    """Token by token or in pieces, with active neurons looked for or not, with one state for many neurons or not."""
    model = sparse_model(density, seed, **sizes)
    known = [word for word in words if word in model.config.vocab] if "words" in sizes else words
    ids = model.input_encoder.encode(["BOS", *known[: model.config.max_seq_len]])
    expected = forward(model.weights, np.array([ids]))[0]
    with (
        patch.object(stepping, "MANY", many),
        patch.object(stepping, "FEW", 1),
        patch.object(fast, "WORTH_SHARING", many),
    ):
        found, ends = fed(model, ids, cuts)
    event(f"pieces of {max(cuts)}")
    assert found.dtype == np.float32
    assert abs(found - expected[ends]).max() <= 1e-5 * max(1, abs(expected).max())


def test_a_long_prompt_runs_in_pieces() -> None:
    """As many positions at once as the many activations allow."""
    model = sparse_model(0.3, 1, causal=True, n_ctx=60)
    ids = model.input_encoder.encode(["BOS", *WORDS * 9])
    with patch.object(stepping, "AT_ONCE", 300):
        found, _ = fed(model, ids, [len(ids)])
    assert abs(found[-1] - forward(model.weights, np.array([ids]))[0, -1]).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "target"), [("write_copy", "llama"), ("write_postfix", "plain"), ("write_busy_beaver", "plain")]
)
def test_writers_step_as_they_run(name: str, target: str) -> None:
    """At every position of a whole text the answer is that of one pass."""
    writer = WRITERS[name]
    model = raspc.compile(
        writer.program, writer.vocab, writer.max_seq_len, optimize=2, target=target, **writer.options()
    )
    prompt = model.as_written.where.writing.prompts.inputs(_longest(model), 0, 1)[0].tolist()
    tokens = [model.as_written.vocab[i] for i in prompt]
    whole = ["BOS", *tokens, *model.generate(tokens)[:-1]]
    found, _ = fed(model, model.input_encoder.encode(whole), [1])
    values = model.config.output.values
    assert [values[i] for i in found.argmax(axis=1)][1:] == model.apply(whole).decoded[1:]


def _longest(model: Any) -> int:
    sizes = model.as_written.where.writing.prompts.sizes(model.config.max_seq_len)
    return max(n for n, size in enumerate(sizes) if size)


def test_a_long_memory_steps() -> None:
    """A plain model of 4,096 positions, of which the last are taken one by one."""
    model = raspc.compile(library.induction(), "abc", 1_000, causal=True, optimize=2)
    tokens = ["BOS", *np.random.default_rng(0).choice(list("abc"), 1_000)]
    ids = model.input_encoder.encode(tokens)
    found, _ = fed(model, ids, [980, *[1] * 21])
    values = model.config.output.values
    assert [values[i] for i in found.argmax(axis=1)] == model.apply(tokens).decoded[979:]


def test_a_wrong_plan_is_seen() -> None:
    """Where keys are taken for values, or a bias is left out, the logits are others."""
    model = sparse_model(1.0, 3, causal=True)
    ids, steps = model.input_encoder.encode(["BOS", *WORDS[:4]]), steps_of(model.fast)
    right = Growing.by(steps).feed(ids)
    heads = steps.layers[0].heads
    assert heads is not None
    for wrong in (
        steps.layers[0]._replace(heads=replace(heads, mixing=heads.mixing[::-1])),
        steps.layers[0]._replace(bias=None),
    ):
        growing = Growing.by(replace(steps, layers=(wrong, *steps.layers[1:])))
        assert abs([growing.feed([i]) for i in ids][-1] - right).max() > 1e-3
