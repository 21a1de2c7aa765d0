"""A plan as two files: `plan.json`, and the arrays that it names in `plan.safetensors`. The graphs stand elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from raspc import jsonvalues
from raspc.errors import ModelFormatError
from raspc.graph.nodes import Graph
from raspc.plan.codec import Arrays, Held, fields_of, from_plain, to_plain
from raspc.plan.plan import Plan

PLAN, ARRAYS = "plan.json", "plan.safetensors"
GRAPHS = ("program", "graph")
"""What of a plan `graph.json` holds."""


def to_files(plan: Plan | None) -> dict[str, bytes]:
    """The bytes of each file; of no plan, that there is none. Raises UnsupportedProgram for values that JSON lacks."""
    from safetensors.numpy import save

    if plan is None:
        return {PLAN: jsonvalues.dumps(None), ARRAYS: save({})}
    arrays = Arrays()
    data = {name: to_plain(getattr(plan, name), hint, arrays) for name, hint in _hints().items()}
    named = {_name(i): np.ascontiguousarray(array) for i, array in enumerate(arrays.held)}
    return {PLAN: jsonvalues.dumps(data), ARRAYS: save(named)}


def from_files(data: bytes, arrays: bytes, graph: Graph | None, program: Graph | None) -> Plan | None:
    """The plan in the bytes of the two files, beside its graphs.

    Raises ModelFormatError for anything that `to_files` does not write; whether it fits: `raspc.plan.fitting`.
    """
    obj = jsonvalues.loads(data, PLAN)
    if obj is None:
        return None
    if graph is None or program is None:
        raise ModelFormatError(f"{PLAN}: a plan of no graph; needed null")
    if not isinstance(obj, dict) or set(obj) != set(_hints()):
        raise ModelFormatError(f"{PLAN}: needed an object with {', '.join(_hints())}")
    held = Held(_read(arrays))
    parts = {name: from_plain(obj[name], hint, held, name) for name, hint in _hints().items()}
    return Plan(**parts, graph=graph, program=program)


def _hints() -> dict[str, Any]:
    return {name: hint for name, hint in fields_of(Plan).items() if name not in GRAPHS}


def _name(number: int) -> str:
    return f"array_{number}"


def _read(data: bytes) -> list[np.ndarray[Any, Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found = load(data)
        return [found[_name(i)] for i in range(len(found))]
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelFormatError(f"{ARRAYS}: malformed ({error})") from error
