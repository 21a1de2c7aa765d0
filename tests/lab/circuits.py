"""Models of random programs, for the tests of the laboratory."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator

import numpy as np

import raspc
from raspc.library.random_program import random_program
from raspc.weights.model import Model

VOCAB, LONGEST = ("a", "b", 1), 4
WIDE = 64
"""Models with more neurons in a layer are left to the long test."""


def random_models(
    seeds: Iterable[int], levels: tuple[int, ...] | None = None, wide: bool = False
) -> Iterator[tuple[int, Model]]:
    """(seed, model) of random programs, at these levels or at one level in turn; what is refused is left out."""
    for seed in seeds:
        program = random_program(np.random.default_rng(seed), 3 + seed % 6, VOCAB, LONGEST, causal=seed % 4 == 3)
        for level in levels or (seed % 3,):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    model = raspc.compile(
                        program, VOCAB, LONGEST, causal=seed % 4 == 3, optimize=level, certify=False, partial=True
                    )
                except raspc.RaspcError:
                    continue
            if wide or model.config.d_mlp <= WIDE:
                yield seed, model
