"""From trained weights to a report: accuracy, losses, similarity by layer, and which variable is to blame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from raspc.blocks.spaces import Matrix
from raspc.certify.checking.variables import stage_name
from raspc.compress.core import Pass
from raspc.compress.pool import Pool
from raspc.compress.rows import CulpritRow, Figures, LayerRow, ShareRow
from raspc.compress.runs import Runs, losses
from raspc.weights.model import Model

CHUNK = 1 << 21


def rows_of(runs: Runs, pool: Pool) -> list[Figures]:
    """For each run: both losses, accuracy, mean cosine similarity; over the whole pool."""
    with torch.no_grad():
        found = runs.run()
        output, layer = losses(pool, found)
    right = _right(pool, found)
    cosines = [_cosines(pool, found, place) for place in range(len(runs.w))]
    return [
        {
            "output_loss": float(output[i]),
            "layer_loss": float(layer[i]),
            "accuracy": float(right[i][_real(pool)].mean()),
            "sequences": float((right[i] | ~_real(pool)).all(axis=1).mean()),
            "cosine": mean_of([x for x in cosines[i] if x is not None]),
        }
        for i in range(len(runs.w))
    ]


def _real(pool: Pool) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pool.real[:, 1:].numpy()
    return found


def _right(pool: Pool, found: Pass) -> NDArray[np.bool_]:
    return pool.right(found.logits.detach().numpy())


def _cosines(pool: Pool, found: Pass, run: int) -> list[float | None]:
    """For each layer output the mean cosine over tokens at which the compiled output is not 0; None if it always is."""
    return [
        _cosine(ours[run][pool.tokens].detach().double(), theirs[0][pool.tokens].double())
        for ours, theirs in zip(found.outputs, pool.target.outputs, strict=True)
    ]


def _cosine(ours: torch.Tensor, theirs: torch.Tensor) -> float | None:
    spoken = theirs.norm(dim=-1) > 1e-6
    if not spoken.any():
        return None
    return float(torch.nn.functional.cosine_similarity(ours[spoken], theirs[spoken], dim=-1).mean())


def mean_of(numbers: Sequence[float]) -> float:
    """The mean; 1 of nothing, since outputs that are always 0 agree."""
    return float(np.mean(numbers)) if numbers else 1.0


def layer_rows(pool: Pool, found: Pass, run: int = 0) -> list[LayerRow]:
    """For each layer output: cosine, ratio of norms, squared difference and each variable's part of it."""
    owners = variables_of(pool.model)
    rows: list[LayerRow] = []
    cosines = _cosines(pool, found, run)
    for stage, (ours, theirs) in enumerate(zip(found.outputs, pool.target.outputs, strict=True)):
        a, b = (x[pool.tokens].double().numpy() for x in (ours[run].detach(), theirs[0]))
        gap = ((a - b) ** 2).mean(axis=0)
        norm = float(np.linalg.norm(b, axis=1).mean())
        rows.append(
            {
                "stage": stage,
                "where": stage_name(stage),
                "cosine": cosines[stage],
                "norm_ratio": float(np.linalg.norm(a, axis=1).mean()) / norm if norm > 1e-6 else None,
                "difference": float(gap.sum()),
                "by_variable": {name: float(gap[dims].sum()) for name, dims in owners.items() if gap[dims].sum() > 0},
            }
        )
    return rows


def culprit_of(layers: Sequence[LayerRow]) -> CulpritRow | None:
    """The variable with the largest part of the difference in the layer output that is least like the compiled one."""
    heard = [(row["cosine"], row) for row in layers if row["cosine"] is not None and row["by_variable"]]
    if not heard:
        return None
    cosine, worst = min(heard, key=lambda pair: pair[0])
    name, part = max(worst["by_variable"].items(), key=lambda item: item[1])
    return {
        "variable": name,
        "where": worst["where"],
        "cosine": cosine,
        "share": part / worst["difference"] if worst["difference"] else 0.0,
    }


def variables_of(model: Model) -> dict[str, list[int]]:
    """The dimensions of each variable in the compiled stream, and of `is_bos` and constants, which no variable owns."""
    found = {
        label: sorted({i for space in facts.spaces for i in range(*space.dims)})
        for label, facts in model.alignment.variables.items()
    }
    owned = {i for dims in found.values() for i in dims}
    rest = {model.residual_labels[i]: [i] for i in range(model.config.d_model) if i not in owned}
    return {label: dims for label, dims in found.items() if dims} | rest


def shares_of(model: Model, w: Matrix) -> dict[str, ShareRow]:
    """For each variable: its part of W's squared norm, and the dimensions of its directions.

    The dimensions of a direction i are |wᵢ|² / Σⱼ (ŵᵢ·wⱼ)²: 1 if nothing shares it, ½ if two do (Elhage et al. 2022).
    """
    gram = w @ w.T
    squares = np.diag(gram)
    crowd = (gram**2).sum(axis=1)
    dimensions = np.where(crowd > 1e-18, squares**2 / np.maximum(crowd, 1e-18), 0.0)
    total = max(float(squares.sum()), 1e-30)
    return {
        label: {"norm": float(squares[dims].sum()) / total, "dimensions": float(dimensions[dims].sum())}
        for label, dims in variables_of(model).items()
    }
