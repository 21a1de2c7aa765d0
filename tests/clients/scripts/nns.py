"""nnsight: traces of a checkpoint, in which a layer's stream is read and one is written.

python nns.py DIRECTORY…
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import torch
from common import Case, report, right
from nnsight import LanguageModel

ROWS = 30
"""How many inputs of each checkpoint are tried."""

LAYERS = {"llama": "model.layers", "qwen2": "model.layers", "mistral": "model.layers", "gemma": "model.layers",
          "gpt2": "transformer.h", "gpt_neox": "gpt_neox.layers", "opt": "model.decoder.layers"}  # fmt: skip
"""Where a family keeps its layers."""


def layer(model: Any, family: str) -> Any:
    """The last layer."""
    found = model
    for name in LAYERS[family].split("."):
        found = getattr(found, name)
    return found[-1]


def results(case: Case) -> dict[str, int]:
    """Wrong answers in a trace; whether a stream that is set to that of another input brings its answer."""
    model = LanguageModel(str(case.path), device_map="cpu", dispatch=True, dtype=torch.float32)
    faults = 0
    for ids, answers in zip(case.ids[-ROWS:], case.answers[-ROWS:], strict=True):
        with model.trace(torch.tensor([ids])):
            logits = model.lm_head.output.save()
        faults += not right(logits[0, 1:], answers)
    return {"trace": faults, "patch": patched(model, case)}


def patched(model: Any, case: Case) -> int:
    """1 where the last layer's stream of one input, put into a run of another, does not bring the answers with it."""
    same = [i for i, ids in enumerate(case.ids) if len(ids) == len(case.ids[-1])]
    one = next(i for i in same if case.answers[i] != case.answers[-1])
    end = layer(model, case.family)
    with model.trace(torch.tensor([case.ids[one]])):
        stream = end.output.save()
    with model.trace(torch.tensor([case.ids[-1]])):
        end.output = stream
        logits = model.lm_head.output.save()
    return int(not right(logits[0, 1:], case.answers[one]))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    report(results, sys.argv[1:])
