"""Tracr's Python interface over raspc: `install()`, then `import tracr` as before.

    import raspc.compat.tracr
    raspc.compat.tracr.install()

    from tracr.compiler import compiling
    from tracr.rasp import rasp

Or, without touching the script: `python -m raspc.compat.tracr their_script.py args…`. The modules are thin:
they rename and adapt, and everything is compiled by `raspc.compile`. See docs/from-tracr.md.
"""

from raspc.compat.tracr.installing import TracrAlreadyImported, install, uninstall

__all__ = ["TracrAlreadyImported", "install", "uninstall"]
