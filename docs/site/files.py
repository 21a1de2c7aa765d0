"""The JSON files of a saved model, as the schemas by which they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from raspc.records import Record
from raspc.weights.alignment import Alignment
from raspc.weights.certificate import Certificate

ROOTS: dict[str, tuple[type[Record], str]] = {
    "Alignment": (Alignment, "`alignment` in `labels.json`, and `model.alignment`"),
    "Certificate": (Certificate, "`certificate` in `config.json`, and `model.certificate`"),
}


def text() -> str:
    """A table for each kind of record that the two hold, the root first."""
    return "\n".join(line for name, (kind, where) in ROOTS.items() for line in _section(name, kind, where))


def _section(name: str, kind: type[Record], where: str) -> Iterator[str]:
    _, parts = msgspec.json.schema_components([kind], ref_template="{name}")
    yield f"## {name}\n\n{where}. Fields are named as they stand in the file.\n"
    for part in sorted(parts, key=lambda part: part != name):
        yield from _table(part, parts[part])


def _table(name: str, schema: dict[str, Any]) -> Iterator[str]:
    if name not in ROOTS:
        yield f"### {name}\n"
    yield f"{_prose(schema.get('description', ''))}\n"
    yield "| field | type | needed |\n|---|---|---|"
    for field, found in schema.get("properties", {}).items():
        yield f"| `{field}` | {_kind(found)} | {'yes' if field in schema.get('required', ()) else 'no'} |"
    yield ""


def _prose(text: str) -> str:
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", text).strip()


def _kind(found: dict[str, Any]) -> str:
    """A schema in few words."""
    if "$ref" in found:
        return f"`{found['$ref']}`"
    if "const" in found or "enum" in found:
        return ", ".join(f'`"{value}"`' for value in found.get("enum", [found.get("const")]))
    if "anyOf" in found:
        return " or ".join(_kind(one) for one in found["anyOf"])
    if found.get("type") == "array":
        inner = found.get("prefixItems") or [found.get("items", {})]
        return ("pair of " if "prefixItems" in found and len(inner) == 2 else "list of ") + _kind(inner[0])
    if found.get("type") == "object":
        return "object of " + _kind(found.get("additionalProperties") or {})
    return {"integer": "integer", "number": "number", "string": "text", "boolean": "true or false", "null": "null"}.get(
        found.get("type", ""), "any value"
    )
