"""A model that writes: the answer at the last token is the next token, until that is the stop.

In float32 each token costs one position (`raspc.run.cached`); in a narrow format the whole input is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count as count_from
from typing import Any

import numpy as np

from raspc import arguments
from raspc import values as V
from raspc.errors import InputError
from raspc.graph.nodes import UNDEFINED, Listed
from raspc.graph.prompts import cut
from raspc.graph.writing import Writing
from raspc.numbers.precision import Precision
from raspc.run.cached import Session
from raspc.run.plain import Array, Ids
from raspc.run.stepping import Growing
from raspc.values import Value
from raspc.weights.model import Model

PROMPT = "a text, or a sequence of tokens"


def generate(model: Model, prompt: str | Sequence[Value], max_new_tokens: int | None = None) -> list[Value]:
    """What the model writes after a prompt: its tokens, the stop included; at most `max_new_tokens`.

    `prompt`: tokens without BOS, or a text that is cut into tokens, at each place the longest that fits.

    Raises InputError for a prompt that the model is not for, one without a token, an answer that does not stop at the
    greatest length, and a model that was not compiled with generate=True.
    """
    return list(stream(model, prompt, max_new_tokens))


def stream(model: Model, prompt: str | Sequence[Value], max_new_tokens: int | None = None) -> Iterator[Value]:
    """The same, each token as soon as it is written. Raises as `generate` does; for a bad prompt before the first."""
    writing = writing_of(model)
    limit = _limit_of(max_new_tokens)
    ids = _checked(model, [prompt])
    return _streamed(model, writing, ids, limit)


def generate_batch(
    model: Model, prompts: Sequence[str | Sequence[Value]], max_new_tokens: int | None = None
) -> list[list[Value]]:
    """What the model writes after each of the prompts. Raises as `generate` does, and says for which prompt."""
    writing, limit = writing_of(model), _limit_of(max_new_tokens)
    ids = _checked(model, list(arguments.items("prompts", prompts, "a list of prompts")))
    found: list[list[Value]] = [[] for _ in ids]
    by_length: dict[int, list[int]] = {}
    for row, one in enumerate(ids):
        by_length.setdefault(len(one), []).append(row)
    for rows in by_length.values():
        for row, token in _written(model, writing, np.array([ids[row] for row in rows], np.intp), limit):
            found[rows[row]].append(token)
    return found


def writing_of(model: Model) -> Writing:
    """What the model goes on from, and where it stops. Raises InputError for one that does not write."""
    if model.writing is None:
        raise InputError("the model does not write; compile its program with generate=True")
    return model.writing


def tokens_of(model: Model, prompt: Any, name: str = "prompt") -> list[Value]:
    """The tokens of a prompt, without BOS. Raises InputError for a text that is not made of tokens."""
    if isinstance(prompt, str):
        marks = (model.config.bos_id, model.config.pad_id)
        return cut(prompt, [value for i, value in enumerate(model.config.vocab) if i not in marks])
    tokens = [V.plain(token) for token in arguments.items(name, prompt, PROMPT)]
    return tokens[1:] if tokens and V.is_same(tokens[0], model.config.bos) else tokens


def _checked(model: Model, prompts: Sequence[Any]) -> list[list[int]]:
    """The ids of prompts, BOS in front. Raises InputError for one that the model is not for."""
    found, writing, known = [], writing_of(model), model.as_written.tokens
    for i, prompt in enumerate(prompts):
        try:
            tokens = tokens_of(model, prompt)
            if not tokens:
                raise InputError("the prompt is empty; give at least one token")
            found.append(model.input_encoder.encode([model.config.bos, *tokens]))
            _check_whole(writing, known, tokens)
        except InputError as error:
            _check_permitted(model, found, len(prompts))
            raise _told(i, len(prompts), error) from None
    _check_permitted(model, found, len(prompts))
    return found


def _check_permitted(model: Model, ids: list[list[int]], count: int) -> None:
    """Raises InputError for the first of some prompts that the domain does not permit; all are asked in one call."""
    longest = max(map(len, ids), default=0)
    padded = np.array([[*row, *[model.config.pad_id] * (longest - len(row))] for row in ids], np.intp)
    try:
        model.check_domain(padded.reshape(len(ids), longest))
    except InputError:
        for i, row in enumerate(ids):
            try:
                model.check_domain(np.array([row]))
            except InputError as error:
                raise _told(i, count, error) from None


def _told(place: int, count: int, error: InputError) -> InputError:
    return InputError(f"prompt {place}: {error}" if count > 1 else str(error))


def _check_whole(writing: Writing, known: Listed, tokens: Sequence[Value]) -> None:
    """Raises InputError for what only begins a prompt: there the program's answers are not meant to be tokens."""
    if writing.prompts is None:
        return
    ids = np.array([list(known.ids(tokens))], np.int32)
    states = writing.prompts.states(ids, np.array([len(tokens)], np.int64))
    if not (writing.prompts.accepting[states] & (states >= 0)).any():
        raise InputError(f"the prompt {list(tokens)!r} is not whole: it only begins a prompt of {writing.written}")


def _limit_of(max_new_tokens: Any) -> int | None:
    if max_new_tokens is not None and (not isinstance(max_new_tokens, int | np.integer) or max_new_tokens < 1):
        raise InputError(f"max_new_tokens is {max_new_tokens!r}; needed a whole number of at least 1, or None")
    return None if max_new_tokens is None else int(max_new_tokens)


def _streamed(model: Model, writing: Writing, ids: list[list[int]], limit: int | None) -> Iterator[Value]:
    if model.precision.narrow:
        yield from (token for _, token in _written(model, writing, np.array(ids, np.intp), limit))
        return
    growing, token_of, stop = Growing.by(model.steps), model.token_of, _stop_id(model, writing)
    logits = growing.feed(ids[0])
    for count in count_from(1):
        token = int(token_of[logits.argmax()])
        if token < 0:
            _decoded(model, logits[None], token_of)
        yield model.config.vocab[token]
        if token == stop or count == limit:
            return
        if growing.filled == model.config.n_ctx:
            raise _endless(model, count)
        logits = growing.feed((token,))


def _written(model: Model, writing: Writing, ids: Ids, limit: int | None) -> Iterator[tuple[int, Value]]:
    """(which prompt, the next token), for prompts [batch, position] of one length, one token of each after another."""
    alive, feed = np.arange(len(ids)), engine_of(model)
    token_of, stop, room = model.token_of, _stop_id(model, writing), model.config.n_ctx
    new, length, count = ids, ids.shape[1], 0
    while len(alive) and count != limit:
        if length > room:
            raise _endless(model, count)
        after = _decoded(model, feed(new, alive), token_of)
        for row, token in zip(alive.tolist(), after.tolist(), strict=True):
            yield row, model.config.vocab[token]
        going = after != stop
        new, alive = after[going][:, None], (alive if going.all() else alive[going])
        length, count = length + 1, count + 1


def _endless(model: Model, count: int) -> InputError:
    return InputError(
        f"no stop within the {model.config.max_seq_len} tokens that the model was compiled for; pass max_new_tokens, "
        f"here {count} at most, give a shorter prompt, or compile it with a greater max_seq_len"
    )


Feed = Callable[[Ids, Ids], Array]
"""From new ids [batch, position] of the prompts that are left, by their places, to logits [batch, d_vocab_out]."""


def engine_of(model: Model) -> Feed:
    """How a model runs further tokens: with what it keeps of earlier ones, or over all of them again."""
    return _again(model, model.precision) if model.precision.narrow else _kept(model)


def _kept(model: Model) -> Feed:
    session, held = Session(model.fast), np.zeros(0, np.intp)

    def feed(ids: Ids, rows: Ids) -> Array:
        nonlocal held
        if session.filled and len(rows) < len(held):
            session.keep(np.flatnonzero(np.isin(held, rows)))
        held = rows
        return session.feed(ids)[:, :, -1].T

    return feed


def _again(model: Model, precision: Precision) -> Feed:
    so_far: dict[int, list[int]] = {}

    def feed(ids: Ids, rows: Ids) -> Array:
        for row, new in zip(rows.tolist(), ids.tolist(), strict=True):
            so_far.setdefault(row, []).extend(new)
        whole = np.array([so_far[row] for row in rows.tolist()], np.intp)
        return model.logits(whole)[:, -1]

    return feed


def _stop_id(model: Model, writing: Writing) -> int:
    return UNDEFINED - 1 if writing.stop is None else model.tokens.id(writing.stop)


def _decoded(model: Model, logits: Array, token_of: Ids) -> Ids:
    """The ids of the next tokens [batch]. Raises InputError for an answer that is no token."""
    if model.config.output.kind != "categorical":
        raise InputError("the program answers with a number that is not listed; let it give tokens of the vocabulary")
    answers = logits.argmax(axis=-1)
    found: Ids = token_of[answers]
    if (found < 0).any():
        said = model.config.output.values[int(answers[int((found < 0).argmax())])]
        raise InputError(f"the program answers {said!r} here, which is no token; give a prompt that it is for")
    return found
