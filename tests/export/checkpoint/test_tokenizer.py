"""Plain text becomes the ids of the program's tokens, whichever library reads the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.export.checkpoint.stocks import stock

from raspc.errors import InputError
from raspc.export.checkpoint import tokenizer
from raspc.export.checkpoint.vocabulary import Vocabulary, special_text, spelled, vocabulary

pytest.importorskip("tokenizers")

WORDS = st.text(st.sampled_from("ab10+* .\\é\n−"), min_size=1, max_size=3)


def words_of(*tokens: Any) -> Vocabulary:
    """The words of a model with such tokens."""
    return vocabulary(stock(tokens))


def encoded(words: Vocabulary, text: str) -> list[str]:
    """The words in a text, by the library `tokenizers`."""
    found: list[str] = tokenizer.tokenizer(words).encode(text).tokens
    return found


@pytest.mark.parametrize(
    ("tokens", "text", "expected"),
    [
        ("ab", "abba", "abba"),
        ("ab", " a b\nb  a ", "abba"),
        ((1, 0, 10), "10 1 0 101", [10, 1, 0, 10, 1]),
        (("two words", "two", "*"), "two*two words", ["two", "*", "two words"]),
        (("a", "\n"), "a\n a", ["a", "\n", "a"]),
        ((0.5, None, True, ("x", 1)), "None ('x', 1)0.5True", [None, ("x", 1), 0.5, True]),
        ((".", "$", "^", "a|b"), ".a|b^ $", [".", "a|b", "^", "$"]),
    ],
)
def test_text_is_split_into_tokens(tokens: Any, text: str, expected: Any) -> None:
    """With BOS in front; the longest word that fits is taken, and white space that is no word parts words."""
    words = words_of(*tokens)
    assert encoded(words, text) == ["BOS", *map(str, expected)]


def test_what_is_no_token_is_unknown() -> None:
    """And it does not swallow its neighbours."""
    assert encoded(words_of("a", "b"), "a?b xx") == ["BOS", "a", "UNK", "b", "UNK"]


@given(st.lists(WORDS, min_size=1, max_size=6, unique=True), st.data())
def test_words_with_spaces_between_come_back(tokens: list[str], data: st.DataObject) -> None:
    """For any tokens none of which spans a space with others: their texts, parted by spaces, are their ids again."""
    tokens = [token for token in tokens if not any(map(str.isspace, token))] or ["a"]
    words = words_of(*tokens)
    chosen = data.draw(st.lists(st.sampled_from(tokens), max_size=8))
    assert encoded(words, " ".join(chosen)) == [words.texts[words.bos], *chosen]


@given(st.lists(st.sampled_from("ab 01\n"), min_size=1, unique=True), st.data())
def test_characters_need_no_spaces(tokens: list[str], data: st.DataObject) -> None:
    """A text of tokens of one character is these tokens; where none is white space it is decoded as it was."""
    words = words_of(*tokens)
    text = "".join(data.draw(st.lists(st.sampled_from(tokens), max_size=8)))
    assert encoded(words, text)[1:] == list(text)
    if words.is_of_characters:
        built = tokenizer.tokenizer(words)
        assert built.decode(built.encode(text).ids) == text


def test_equal_texts_are_refused_with_the_remedy() -> None:
    """Such as 1 and "1"; a token without a text as well."""
    with pytest.raises(
        InputError, match=r"1 and '1' are different words of equal text.*tokens and answers of one type"
    ):
        words_of(1, "1")
    with pytest.raises(InputError, match="'' has no text"):
        words_of("a", "")


def test_special_words_cannot_be_read_in_text() -> None:
    """Where other tokens spell BOS, or hold it, it is written in brackets; where these are spelled too, in others."""
    assert words_of(*"BOSX").texts[4] == "<BOS>"
    assert words_of("BOSS").texts[1] == "<BOS>"
    assert words_of(*"BOS<>").texts[5] == "[BOS]"
    assert encoded(words_of(*"BOSX"), "BOS")[1:] == ["B", "O", "S"]
    with pytest.raises(InputError, match="'BOS' is spelled by other tokens"):
        special_text("BOS", tuple("BOS<>[]|⟨⟩\ue000\ue001"))


@given(st.text("ab", max_size=6), st.lists(st.text("ab", min_size=1, max_size=3)))
def test_spelled_is_what_a_search_finds(text: str, words: list[str]) -> None:
    """Against all ways to begin with one of the words."""

    def search(rest: str) -> bool:
        return not rest or any(search(rest[len(word) :]) for word in words if rest.startswith(word))

    assert spelled(text, words) == search(text)


def test_transformers_reads_the_files(tmp_path: Path) -> None:
    """`AutoTokenizer` gives the same ids, pads and decodes; the files alone are enough."""
    transformers = pytest.importorskip("transformers")
    words = words_of("a", "b", "+")
    for name, data in tokenizer.files(words, 7, "left").items():
        (tmp_path / name).write_bytes(data)
    auto = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert auto("a+b")["input_ids"] == [3, 0, 2, 1] == tokenizer.tokenizer(words).encode("a + b").ids
    batch = auto(["a", "ab"], padding=True)
    assert batch["input_ids"] == [[4, 3, 0], [3, 0, 1]]
    assert batch["attention_mask"] == [[0, 1, 1], [1, 1, 1]]
    assert auto.decode([3, 0, 2, 1], skip_special_tokens=True) == "a+b"
    assert (auto.bos_token, auto.pad_token, auto.unk_token) == ("BOS", "PAD", "UNK")
    assert auto.model_max_length == 7 and auto.is_fast and len(auto) == len(words.texts)


def test_answers_have_words_too() -> None:
    """Behind those of the program; what is unknown comes last."""
    words = vocabulary(stock((1, "a"), added=(None, 2)))
    assert words.texts == ("1", "a", "BOS", "PAD", "None", "2", "UNK")
    with pytest.raises(InputError, match="1 and '1' are different words"):
        vocabulary(stock((1, "a"), added=("1",)))


def test_the_files_are_data() -> None:
    """JSON, the same bytes each time."""
    words = words_of("a", "b")
    one, other = (tokenizer.files(words, 7) for _ in range(2))
    assert one == other and all(json.loads(data) for data in one.values())
