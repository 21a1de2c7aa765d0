"""What fills up layers to the widest one is counted as it is in the arrays: heads and neurons of zeros."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import raspc
from raspc import library
from raspc.cli.app import status
from raspc.weights.model import Model


def compiled(name: str, level: int) -> Model:
    """A program of the library."""
    entry = library.get(name)
    return raspc.compile(
        entry.program, entry.vocab, 6, causal=entry.causal, optimize=level, certify=False, partial=True
    )


def zeros(model: Model) -> tuple[list[int], list[int], int]:
    """Of each layer the heads and neurons that are not all 0, and how many parameters the others have."""
    config = model.config
    heads, neurons, filled = list[int](), list[int](), 0
    for i in range(config.n_layers):
        layer = f"transformer/layer_{i}"
        out = np.asarray(model.params[f"{layer}/attn/linear/w"]).reshape(config.n_heads, -1)
        used = sum(any(map(np.any, (out[h], *_columns(model, layer, h)))) for h in range(config.n_heads))
        first, second = (np.asarray(model.params[f"{layer}/mlp/linear_{n}/w"]) for n in (1, 2))
        firing = int((first.any(axis=0) | second.any(axis=1)).sum())
        heads.append(used)
        neurons.append(firing)
        filled += (config.n_heads - used) * config.d_head * (4 * config.d_model + 3)
        filled += (config.d_mlp - firing) * (2 * config.d_model + 1)
    return heads, neurons, filled


def _columns(model: Model, layer: str, head: int) -> list[np.ndarray]:
    part = slice(head * model.config.d_head, (head + 1) * model.config.d_head)
    return [np.asarray(model.params[f"{layer}/attn/{name}/w"])[:, part] for name in ("query", "key", "value")]


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", ["reverse", "hist", "sort", "sort_freq", "shuffle_dyck", "most_freq", "dyck1_ptf"])
def test_padding_is_what_is_zero(name: str, level: int) -> None:
    """Each layer needs the heads and neurons that do something, and no others."""
    model = compiled(name, level)
    assert model.plan is not None
    padding = model.plan.padding
    assert (list(padding.heads), list(padding.neurons), padding.parameters) == zeros(model)


def test_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the plan, and by `inspect --passes`; nothing is said where nothing is filled up."""
    model = compiled("sort_freq", 2)
    assert model.plan is not None and model.plan.padding.parameters > 0
    model.save(tmp_path / "m")
    line = f"filled up to the widest layer: {model.plan.padding.parameters:,} of "
    assert line in str(model.plan)
    assert status(["inspect", str(tmp_path / "m"), "--passes"]) == 0
    assert line in capsys.readouterr().out
    full = compiled("hist", 1)
    assert full.plan is not None and full.plan.padding.parameters == 0 and "filled up" not in str(full.plan)
