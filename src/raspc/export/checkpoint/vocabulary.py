"""The words of a checkpoint: the text of each token, under the id by which embeddings and logits know it.

The tokens of the program keep their ids. Then come the answers that are no tokens, where the checkpoint is a language
model, and last a word for what is no token of the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from raspc import values
from raspc.errors import InputError
from raspc.target.stock import Stock
from raspc.values import Value

UNKNOWN = "UNK"
"""What stands for text that is no token."""

BRACKETS = (("", ""), ("<", ">"), ("[", "]"), ("<|", "|>"), ("⟨", "⟩"), ("\ue000", "\ue001"))
"""What is put around a special word that could be taken for a part of the program's text, the first that will do."""


@dataclass(frozen=True)
class Vocabulary:
    """`texts[i]` is how the word of id i is written. `bos`, `pad` and `unknown` are the ids of the special words."""

    texts: tuple[str, ...]
    bos: int
    pad: int
    unknown: int

    @property
    def special(self) -> tuple[int, ...]:
        """The ids that no text of the program has."""
        return self.bos, self.pad, self.unknown

    @property
    def plain(self) -> tuple[str, ...]:
        """The texts of all other words, in the order of their ids."""
        return tuple(text for i, text in enumerate(self.texts) if i not in self.special)

    @property
    def is_of_characters(self) -> bool:
        """Whether each word is one character, so that text needs no spaces."""
        return all(len(text) == 1 and not text.isspace() for text in self.plain)


def vocabulary(stock: Stock) -> Vocabulary:
    """The words of a checkpoint, all that are no filling.

    Raises InputError for words of one text, such as 1 and "1", and for a word without a text.
    """
    specials = {stock.bos_id: str(stock.tokens[stock.bos_id]), stock.pad_id: str(stock.tokens[stock.pad_id])}
    specials[stock.unk_id] = UNKNOWN
    plain = [value for i, value in enumerate(stock.tokens) if i not in specials]
    check_texts(plain)
    texts = {i: text_of(value) for i, value in enumerate(stock.tokens)}
    taken = tuple(map(text_of, plain))
    for i, text in specials.items():
        texts[i] = special_text(text, taken)
        taken = (*taken, texts[i])
    return Vocabulary(tuple(texts[i] for i in range(len(texts))), stock.bos_id, stock.pad_id, stock.unk_id)


def text_of(value: Value) -> str:
    """How a value is written in plain text: as `str` writes it, whole numbers without a point."""
    return str(values.whole(values.plain(value)))


def check_texts(words: Iterable[Value]) -> None:
    """Raises InputError where text does not tell the words apart; it names those that it does not."""
    by_text: dict[str, list[Value]] = {}
    for value in words:
        by_text.setdefault(text_of(value), []).append(value)
    if "" in by_text:
        raise InputError(f"the token {by_text[''][0]!r} has no text; compile the program with another token for it")
    if same := next((found for found in by_text.values() if len(found) > 1), None):
        raise InputError(
            f"{' and '.join(map(repr, same))} are different words of equal text, which a tokenizer cannot tell apart; "
            "compile the program with tokens and answers of one type, such as words alone"
        )


def special_text(text: str, taken: Sequence[str]) -> str:
    """A text for a special word that cannot be read in text of the other words: BOS, or <BOS>, or [BOS] …

    Raises InputError where none of these will do.
    """
    for opening, closing in BRACKETS:
        found = opening + text + closing
        held = any(found in word or word == found for word in taken)
        if found and found == found.strip() and not held and not spelled(found, taken):
            return found
    raise InputError(f"the special token {text!r} is spelled by other tokens; compile the program with another one")


def spelled(text: str, words: Sequence[str]) -> bool:
    """Whether a text is a row of words."""
    reached = {0}
    for at in range(len(text)):
        reached |= set(_ends(text, at, words)) if at in reached else set()
    return len(text) in reached


def _ends(text: str, at: int, words: Sequence[str]) -> Iterator[int]:
    return (at + len(word) for word in words if text.startswith(word, at))
