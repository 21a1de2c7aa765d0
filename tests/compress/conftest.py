"""Small compiled models, made once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch

import raspc
from raspc import library


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors are faster on one thread, and other tests need the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def fractions() -> raspc.Model:
    """frac_prevs over two tokens: numbers, one averaging head."""
    return raspc.compile(library.frac_prevs(), vocab={"a", "x"}, max_seq_len=3, optimize=0)


@pytest.fixture(scope="session")
def places() -> raspc.Model:
    """sort_unique over three numbers: categories, a width, neurons, a pick, None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", raspc.UncertainProgram)
        return raspc.compile(library.sort_unique(), vocab={1, 2, 3}, max_seq_len=3, optimize=0)
