"""A sparse autoencoder (Bricken et al. 2023; Gao et al. 2024), small and our own: does it find the true features?

The stream after a stage is written as a sum of few of many directions, of which at most `active` are on at once (TopK).
In a compiled model the true features are known: an indicator for each value of each variable that lives there. A
feature is *matched* if one latent alone tells it: R² of at least 0.999. Reconstruction says nothing about that, so both
are told, and beside them how many an autoencoder matches that was not trained. `backend="sae-lens"` has SAELens train
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from raspc import arguments
from raspc.certify.checking.answers import model_ids
from raspc.errors import InputError
from raspc.graph.evaluate import run_graph
from raspc.lab.activations import Floats, inputs_for, most_inputs
from raspc.lab.interchanges import float_format
from raspc.lab.methods.by_sae_lens import SaeLens
from raspc.weights.model import Model

STEPS, RATE, BATCH = 600, 0.01, 256
MATCHED = 0.999


@dataclass(frozen=True)
class Sae:
    """What an autoencoder found after a stage.

    `features`: the true ones, as `variable=value`, each with the best R² of one latent. `matched`: the share of them
    with at least 0.999; `untrained`: the same without training. `reconstruction`: R² of the stream on held-out rows.
    `dead`: the share of latents that are never on. `latents`, `active`, `steps`, `seed`, `dtype`, `backend`: how it was
    trained.
    """

    stage: int
    features: dict[str, float]
    matched: float
    untrained: float
    reconstruction: float
    dead: float
    latents: int
    active: int
    steps: int
    seed: int
    dtype: str
    backend: str = "raspc"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def sae(
    model: Model, stage: int, *, latents: int | None = None, active: int | None = None, steps: int = STEPS,
    seed: int = 0, dtype: str = "float32", backend: str = "raspc",
) -> Sae:  # fmt: skip
    """Train an autoencoder on the stream after a stage. `latents`: by default four for each true feature that varies;
    `active`: by default one for each variable that lives there. `backend`: "raspc", or "sae-lens" where that is
    installed.

    Raises InputError for a stage that the model does not have, where no variable with listed values lives there, and
    for a backend that is unknown or not installed.
    """
    import torch

    arguments.an(Model, "model", model, "a compiled model")
    arguments.whole("stage", stage, -1, 2 * model.config.n_layers - 1)
    arguments.whole("seed", seed, 0)
    arguments.whole("steps", steps, 1)
    for argument, number in (("latents", latents), ("active", active)):
        arguments.whole(argument, 1 if number is None else number, 1)
    if backend not in BACKENDS:
        raise InputError(f"backend is {backend!r}, needed one of {', '.join(map(repr, BACKENDS))}")
    dtype = float_format(dtype).name
    stream, true, variables = _rows(model, stage, seed, dtype)
    if not true:
        raise InputError(f"no variable with listed values lives in the stream after stage {stage}")
    latents, active = latents or 4 * len(true), active or variables
    if not 1 <= active <= latents:
        raise InputError(f"active is {active}, needed a number from 1 to {latents}, the number of latents")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(stream))
    held, rows = order[: len(order) // 5], order[len(order) // 5 :]
    net = BACKENDS[backend](stream.shape[1], latents, active, seed, getattr(torch, dtype))
    before = _matches(net.codes(stream), true)
    net.train(stream[rows], steps, BATCH, RATE, rng)
    codes, found = net.codes(stream), _matches(net.codes(stream), true)
    off = ((net.decoded(stream[held]) - stream[held]) ** 2).sum()
    spread = ((stream[held] - stream[held].mean(axis=0)) ** 2).sum()
    return Sae(
        stage, found, _share(found), _share(before), float(1 - off / spread) if spread else 1.0,
        float((codes <= 0).all(axis=0).mean()), latents, active, steps, seed, dtype,
        backend,
    )  # fmt: skip


def _share(found: dict[str, float]) -> float:
    return float(np.mean([r2 >= MATCHED for r2 in found.values()]))


def _rows(model: Model, stage: int, seed: int, dtype: str) -> tuple[Floats, dict[str, Floats], int]:
    """The stream at tokens [rows, d_model], the true features that vary there, and of how many variables they are."""
    seen, graph = inputs_for(model.as_written, most_inputs(model), seed), model.tabulated
    ids = model_ids(model, seen.batch)
    trace, ran = model.trace_ids(ids, np.dtype(dtype)), run_graph(graph, seen.batch)
    real = ids[:, 1:] != model.config.pad_id
    stream = np.asarray([trace.input_embeddings, *trace.residuals][stage + 1], np.float64)[:, 1:][real]
    living = [s for s in model.spaces.values() if s.values is not None and s.variable in graph.labels]
    there = {s.variable for s in living if s.from_stage <= stage and (s.until_stage is None or stage <= s.until_stage)}
    found = {}
    for label in sorted(there):
        place = graph.labels.index(label)
        column = ran.column(place)
        if column.numbers is None:
            for i, value in enumerate(graph.variable(place).listed.values):
                found[f"{label}={value!r}"] = (column.ids[real] == i).astype(np.float64)
    return stream, {name: column for name, column in found.items() if np.ptp(column)}, len(there)


def _matches(codes: Floats, true: dict[str, Floats]) -> dict[str, float]:
    """For each feature the best R² of one latent."""
    centred = codes - codes.mean(axis=0)
    sizes = np.sqrt((centred**2).sum(axis=0))
    found = {}
    for name, column in true.items():
        own = column - column.mean()
        cosines = (centred.T @ own) / np.maximum(sizes * np.sqrt((own**2).sum()), 1e-12)
        found[name] = float((cosines**2).max(initial=0.0))
    return found


class _Autoencoder:
    def __init__(self, width: int, latents: int, active: int, seed: int, dtype: Any) -> None:
        import torch

        generator = torch.Generator().manual_seed(seed)
        directions = torch.randn((latents, width), generator=generator, dtype=dtype)
        self.active, self.dtype = active, dtype
        self.decoder = (directions / directions.norm(dim=1, keepdim=True)).requires_grad_()
        self.encoder = self.decoder.detach().T.clone().requires_grad_()
        self.bias = torch.zeros(latents, dtype=dtype, requires_grad=True)
        self.middle = torch.zeros(width, dtype=dtype, requires_grad=True)

    def encode(self, x: Any) -> Any:
        import torch

        on = torch.relu((x - self.middle) @ self.encoder + self.bias)
        top = on.topk(self.active, dim=-1)
        return torch.zeros_like(on).scatter(-1, top.indices, top.values)

    def train(self, rows: Floats, steps: int, size: int, rate: float, rng: np.random.Generator) -> None:
        import torch

        descent = torch.optim.Adam([self.decoder, self.encoder, self.bias, self.middle], lr=rate)
        x = torch.as_tensor(rows, dtype=self.dtype)
        for _ in range(steps):
            batch = x[torch.from_numpy(rng.integers(0, len(rows), size))]
            loss = ((self.encode(batch) @ self.decoder + self.middle - batch) ** 2).sum(dim=1).mean()
            descent.zero_grad()
            torch.autograd.backward(loss)
            descent.step()
            with torch.no_grad():
                self.decoder /= self.decoder.norm(dim=1, keepdim=True).clamp_min(1e-9)

    def codes(self, rows: Floats) -> Floats:
        """[rows, latents]."""
        import torch

        with torch.no_grad():
            return np.asarray(self.encode(torch.as_tensor(rows, dtype=self.dtype)).numpy(), np.float64)

    def decoded(self, rows: Floats) -> Floats:
        """[rows, d_model]."""
        return np.asarray(
            self.codes(rows) @ self.decoder.detach().numpy() + self.middle.detach().numpy(), np.float64
        )  # fmt: skip


BACKENDS: dict[str, Callable[[int, int, int, int, Any], Any]] = {"raspc": _Autoencoder, "sae-lens": SaeLens}
"""Who makes and trains an autoencoder: of a width, so many latents, so many active ones, a seed and a format."""
