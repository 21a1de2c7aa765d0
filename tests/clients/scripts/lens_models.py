"""Saved models through raspc's export to the TransformerLens of this environment: what is not as it should be.

Each directory holds `model`, and `rows.json`: ids, padded; the columns of the answers, −1 where there are none; a loss.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import torch

import raspc


def faults(directory: Path) -> list[str]:
    """In words."""
    rows = json.loads((directory / "rows.json").read_text())
    model = raspc.load(directory / "model")
    lens = model.to("transformer_lens", min_heads=2)
    ids, answers = torch.tensor(rows["ids"]), torch.tensor(rows["answers"])
    real, known = ids != model.config.pad_id, answers >= 0
    logits, cache = lens.run_with_cache(ids)

    def same(one: Any, other: Any) -> bool:
        return bool(torch.allclose(one[real], other[real], atol=1e-4))

    resid = cache["blocks.0.hook_resid_pre"]
    checks = {
        "answers": bool((logits.argmax(-1)[known] == answers[known]).all()),
        "a copy": same(copy.deepcopy(lens)(ids), logits),
        "null heads": not bool(lens.W_O[:, model.config.n_heads :].any()) and lens.cfg.n_heads >= 2,
        "loss": abs(float(lens(ids, return_type="loss")) - rows["loss"]) < 1e-4,
        "text": lens.to_tokens(rows["text"]).tolist() == [rows["ids"][0][: len(rows["text"].split()) + 1]],
        "a mask": same(lens(resid, start_at_layer=0, attention_mask=real.long()), logits),
        "padding that is forgotten": forgotten(lens, ids, real),
        "switches": switched(lens, ids, logits, cache),
    }
    return [name for name, right in checks.items() if not right] + told(lens)


def forgotten(lens: Any, ids: Any, real: Any) -> bool:
    """After a padded run the stream of a whole input gives what it gave before it."""
    longest = ids[real.all(dim=1)]
    logits, cache = lens.run_with_cache(longest)
    lens(ids[~real.all(dim=1)])
    return bool(torch.equal(lens(cache["blocks.0.hook_resid_pre"], start_at_layer=0), logits))


def switched(lens: Any, ids: Any, logits: Any, before: Any) -> bool:
    """With the switches on nothing changes, and each head is seen by itself."""
    lens.set_use_attn_result(True)
    lens.set_use_split_qkv_input(True)
    lens.set_use_hook_mlp_in(True)
    after, cache = lens.run_with_cache(ids)
    right = [torch.allclose(after, logits, atol=1e-4)]
    for layer in range(lens.cfg.n_layers):
        block = f"blocks.{layer}"
        summed = cache[f"{block}.attn.hook_result"].sum(2) + lens.blocks[layer].attn.b_O
        right.append(torch.allclose(summed, before[f"{block}.hook_attn_out"], atol=1e-4))
        right += [cache[f"{block}.hook_{side}_input"].ndim == 4 for side in "qkv"]
        right.append(torch.allclose(cache[f"{block}.hook_mlp_in"], before[f"{block}.hook_resid_mid"], atol=1e-4))
    return all(map(bool, right))


def told(lens: Any) -> list[str]:
    """A word that is none must be refused."""
    try:
        lens("no-such-word")
    except raspc.InputError:
        return []
    return ["an unknown word"]


print(json.dumps({name: faults(Path(name)) for name in sys.argv[1:]}))
