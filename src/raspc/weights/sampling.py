"""Inputs of a model for measured runs: every short one, and random ones of every length."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from raspc.graph.nodes import Graph
from raspc.graph.permitted import frame_of, sampled, search_of, tokens_of
from raspc.values import Value
from raspc.weights.config import Config
from raspc.weights.model import Model


def inputs_of(model: Model, most: int = 200, seed: int = 0) -> list[list[Value]]:
    """The same of a model: of one that is for some inputs alone, half the first of these, half random ones."""
    if model.program is None or model.program.where.is_everything:
        return inputs(model.config, most, seed)
    first = list(itertools.islice(_first(model.program), most // 2))
    random_ones = tokens_of(sampled(frame_of(model.program), most - most // 2, (seed, 0)), model.program.vocab)
    return [[model.config.bos, *tokens] for tokens in (*first, *random_ones)]


def _first(graph: Graph) -> Iterator[tuple[Value, ...]]:
    """The inputs that counter-examples are looked for on."""
    for batch in search_of(graph).batches:
        yield from tokens_of(batch, graph.vocab)


def inputs(config: Config, most: int = 200, seed: int = 0) -> list[list[Value]]:
    """At most `most` inputs with BOS: half of them the shortest, all in order; half random, of all lengths.

    The same in every process. BOS alone, the input of length 0, is given only where nothing else fits.
    """
    words = [token for i, token in enumerate(config.vocab) if i not in (config.bos_id, config.pad_id)]
    if not words or not config.max_seq_len:
        return [[config.bos]]
    short = itertools.islice(_by_length(words, config.max_seq_len), most // 2)
    found = [[config.bos, *tokens] for tokens in short]
    generator = random.Random(seed)
    for i in range(most - most // 2):
        length = config.max_seq_len if i % 2 == 0 else generator.randint(1, config.max_seq_len)
        found.append([config.bos, *generator.choices(words, k=length)])
    return found


def _by_length(words: list[Value], longest: int) -> itertools.chain[tuple[Value, ...]]:
    return itertools.chain.from_iterable(itertools.product(words, repeat=n) for n in range(1, longest + 1))
