"""A training on disk: tensors and plain JSON in one safetensors file, replaced whole. No pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

import numpy as np
import torch
from torch import Tensor

from raspc import jsonvalues
from raspc.compress.course import Course
from raspc.compress.protocol import Protocol
from raspc.errors import InputError, ModelFormatError
from raspc.weights.files import read_file, write_file
from raspc.weights.model import Model

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW holds of a parameter: nothing at first, then all of these."""

ROOM = 1 << 20
"""Bytes for names, and for what is neither a tensor nor a loss."""

LOSS = 64
"""Bytes that one loss may take as JSON in JSON."""


class Training(Interface):
    """What of a trainer a checkpoint keeps: tensors, the state of its optimiser and of its random generators."""

    course: Course
    protocol: Protocol
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

    facts = {"identity": name, "course": json.dumps(trainer.course.to_json())}
    write_file(path, save(tensors_of(trainer), metadata=facts))


def tensors_of(trainer: Training) -> dict[str, Tensor]:
    """All that a training needs to go on, under the names of the file."""
    found: dict[str, Tensor] = {"batches": trainer.batches.get_state()}
    for i, parameter in enumerate(trainer.parameters):
        found[f"parameter.{i}"] = parameter.detach().contiguous()
        state = trainer.optimizer.state.get(parameter, {})
        found |= {f"{moment}.{i}": state[moment].contiguous() for moment in MOMENTS if moment in state}
    return found | {f"noise.{i}": generator.get_state() for i, generator in enumerate(trainer.noise)}


def restore(trainer: Training, path: Path, name: str) -> None:
    """Nothing where there is no file. Raises InputError for another training's, ModelFormatError for no checkpoint.

    The file may be a stranger's: it is no larger than this training's can be, and is of its tensors and no others.
    """
    if not path.exists():
        return
    try:
        held = _read(trainer, path)
        if held.identity == name:
            _put_back(trainer, held)
            return
    except ModelFormatError as error:
        raise ModelFormatError(f"{error}; delete it to begin again") from error
    raise InputError(
        f"{path}: a checkpoint of another training (another model, width, seed or choice); needed this one's; "
        "delete it or write elsewhere"
    )


@dataclass(frozen=True, eq=False)
class Held:
    """What a file holds."""

    path: Path
    identity: str
    course: str
    tensors: Mapping[str, Tensor]


def _read(trainer: Training, path: Path) -> Held:
    """Raises ModelFormatError for what is no checkpoint, or larger than one of this training can be."""
    from safetensors.torch import load

    data = read_file(path.parent, path.name, _most(trainer))
    try:
        tensors = load(data)
    except Exception as error:  # safetensors and PyTorch raise many kinds for a file that is not theirs
        raise ModelFormatError(f"{path}: not a checkpoint ({error})") from error
    header = jsonvalues.loads(data[8 : 8 + int.from_bytes(data[:8], "little")], str(path))
    facts = header.get("__metadata__", {})
    if set(facts) != {"identity", "course"}:
        raise ModelFormatError(f"{path}: not a checkpoint (needed an identity and a course)")
    return Held(path, facts["identity"], facts["course"], tensors)


def _most(trainer: Training) -> int:
    """The bytes that a checkpoint of a training can have."""
    weights = sum(parameter.numel() * parameter.element_size() for parameter in trainer.parameters)
    generators = sum(generator.get_state().numel() for generator in (trainer.batches, *trainer.noise))
    losses = (trainer.protocol.steps + 1) * 2 * max(1, len(trainer.noise)) * LOSS
    return ROOM + 3 * weights + generators + losses


def _put_back(trainer: Training, held: Held) -> None:
    """The training as it was. Raises ModelFormatError before anything is changed."""
    course = Course.from_json(jsonvalues.loads(held.course.encode(), str(held.path)), f"{held.path}: course")
    if faults := [*_unlike(trainer, held.tensors), *_outside(trainer, course)]:
        raise ModelFormatError(f"{held.path}: malformed checkpoint ({'; '.join(faults[:3])})")
    try:
        for generator, name in (
            (trainer.batches, "batches"),
            *((g, f"noise.{i}") for i, g in enumerate(trainer.noise)),
        ):
            generator.set_state(held.tensors[name])
    except RuntimeError as error:
        raise ModelFormatError(f"{held.path}: malformed checkpoint ({error})") from error
    with torch.no_grad():
        for i, parameter in enumerate(trainer.parameters):
            parameter.copy_(held.tensors[f"parameter.{i}"])
            if f"{MOMENTS[0]}.{i}" in held.tensors:
                state = {moment: held.tensors[f"{moment}.{i}"] for moment in MOMENTS}
                trainer.optimizer.state[parameter].update(state)
    trainer.course = course


def _unlike(trainer: Training, found: Mapping[str, Tensor]) -> Iterator[str]:
    """Tensors that are not those of the training."""
    needed = tensors_of(trainer)
    for i, parameter in enumerate(trainer.parameters):
        if any(f"{moment}.{i}" in found for moment in MOMENTS):
            needed |= {f"{moment}.{i}": parameter for moment in MOMENTS} | {f"{MOMENTS[0]}.{i}": torch.zeros(())}
    if needed.keys() != found.keys():
        yield f"found tensors {sorted(found)[:5]}, needed {sorted(needed)[:5]}"
        return
    for name, like in needed.items():
        if (found[name].shape, found[name].dtype) != (like.shape, like.dtype):
            yield f"{name} is {found[name].dtype} {list(found[name].shape)}, needed {like.dtype} {list(like.shape)}"


def _outside(trainer: Training, course: Course) -> Iterator[str]:
    """What the course says of steps and runs that the training does not have."""
    steps, runs = trainer.protocol.steps, len(trainer.noise)
    if course.step > steps or any(moment.step > course.step for moment in course.history):
        yield f"found a step beyond {min(steps, course.step)}"
    if any({len(moment.output), len(moment.layer)} != {runs} for moment in course.history):
        yield f"found losses of another number of runs than {runs}"
