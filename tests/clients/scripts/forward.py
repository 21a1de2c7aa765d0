"""transformers: `forward` on padded batches, left and right, eager and sdpa; `generate`; one token at a time.

python forward.py DIRECTORY…
"""

from __future__ import annotations

import sys
from inspect import signature
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import torch
from common import Case, report, right, wrong
from transformers import AutoModelForCausalLM, AutoModelForTokenClassification, DynamicCache

CLASSES: dict[str, Any] = {"lm": AutoModelForCausalLM, "labels": AutoModelForTokenClassification}
SOME = 300
"""How many inputs are run in other ways than as transformers would, which are all run."""

WITH_POSITIONS = ("gpt2", "bert")
"""The families that must be told where tokens stand, where padding stands before them."""


def load(case: Case, attention: str) -> Any:
    """The model, in the format that its config names."""
    model = CLASSES[case.exit].from_pretrained(case.path, attn_implementation=attention, dtype="auto")
    assert str(next(model.parameters()).dtype) == f"torch.{case.dtype}"
    return model.eval()


def run(model: Any, case: Case, left: bool, most: int | None) -> int:
    """How many inputs are answered wrongly."""
    faults = 0
    for batch, answers in case.batches(most):
        ids, mask = (torch.tensor(rows) for rows in case.padded(batch, left))
        places = {"position_ids": (mask.cumsum(-1) - 1).clamp(min=0)} if left and case.family in WITH_POSITIONS else {}
        faults += wrong(model(ids, attention_mask=mask, **places).logits.float(), answers, left, case.tolerance)
    return faults


def stepwise(model: Any, case: Case, rows: int = 20) -> int:
    """How many of some inputs are answered wrongly where each token is fed alone, with a cache of those before."""
    faults, name = 0, "cache" if "cache" in signature(model.forward).parameters else "past_key_values"
    for ids, answers in zip(case.ids[-rows:], case.answers[-rows:], strict=True):
        kept = {name: DynamicCache(config=model.config), "use_cache": True}
        logits = [model(torch.tensor([[token]]), **kept).logits[0, -1].float() for token in ids]
        assert kept[name].get_seq_length() == len(ids)
        faults += not right(torch.stack(logits[1:]), answers, case.tolerance)
    return faults


def generated(model: Any, case: Case, rows: int = 8, alone: int = 4) -> int:
    """How many prompts are continued wrongly by `generate` with a cache: in batches padded on the left, and alone."""
    faults, order = 0, sorted(range(len(case.prompts)), key=lambda i: len(case.prompts[i]))
    for start in range(0, len(order), rows):
        chosen = order[start : start + rows]
        ids, mask = (torch.tensor(padded) for padded in case.padded([case.prompts[i] for i in chosen], left=True))
        room = case.n_ctx + 1 - max(len(case.prompts[i]) for i in chosen)
        found = model.generate(ids, attention_mask=mask, max_length=None, max_new_tokens=room)[:, ids.shape[1] :]
        faults += sum(_parts(found[k].tolist(), case.written[i]) for k, i in enumerate(chosen))
    for i in order[:alone]:
        found = model.generate(torch.tensor([case.prompts[i]]))[0, len(case.prompts[i]) :].tolist()
        faults += found != case.written[i]
    return faults


def _parts(found: list[int], written: list[int]) -> bool:
    """Whether a text is not what is written, as far as both go."""
    both = min(len(found), len(written))
    return found[:both] != written[:both]


def results(case: Case) -> dict[str, int]:
    """Wrong answers by what was run."""
    found: dict[str, int] = {}
    for attention in ("eager", "sdpa"):
        model = load(case, attention)
        for left in (False, True):
            most = None if attention == "sdpa" and not left else SOME
            found[f"{attention} {'left' if left else 'right'}"] = run(model, case, left, most)
        if case.family not in ("bert", "t5"):
            found[f"{attention} stepwise"] = stepwise(model, case)
        if case.exit == "lm":
            found[f"{attention} generate"] = generated(model, case)
    return found


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    report(results, sys.argv[1:])
