"""A proof goes through combinations of values piece by piece: its memory is that of what is stored, its margins are
those of all combinations together, and sparse matrices are multiplied by what they hold."""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import Any

import numpy as np
import pytest

import raspc
from raspc import rasp
from raspc.blocks.spaces import Neurons
from raspc.certify.proof import added, bounds, columns, mlp
from raspc.certify.proof import cells as cells_room
from raspc.certify.proof.cells import Cells
from raspc.certify.proof.columns import Columns
from raspc.study.certifying import certificate
from raspc.weights.model import Model


def hashed(tokens: int, length: int, values: int) -> Model:
    """A function of token and position that has nearly as many values as arguments, as directions of their own."""
    mixed = rasp.SequenceMap(lambda x, y: (x * x * 31 + y * 17) % values, rasp.tokens, rasp.indices)
    return raspc.compile(mixed, range(tokens), length, optimize=1, certify=False)


def test_pieces_show_what_all_combinations_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few cells are looked at once, links have the same margins, and are weakest at the same values."""
    model = hashed(9, 8, 23)
    whole = certificate(model).links
    monkeypatch.setattr(cells_room, "AT_ONCE", 1)
    pieces = certificate(model).links
    assert [(link.kind, link.name, link.at) for link in pieces] == [(link.kind, link.name, link.at) for link in whole]
    for one, other in zip(pieces, whole, strict=True):
        assert one.needed == pytest.approx(other.needed, 1e-9) and one.present == pytest.approx(other.present, 1e-9)


def test_the_memory_of_a_proof_does_not_grow_with_the_combinations(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a few times what the block weighs; what neurons read in all cells would be far more."""
    seen: list[tuple[int, int]] = []

    def watched(fire: Any, block: Neurons, read: Any, cells: Cells, *rest: Any) -> Any:
        tracemalloc.start()
        try:
            found = fire(block, read, cells, *rest)
            seen.append((cells.size * 8, tracemalloc.get_traced_memory()[1]))
        finally:
            tracemalloc.stop()
        return found

    monkeypatch.setattr(mlp, "fire", partial(watched, mlp.fire))
    monkeypatch.setattr(cells_room, "AT_ONCE", 1 << 12)
    assert certificate(hashed(24, 40, 29)).verdict == "proved"
    reads, peak = max(seen)
    assert peak < reads / 2, (reads, peak)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_some_of_what_is_read_shows_what_all_of_it_shows(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few numbers are summed at once, for all values: of one variable, of several, and by steps."""
    so_far = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ), rasp.tokens)
    steps = rasp.map(lambda x, i: round(7 * x) % 3 * i % 5, so_far, rasp.indices)
    models = [hashed(9, 8, 23), raspc.compile(steps, range(3), 5, optimize=2, dtype=dtype, certify=False)]
    whole = [certificate(model).links for model in models]
    cuts: list[int] = []

    def counted(original: Any, seen: Any, width: int) -> Any:
        found = list(original(seen, width))
        cuts.append(len(found))
        return found

    monkeypatch.setattr(added, "NUMBERS", 7)
    monkeypatch.setattr(bounds, "some_at_once", partial(counted, added.some_at_once))
    assert [certificate(model).links for model in models] == whole
    assert max(cuts) > 20


@pytest.mark.parametrize("small", [0, 2000])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.9])
def test_products_with_sparse_matrices(share: float, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows times a matrix, however many of its entries are 0, empty columns among them; a small one is never sparse."""
    monkeypatch.setattr(columns, "SMALL", small)
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(40, 30)) * (rng.random((40, 30)) < share)
    rows = rng.normal(size=(7, 40))
    found = Columns.of(matrix)
    assert (found.whole is None) == (share < 0.5 and not small)
    assert np.allclose(found.times(rows), rows @ matrix, rtol=1e-12, atol=1e-12)
