"""onnxruntime: a checkpoint through `torch.onnx.export`, batches of any size and length.

python onnxruntimes.py DIRECTORY…
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import onnxruntime
import torch
from common import Case, report, wrong
from forward import load


class Logits(torch.nn.Module):
    """The logits alone, without a cache."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Any, mask: Any) -> Any:
        """[row, position, column]; the mask must be given, as the exporter takes no other."""
        return self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits


def results(case: Case, path: Path) -> dict[str, int]:
    """Wrong answers on padded batches."""
    ids, mask = (torch.tensor(rows) for rows in case.padded(case.ids[-3:], left=False))
    row, place = torch.export.Dim("row"), torch.export.Dim("place", max=case.n_ctx)
    shapes = {"ids": {0: row, 1: place}, "mask": {0: row, 1: place}}
    torch.onnx.export(
        Logits(load(case, "eager")), (ids, mask), path, input_names=["ids", "mask"], output_names=["logits"],
        dynamic_shapes=shapes, dynamo=True, verbose=False,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    faults = 0
    for batch, answers in case.batches():
        ids, mask = (torch.tensor(rows).numpy() for rows in case.padded(batch, left=False))
        (logits,) = session.run(None, {"ids": ids, "mask": mask})
        faults += wrong(torch.from_numpy(logits), answers)
    return {"onnxruntime": faults}


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as folder:
        report(lambda case: results(case, Path(folder) / "model.onnx"), sys.argv[1:])
