"""Inputs of a model for measured runs: every short one, and random ones of every length."""

from __future__ import annotations

import itertools
import random

from raspc.values import Value
from raspc.weights.config import Config


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
