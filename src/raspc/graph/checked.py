"""A usable vocabulary and a usable maximum length: what a compile is given, checked before anything is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from raspc import arguments, rasp
from raspc import values as V
from raspc.errors import InvalidProgram, wrong_kind
from raspc.graph.tabulate import within_floats

VOCABULARY = "the tokens, as a list or a set"


def checked_vocab(vocab: Iterable[Any]) -> tuple[Any, ...]:
    """The tokens in canonical order. Raises InvalidProgram for an empty or ambiguous vocabulary."""
    if isinstance(vocab, rasp.Expr):
        raise wrong_kind("vocab", vocab, VOCABULARY)
    tokens = [V.plain(token) for token in arguments.items("vocab", vocab, VOCABULARY)]
    if not tokens:
        raise InvalidProgram("the vocabulary is empty; give at least one token")
    try:
        distinct = V.canonical(tokens)
    except TypeError as error:
        raise InvalidProgram(f"a token of the vocabulary cannot be hashed: {error}; use strings or numbers") from error
    if len(distinct) < len(tokens):
        twins = [t for i, t in enumerate(tokens) if any(V.same(t, other) for other in tokens[:i])]
        letters = f"; {vocab!r} is a text, each letter of which is a token" if isinstance(vocab, str) else ""
        raise InvalidProgram(
            f"the vocabulary holds equal tokens twice: {twins}; values equal under == are one{letters}"
        )
    within_floats(tokens, "the vocabulary")
    if None in distinct:
        raise InvalidProgram("None is in the vocabulary; None means 'no value' and cannot be a token")
    return distinct


def checked_length(max_seq_len: int) -> int:
    """A usable maximum length, NumPy's integers too. Raises InvalidProgram for one below 1 or beyond LONGEST."""
    found = V.plain(max_seq_len)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise InvalidProgram(f"the maximum length is {max_seq_len!r}; needed an integer of at least 1")
    if found > LONGEST:
        raise InvalidProgram(f"the maximum length is {found:,}; a model takes at most {LONGEST:,} tokens")
    return found


LONGEST = 1 << 20
"""No model is made for longer inputs: what is refused here would fail for want of memory, minutes later."""
