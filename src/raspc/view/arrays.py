"""Arrays as small JSON: base64 of the shortest of three forms, which `static/data.js` unpacks."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CODES = {"float32": "f4", "float64": "f8", "int8": "i1", "int16": "i2", "int32": "i4"}
"""NumPy's names of types and the page's; all are little-endian."""


def pack(array: Array) -> dict[str, Any]:
    """The array as dense numbers, as its non-zero entries (`at`, `of`), or as runs, whichever is shortest."""
    array = np.asarray(array)
    flat = _narrow(array).ravel()
    places = np.flatnonzero(flat)
    starts = np.flatnonzero(np.diff(flat, prepend=flat[:1])) if len(flat) else places
    starts = np.unique(np.append(starts, 0)) if len(flat) else starts
    size = flat.itemsize
    forms = {
        "dense": len(flat) * size,
        "sparse": len(places) * (size + 4),
        "runs": len(starts) * (size + 4),
    }
    best = min(forms, key=lambda name: forms[name])
    head = {"shape": list(array.shape), "type": CODES[flat.dtype.name]}
    return head | _FORMS[best](flat, places, starts)


def _narrow(array: Array) -> Array:
    """Integers in the least type that holds them; floats as they are."""
    if array.dtype.kind == "b":
        return array.astype(np.int8)
    if array.dtype.kind != "i":
        return array
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    for kind in (np.int8, np.int16):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind)
    return array.astype(np.int32)


def _dense(flat: Array, places: Array, starts: Array) -> dict[str, Any]:
    return {"of": _text(flat)}


def _sparse(flat: Array, places: Array, starts: Array) -> dict[str, Any]:
    return {"at": _text(places.astype(np.int32)), "of": _text(flat[places])}


def _runs(flat: Array, places: Array, starts: Array) -> dict[str, Any]:
    counts = np.diff(np.append(starts, len(flat))).astype(np.int32)
    return {"runs": _text(counts), "of": _text(flat[starts])}


_FORMS = {"dense": _dense, "sparse": _sparse, "runs": _runs}


def _text(array: Array) -> str:
    return b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")
