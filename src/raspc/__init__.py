"""raspc compiles RASP programs exactly into the weights of small transformers."""

from raspc import rasp
from raspc.errors import (
    CertificateError,
    InputError,
    InvalidProgram,
    ModelFormatError,
    RaspcError,
    UncertainProgram,
    UnsupportedProgram,
)
from raspc.interpret import interpret

__all__ = [
    "CertificateError",
    "InputError",
    "InvalidProgram",
    "ModelFormatError",
    "RaspcError",
    "UncertainProgram",
    "UnsupportedProgram",
    "interpret",
    "rasp",
]
