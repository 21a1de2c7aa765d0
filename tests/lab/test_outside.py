"""Variables by name in nnsight and in pyvene."""

from __future__ import annotations

import warnings

import pytest

import raspc
from raspc import lab, library
from raspc.weights.model import Model

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module", params=["plain", "rotated"])
def model(request: pytest.FixtureRequest) -> Model:
    """`reverse`, as it comes and in another basis."""
    plain = raspc.compile(library.reverse(), "abc", 5)
    return plain if request.param == "plain" else raspc.rotate(plain, 1)


def test_where_variables_are(model: Model) -> None:
    """The module that writes each space; what no module gives is refused by name."""
    found = {
        name: [site.module for site in lab.module_sites(model, [name])] for name in ("tokens", "opposite", "reverse")
    }
    assert found == {"tokens": ["token_embed"], "opposite": ["layers.0.mlp"], "reverse": ["layers.1.attn"]}
    assert lab.module_sites(model, ["opposite"])[0].component == "layers[0].mlp.output"
    with pytest.raises(raspc.InputError, match="indices comes from a table of positions"):
        lab.module_sites(model, ["indices"])
    with pytest.raises(raspc.InputError, match="last has no directions"):
        lab.module_sites(model, ["last"])


def test_a_hook_of_one_s_own(model: Model) -> None:
    """The output of the module along the directions of the space is the variable."""
    (site,), ids = lab.module_sites(model, ["opposite"]), torch.tensor(model.encode_batch([["BOS", *"abca"]]))
    module, seen = model.to("torch"), []
    handle = site.of(module).register_forward_hook(lambda _, x, out: seen.append(out.detach().numpy()))
    module(ids)
    handle.remove()
    held = seen[0][0, 1:] @ site.space.reader
    assert abs(held - site.space.code[[3, 2, 1, 0]]).max() < 1e-4


def test_nnsight(model: Model) -> None:
    """Set inside a trace, a variable gives the answer of the intervention."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nnsight = pytest.importorskip("nnsight")
        network = nnsight.NNsight(model.to("torch"))
        ids = torch.tensor(model.encode_batch([["BOS", *"abca"]]))
        with network.trace(ids):
            lab.put(network, model, {"opposite": 1})
            logits = network.unembed.output.save()
    expected = model.intervene({"opposite": 1})(["BOS", *"abca"])
    assert [model.config.output.values[i] for i in logits[0, 1:].argmax(-1)] == expected.decoded[1:]


def test_pyvene(model: Model) -> None:
    """Its interchange is that of the program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyvene = pytest.importorskip("pyvene")
        module = model.to("torch")
        module.device = torch.device("cpu")
        intervenable = pyvene.IntervenableModel(lab.pyvene_config(model, ["reverse"]), model=module)
        base, source = (torch.tensor(model.encode_batch([["BOS", *text]])) for text in ("abca", "ccba"))
        places = [[list(range(1, 5))]]
        _, logits = intervenable({"ids": base}, [{"ids": source}], unit_locations={"sources->base": (places, places)})
    expected = model.patch(["BOS", *"ccba"], ["reverse"])(["BOS", *"abca"])
    assert [model.config.output.values[i] for i in logits[0, 1:].argmax(-1)] == expected.decoded[1:] == [*"abcc"]
