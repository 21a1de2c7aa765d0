"""Graphs of tools in files of JSON, by the name of the format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from raspc import arguments, jsonvalues
from raspc.errors import InputError
from raspc.lab.formats.acdc import acdc_file, from_acdc
from raspc.lab.formats.auto_circuit import auto_circuit_file, from_auto_circuit
from raspc.lab.formats.eap import eap_graph, from_eap
from raspc.lab.formats.tool_graph import ToolGraph
from raspc.weights.files import read_file, write_file

MOST_BYTES = 1 << 29


@dataclass(frozen=True)
class Format:
    """How a graph becomes the data of JSON, and comes back."""

    write: Callable[[ToolGraph], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], ToolGraph]


FORMATS = {
    "eap": Format(eap_graph, from_eap),
    "auto-circuit": Format(auto_circuit_file, from_auto_circuit),
    "acdc": Format(acdc_file, from_acdc),
}
"""`eap` is the format of EAP-IG and MIB as it is; the other two tools keep pickles, for which this is JSON."""


def write(path: str | PathLike[str], graph: ToolGraph, format: str = "eap") -> None:
    """Write a graph. Raises InputError for another format, or a path that cannot be written."""
    arguments.an(ToolGraph, "graph", graph, "what formats.tool_graph gives")
    write_file(path, json_bytes(known(format).write(graph)))


def read(path: str | PathLike[str], format: str = "eap") -> ToolGraph:
    """Read a graph, which the tool or we have written. Raises ModelFormatError for a file that is none."""
    found, where = known(format), Path(arguments.path("path", path))
    return found.read(jsonvalues.loads(read_file(where.parent, where.name, MOST_BYTES), str(where)))


def json_bytes(data: Any) -> bytes:
    """Data as a file of JSON, its keys in the order in which they come: tools list nodes as the model runs them."""
    return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode()


def known(format: str) -> Format:
    """The format of this name. Raises InputError with the names."""
    if not isinstance(format, str) or format not in FORMATS:
        raise InputError(f"format is {format!r}, needed one of {', '.join(map(repr, FORMATS))}")
    return FORMATS[format]
