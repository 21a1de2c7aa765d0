"""TransformerLens: `boot_transformers`, `run_with_cache`, and compatibility mode, in which norms are folded away.

python lens.py DIRECTORY…
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import torch
from common import Case, report, right
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, AutoTokenizer

ROWS = 60
"""How many inputs of each checkpoint are tried."""


def wrong(bridge: Any, case: Case) -> int:
    """How many inputs are answered wrongly."""
    return sum(
        not right(bridge(torch.tensor([ids]))[0, 1:], answers)
        for ids, answers in zip(case.ids[-ROWS:], case.answers[-ROWS:], strict=True)
    )


def results(case: Case) -> dict[str, int]:
    """Wrong answers plain and in compatibility mode; whether the cache holds the stream that the model has."""
    model = AutoModelForCausalLM.from_pretrained(case.path, attn_implementation="eager", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(case.path)
    bridge = TransformerBridge.boot_transformers(str(case.path), hf_model=model, tokenizer=tokenizer)
    found = {"plain": wrong(bridge, case)}
    ids = torch.tensor([case.ids[-1]])
    _, cache = bridge.run_with_cache(ids)
    streams = model(ids, output_hidden_states=True).hidden_states[: bridge.cfg.n_layers]
    found["cache"] = sum(
        not torch.allclose(cache[f"blocks.{i}.hook_resid_pre"], stream) for i, stream in enumerate(streams)
    )
    bridge.enable_compatibility_mode(disable_warnings=True)
    found["compatibility mode"] = wrong(bridge, case)
    return found


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    report(results, sys.argv[1:])
