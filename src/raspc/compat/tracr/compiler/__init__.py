"""`tracr.compiler`: from programs to models."""

from raspc.compat.tracr.compiler.compiling import compile_rasp_to_model

__all__ = ["compile_rasp_to_model"]
