"""Programs that write: from a prompt to the whole answer, token by token, and whole answers checked."""

from raspc.generation.writer import generate, generate_batch, stream

__all__ = ["generate", "generate_batch", "stream"]
