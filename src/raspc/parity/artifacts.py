"""Arrays that somebody else may have written: NPY and NPZ read in the memory of their files, and not a byte more."""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib

import numpy as np

from raspc.errors import ModelFormatError
from raspc.run.plain import Array

_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype>[<>]f[248])', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>(?:\d{1,10}, ?){0,7}(?:\d{1,10})?)\), \} *\n",
    re.DOTALL,
)
"""What `numpy.save` begins the file of an array with: the format that NumPy documents, as it writes it."""


def npz_arrays(data: bytes, what: str) -> dict[str, Array]:
    """The arrays of an NPZ file that `numpy.savez` wrote. Raises ModelFormatError.

    A compressed member is refused: a small file could hold any number of zeros.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as held:
            members = held.infolist()
            if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1 for m in members):
                raise ModelFormatError(f"{what}: found a compressed member; needed what numpy.savez writes")
            if sum(m.file_size for m in members) > len(data):
                raise ModelFormatError(f"{what}: claims more than the {len(data)} bytes that it has")
            names = [m.filename.removesuffix(".npy") for m in members]
            if len(set(names)) < len(names):
                raise ModelFormatError(f"{what}: holds an array twice")
            found = [npy_array(held.read(m), f"{what}: {name[:60]}") for m, name in zip(members, names, strict=True)]
            return dict(zip(names, found, strict=True))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise ModelFormatError(f"{what}: not an NPZ file: {error}") from error


def npy_array(data: bytes, what: str) -> Array:
    """The array of numbers in an NPY file; its header is compared with its size first. Raises ModelFormatError."""
    found = _HEADER.match(data)
    if found is None:
        raise ModelFormatError(f"{what}: not an array of floating-point numbers as numpy.save writes them")
    dtype, shape, body = np.dtype(found["dtype"].decode()), _shape(found["shape"]), data[found.end() :]
    if math.prod(shape) * dtype.itemsize != len(body):
        raise ModelFormatError(f"{what}: its header claims the shape {str(shape)[:60]}, its size is another")
    array = np.frombuffer(body, dtype).reshape(shape, order="F" if found["fortran"] == b"True" else "C")
    if not np.isfinite(array).all():
        raise ModelFormatError(f"{what}: holds NaN or an infinity")
    return array


def _shape(text: bytes) -> tuple[int, ...]:
    return tuple(int(axis) for axis in text.replace(b" ", b"").split(b",") if axis)
