"""Circuits and models in the tools of interpretability, each in an environment of its own with pinned versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clients.environments import told

import raspc
from raspc import lab, library, values
from raspc.graph.evaluate import interpret_graph
from raspc.lab import formats
from raspc.weights import Model

pytest.importorskip("torch")
pytestmark = pytest.mark.clients

NAMES = ("reverse", "hist", "sort", "shift_by")
LEVELS = (0, 2)


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """Programs whose answers are classes, at two levels."""
    found = {}
    for name in NAMES:
        entry = library.get(name)
        for level in LEVELS:
            found[f"{name}-O{level}"] = raspc.compile(
                entry.program, entry.vocab, 5, causal=entry.causal, optimize=level
            )
    return found


def inputs_of(model: Model, length: int | None, count: int, seed: int) -> list[list[Any]]:
    """Random inputs, of one length or of all."""
    rng, config = np.random.default_rng(seed), model.config
    words = [token for i, token in enumerate(config.vocab) if i not in (config.bos_id, config.pad_id)]
    lengths = [length or int(rng.integers(1, config.max_seq_len + 1)) for _ in range(count)]
    return [[config.bos, *(words[i] for i in rng.integers(0, len(words), n))] for n in lengths]


def columns_of(model: Model, inputs: list[list[Any]]) -> list[list[int]]:
    """What the program answers, as columns of the logits; −1 at BOS and behind the end."""
    width = max(map(len, inputs))
    place = {values.key(value): i for i, value in enumerate(model.config.output.values)}
    rows = interpret_graph(model.as_written, [row[1:] for row in inputs])
    return [[-1, *(place[values.key(a)] for a in row), *[-1] * (width - 1 - len(row))] for row in rows]


def loss_of(model: Model, inputs: list[list[Any]], answers: list[list[int]]) -> float:
    """The cross-entropy, in NumPy."""
    logits = model.logits(np.array(model.encode_batch(inputs)))
    sure = logits - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True))
    sure -= logits.max(-1, keepdims=True)
    known = np.array(answers) >= 0
    return float(-sure[known, np.array(answers)[known]].mean())


def write(model: Model, directory: Path) -> Path:
    """The model, its case with the edges that vary, and inputs with answers."""
    directory.mkdir()
    model.save(directory / "model")
    circuit = model.circuit()
    graph = formats.tool_graph(circuit, chosen=matter(circuit), min_heads=2)
    formats.write_case(directory / "case", model, graph, min_heads=2)
    formats.write(directory / "auto-circuit.json", graph, "auto-circuit")
    mixed, whole = inputs_of(model, None, 12, 0), inputs_of(model, model.config.max_seq_len, 24, 1)
    mixed = [whole[0], *mixed, [model.config.bos, mixed[0][1]]]
    answers = columns_of(model, mixed)
    rows = {
        "ids": np.array(model.encode_batch(mixed)).tolist(), "answers": answers, "loss": loss_of(model, mixed, answers),
        "text": " ".join(map(str, mixed[0][1:])),
        "whole": np.array(model.encode_batch(whole)).tolist(), "whole_answers": columns_of(model, whole),
        "corrupt": np.array(model.encode_batch(inputs_of(model, model.config.max_seq_len, 24, 2))).tolist(),
    }  # fmt: skip
    (directory / "rows.json").write_text(json.dumps(rows))
    return directory


def matter(circuit: lab.Circuit) -> tuple[str, ...]:
    """The edges that matter when tokens are resampled, found by ourselves."""
    names: tuple[str, ...] = circuit.under("resample", pairs=512, seed=3).names
    return names


@pytest.fixture(scope="module")
def written(models: dict[str, Model], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A directory for each model."""
    home = tmp_path_factory.mktemp("tools")
    return {name: write(model, home / name) for name, model in models.items()}


@pytest.mark.parametrize("environment", ["lens2", "lens3", "lens4"])
def test_lens_models(environment: str, written: dict[str, Path]) -> None:
    """Answers, padding, null heads, text, loss and switches, in each major version of TransformerLens."""
    found = told(environment, "lens_models.py", *written.values(), raspc=True)
    assert found == {str(path): [] for path in written.values()}


@pytest.mark.parametrize("environment", ["lens2", "lens3"])
def test_cases_of_interpbench(environment: str, written: dict[str, Path]) -> None:
    """A `HookedTransformer` made from the files alone answers right, and has the hooks of all edges."""
    found = told(environment, "plain_hooked.py", *written.values(), raspc=False)
    assert all(case["answers"] == 0 and case["hooks"] == [] and case["edges"] for case in found.values()), found


def test_auto_circuit(written: dict[str, Path]) -> None:
    """Its edges are those that we name; what we call the circuit is enough by its patching, and no edge can go."""
    found = told("auto-circuit", "auto_circuits.py", *written.values(), raspc=False)
    assert len(found) == len(written)
    for name, case in found.items():
        assert case["names"] == [], name
        assert case["circuit"] and case["wrong"] == 0, (name, case)
        assert all(case["wrong without one"].values()), (name, case)


@pytest.mark.parametrize("environment", ["nnsight", "pyvene"])
def test_variables_by_name(environment: str, tmp_path: Path) -> None:
    """Forced there, variables give what the program gives with them replaced; in another basis too."""
    plain = raspc.compile(library.reverse(), "abc", 5)
    paths = []
    for label, model in {"plain": plain, "rotated": raspc.rotate(plain, 1), "permuted": lab.permute(plain, 1)}.items():
        path = tmp_path / label
        path.mkdir()
        model.save(path / "model")
        (path / "forced.json").write_text(json.dumps(forced(model, environment)))
        paths.append(path)
    assert told(environment, "variables.py", *paths, raspc=True) == {str(path): 0 for path in paths}


def test_das_by_pyvene(tmp_path: Path) -> None:
    """Its rotation finds a variable where it lives, as ours does, and not before it is computed."""
    raspc.compile(library.reverse(), "abc", 4, sharpness=0).save(tmp_path / "model")
    (found,) = told("pyvene", "backends.py", tmp_path / "model", raspc=True).values()
    assert found["backend"] == "pyvene" and found["same"]
    assert found["changed"] > 0.9 > 0.6 > max(found["random"], found["nowhere"])


def test_an_autoencoder_by_sae_lens(tmp_path: Path) -> None:
    """Its trainer lowers the loss on our activations; the features are those of the program."""
    model = raspc.compile(library.reverse(), "abc", 4)
    model.save(tmp_path / "model")
    (found,) = told("sae-lens", "backends.py", tmp_path / "model", raspc=True).values()
    assert found["backend"] == "sae-lens" and found["same"]
    assert found["reconstruction"] > 0.9 > found["hardly"]
    assert found["features"] == sorted(lab.methods.sae(model, stage=-1, steps=1).features)


def forced(model: Model, environment: str) -> dict[str, Any]:
    """Inputs, what is forced, and the program's answers; none of them what the model answers by itself."""
    cases, columns = [], list(model.config.output.values)
    for base, source in zip(("abca", "bca", "ccab"), ("cbab", "acb", "aabb"), strict=True):
        tokens, other = ["BOS", *base], ["BOS", *source]
        if environment == "nnsight":
            out = model.intervene({"opposite": 1})(tokens)
        else:
            out = model.patch(other, ["reverse"])(tokens)
        assert out.expected == out.decoded != model.apply(tokens).decoded
        cases.append(
            {
                "base": model.encode_batch([tokens]).tolist(), "source": model.encode_batch([other]).tolist(),
                "value": 1, "answers": [columns.index(answer) for answer in out.decoded[1:]],
            }
        )  # fmt: skip
    return {"name": "opposite" if environment == "nnsight" else "reverse", "cases": cases}
