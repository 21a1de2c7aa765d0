"""The command line: each command a thin function over the library, in a file of its own."""

from raspc.cli.app import main

__all__ = ["main"]
