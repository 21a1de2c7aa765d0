"""Parameters as one file of safetensors, in any number format that checkpoints have.

The library's own writer for NumPy has no bfloat16. The format: eight bytes that give the size of a header, the header
as JSON, then the numbers (https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from raspc.run.plain import Array

FORMATS: Mapping[str, str] = MappingProxyType(
    {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64"}
)
"""What the file calls a number format."""

ALIGNED = 8
"""The header is filled up with spaces, so that numbers begin at a multiple of so many bytes."""


def written(params: Mapping[str, Array], dtype: str) -> bytes:
    """The bytes of the file: by name, in order, each parameter as numbers of the format, which it holds already."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # without which transformers refuses the file
    numbers, end = [], 0
    for name in sorted(params):
        numbers.append(_bytes(params[name], dtype))
        start, end = end, end + len(numbers[-1])
        header[name] = {"dtype": FORMATS[dtype], "shape": params[name].shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNED)
    return b"".join((struct.pack("<Q", len(text)), text, *numbers))


def _bytes(array: Array, dtype: str) -> bytes:
    if dtype == "bfloat16":  # the upper half of a float32
        return (np.ascontiguousarray(array, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return np.ascontiguousarray(array, np.dtype(dtype).newbyteorder("<")).tobytes()
