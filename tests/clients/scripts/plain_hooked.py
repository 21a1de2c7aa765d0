"""Cases of InterpBench's layout in a `HookedTransformer`, without raspc: how many answers are wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig


def lens_of(case: Path) -> Any:
    """The model of a case, as InterpBench's users load it."""
    config = json.loads((case / "ll_model_cfg.json").read_text())
    lens = HookedTransformer(HookedTransformerConfig.from_dict(config))
    missing = lens.load_state_dict(load_file(case / "ll_model.safetensors"), strict=False)
    assert not missing.unexpected_keys and all("mask" in name or "IGNORE" in name for name in missing.missing_keys)
    return lens.eval()


def wrong(directory: Path) -> dict[str, Any]:
    """Answers, and edges whose hooks the model does not have."""
    rows = json.loads((directory / "rows.json").read_text())
    lens = lens_of(directory / "case")
    ids, answers = torch.tensor(rows["whole"]), torch.tensor(rows["whole_answers"])
    found = lens(ids).argmax(-1)
    ends = [hook for edge in json.loads((directory / "case" / "edges.json").read_text()) for hook, _ in edge]
    return {
        "answers": int((found != answers)[answers >= 0].sum()),
        "hooks": sorted(set(ends) - set(lens.hook_dict)),
        "edges": len(ends) // 2,
    }


print(json.dumps({name: wrong(Path(name)) for name in sys.argv[1:]}))
