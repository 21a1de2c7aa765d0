"""The lens model: switches for circuits, text, loss, null heads, and no memory of padding."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import library
from raspc.errors import InputError
from raspc.export.null_heads import with_null_heads
from raspc.weights import Model

torch = pytest.importorskip("torch")
pytest.importorskip("transformer_lens")

PADDED = (["BOS", *"abcab"], ["BOS", *"bc"])


@pytest.fixture(scope="module")
def model() -> Model:
    """One head a layer."""
    return raspc.compile(library.reverse(), "abc", 5)


def ids_of(model: Model) -> Any:
    """Two inputs of different lengths."""
    return torch.tensor(model.encode_batch(PADDED))


def test_switches_change_no_answer_and_show_each_head() -> None:
    """What the heads add sums, with the bias, to what the layer adds; what they read is the stream."""
    model = raspc.compile(library.sort(), [1, 2, 3], 4)
    lens = model.to("transformer_lens", min_heads=3)
    ids = torch.tensor(model.encode_batch([["BOS", 3, 1, 2], ["BOS", 2]]))
    before = lens(ids)
    lens.set_use_attn_result(True)
    lens.set_use_split_qkv_input(True)
    lens.set_use_hook_mlp_in(True)
    after, cache = lens.run_with_cache(ids)
    torch.testing.assert_close(after, before)
    for layer in range(model.config.n_layers):
        result = cache[f"blocks.{layer}.attn.hook_result"]
        assert result.shape == (2, 4, 3, model.config.d_model)
        torch.testing.assert_close(result.sum(dim=2) + lens.b_O[layer], cache[f"blocks.{layer}.hook_attn_out"])
        stream = cache[f"blocks.{layer}.hook_resid_pre"]
        for side in "qkv":
            read = cache[f"blocks.{layer}.hook_{side}_input"]
            torch.testing.assert_close(read, stream[:, :, None].expand_as(read))
        torch.testing.assert_close(cache[f"blocks.{layer}.hook_mlp_in"], cache[f"blocks.{layer}.hook_resid_mid"])


def test_a_hook_on_what_a_head_reads_changes_that_channel_alone(model: Model) -> None:
    """The values of another input through `hook_v_input`: its tokens come out, in the order of these positions."""
    lens = model.to("transformer_lens")
    lens.set_use_split_qkv_input(True)
    base, other = (torch.tensor(model.encode_batch([["BOS", *text]])) for text in ("abca", "ccab"))
    there = lens.run_with_cache(other)[1]["blocks.1.hook_v_input"]

    def swapped(point: str) -> list[int]:
        found = lens.run_with_hooks(base, fwd_hooks=[(point, lambda x, hook: there)])
        return list(found[0].argmax(-1)[1:].tolist())

    assert [model.config.output.values[i] for i in swapped("blocks.1.hook_v_input")] == list("bacc")
    assert swapped("blocks.1.hook_k_input") == lens(base)[0].argmax(-1)[1:].tolist()  # positions are the same there
    lens.set_use_split_qkv_input(False)
    lens.set_use_attn_in(True)
    at_once = lens.run_with_hooks(base, fwd_hooks=[("blocks.1.hook_attn_in", lambda x, hook: there)])
    assert [model.config.output.values[i] for i in at_once[0].argmax(-1)[1:]] == list("bacc")


def test_without_a_head_the_layer_adds_what_the_others_do(model: Model) -> None:
    """A hook on `hook_result` that silences a head is the same as `hook_z` at 0."""
    lens, ids = model.to("transformer_lens"), ids_of(model)
    lens.set_use_attn_result(True)
    silent = [lens.run_with_hooks(ids, fwd_hooks=[(f"blocks.1.attn.hook_{point}", zero)]) for point in ("result", "z")]
    torch.testing.assert_close(*silent)
    assert not torch.allclose(silent[0], lens(ids))


def zero(x: Any, hook: Any) -> Any:
    """Nothing of it."""
    return torch.zeros_like(x)


def test_null_heads_answer_as_the_model_does(model: Model) -> None:
    """Their weights are 0, and d_head stays, by which scores are scaled."""
    lens = model.to("transformer_lens", min_heads=2)
    assert lens.cfg.n_heads == 2 and lens.cfg.d_head == model.config.d_head
    assert not lens.W_O[:, 1].any() and not lens.W_Q[:, 1].any()
    ids = ids_of(model)
    real = (ids != model.config.pad_id).numpy()
    np.testing.assert_allclose(lens(ids).detach().numpy()[real], model.logits(ids.numpy())[real], atol=1e-5)
    assert model.to("transformer_lens", min_heads=1).cfg.n_heads == 1
    config, params = with_null_heads(model.config, model.params, 1, "x")
    assert (config, params) == (model.config, model.params)


@pytest.mark.parametrize("heads", [0, -1, True, 1.5, "2"])
def test_null_heads_are_counted(model: Model, heads: Any) -> None:
    """A number of heads is an integer from 1."""
    with pytest.raises(InputError, match="min_heads is"):
        model.to("transformer_lens", min_heads=heads)


def test_padding_is_forgotten_after_a_run(model: Model) -> None:
    """A residual stream is run without what was hidden before; with its mask, as the ids were."""
    lens, ids = model.to("transformer_lens"), ids_of(model)
    full = torch.tensor(model.encode_batch([["BOS", *"abcab"], ["BOS", *"bcabc"]]))
    logits, cache = lens.run_with_cache(full)
    lens(ids)
    torch.testing.assert_close(lens(cache["blocks.0.hook_resid_pre"], start_at_layer=0), logits)
    real = ids != model.config.pad_id
    padded, there = lens.run_with_cache(ids)
    again = lens(there["blocks.0.hook_resid_pre"], start_at_layer=0, attention_mask=real.long())
    torch.testing.assert_close(again[real], padded[real])
    torch.testing.assert_close(copy.deepcopy(lens)(ids)[real], padded[real])


def test_text_goes_in(model: Model) -> None:
    """Words parted by spaces; what is no word is told."""
    lens = model.to("transformer_lens")
    assert lens.to_tokens("a b c").tolist() == model.encode_batch([["BOS", *"abc"]]).tolist()
    assert lens.to_str_tokens("a b") == ["BOS", "a", "b"]
    several = lens(["a b c a b", "b c"])
    real = ids_of(model) != model.config.pad_id
    torch.testing.assert_close(several[real], lens(ids_of(model))[real])
    with pytest.raises(InputError, match="no token of the model"):
        lens("a x")


def test_loss_is_of_the_answers(model: Model) -> None:
    """Computed again by hand: minus the log of the probability of what the program says."""
    lens, ids = model.to("transformer_lens"), ids_of(model)
    loss = lens(ids, return_type="loss")
    logits, same = lens(ids, return_type="both")
    lost = []
    for row, text in zip(logits.log_softmax(-1), ("bacba", "cb"), strict=True):
        lost += [-row[i + 1, model.config.output.values.index(token)] for i, token in enumerate(text)]
    torch.testing.assert_close(loss, sum(lost) / 7)
    torch.testing.assert_close(same, loss)
    each = lens(ids, return_type="loss", loss_per_token=True)
    assert each.shape == (2, 5) and not each[1, 2:].any()
    loss.backward()
    assert any(p.grad is not None and p.grad.any() for p in lens.parameters())


def test_loss_of_numbers_is_refused() -> None:
    """A program that answers numbers."""
    model = raspc.compile(library.get("frac_prevs").program, "xab", 4)
    lens = model.to("transformer_lens")
    with pytest.raises(InputError, match="answers numbers"):
        lens(torch.tensor(model.encode_batch([["BOS", "x"]])), return_type="loss")
