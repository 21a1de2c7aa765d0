"""The file of weights is what the library of the format reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from raspc.export.checkpoint import safetensors

PARAMS: dict[str, Any] = {
    "b": np.array([1.5, -2.0, 0.0], np.float32),
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "none": np.zeros((0, 2), np.float32),
}


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_the_library_reads_it(dtype: str) -> None:
    """Every number, in its format; also of arrays that lie otherwise in memory, and of empty ones."""
    found = load(safetensors.written(PARAMS, dtype))
    assert set(found) == set(PARAMS)
    assert all(found[name].dtype == dtype and (found[name] == PARAMS[name]).all() for name in PARAMS)


def test_torch_reads_bfloat16() -> None:
    """Numbers that bfloat16 has come back as they were."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import load as load_torch

    found = load_torch(safetensors.written(PARAMS, "bfloat16"))
    assert found["b"].dtype == torch.bfloat16
    assert all((found[name].float().numpy() == PARAMS[name]).all() for name in PARAMS)


def test_the_same_bytes_in_any_order() -> None:
    """Parameters are sorted by name."""
    backwards = dict(reversed(PARAMS.items()))
    assert safetensors.written(PARAMS, "float32") == safetensors.written(backwards, "float32")
