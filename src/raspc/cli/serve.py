"""`raspc serve`: the playground in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from raspc.cli.output import say


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="The port on 127.0.0.1.")] = 8765,
    seconds: Annotated[float, typer.Option(min=1, metavar="N", help="How long a job may take.")] = 30.0,
) -> None:
    """Serve a local playground: write RASP, compile, check, look, download."""
    from dataclasses import replace

    from raspc.view.playground.requests import DEFAULT_LIMITS
    from raspc.view.playground.server import serve as run

    limits = replace(DEFAULT_LIMITS, seconds=seconds)
    run(port, limits, lambda: say(f"open http://127.0.0.1:{port} in a browser; Ctrl-C ends it"))
