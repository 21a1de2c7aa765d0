"""Values survive JSON, and hostile JSON raises one error."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raspc import jsonvalues
from raspc.errors import ModelFormatError, UnsupportedProgram
from raspc.values import same

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    """Through text and back: the same value, of the same type."""
    back = jsonvalues.decode(jsonvalues.loads(jsonvalues.dumps(jsonvalues.encode(value))))
    assert same(back, value)
    assert repr(back) == repr(value)


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, 1j, b"x", object()])
def test_what_json_lacks_is_refused_by_name(value: object) -> None:
    """A list is no value of RASP, nor are these."""
    with pytest.raises(UnsupportedProgram, match="saving"):
        jsonvalues.encode(value)


@given(JSON)
def test_decode_gives_a_value_or_the_one_error(obj: object) -> None:
    """Whatever a file holds."""
    try:
        value = jsonvalues.decode(obj)
    except ModelFormatError:
        return
    assert same(jsonvalues.decode(jsonvalues.encode(value)), value)


@given(st.binary(max_size=200) | JSON.map(lambda obj: json.dumps(obj).encode()))
def test_loads_agrees_with_json_or_raises_the_one_error(data: bytes) -> None:
    """Strict JSON that we accept means what `json` says it means."""
    try:
        found = jsonvalues.loads(data)
    except ModelFormatError:
        return
    assert found == json.loads(data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "a": 2}', "repeated key"),
        ("[" * 100_000, "nesting"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "nesting"),
        ("NaN", "JSON lacks"),
        ("[-Infinity]", "JSON lacks"),
        ("1e999", "too large"),
        ("9" * 10_000, "not well-formed"),
        ("{", "not well-formed"),
        ("\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "not well-formed"),
        ("", "not well-formed"),
    ],
)
def test_hostile_json_is_named(text: str, words: str) -> None:
    """Each trick gives its own clear message."""
    with pytest.raises(ModelFormatError, match=words):
        jsonvalues.loads(text.encode("latin-1"))


def test_brackets_in_strings_are_not_nesting() -> None:
    """Depth is counted outside strings, escaped quotes included."""
    text = json.dumps(["[" * 1000, '"' + "{" * 1000, "\\"])
    assert jsonvalues.loads(text.encode())[0] == "[" * 1000


def test_infinities_are_tagged() -> None:
    """The file stays JSON that any reader accepts."""
    assert jsonvalues.encode((math.inf, 1)) == {"tuple": [{"float": "inf"}, 1]}
    with pytest.raises(UnsupportedProgram):
        jsonvalues.dumps(math.nan)


@pytest.mark.parametrize("data", [rb'"\ud800"', rb'{"\uDFFF": 1}', rb'["\udc00\ud800"]', rb'"\ud83dx"'])
def test_half_a_character_is_refused(data: bytes) -> None:
    """A surrogate that stands alone could not be printed; a pair of them is one character."""
    with pytest.raises(ModelFormatError, match="not well-formed"):
        jsonvalues.loads(data)
    with pytest.raises(UnsupportedProgram, match="saving"):
        jsonvalues.dumps(json.loads(data))
    assert jsonvalues.loads(jsonvalues.dumps("\U0001f600")) == "\U0001f600"
