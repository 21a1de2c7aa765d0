"""A sparse autoencoder by SAELens (Bloom et al. 2024): its TopK autoencoder and its trainer, on our activations."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from raspc.errors import InputError
from raspc.lab.activations import Floats


class SaeLens:
    """An autoencoder of `latents` directions, of which `active` are on at once.

    Raises InputError where sae-lens is not installed.
    """

    def __init__(self, width: int, latents: int, active: int, seed: int, dtype: Any) -> None:
        try:
            import sae_lens
        except ImportError as error:
            raise InputError("backend='sae-lens' needs sae-lens; pip install 'raspc[sae-lens]'") from error
        import torch

        name = str(dtype).removeprefix("torch.")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            sizes = sae_lens.TopKTrainingSAEConfig(d_in=width, d_sae=latents, k=active, dtype=name)
            self.sae = sae_lens.TopKTrainingSAE(sizes)
        self.seed, self.dtype = seed, dtype

    def train(self, rows: Floats, steps: int, batch: int, rate: float, rng: np.random.Generator) -> None:
        """So many steps on rows [.., d_model], drawn with `rng`."""
        import torch
        from sae_lens.config import LoggingConfig, SAETrainerConfig
        from sae_lens.training.sae_trainer import SAETrainer

        x = torch.as_tensor(rows, dtype=self.dtype)

        def drawn() -> Iterator[Any]:
            while True:
                yield x[torch.from_numpy(rng.integers(0, len(rows), batch))]

        config = SAETrainerConfig(
            total_training_samples=steps * batch, train_batch_size_samples=batch, lr=rate, lr_end=rate,
            logger=LoggingConfig(log_to_wandb=False),
        )  # fmt: skip
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stderr(io.StringIO()):  # it draws a bar there
            torch.manual_seed(self.seed)
            SAETrainer(config, self.sae, drawn()).fit()

    def codes(self, rows: Floats) -> Floats:
        """[rows, latents]."""
        import torch

        with torch.no_grad():
            found = self.sae.encode(torch.as_tensor(rows, dtype=self.dtype))
            return np.asarray((found.to_dense() if found.is_sparse else found).numpy(), np.float64)

    def decoded(self, rows: Floats) -> Floats:
        """[rows, d_model]."""
        import torch

        with torch.no_grad():
            x = torch.as_tensor(rows, dtype=self.dtype)
            return np.asarray(self.sae.decode(self.sae.encode(x)).numpy(), np.float64)
