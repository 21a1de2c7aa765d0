"""The application: its commands, and the one place where an error becomes a line and an exit status.

Exit status: 0 done, 1 a check failed, 2 wrong use or bad input.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import typer

from raspc.cli import streams
from raspc.cli.commands import COMMANDS, GROUPS
from raspc.cli.output import printable
from raspc.errors import DoubtfulText, RaspcError, UncertainProgram

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

# Newer releases of Typer carry a Click of their own, so Click's root error is reached through Typer.
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]

HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="raspc",
    help="Compile RASP programs exactly into the weights of small transformers.",
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
for _name, _command, _settings in COMMANDS:
    app.command(_name, **_settings)(_command)
for _name, _help, _commands in GROUPS:
    _group = typer.Typer(name=_name, help=_help, no_args_is_help=True, context_settings=HELP)
    for _called, _command in _commands:
        _group.command(_called)(_command)
    app.add_typer(_group)


def _version(wanted: bool) -> None:
    if wanted:
        from raspc.version import VERSION

        typer.echo(f"raspc {VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(args: Sequence[str] | None = None) -> None:
    """Runs one command line and exits with its status."""
    streams.prepare()
    words = sys.argv[1:] if args is None else args
    code = status(words)
    lost = streams.flushed()
    raise SystemExit(code if lost is None else _fault(_message(lost), words, WRONG))


def status(args: Sequence[str]) -> int:
    """The exit status of one command line; its faults are one line on standard error."""
    with warnings.catch_warnings():
        for category in (UncertainProgram, DoubtfulText):
            warnings.simplefilter("always", category)
        warnings.showwarning = _warn
        try:
            return app(list(args), prog_name="raspc", standalone_mode=False) or DONE
        except (KeyboardInterrupt, typer.Abort):
            return _fault("interrupted", args, INTERRUPTED)
        except (_ClickError, RaspcError, OSError) as error:
            return _fault(_message(error), args, WRONG)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror
    format_message = getattr(error, "format_message", None)
    return " ".join(format_message().split()) if format_message else _in_flags(str(error))


FLAGS = {
    "partial=True": "--partial", "strict=True": "--strict", "certify=False": "--no-certify",
    "generate=True": "--generate",
}  # fmt: skip
"""What a keyword of `raspc.compile` is called on the command line."""


def _in_flags(message: str) -> str:
    for keyword, flag in FLAGS.items():
        message = message.replace(f"pass {keyword}", f"pass {flag}").replace(f"with {keyword}", f"with {flag}")
        message = message.replace(f"without {keyword}", f"without {flag}")
    return message


def _fault(message: str, args: Sequence[str], code: int) -> int:
    with suppress(OSError):  # standard error or output may be what is full
        print(f"raspc: {printable(message)}", file=sys.stderr)
        if "--json" in args:
            print(json.dumps({"error": message}), flush=True)
    return code


def _warn(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
    print(f"raspc: warning: {printable(str(message))}", file=sys.stderr)
