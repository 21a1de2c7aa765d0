"""AutoCircuit on cases, without raspc: its names of edges, and what its own patching says of our circuits.

`whole`: clean and corrupt inputs of one length. All edges but those of the circuit are patched with the corrupt run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from auto_circuit.data import PromptDataLoader, PromptDataset
from auto_circuit.prune import run_circuits
from auto_circuit.types import AblationType, PatchType
from auto_circuit.utils.graph_utils import patchable_model

sys.path.append(str(Path(__file__).parent))
from plain_hooked import lens_of


def looked_at(directory: Path) -> dict[str, Any]:
    """A case."""
    rows = json.loads((directory / "rows.json").read_text())
    marks = json.loads((directory / "auto-circuit.json").read_text())["edges"]
    model = patchable_model(lens_of(directory / "case"), factorized=True, separate_qkv=True, device=torch.device("cpu"))
    theirs = model.edge_name_dict[None]
    ids, corrupt = torch.tensor(rows["whole"]), torch.tensor(rows["corrupt"])
    chosen = [name for name, mark in marks.items() if mark["in_graph"]]
    answers = torch.tensor(rows["whole_answers"])
    return {
        "names": sorted(set(marks) ^ set(theirs)),
        "circuit": len(chosen),
        "wrong": wrong(model, theirs, chosen, ids, corrupt, answers),
        "wrong without one": {
            name: wrong(model, theirs, [other for other in chosen if other != name], ids, corrupt, answers)
            for name in chosen
        },
    }


def wrong(model: Any, edges: Any, chosen: list[str], ids: Any, corrupt: Any, answers: Any) -> int:
    """How many answers differ where only these edges carry what they should."""
    scores = {name: torch.zeros_like(mask) for name, mask in model.patch_masks.items()}
    for name in chosen:
        edge = edges[name]
        scores[edge.dest.module_name][edge.patch_idx] = 1.0
    nothing = torch.zeros(len(ids), 1, dtype=torch.long)
    data = PromptDataset(list(ids), list(corrupt), list(nothing), list(nothing))
    loader = PromptDataLoader(data, seq_len=ids.shape[1], diverge_idx=0, batch_size=len(ids), shuffle=False)
    outs = run_circuits(
        model, loader, [len(chosen)], scores, patch_type=PatchType.TREE_PATCH, ablation_type=AblationType.RESAMPLE
    )
    (batches,) = outs.values()
    (logits,) = batches.values()
    return int((logits.argmax(-1) != answers)[answers >= 0].sum())


print(json.dumps({name: looked_at(Path(name)) for name in sys.argv[1:]}))
