"""A training on disk: tensors and plain JSON in one safetensors file, replaced whole. No pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Protocol as Interface

import numpy as np
import torch
from torch import Tensor

from raspc.compress.course import Course, Moment
from raspc.compress.protocol import Protocol
from raspc.errors import InputError, ModelFormatError
from raspc.weights.files import write_file
from raspc.weights.model import Model

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Training(Interface):
    """What of a trainer a checkpoint keeps: tensors, the state of its optimiser and of its random generators."""

    course: Course
    parameters: list[Tensor]
    optimizer: torch.optim.AdamW
    batches: torch.Generator
    noise: list[torch.Generator]


def identity(model: Model, d: int, seeds: tuple[int, ...], protocol: Protocol) -> str:
    """What a checkpoint must agree with: the weights, the width, the seeds, all choices that change the training."""
    digest = hashlib.sha256()
    for name in sorted(model.params):
        digest.update(name.encode() + np.ascontiguousarray(model.params[name]).tobytes())
    choices = {name: value for name, value in protocol.to_json().items() if name not in ("threads", "polish")}
    digest.update(json.dumps([d, list(seeds), choices], sort_keys=True).encode())
    return digest.hexdigest()


def store(trainer: Training, path: Path, name: str) -> None:
    """Raises InputError where the file cannot be written; what stood there before still does."""
    from safetensors.torch import save

    course = trainer.course
    tensors: dict[str, Tensor] = {}
    for i, parameter in enumerate(trainer.parameters):
        tensors[f"parameter.{i}"] = parameter.detach().contiguous()
        state = trainer.optimizer.state.get(parameter, {})
        tensors |= {f"{moment}.{i}": state[moment].contiguous() for moment in MOMENTS if moment in state}
    tensors["batches"] = trainer.batches.get_state()
    tensors |= {f"noise.{i}": generator.get_state() for i, generator in enumerate(trainer.noise)}
    facts = {"identity": name, "course": json.dumps(asdict(course))}
    write_file(path, save(tensors, metadata=facts))


def restore(trainer: Training, path: Path, name: str) -> None:
    """Nothing where there is no file. Raises InputError for another training's, ModelFormatError for no checkpoint."""
    if not path.exists():
        return
    facts, tensors = _read(path)
    if facts.get("identity") != name:
        raise InputError(
            f"{path}: a checkpoint of another training (another model, width, seed or choice); needed this one's; "
            "delete it or write elsewhere"
        )
    try:
        _put_back(trainer, facts, tensors)
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise ModelFormatError(f"{path}: malformed checkpoint ({error}); delete it to begin again") from error


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {}), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelFormatError(f"{path}: not a checkpoint ({error}); delete it to begin again") from error


def _put_back(trainer: Training, facts: dict[str, str], tensors: dict[str, Tensor]) -> None:
    course = json.loads(facts["course"])
    history = [Moment(m["step"], m["seconds"], tuple(m["output"]), tuple(m["layer"])) for m in course.pop("history")]
    with torch.no_grad():
        for i, parameter in enumerate(trainer.parameters):
            parameter.copy_(tensors[f"parameter.{i}"])
            state = {moment: tensors[f"{moment}.{i}"] for moment in MOMENTS if f"{moment}.{i}" in tensors}
            if state:
                trainer.optimizer.state[parameter].update(state)
    trainer.batches.set_state(tensors["batches"])
    for i, generator in enumerate(trainer.noise):
        generator.set_state(tensors[f"noise.{i}"])
    trainer.course = Course(course["step"], course["seconds"], history)
