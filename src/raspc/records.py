"""Records: frozen data with a schema, which a file holds as JSON.

A record is checked once, where it is read (`from_json`); the code then reads typed attributes. Its subscripts are those
of the JSON object that stands for it, `record["name"]`, and give JSON data.
"""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from functools import cache
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from raspc.errors import ModelFormatError

LARGEST = 2**31 - 1
"""No count in a file may exceed what every framework can index."""

MOST_WORDS = 200
"""A message about a file is cut here: a stranger chose the names in it."""

Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Stage = Annotated[int, Meta(ge=-1, le=LARGEST)]
"""2·layer is after attention, 2·layer + 1 after the MLP, −1 the embedding."""
Span = tuple[Count, Count]
"""A half-open range."""

_FAULT = re.compile(r"(?P<words>.*?)(?: - at (?P<place>.*))?", re.DOTALL)


class Record(Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """Frozen data. Two records are equal, and a record equals a mapping, if their JSON forms are.

    A field whose default is None or empty is left out of the JSON form while it has that default.
    """

    @classmethod
    def from_json(cls, obj: Any, where: str) -> Self:
        """The record of a JSON object.

        `where`: what messages call the object. Raises ModelFormatError that names the place of the first fault in it.
        """
        try:
            return msgspec.convert(obj, cls)
        except (msgspec.ValidationError, ModelFormatError) as error:
            raise ModelFormatError(told(str(error), where)) from error

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data: objects, lists, strings and numbers."""
        config = self.__struct_config__
        tag = {} if config.tag_field is None else {config.tag_field: config.tag}
        values = ((field, getattr(self, field.name)) for field in _fields(type(self)))
        return tag | {field.encode_name: _plain(value) for field, value in values if not _left_out(field, value)}

    def __getitem__(self, name: str) -> Any:
        return self.to_json()[name]

    def __contains__(self, name: object) -> bool:
        return name in self.to_json()

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_json())

    def __len__(self) -> int:
        return len(self.to_json())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping):
            return self.to_json() == dict(other)
        return self.to_json() == other.to_json() if isinstance(other, type(self)) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def get(self, name: str, default: Any = None) -> Any:
        """What the JSON object holds under a name."""
        return self.to_json().get(name, default)

    def keys(self) -> KeysView[str]:
        """The names of the JSON object."""
        return self.to_json().keys()

    def values(self) -> ValuesView[Any]:
        """What the JSON object holds."""
        return self.to_json().values()

    def items(self) -> ItemsView[str, Any]:
        """The names of the JSON object, each with what it holds."""
        return self.to_json().items()


@cache
def _fields(kind: type[Record]) -> tuple[FieldInfo, ...]:
    return fields(kind)


def _left_out(field: FieldInfo, value: Any) -> bool:
    """Whether a field is optional and says nothing."""
    if field.required or value:
        return False
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return bool(value == default)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def told(text: str, where: str) -> str:
    """A fault in our words: `labels.json: alignment.bos: needed int, found str`."""
    found = _FAULT.fullmatch(text.replace("`", ""))
    assert found is not None
    place = (found["place"] or "$").replace("$", where, 1)
    words = found["words"].replace("Expected", "needed").replace(", got", ", found")
    return f"{place}: {words[:1].lower()}{words[1:MOST_WORDS]}"
