"""The same interventions in PyTorch and TransformerLens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import raspc
from raspc import lab, library
from raspc.weights.model import Model

torch = pytest.importorskip("torch")

INPUTS = [["BOS", *"abca"], ["BOS", *"ccab"], ["BOS", *"bbbb"]]
FORCED: list[dict[str, Any]] = [
    {"opposite": 1}, {"reverse": "c"}, {"tokens": ["a", "b", "b", "c"]}, {"mirrored": lambda query, key: key == 0},
    {"length": 4, "opposite": [0, 1, 1, 0]},
]  # fmt: skip


@pytest.fixture(scope="module", params=[0, 1, 2, "rotated"])
def model(request: pytest.FixtureRequest) -> Model:
    """`reverse` at each level, and in another basis."""
    if request.param == "rotated":
        return raspc.rotate(lab.permute(raspc.compile(library.reverse(), "abc", 5), 1), 1)
    return raspc.compile(library.reverse(), "abc", 5, optimize=request.param)


def test_pytorch(model: Model) -> None:
    """Within the hooks the module answers as the intervention does, and after them as before."""
    module, ids = model.to("torch"), torch.tensor(model.encode_batch(INPUTS))
    plain = module(ids)
    for values in FORCED:
        intervention = model.intervene(values)
        expected = np.concatenate([intervention(tokens).unembedded for tokens in INPUTS])
        with lab.hooked(intervention, module):
            assert np.allclose(module(ids).detach().numpy(), expected, atol=1e-4)
    assert torch.equal(module(ids), plain)


def test_gradients_flow_through_what_is_not_forced(model: Model) -> None:
    """Numbers that an intervention leaves as they are keep their gradient."""
    module, ids = model.to("torch"), torch.tensor(model.encode_batch(INPUTS))
    with lab.hooked(model.intervene({"opposite": 1}), module):
        module(ids)[..., 0].sum().backward()
    grad = module.layers[1].attn.value.weight.grad
    assert grad is not None and bool((grad != 0).any())


def test_transformer_lens(model: Model) -> None:
    """Its hook functions give the same answers."""
    pytest.importorskip("transformer_lens")
    lens, ids = model.to("transformer_lens"), torch.tensor(model.encode_batch(INPUTS))
    for values in FORCED:
        intervention = model.intervene(values)
        expected = np.concatenate([intervention(tokens).unembedded for tokens in INPUTS])
        found = lens.run_with_hooks(ids, fwd_hooks=lab.lens_hooks(intervention, ids))
        assert np.allclose(found.detach().numpy(), expected, atol=1e-4)
