"""NPZ: the canonical arrays in one file that NumPy reads; `/` in a name is written as `__`."""

from __future__ import annotations

from os import PathLike

from raspc.run.plain import Array
from raspc.weights import Model
from raspc.weights.files import npz_arrays, write_npz


def convert(model: Model, path: str | PathLike[str] | None = None, dtype: str = "float32") -> dict[str, Array]:
    """The arrays under their file names, such as `transformer__layer_0__attn__query__w`.

    Raises InputError for bfloat16, which NumPy lacks.
    """
    if path is not None:
        write_npz(path, model.params, dtype)
    return npz_arrays(model.params, dtype)
