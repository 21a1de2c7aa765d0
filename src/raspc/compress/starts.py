"""Where W begins, or ends without training: random, components, singular vectors, live dimensions, readers."""

from __future__ import annotations

import numpy as np
import torch

from raspc.blocks.spaces import Matrix
from raspc.compress.pool import Pool
from raspc.compress.protocol import Protocol
from raspc.compress.readers import by_readers
from raspc.compress.runs import Runs
from raspc.target import READERS, WRITERS
from raspc.weights.model import Model

EXACT = 1e-9
"""A layer loss below this is rounding."""


def start(name: str, pool: Pool, d: int) -> Matrix:
    """The matrix [D, d] of a method that needs no training."""
    return _STARTS[name](pool, d)


def starts(pool: Pool, d: int, seeds: tuple[int, ...], protocol: Protocol) -> Matrix:
    """One W [run, D, d] for each seed.

    Random ones have rows of expected length 1. The other starts are one matrix, moved by `spread` for each seed but 0;
    that of "narrowed" is wider than d.
    """
    size = (pool.model.config.d_model, exact_width(pool, d) if protocol.start == "narrowed" else d)
    drawn = np.stack([np.random.default_rng(seed).normal(size=size) for seed in seeds]) / np.sqrt(d)
    if protocol.start == "random":
        return np.asarray(drawn)
    moved = np.array([seed != 0 for seed in seeds])[:, None, None] * protocol.spread
    found: Matrix = start(protocol.start, pool, size[1])[None] + moved * drawn
    return found


def exact_width(pool: Pool, d: int) -> int:
    """The least width from d on at which `designed` changes no layer's output; else the most that there is."""
    full = pool.model.config.d_model
    rows = pool.some(256)
    for width in range(d, full - 1):
        with torch.no_grad():
            _, layer = Runs.begin(pool, designed(pool, width)[None], Protocol(), torch.float64).losses(rows)
        if float(layer) < EXACT:
            return width
    return full - 1


def states(pool: Pool) -> Matrix:
    """Every state of the compiled stream at a token or BOS: [states, D]."""
    return torch.cat([x[0][pool.tokens] for x in pool.target.stream]).double().numpy()


def principal(pool: Pool, d: int) -> Matrix:
    """The d directions in which visited states are largest; not centred, since W maps without a bias."""
    visited = states(pool)
    values, vectors = np.linalg.eigh(visited.T @ visited / len(visited))
    found: Matrix = vectors[:, np.argsort(-values, kind="stable")[:d]]
    return found * _signs(found)


def singular(pool: Pool, d: int) -> Matrix:
    """The d left singular vectors of all that reads or writes the stream, each map scaled to norm 1."""
    maps = [array / norm for array in maps_of(pool.model) if (norm := np.linalg.norm(array)) > 0]
    u, _, _ = np.linalg.svd(np.hstack(maps), full_matrices=False)
    found: Matrix = u[:, :d]
    return found * _signs(found)


def pruned(pool: Pool, d: int) -> Matrix:
    """A choice of d dimensions: those that vary most in what their readers see. Dead dimensions go first."""
    seen = importance(pool)
    kept = np.sort(np.argsort(-seen, kind="stable")[:d])
    found: Matrix = np.eye(len(seen))[:, kept]
    return found


def designed(pool: Pool, d: int) -> Matrix:
    """Of each variable what is read of it: see `readers`."""
    real = torch.cat([x[0][pool.real] for x in pool.target.stream]).double().numpy()
    return by_readers(pool.model, (real**2).mean(axis=0), d)


def importance(pool: Pool) -> Matrix:
    """[D]: the mean square of a dimension times the squared norm of what reads it; 0 where it is dead."""
    energy: Matrix = (states(pool) ** 2).mean(axis=0)
    read = sum((array**2).sum(axis=1) / max(float((array**2).sum()), 1e-30) for array in maps_of(pool.model)[::2])
    return np.asarray(energy * read)


def maps_of(model: Model) -> list[Matrix]:
    """[D, anything]: what reads the stream at even places, what writes it at odd ones."""
    p, target = model.params, model.config.target
    found: list[Matrix] = []
    readers = [p[target.names.unembed.w]]
    writers = [np.vstack([p[name] for name in target.tables()]).T]
    for layer in target.names.layers(model.config.n_layers):
        readers += [p[getattr(layer, role).w] for role in READERS]
        writers += [p[getattr(layer, role).w].T for role in WRITERS]
    writers += [np.zeros((model.config.d_model, 1))] * (len(readers) - len(writers))
    for read, written in zip(readers, writers, strict=True):
        found += [np.asarray(read, np.float64), np.asarray(written, np.float64)]
    return found


def _signs(vectors: Matrix) -> Matrix:
    """The largest entry of each column is positive, so that machines agree."""
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.where(largest < 0, -1.0, 1.0)


_STARTS = {"pca": principal, "svd": singular, "pruned": pruned, "readers": designed, "narrowed": designed}
