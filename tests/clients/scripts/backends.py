"""What pyvene, or sae-lens, of this environment finds in saved models as a backend of `raspc.lab.methods`."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import raspc
from raspc import lab


def by_pyvene(model: Any) -> dict[str, Any]:
    """A variable in one dimension, twice; and one where it is not."""
    asked: dict[str, Any] = {"dims": 1, "pairs": 64, "steps": 50, "starts": 1, "backend": "pyvene"}
    found, again = (lab.methods.das(model, "opposite", stage=1, **asked) for _ in range(2))
    nowhere = lab.methods.das(model, "opposite", stage=-1, **asked)
    return {
        "changed": found.held.changed, "random": found.held.random, "nowhere": nowhere.held.changed,
        "same": found.to_json() == again.to_json(), "backend": found.backend,
    }  # fmt: skip


def by_sae_lens(model: Any) -> dict[str, Any]:
    """Trained, twice; and hardly trained."""
    found, again = (lab.methods.sae(model, stage=-1, steps=300, backend="sae-lens") for _ in range(2))
    hardly = lab.methods.sae(model, stage=-1, steps=1, backend="sae-lens")
    return {
        "reconstruction": found.reconstruction, "hardly": hardly.reconstruction,
        "features": sorted(found.features), "same": found == again, "backend": found.backend,
    }  # fmt: skip


run = by_pyvene if importlib.util.find_spec("pyvene") else by_sae_lens
print(json.dumps({name: run(raspc.load(Path(name))) for name in sys.argv[1:]}))
