"""Values as a person types and reads them."""

from __future__ import annotations

import json
import shlex
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc.cli import syntax
from raspc.errors import DoubtfulText, InputError

TOKENS = st.integers() | st.text(min_size=1) | st.sampled_from(["1", "-0", "None", '"', ",", "[", "a b", "1e5", "é"])


@given(TOKENS)
def test_what_is_shown_can_be_typed(token: int | str) -> None:
    """Reading a shown word or integer gives the word or integer back, and never the other of the two."""
    again = syntax.value(syntax.show(token))
    assert (type(again), again) == (type(token), token)


@given(st.lists(TOKENS, max_size=6))
def test_a_shown_vocabulary_can_be_typed(tokens: list[int | str]) -> None:
    """Joined by commas, shown tokens are read back, commas and quotes inside them included; one alone as JSON."""
    text = json.dumps(tokens) if len(tokens) == 1 else ",".join(map(syntax.show, tokens))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoubtfulText)  # a word such as '[a' is one, and a doubtful one
        assert syntax.vocabulary(text) == tokens


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("01", "01"),
        ("1_0", "1_0"),
        ("nan", "nan"),
        ('"3"', "3"),
        ("+", "+"),
    ],
)
def test_numbers_are_json_numbers(text: str, value: object) -> None:
    """What JSON calls a number is a number; all else is a word."""
    assert syntax.value(text) == value
    assert type(syntax.value(text)) is type(value)


@pytest.mark.parametrize("text", ["a,,b", ",", "a,", "[a]", "[[1]]"])
def test_a_faulty_vocabulary_is_refused(text: str) -> None:
    """An empty item, or brackets around what is no array of tokens, is told and not guessed at."""
    with pytest.raises(InputError, match="--vocab"):
        syntax.vocabulary(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a, b", ["a", " b"]), ("a b", ["a b"]), ("[1,2", ["[1", 2]), ('{"a":1}', ['{"a":1}']), ('"a","b', ["a", '"b']),
        ("'a','b'", ["'a'", "'b'"]), ("[1", ["[1"]),
    ],
)  # fmt: skip
def test_a_likely_slip_is_told(text: str, tokens: list[int | str]) -> None:
    """Spaces, quotes and half of an array are read as they stand; a warning says so, and how they are written."""
    with pytest.warns(DoubtfulText, match="--vocab .* says it beyond doubt") as told:
        assert syntax.vocabulary(text) == tokens
    typed = shlex.split(str(told[0].message).rsplit("--vocab ", 1)[1])[0]
    assert syntax.vocabulary(typed) == tokens


@pytest.mark.parametrize("text", ["(,),[,]", "[CLS],a", '"a b",c', "a,'", "{,},a", "it's,b"])
def test_brackets_and_quotes_may_be_tokens(text: str) -> None:
    """No warning, which would be an error here."""
    assert len(syntax.vocabulary(text)) > 1


def test_a_json_array_is_a_vocabulary() -> None:
    """Tokens that commas would break are written as JSON."""
    assert syntax.vocabulary('["[", ",", 3]') == ["[", ",", 3]


def test_a_token_is_found_by_its_letters() -> None:
    """`1` is the number where both are tokens, the word where only the word is."""
    assert syntax.token("1", [1, "1"]) == 1
    assert syntax.token("1", ["1", "2"]) == "1"
    assert syntax.token('"1"', [1, "1"]) == "1"
    assert syntax.token("7", [1, "1"]) == 7


def test_numbers_are_shown_to_six_digits() -> None:
    """The noise of float32 is not shown."""
    assert syntax.show_all([0.33333334, 2.0, None, True, 3]) == "0.333333 2 None True 3"


@pytest.mark.parametrize(("text", "tokens"), [
    ("abc", ["a", "b", "c"]), ("01", [0, 1]), ("(){}", ["(", ")", "{", "}"]), ("aa", ["a", "a"]),
])  # fmt: skip
def test_letters_without_commas_are_tokens_each(text: str, tokens: list[object]) -> None:
    """As `vocab="abc"` in Python; a warning says how one token of several letters is written."""
    with pytest.warns(DoubtfulText, match=r"read as \d tokens, .*for one token of these letters write --vocab '\["):
        assert syntax.vocabulary(text) == tokens


@pytest.mark.parametrize(("text", "tokens"), [
    ("a", ["a"]), ("-1", [-1]), ("0.5", [0.5]), ('["abc"]', ["abc"]), ('"abc"', ["abc"]), ("ab,c", ["ab", "c"]),
])  # fmt: skip
def test_what_is_one_token_or_has_commas_is_read_in_silence(text: str, tokens: list[object]) -> None:
    """Numbers with a sign or a point, quotes, JSON."""
    assert syntax.vocabulary(text) == tokens
