"""From what a person gives as `prompts=` to a set of prompts; and texts cut into tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from raspc import rasp
from raspc import values as V
from raspc.errors import InputError, InvalidProgram, wrong_kind
from raspc.graph.nodes import Listed
from raspc.regular.automaton import Automaton, explored, of_inputs
from raspc.regular.expression import automaton_of

Prompts = str | Iterable[Sequence[Any]] | None


def prompts_of(prompts: Any, vocab: tuple[Any, ...], max_len: int) -> tuple[Automaton | None, str]:
    """The prompts as an automaton over a vocabulary in canonical order, None for every input; and in words.

    A text is a regular expression over tokens; an iterable holds the prompts themselves, each as tokens or as a text.

    Raises InvalidProgram for a malformed expression, for prompts that the vocabulary or the length does not allow, and
    where there is none; TypeError for anything else.
    """
    if prompts is None:
        return None, ""
    if isinstance(prompts, str):
        return _not_empty(_of_expression(prompts, vocab), max_len), prompts
    if isinstance(prompts, rasp.Expr) or not isinstance(prompts, Iterable):
        raise wrong_kind("prompts", prompts, "a regular expression, or a list of prompts")
    known = Listed(vocab)
    listed = [_checked(prompt, known, max_len) for prompt in prompts]
    if not listed:
        raise InvalidProgram("prompts: the list is empty; give at least one prompt, or leave prompts out")
    try:
        found = of_inputs(listed, len(vocab))
    except InvalidProgram as error:
        raise InvalidProgram(_named(error)) from None
    return _not_empty(found, max_len), f"one of {len(set(listed)):,} prompts"


def _of_expression(pattern: str, vocab: tuple[Any, ...]) -> Automaton:
    try:
        return automaton_of(pattern, vocab)
    except InvalidProgram as error:
        raise InvalidProgram(_named(error)) from None


def _named(error: InvalidProgram) -> str:
    return "prompts" + str(error).removeprefix("where")


def _not_empty(found: Automaton, max_len: int) -> Automaton:
    """Raises InvalidProgram where no prompt has 1 to `max_len` tokens."""
    if not any(found.sizes(max_len)[1:]):
        raise InvalidProgram(
            f"prompts: no prompt of 1 to {max_len} tokens over this vocabulary; correct the expression or the "
            "vocabulary, or raise the maximum length"
        )
    return found


def _checked(prompt: Any, known: Listed, max_len: int) -> tuple[int, ...]:
    if isinstance(prompt, rasp.Expr) or not isinstance(prompt, Iterable):
        raise wrong_kind("prompts: a prompt", prompt, "a text, or a sequence of tokens")
    try:
        tokens = cut(prompt, known.values) if isinstance(prompt, str) else [V.plain(x) for x in prompt]
        ids = tuple(known.ids(tokens))
    except InputError as error:
        raise InvalidProgram(f"prompts: {error}") from None
    except (KeyError, TypeError):
        raise InvalidProgram(f"prompts: {list(prompt)!r} holds a token that is not in the vocabulary") from None
    if not 1 <= len(ids) <= max_len:
        raise InvalidProgram(f"prompts: {tokens!r} has {len(ids)} tokens; needed 1 to {max_len}")
    return ids


def cut(text: str, vocab: Iterable[Any]) -> list[Any]:
    """The tokens that a text is made of: at each place the longest that fits. Spaces part tokens, if no token has one.

    Raises InputError where none fits, with the place.
    """
    by_text: dict[str, Any] = {}
    for token in vocab:
        by_text.setdefault(str(token), token)
    by_text.pop("", None)
    sizes = sorted({len(word) for word in by_text}, reverse=True)
    parted = not any(" " in word for word in by_text)
    found, place = list[Any](), 0
    while place < len(text):
        if parted and text[place] == " ":
            place += 1
            continue
        size = next((n for n in sizes if text[place : place + n] in by_text), 0)
        if not size:
            raise InputError(
                f"the text {text!r}: no token begins at character {place + 1}, {text[place]!r}; known are "
                f"{', '.join(map(repr, list(by_text)[:20]))}"
            )
        found.append(by_text[text[place : place + size]])
        place += size
    return found


def and_what_follows(prompts: Automaton, stop: int | None) -> Automaton:
    """The inputs that begin a prompt, or go on from one with any tokens but the stop."""
    word = [token != stop for token in range(prompts.n_tokens)]

    def step(state: tuple[int, bool]) -> Iterable[tuple[int, bool] | None]:
        inside, written = state[0], state[1] or (state[0] >= 0 and bool(prompts.accepting[state[0]]))
        moves = prompts.moves[inside].tolist() if inside >= 0 else [-1] * prompts.n_tokens
        for token, after in enumerate(moves):
            on = written and word[token]
            yield (after, on) if after >= 0 or on else None

    return explored((0, False), step, lambda state: True)
