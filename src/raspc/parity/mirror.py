"""A small PyTorch mirror of a model that is known only from its NPZ, and the discovery of its token ids.

The checker of the majority pipeline: it is given the artifacts alone, neither the model nor an export.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from raspc.errors import InputError
from raspc.run import forward as run
from raspc.run.arrays import of_torch
from raspc.run.parts import parts_of
from raspc.run.plain import Array
from raspc.target import PLAIN, Target, Widths

Ids = dict[str, int]

PERMUTATIONS_UP_TO = 6
"""With more tokens than this, their rows are matched on embeddings instead of tried in every order."""

CELLS = 1 << 28
"""How many numbers one run of the mirror may hold at once: 1 GiB of float32."""

WORK = 1 << 40
"""How many multiplications all runs of the mirror together may take: minutes."""

MATCHINGS_UP_TO = 720
"""How many matchings are tried at most; the report then says that the mapping may not be unique."""


@dataclass(frozen=True)
class Inferred:
    """What the mirror needs to know, all of it inferred."""

    n_layers: int
    n_heads: int
    head_dim: int
    d_model: int
    d_mlp: int
    n_ctx: int
    d_vocab: int
    d_vocab_out: int
    causal: bool

    @property
    def target(self) -> Target:
        """The transformer whose shape this is."""
        return PLAIN

    @property
    def buckets(self) -> int:
        """It has no biases by distance."""
        return 0

    @property
    def widths(self) -> tuple[Widths, ...]:
        """The heads and the neurons of each layer."""
        return (Widths(self.n_heads, self.head_dim, self.d_mlp),) * self.n_layers

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """A shape and a mapping under which the mirror gives the reference, or comes nearest to it."""

    shape: Inferred
    token_to_id: Ids
    difference: float
    mappings: int
    """How many mappings of the tokens give the reference."""


def shapes(params: Mapping[str, Array]) -> Iterator[Inferred]:
    """Every shape that the sizes of the arrays allow: head splits and masks, the causal mask first.

    Raises InputError where the arrays are not those of a plain transformer.
    """
    names, first = PLAIN.names, PLAIN.names.layer(0)
    try:
        d_vocab, d_model = params[names.token_embed].shape
        n_ctx = params[names.pos_embed].shape[0]
        width = params[first.query.w].shape[1]
        d_mlp = params[first.linear_1.w].shape[1]
        d_vocab_out = params[names.unembed.w].shape[1]
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(f"the parameters are not those of a plain transformer: {error!r}") from error
    n_layers = next(i for i in itertools.count() if names.layer(i).query.w not in params)
    whole = Inferred(n_layers, 1, width, d_model, d_mlp, n_ctx, d_vocab, d_vocab_out, True)
    if wrong := [name for name, shape in PLAIN.parameters(whole).items() if _shape(params, name) != shape]:
        raise InputError(f"the parameters are not those of a plain transformer: {wrong[0]} has another shape")
    if not all((width, d_model, d_mlp, n_ctx, d_vocab, d_vocab_out)):
        raise InputError("the parameters are not those of a plain transformer: a size is 0")
    for causal, n_heads in itertools.product((True, False), range(1, width + 1)):
        if width % n_heads == 0:
            yield replace(whole, n_heads=n_heads, head_dim=width // n_heads, causal=causal)


def _shape(params: Mapping[str, Array], name: str) -> tuple[int, ...] | None:
    return params[name].shape if name in params else None


class Mirror:
    """The forward pass in PyTorch on the weights of the NPZ."""

    def __init__(self, params: Mapping[str, Array]) -> None:
        import torch

        self.params = {name: torch.tensor(array, dtype=torch.float32) for name, array in params.items()}

    def __call__(self, shape: Inferred, ids: Sequence[int], pad_id: int | None) -> Array:
        """The hidden states [1, position, d_model] after the last layer."""
        import torch

        arrays, rows = of_torch(), torch.tensor([list(ids)])
        padding = torch.zeros_like(rows, dtype=torch.bool) if pad_id is None else rows == pad_id
        parts = parts_of(self.params, shape.target, shape.widths)
        hidden = run.hidden_keys(padding, shape.causal, arrays)
        states: Array = run.trace(parts, rows, hidden, run.how(shape, arrays)).transformer_output.numpy()
        return states


def discover(
    params: Mapping[str, Array], tokens: Sequence[str], vocabulary: Sequence[str], pad: str, reference: Array,
    tolerance: float,
) -> Found:  # fmt: skip
    """The head split, the mask and the row of each word under which the mirror gives the reference.

    All combinations in a fixed order; the first that matches wins, within `tolerance` times the largest
    hidden state (or 1). Without a match, the nearest. Raises InputError where the arrays do not fit each other, the
    words or the reference, or where it would take too long.
    """
    tried = list(shapes(params))
    _check_sizes(tried[0], len(tokens), reference)
    mirror = Mirror(params)
    words = sorted(vocabulary)
    candidates = list(_mappings(params, tokens, words, reference))
    _check_work(tried, len(tokens), len(candidates))
    allowed = tolerance * max(1.0, float(np.abs(reference).max(initial=0.0)))
    nearest: Found | None = None
    for shape in tried:
        found = _try_all(mirror, shape, tokens, pad, reference, candidates, allowed)
        if nearest is None or found.difference < nearest.difference:
            nearest = found
        if found.difference <= allowed:
            return found
    assert nearest is not None  # a positive width has divisors
    return nearest


def _check_sizes(shape: Inferred, length: int, reference: Array) -> None:
    if length > shape.n_ctx:
        raise InputError(f"found {length} tokens for {shape.n_ctx} positions")
    if reference.shape != (needed := (1, length, shape.d_model)):
        raise InputError(f"the reference has shape {reference.shape}, the mirror gives {needed}")


def _check_work(tried: Sequence[Inferred], length: int, mappings: int) -> None:
    """Each run takes every token through every parameter of the layers, and each head through all pairs of tokens."""
    shape, width = tried[0], tried[0].n_heads * tried[0].head_dim
    layer = 4 * shape.d_model * width + 2 * shape.d_model * shape.d_mlp
    heads = sum(length * length * (each.n_heads + width) for each in tried)
    if (cells := length * length * width) > CELLS:
        raise InputError(f"{length} tokens and {width} heads need {cells:.1g} numbers at once, at most {CELLS:.1g}")
    if (work := mappings * shape.n_layers * (len(tried) * length * layer + heads)) > WORK:
        raise InputError(
            f"the search for head split and token ids needs {work:.1g} multiplications, at most {WORK:.1g}"
        )


def _try_all(
    mirror: Mirror, shape: Inferred, tokens: Sequence[str], pad: str, reference: Array,
    candidates: Sequence[Ids], allowed: float,
) -> Found:  # fmt: skip
    differences = [_difference(mirror, shape, tokens, pad, reference, mapping) for mapping in candidates]
    matches = [i for i, difference in enumerate(differences) if difference <= allowed]
    best = matches[0] if matches else int(np.argmin(differences))
    return Found(shape, candidates[best], differences[best], len(matches))


def _difference(
    mirror: Mirror, shape: Inferred, tokens: Sequence[str], pad: str, reference: Array, mapping: Ids
) -> float:
    states = mirror(shape, [mapping[token] for token in tokens], mapping.get(pad))
    with np.errstate(all="ignore"):  # weights may be anything finite, and overflow
        difference = float(np.abs(states - reference).max())
    return difference if difference == difference else math.inf


def _mappings(
    params: Mapping[str, Array], tokens: Sequence[str], words: Sequence[str], reference: Array
) -> Iterator[Ids]:
    """Word → row: every permutation while they are few, else the matchings that embeddings allow."""
    rows = len(params[PLAIN.names.token_embed])
    if rows != len(words):
        raise InputError(f"found {len(words)} words for {rows} rows of the token embedding")
    if rows <= PERMUTATIONS_UP_TO:
        orders: Iterator[tuple[int, ...]] = itertools.permutations(range(rows))
    else:
        orders = itertools.islice(_matchings(_allowed_rows(params, tokens, words, reference)), MATCHINGS_UP_TO)
    found = [dict(zip(words, order, strict=True)) for order in orders]
    if not found:
        raise InputError("no assignment of words to embedding rows fits the reference")
    yield from found


def _allowed_rows(
    params: Mapping[str, Array], tokens: Sequence[str], words: Sequence[str], reference: Array
) -> list[list[int]]:
    """For each word, the rows that agree with the reference where no layer writes.

    There the last hidden state is still token embedding + position embedding.
    """
    kept = _untouched(params)
    table = params[PLAIN.names.token_embed][:, kept]
    states = reference[0][:, kept] - params[PLAIN.names.pos_embed][: len(tokens)][:, kept]
    allowed = []
    for word in words:
        fits = np.ones(len(table), bool)
        for position, token in enumerate(tokens):
            if token == word:
                fits &= np.isclose(table, states[position], atol=1e-4).all(1)
        allowed.append([int(row) for row in fits.nonzero()[0]])
    return allowed


def _untouched(params: Mapping[str, Array]) -> Array:
    """True for the dimensions that no attention and no MLP adds to."""
    written = np.zeros(params[PLAIN.names.token_embed].shape[1], bool)
    layers = next(shapes(params)).widths
    for name in set(PLAIN.writing(layers)) - set(PLAIN.tables()):
        written |= (params[name].reshape(-1, len(written)) != 0).any(0)
    return ~written


def _matchings(allowed: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Every way to give each word a row of its own, the words with the fewest rows first.

    A branch is followed only while Kuhn's algorithm still finds a whole matching below it, so that each step
    leads to one.
    """
    order = sorted(range(len(allowed)), key=lambda word: (len(allowed[word]), word))
    chosen: dict[int, int] = {}

    def extend(depth: int) -> Iterator[tuple[int, ...]]:
        if depth == len(order):
            yield tuple(chosen[word] for word in range(len(order)))
            return
        for row in allowed[order[depth]]:
            if row not in chosen.values():
                chosen[order[depth]] = row
                if _completes(allowed, order[depth + 1 :], set(chosen.values())):
                    yield from extend(depth + 1)
                del chosen[order[depth]]

    if _completes(allowed, order, set()):
        yield from extend(0)


def _completes(allowed: Sequence[Sequence[int]], words: Sequence[int], taken: set[int]) -> bool:
    """True where each of the words can have a row of its own outside `taken`."""
    owner: dict[int, int] = {}

    def place(word: int, seen: set[int]) -> bool:
        for row in allowed[word]:
            if row not in taken and row not in seen:
                seen.add(row)
                if row not in owner or place(owner[row], seen):
                    owner[row] = word
                    return True
        return False

    return all(place(word, set()) for word in words)
