"""The loop: AdamW over all runs of one width at once, with checkpoints that a killed run goes on from."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from raspc.compress import checkpoint
from raspc.compress.course import Course, Moment
from raspc.compress.narrowing import Narrowing, ordered
from raspc.compress.protocol import Protocol
from raspc.compress.runs import Runs
from raspc.errors import InputError

Progress = Callable[[int, int], None]


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """PyTorch with so many threads while the block runs; None leaves the number as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Trainer:
    """The runs, their optimiser and the generators of batches and noise, which a checkpoint holds together.

    The batches are the same for every run and do not depend on the seeds, so that a seed gives what it gives alone.
    Runs that begin wider than `d` are narrowed to it.
    """

    def __init__(self, runs: Runs, seeds: tuple[int, ...], protocol: Protocol, d: int | None = None) -> None:
        self.runs, self.protocol = runs, protocol
        width = runs.w.shape[-1]
        self.narrowing = Narrowing(width, width if d is None else d, protocol.steps)
        self.parameters = runs.trainable(protocol)
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=protocol.learning_rate, betas=(protocol.beta1, protocol.beta2),
            weight_decay=protocol.weight_decay,
        )  # fmt: skip
        self.batches = torch.Generator().manual_seed(0)
        self.noise = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.course = Course()

    def train(self, save: Path | None = None, progress: Progress | None = None, identity: str = "") -> Course:
        """Trains to the end, or until a rule stops it; goes on from the checkpoint at `save` if there is one.

        Raises InputError for a checkpoint of another training. A checkpoint that cannot be written is a warning: the
        last one stands, and the training goes on.
        """
        if save is not None:
            checkpoint.restore(self, save, identity)
        protocol, course = self.protocol, self.course
        began = time.process_time() - course.seconds
        while course.step < protocol.steps and not self.is_done():
            self.step()
            if course.step % protocol.every == 0 or course.step == protocol.steps:
                course.seconds = time.process_time() - began
                self.measure()
                _try_to_save(self, save, identity)
                if progress is not None:
                    progress(course.step, protocol.steps)
        course.seconds = time.process_time() - began
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        return course

    def step(self) -> None:
        """One step of every run on one batch."""
        protocol, step = self.protocol, self.course.step
        if self.narrowing.begins(step):
            self.turn(step)
        rate = protocol.rate(self.narrowing.done(step))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        count = len(self.runs.pool.ids)
        rows = torch.randint(count, (min(protocol.batch, count),), generator=self.batches)
        output, layer = self.seen(step).losses(rows)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward((output + protocol.layer_weight * layer).sum())
        if protocol.clip is not None:
            clip(self.parameters, protocol.clip)
        self.optimizer.step()
        if protocol.noise:
            self.shake(protocol.noise * rate / protocol.learning_rate)
        self.course.step += 1

    def seen(self, step: int) -> Runs:
        """The runs as the loss sees them at a step: of a W that is narrowed, what has not faded."""
        if not self.narrowing.stages:
            return self.runs
        return replace(self.runs, w=self.runs.w * self.narrowing.mask(step, self.runs.w.dtype))

    def turn(self, step: int) -> None:
        """Puts the quietest dimension last, where it fades; what the optimiser knew of W's columns is void."""
        with torch.no_grad():
            self.runs.w.copy_(ordered(self.runs, self.narrowing.live(step)))
        self.optimizer.state.pop(self.runs.w, None)

    def ended(self) -> Runs:
        """The runs at the width that they were narrowed to."""
        return replace(self.runs, w=self.runs.w.detach()[..., : self.narrowing.end].contiguous())

    def shake(self, size: float) -> None:
        """Adds noise to W, from a generator of each run's own."""
        w = self.runs.w
        with torch.no_grad():
            w += size * torch.stack([torch.randn(w.shape[1:], generator=g, dtype=w.dtype) for g in self.noise])

    def measure(self) -> None:
        """Notes the losses on some inputs of the pool."""
        rows = self.runs.pool.some(256)
        with torch.no_grad():
            output, layer = self.seen(self.course.step).losses(rows)
        course = self.course
        course.history.append(Moment(course.step, course.seconds, tuple(output.tolist()), tuple(layer.tolist())))

    def is_done(self) -> bool:
        """Every run good enough, or none better for as long as the protocol's patience."""
        protocol, history = self.protocol, self.course.history
        if not history or not self.narrowing.is_over(self.course.step):
            return False
        totals = [
            [_or_inf(o + protocol.layer_weight * x) for o, x in zip(moment.output, moment.layer, strict=True)]
            for moment in history
        ]
        if max(totals[-1]) <= protocol.goal:
            return True
        if protocol.patience is None or len(history) <= protocol.patience:
            return False
        before = [min(column) for column in zip(*totals[: -protocol.patience], strict=True)]
        lately = [min(column) for column in zip(*totals[-protocol.patience :], strict=True)]
        return not any(new < 0.999 * old for new, old in zip(lately, before, strict=True))


def clip(parameters: Sequence[Tensor], most: float) -> None:
    """Scales down the gradient of each run whose norm is larger; one that is not finite becomes 0."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    for gradient in gradients:
        gradient.nan_to_num_(0.0, 0.0, 0.0)
    norm = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    scale = most / norm.clamp(min=most)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))


def _or_inf(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def _try_to_save(trainer: Trainer, save: Path | None, identity: str) -> None:
    if save is None:
        return
    try:
        checkpoint.store(trainer, save, identity)
    except InputError as error:
        warnings.warn(f"no checkpoint at step {trainer.course.step}: {error}", RuntimeWarning, stacklevel=2)
