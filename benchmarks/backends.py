"""Sequences in a second: `apply_batch` on NumPy against the PyTorch and the jitted JAX export."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import raspc
from benchmarks.measure import Table, median
from raspc import library

PROGRAMS = ("reverse", "sort")
BATCHES = (1, 64, 1024)
N = 32


def table() -> Table:
    """Each program at length 32 and each batch size, on each backend; tokens in and answers out on NumPy."""
    return Table(
        f"Sequences of length {N} in a second, by backend",
        ("program", "batch", "NumPy `apply_batch`", "torch", "JAX, jitted"),
        [row for name in PROGRAMS for row in rows(name)],
    )


def rows(name: str) -> Iterator[tuple[str, ...]]:
    """One program at each batch size; the frameworks start from ids and stop at logits."""
    import jax
    import torch

    entry = library.get(name)
    model = raspc.compile(entry.program, vocab=entry.vocab, max_seq_len=N)
    module, jaxed = model.to("torch"), model.to("jax")
    jitted = jax.jit(jaxed.apply)
    for size in BATCHES:
        batch = inputs(model, size)
        ids = model.encode_batch(batch)
        tensor = torch.from_numpy(ids)

        def on_torch(tensor: Any = tensor) -> Any:
            with torch.inference_mode():
                return module(tensor)

        runs: list[Callable[[], Any]] = [
            lambda batch=batch: model.apply_batch(batch),
            on_torch,
            lambda ids=ids: jitted(jaxed.params, ids).block_until_ready(),
        ]
        yield name, str(size), *(f"{size / median(run):,.0f}" for run in runs)


def inputs(model: raspc.Model, size: int) -> list[list[Any]]:
    """Random inputs of the full length."""
    rng, words = random.Random(0), model.config.vocab[:-2]
    return [["BOS", *rng.choices(words, k=N)] for _ in range(size)]
