"""Variables of saved models forced by name, in the nnsight or the pyvene of this environment: how many answers differ.

`forced.json`: the variable, a value of it, inputs, and what the program answers with it; the same for another input.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import torch

import raspc
from raspc import lab


def wrong(directory: Path) -> int:
    """Answers of all inputs."""
    model, asked = raspc.load(directory / "model"), json.loads((directory / "forced.json").read_text())
    run = by_nnsight if importlib.util.find_spec("nnsight") else by_pyvene
    return sum(
        int((run(model, asked["name"], case)[0, 1:].argmax(-1) != torch.tensor(case["answers"])).sum())
        for case in asked["cases"]
    )


def by_nnsight(model: Any, name: str, case: dict[str, Any]) -> Any:
    """Set inside a trace."""
    import nnsight

    network = nnsight.NNsight(model.to("torch"))
    with network.trace(torch.tensor(case["base"])):
        lab.put(network, model, {name: case["value"]})
        logits = network.unembed.output.save()
    return logits  # noqa: RET504 (a trace is no place to return from)


def by_pyvene(model: Any, name: str, case: dict[str, Any]) -> Any:
    """Swapped for that of another input."""
    import pyvene

    module = model.to("torch")
    module.device = torch.device("cpu")
    intervenable = pyvene.IntervenableModel(lab.pyvene_config(model, [name]), model=module)
    places = [[list(range(1, len(case["base"][0])))]]
    base, source = ({"ids": torch.tensor(case[which])} for which in ("base", "source"))
    return intervenable(base, [source], unit_locations={"sources->base": (places, places)})[1]


print(json.dumps({name: wrong(Path(name)) for name in sys.argv[1:]}))
