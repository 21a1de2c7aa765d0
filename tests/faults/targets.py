"""Faults of what makes a stock model of a plain one: norms, constants, activations, heads, positions, exits, text."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.faults.records import Patch

from raspc.export.checkpoint import tokenizer, writing
from raspc.graph.selectors import FALSE
from raspc.stock import convert, exits, model, multiplying, naming, parts, placing
from raspc.stock.frame import NULL, Frame
from raspc.stock.plainly import Map


def _changed(owner: Any, name: str, change: Any) -> Patch:
    """What a function gives, changed; `change` takes that, and what the function was given."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        sound = getattr(owner, name)
        patch.setattr(owner, name, lambda *given, **named: change(sound(*given, **named), *given))

    return plant


def _set(array: Any, where: Any, value: Any) -> Any:
    found = np.array(array)
    found[where] = value
    return found


def _embedding(change: Any) -> Patch:
    return _changed(Frame, "embedding", lambda rows, frame, x: change(np.array(rows), frame, x))


def _without_constants(rows: Any, frame: Frame, _: Any) -> Any:
    """Nothing keeps the norm still."""
    rows[:, frame.held :] = 0.0
    return rows


def _one_sided(rows: Any, frame: Frame, _: Any) -> Any:
    """The constants have a mean of their own."""
    constants = slice(frame.own, frame.own + len(frame.constants))
    rows[:, constants] = np.abs(rows[:, constants])
    return rows


def _uneven(rows: Any, frame: Frame, _: Any) -> Any:
    """The constants of one token are half as large, so that its keys tie with no others."""
    rows[0, frame.own : frame.own + len(frame.constants)] /= 2
    return rows


def _unread(found: Any, frame: Frame, *_: Any) -> Any:
    """The mean is taken out of no read."""
    return _set(found, frame.null, 0.0) if frame.kind == NULL else found


def _bias_again(found: Any, frame: Frame, b: Any) -> Any:
    """What is read of the constant, once more."""
    more = np.zeros_like(found)
    place = frame.held if frame.kind == NULL else frame.held + frame._of_biases
    more[place] = found[place]
    return more


def _gain(found: Any, *_: Any) -> Any:
    """Each gain of a norm is twice what it should be."""
    for name, array in found:
        yield name, 2 * array if name.endswith("weight") else array


def _layer(change: Any) -> Patch:
    """One layer of the parts, with its gate, changed."""
    return _changed(parts, "_neurons", lambda made, *_: change(*made))


def _swapped(found: Map, maps: list[Map], how: str, n_heads: int) -> Map:
    """Query, key and value in another order."""
    width = len(found.w)
    if how == "side by side":
        q, k, v = np.split(found.w, 3, axis=1)
        return Map(np.hstack([q, v, k]), found.b)
    w = found.w.reshape(width, n_heads, 3, -1)[:, :, [0, 2, 1]]
    return Map(w.reshape(width, -1), found.b)


def _next_column(found: exits.Exit, *_: Any) -> exits.Exit:
    """Each logit stands in the column of the next answer."""
    w, b = found.head
    columns = [answer.column for answer in found.answers]
    turned = np.roll(columns, 1)
    head = Map(np.array(w), np.array(b))
    head.w[:, columns], head.b[columns] = w[:, turned], b[turned]
    return found._replace(head=head)


CERTIFIED: Mapping[str, tuple[tuple[str, ...], Patch]] = {
    "a gain of a norm": (("llama", "gpt2", "bert"), _changed(naming, "_norm", _gain)),
    "no constants": (("llama", "gpt2"), _embedding(_without_constants)),
    "constants of one sign": (("gpt2", "bert"), _embedding(_one_sided)),
    "keys of different norm": (("llama", "gpt2"), _embedding(_uneven)),
    "a mean that is read": (("gpt2", "gpt_neox"), _changed(Frame, "read", _unread)),
    "a constant that is read twice": (
        ("llama", "gpt2"), _changed(Frame, "read", lambda found, frame, w, b: found + _bias_again(found, frame, b)),
    ),
    "a sharpness that is not given back": (
        ("llama", "gpt2"), _layer(lambda read, gate, back: (read, gate, replace_map(back, -4.0))),
    ),
    "a gate that is shut": (
        ("llama", "gemma"), _layer(lambda read, gate, back: (read, replace_map(gate, 0.0), back)),
    ),
    "pairs that turn": (("llama", "mistral"), _changed(parts, "slots_of", lambda cut, family, own, d: slice(0, own))),
    "queries and values in another order": (("gpt2", "gpt_neox"), _changed(naming, "fused", _swapped)),
    "another answer": (("llama", "gpt2", "bert"), _changed(Frame, "read", lambda found, frame, w, b: found[:, ::-1])),
}  # fmt: skip
"""By name: the families that show it, and how it is planted. The certificate of the sound compiler refuses each."""


def _unmirrored(rows: Any, frame: Frame, x: Any) -> Any:
    """The numbers of tokens stand in one half alone, and so they have a mean."""
    rows[:, frame.half : frame.half + frame.held] = 0.0
    return rows


def _off_balance(rows: Any, frame: Frame, _: Any) -> Any:
    """Constants have the same sign in both halves."""
    start, k = frame.held, len(frame.constants)
    rows[:, frame.half + start : frame.half + start + k] = frame.constants
    return rows


def _of_one_half(found: Any, frame: Frame, *_: Any) -> Any:
    """A read takes all of one side, with which it takes the mean."""
    return np.vstack([2 * found[: frame.half], 0 * found[frame.half :]])


def _written_once(found: Any, frame: Frame, *_: Any) -> Any:
    """What is added to the stream is added to one half."""
    found[:, frame.half :] = 0.0
    return found


MIRRORED: Mapping[str, tuple[tuple[str, ...], Patch]] = {
    "tokens in one half": (("gpt2", "bert"), _embedding(_unmirrored)),
    "constants of one sign": (("gpt2", "gpt_neox"), _embedding(_off_balance)),
    "keys of different norm": (("gpt2", "bert"), _embedding(_uneven)),
    "no constants": (("gpt2", "opt"), _embedding(_without_constants)),
    "a read of one half": (("gpt2", "bert"), _changed(Frame, "read", _of_one_half)),
    "what is written to one half": (("gpt2", "opt"), _changed(Frame, "written", _written_once)),
    "a gain of a norm": (("gpt2", "bert"), _changed(naming, "_norm", _gain)),
    "constants that are too small": (("gpt2", "bert"), _changed(model, "scale_of", lambda *_: 2.0)),
}  # fmt: skip
"""The same of mirrored frames, which narrow formats have."""


def _ids(change: Any) -> Patch:
    """Words of a tokenizer, with the ids that they have in its file, changed."""
    from tokenizers import models

    return lambda patch: patch.setattr(models, "WordLevel", _other_words(models.WordLevel, change))


def _other_words(sound: Any, change: Any) -> Any:
    return lambda vocab, **named: sound(change(vocab), **named)


def _swapped_words(vocab: dict[str, int]) -> dict[str, int]:
    """Two words have each the id of the other."""
    one, other = list(vocab)[:2]
    return vocab | {one: vocab[other], other: vocab[one]}


def _shifted_ids(vocab: dict[str, int]) -> dict[str, int]:
    """Each word has the id of the next."""
    return {text: (i + 1) % len(vocab) for text, i in vocab.items()}


def _texts(change: Any) -> Patch:
    """The words of a vocabulary, changed before there is a tokenizer."""

    def given(found: Any, stock: Any) -> Any:
        texts = change(found.texts, stock)
        return replace(found, texts=texts, unknown=len(texts) - 1)

    return _changed(writing, "vocabulary", given)


TOKENIZERS: Mapping[str, Patch] = {
    "two words swapped in the file": _ids(_swapped_words),
    "each word with the id of the next": _ids(_shifted_ids),
    "a word that is missing": _ids(lambda vocab: dict(list(vocab.items())[1:])),
    "an added answer that is missing": _texts(lambda texts, stock: (*texts[: stock.n_inputs], *texts[-1:])),
    "two words swapped": _texts(lambda texts, stock: (texts[1], texts[0], *texts[2:])),
    "no BOS in front": _changed(tokenizer, "tokenizer", lambda made, words: _without_bos(made)),
}
"""Of tokenizers the export itself knows: it reads its file as others do, before anything is written."""


def _without_bos(made: Any) -> Any:
    """A text begins with its first word."""
    from tokenizers import processors

    made.post_processor = processors.TemplateProcessing(single=["$A"], pair=["$A", "$B"], special_tokens=[])
    return made


counting = importlib.import_module("raspc.passes.count_positions")


def _off_by_one(sound: Any) -> Any:
    """The table of counts, read one place further on: a position is the number of keys that it sees."""
    return lambda domain, args, cells: sound(
        domain=domain, args=args, cells=np.minimum(cells + 1, len(domain) - 1).astype(np.int32)
    )


COUNTED: Mapping[str, Patch] = {
    "a position that is off by one": lambda patch: patch.setattr(counting, "Table", _off_by_one(counting.Table)),
    "counts that start at 0": lambda patch: patch.setattr(
        counting, "Listed", lambda values, sound=counting.Listed: sound(tuple(value - 1 for value in values))
    ),
    "a count of no keys": lambda patch: patch.setattr(counting, "TRUE", FALSE),
}
"""Of positions that are counted."""


def _pairs(change: Any) -> Patch:
    """What queries and keys read in pairs that turn, changed; `change` takes both and the rotation."""
    return _changed(parts, "pairs_of", lambda made, turned, rotation, *_: change(*made, rotation))


def _another_pair(query: Any, key: Any, rotation: Any) -> Any:
    """The next slower pair in place of each."""
    half = rotation.d_head // 2
    for array in (query, key):
        for cut in (slice(0, rotation.turning), slice(half, half + rotation.turning)):
            array[:, cut] = np.roll(array[:, cut], 1, axis=1)
    return query, key


def _turned_on(query: Any, key: Any, rotation: Any) -> Any:
    """Queries look for the key one position further back."""
    half, sound = rotation.d_head // 2, np.array(query)
    for i, angle in enumerate(rotation.frequencies[: rotation.turning]):
        query[:, i] = np.cos(angle) * sound[:, i] + np.sin(angle) * sound[:, half + i]
        query[:, half + i] = np.cos(angle) * sound[:, half + i] - np.sin(angle) * sound[:, i]
    return query, key


def _scaled(factor: float) -> Patch:
    """Turning pairs of queries, times a factor."""

    def change(query: Any, key: Any, rotation: Any) -> Any:
        query[:, : rotation.turning] *= factor
        return query, key

    return _pairs(change)


TURNED: Mapping[str, Patch] = {
    "another pair": _pairs(_another_pair),
    "the other sign": _pairs(lambda query, key, rotation: (query, -key)),
    "one position further back": _pairs(_turned_on),
    "pairs that are too weak": _scaled(2.0**-12),
    "pairs that turn the other way": _pairs(
        lambda query, key, rotation: (np.roll(query, rotation.d_head // 2, axis=1), key)
    ),
    "a base that turns what is to stand still": _changed(
        parts, "rotation_of", lambda found, *_: found and replace(found, theta=1e4)
    ),
}  # fmt: skip
"""Faults of heads that tell positions by turning; each shows in `induction`, which shifts and ranks."""


def _gated(**changes: Any) -> Patch:
    """Gated neurons that multiply, changed where the converter makes them of what the plan says."""
    return _changed(
        multiplying, "_gated",
        lambda one, *_: replace(one, **{name: change(getattr(one, name)) for name, change in changes.items()}),
    )  # fmt: skip


MULTIPLIED: Mapping[str, Patch] = {
    "a product that is written twice": _gated(out=lambda out: 2 * out),
    "a gate of the other sign": _gated(gate=lambda gate: -gate),
    "a gate that is off by a fifth": _gated(gate=lambda gate: 1.2 * gate),
    "a factor that is 1 more": _gated(times_bias=lambda bias: bias + 1.0),
    "nothing to multiply with": _gated(times=lambda times: 0 * times),
}
"""Faults of gated neurons; each shows in a product of two digits."""


def _placed(change: Any) -> Patch:
    """The heads and neurons that make positions, changed; `change` takes the layers, the biases, and what was made."""

    def changed(found: Any, *_: Any) -> Any:
        layers = [type(layer)(*(Map(np.array(w), np.array(b)) for w, b in layer)) for layer in found.layers]
        biases = np.array(found.placing.biases)
        given = change(layers, biases, found)
        placing = replace(found.placing, biases=biases if given is None else given)
        return replace(found, layers=tuple(layers), placing=placing)

    return _changed(placing, "placed", changed)


def _in_first(role: str, where: Any, value: float, bias: bool = False) -> Patch:
    """One weight of the first layer; `where`: what it is of what was made."""

    def change(layers: Any, biases: Any, made: Any) -> None:
        map_ = getattr(layers[0], role)
        (map_.b if bias else map_.w)[where(made)] = value

    return _placed(change)


def _head(made: Any) -> int:
    """The first column of the first head that tells a digit."""
    return int(made.own_heads * made.d_head)


def _later(layers: Any, biases: Any, made: Any) -> None:
    """Heads write in the second layer what they do in the first."""
    for role in ("value", "linear"):
        mine, theirs = getattr(layers[1], role), getattr(layers[0], role)
        cut = (slice(None), slice(_head(made), None)) if role == "value" else slice(_head(made), None)
        mine.w[cut] = theirs.w[cut]


def _of_program(layers: Any, biases: Any, made: Any) -> None:
    """The first head of the program has biases as well."""
    biases[:, 0] = biases[:, -1]


BIASED: Mapping[str, Patch] = {
    "biases that are too small": _placed(lambda layers, biases, made: biases / 16),
    "the other sign": _placed(lambda layers, biases, made: -biases),
    "the next bucket": _placed(lambda layers, biases, made: np.roll(biases, 1, axis=0)),
    "another head": _placed(lambda layers, biases, made: np.roll(biases, -1, axis=1)),
    "biases of a head of the program": _placed(_of_program),
    "no biases": _placed(lambda layers, biases, made: 0 * biases),
    "later keys are seen": _placed(
        lambda layers, biases, made: biases * (np.arange(len(biases)) < len(biases) // 2)[:, None]
    ),
    "BOS is not raised": _in_first("key", lambda made: (made.bos, _head(made)), 0.0),
    "BOS is moved as a token": _in_first("value", lambda made: (made.bos, _head(made)), 0.0),
    "keys of tokens differ": _in_first("key", lambda made: (0 if made.bos else 1, _head(made)), 512.0),
    "a digit that counts twice": _placed(
        lambda layers, biases, made: layers[0].linear.w.__setitem__(_head(made), 2 * layers[0].linear.w[_head(made)])
    ),
    "a bend at another place": _in_first("linear_1", lambda made: made.placing.start, -2.5, bias=True),
    "a bend that counts twice": _placed(
        lambda layers, biases, made: layers[0].linear_2.w.__setitem__(
            made.placing.start, 2 * layers[0].linear_2.w[made.placing.start]
        )
    ),
    "heads that write in the second layer": _placed(_later),
}  # fmt: skip
"""Faults of heads and neurons that make positions by biases; each shows in `shift_by`."""

CHECKED: Mapping[str, tuple[tuple[str, ...], Patch]] = {
    "the next token as the answer": (("llama", "gpt2"), _changed(exits, "lm", _next_column)),
    "the next label as the answer": (("bert",), _changed(exits, "labels", _next_column)),
}
"""Of exits no certificate knows anything: `raspc parity` runs the checkpoint, and finds them."""


def unsharp(patch: pytest.MonkeyPatch) -> None:
    """Steps are no steps."""
    patch.setattr(convert, "SHARPNESSES", (2.0**-2,))


def replace_map(map_: Map, factor: float) -> Map:
    """A map times a factor."""
    return Map(factor * map_.w, map_.b)
