"""From tokens to ids, and from logits to values.

The attribute names are those of Tracr's encoders, which TransformerLens and Tracr's users rely on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from raspc import values
from raspc.errors import InputError
from raspc.run.plain import Array
from raspc.values import Value
from raspc.weights.config import Config

FEW = 16
"""Up to so many logits are compared one by one."""


@dataclass(frozen=True)
class CategoricalEncoder:
    """A bijection between values and ids."""

    values: tuple[Value, ...]
    bos_token: Value = None
    pad_token: Value = None
    enforce_bos: bool = False
    max_seq_len: int | None = None

    @cached_property
    def encoding_map(self) -> Mapping[Value, int]:
        """Value → id."""
        return MappingProxyType(self._raw_ids)

    @cached_property
    def _raw_ids(self) -> dict[Value, int]:
        """The same as a dict, which is looked up faster."""
        return {value: i for i, value in enumerate(self.values)}

    @cached_property
    def _ids(self) -> dict[Value, int]:
        """A second chance for NaN and for tuples that hold one, which a dict of raw values cannot find."""
        return {values.key(value): i for i, value in enumerate(self.values)}

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self.values)

    @property
    def bos_encoding(self) -> int:
        """The id of BOS."""
        return self.encoding_map[self.bos_token]

    @property
    def pad_encoding(self) -> int:
        """The id of PAD."""
        return self.encoding_map[self.pad_token]

    def encode(self, inputs: Sequence[Value]) -> list[int]:
        """The ids of the values.

        Raises InputError for an unknown value and, for a model's input, one that does not open with BOS,
        holds BOS or a token after PAD, or is too long; positions are counted from 0, BOS not counted.
        """
        ids = self._look_up(inputs)
        if self.enforce_bos:
            self._check_input(inputs, ids)
        return ids

    def encode_batch(self, batch: Sequence[Sequence[Value]]) -> npt.NDArray[np.intp] | None:
        """The ids [batch, position], padded to the longest; None where `encode` must look at each input.

        All at once, for the common case: every token is found as it is, and every input is well-formed.
        """
        lengths = np.fromiter(map(len, batch), np.intp, len(batch))
        longest = int(lengths.max(initial=1))
        if lengths.min(initial=1) < 1 or longest > (self.max_seq_len or longest) + 1:
            return None
        tokens = map(self._raw_ids.__getitem__, chain.from_iterable(batch))
        ids = np.full((len(batch), longest), self.pad_encoding)
        try:
            ids[np.arange(longest) < lengths[:, None]] = np.fromiter(tokens, np.intp, int(lengths.sum()))
        except (KeyError, TypeError):
            return None
        is_bos, is_pad = ids == self.bos_encoding, ids == self.pad_encoding
        well_formed = is_bos[:, 0].all() and not is_bos[:, 1:].any() and (is_pad[:, 1:] >= is_pad[:, :-1]).all()
        return ids if well_formed else None

    def decode(self, encodings: Iterable[int]) -> list[Value]:
        """The values of the ids. Raises InputError for an id out of range."""
        ids = [int(i) for i in encodings]
        if unknown := sorted({i for i in ids if not 0 <= i < len(self.values)}):
            raise InputError(f"ids {unknown[:5]}: needed ids from 0 to {len(self.values) - 1}")
        return [self.values[i] for i in ids]

    def _look_up(self, inputs: Sequence[Value]) -> list[int]:
        by_value = self.encoding_map
        try:
            return [by_value[value] for value in inputs]
        except (KeyError, TypeError):
            before = bool(self.enforce_bos and inputs and values.is_same(inputs[0], self.bos_token))
            return [self._find(position - before, value) for position, value in enumerate(inputs)]

    def _find(self, position: int, value: Value) -> int:
        try:
            return self._ids[values.key(values.plain(value))]
        except (KeyError, TypeError):
            raise InputError(
                f"token {value!r} at position {position} is not in the vocabulary; known are {_listed(self.values)}"
            ) from None

    def _check_input(self, inputs: Sequence[Value], ids: list[int]) -> None:
        bos, pad = self.bos_encoding, self.pad_encoding
        if not ids or ids[0] != bos:
            found = repr(inputs[0]) if ids else "nothing"
            raise InputError(f"an input opens with BOS: found {found} first, needed {self.bos_token!r}")
        if ids.count(bos) > 1:
            position = ids.index(bos, 1) - 1
            raise InputError(f"found BOS ({self.bos_token!r}) at position {position}; it stands before position 0 only")
        pads = ids.count(pad)
        if pads and ids[-pads:] != [pad] * pads:
            position = ids.index(pad) - 1
            raise InputError(
                f"found PAD ({self.pad_token!r}) at position {position} before a token; "
                "PAD stands only after the last token"
            )
        if self.max_seq_len is not None and len(ids) > self.max_seq_len + 1:
            raise InputError(
                f"an input of {len(ids) - 1} tokens after BOS is too long: this model takes at most {self.max_seq_len}"
            )


@dataclass(frozen=True)
class NumericalEncoder:
    """The output encoder of a model whose answer is a number: both directions are the identity."""

    def encode(self, inputs: Sequence[Value]) -> list[Value]:
        """The numbers themselves."""
        return list(inputs)

    def decode(self, encodings: Sequence[Value]) -> list[Value]:
        """The numbers themselves."""
        return list(encodings)


def input_encoder(config: Config) -> CategoricalEncoder:
    """Tokens to ids for the inputs of a model."""
    return CategoricalEncoder(config.vocab, config.bos, config.pad, True, config.max_seq_len)


def output_encoder(config: Config) -> CategoricalEncoder | NumericalEncoder:
    """Values to columns for the answers of a model."""
    if config.output.kind == "numerical":
        return NumericalEncoder()
    return CategoricalEncoder(config.output.values)


def decode_logits(
    config: Config, logits: Array, ids: npt.NDArray[np.intp], lengths: npt.NDArray[np.intp] | None = None
) -> list[list[Value]]:
    """The answers to a batch: a list of values for each row of `logits` [batch, position, d_vocab_out].

    BOS where `ids` has BOS, the pad token where it has PAD. `lengths`: how long each list is to be.
    """
    answers = _DECODERS[config.output.kind](config, logits)
    for token_id in (config.bos_id, config.pad_id):
        if np.count_nonzero(stands := ids == token_id):
            answers[stands] = _boxed([config.vocab[token_id]])  # as an array: the token may be a tuple
    if lengths is None:
        return answers.tolist()  # type: ignore[no-any-return]
    kept = answers[np.arange(answers.shape[1]) < lengths[:, None]].tolist()
    ends = zip(np.cumsum(lengths).tolist(), lengths.tolist(), strict=True)
    return [kept[end - length : end] for end, length in ends]


def _decode_categorical(config: Config, logits: Array) -> npt.NDArray[np.object_]:
    return _boxed(config.output.values).take(_greatest(logits))


def _decode_numerical(config: Config, logits: Array) -> npt.NDArray[np.object_]:
    answers = logits[..., 0].astype(np.float64).astype(object)
    if config.output.values:
        indicators = logits[..., 1:]
        special = indicators.max(-1) > 0.5
        answers[special] = _boxed(config.output.values)[_greatest(indicators)[special]]
    return answers


def _greatest(logits: Array) -> npt.NDArray[np.intp]:
    """Where the last axis is greatest: NumPy's argmax, which is slow along a short axis."""
    count = logits.shape[-1]
    if not 1 <= count <= FEW:
        return logits.argmax(-1)  # type: ignore[no-any-return]
    best, places = logits[..., 0], np.zeros(logits.shape[:-1], np.intp)
    for place in range(1, count):
        number = logits[..., place]
        np.putmask(places, number > best, place)
        if place + 1 < count:
            best = np.maximum(best, number)
    return places


_DECODERS = {"categorical": _decode_categorical, "numerical": _decode_numerical}


def _boxed(items: Sequence[Value]) -> npt.NDArray[np.object_]:
    """A one-dimensional array of objects, tuples among them, which NumPy would unpack."""
    boxed = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        boxed[i] = item
    return boxed


def _listed(items: Sequence[Value], most: int = 12) -> str:
    shown = ", ".join(map(repr, items[:most]))
    return shown + (f", … ({len(items)} in all)" if len(items) > most else "")
