"""One job in a process of its own, which the server can end: `python -m raspc.view.playground.worker`.

The request comes as JSON on standard input, the answer goes as JSON to standard output; files go into the
directory that the server names. Time, memory and file sizes are bounded by the operating system.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raspc import values as V
from raspc.errors import DoubtfulText, InputError, InvalidProgram, RaspcError
from raspc.rasp import SOp
from raspc.typed import value
from raspc.view.playground.requests import Compile, Limits, read_compile

if TYPE_CHECKING:
    from raspc.weights.model import Model

NAME = "program"
_PLACE = re.compile(rf"{NAME}:(\d+):(\d+): (.*)", re.DOTALL)
LIMITS = Limits()
MOST_STEPS = 100_000
"""What a text may ask for here, a tenth of what it may elsewhere: many people share the machine."""


def main() -> None:
    """Reads a request, does it, writes the answer."""
    bound(LIMITS)
    request = json.load(sys.stdin)
    json.dump(answer(request), sys.stdout)


def bound(limits: Limits) -> None:
    """Ask the operating system to stop this process beyond its limits, where it can."""
    try:
        import resource
    except ImportError:  # Windows: the server's clock alone bounds the job
        return
    seconds = int(limits.seconds) + 1
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a request, or its faults."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = ACTIONS[request["action"]](request, Path(request["directory"]))
        except MemoryError:
            return {"faults": [fault("the program needs more memory than the playground gives")]}
        except RecursionError:
            return {"faults": [fault("the program nests too deep for the playground")]}
        except InvalidProgram as error:
            return {"faults": [fault(text) for text in error.faults]}
        except RaspcError as error:
            return {"faults": [fault(str(error).replace("pass partial=True", "tick partial"))]}
    notes = [str(item.message) for item in caught if issubclass(item.category, UserWarning)]
    return found | {"notes": notes}


def fault(text: str) -> dict[str, Any]:
    """A fault with its place in the text, if it has one: line and column from 1, and how many characters."""
    found = _PLACE.match(text)
    if found is None:
        return {"message": text, "line": None, "column": None, "width": 0}
    line, column, message = int(found[1]), int(found[2]), found[3]
    carets = re.search(r"\^+", message)
    return {"message": message, "line": line, "column": column, "width": len(carets[0]) if carets else 1}


def compile_action(request: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Compile, save the model, and write its page on a first input."""
    from raspc.compiler import compile
    from raspc.graph.build import build
    from raspc.graph.where import domain_of

    wanted = read_compile(request, LIMITS)
    program = program_of(wanted)
    where = wanted.where or None
    domain = domain_of(where, V.canonical(wanted.vocab), wanted.max_seq_len, wanted.causal)
    nodes = len(build(program, wanted.vocab, wanted.max_seq_len, wanted.causal or wanted.generate, where=domain))
    if nodes > LIMITS.nodes:
        raise InputError(f"the program has {nodes:,} nodes; the playground takes at most {LIMITS.nodes:,}")
    model = compile(
        program, wanted.vocab, wanted.max_seq_len, wanted.causal, optimize=wanted.optimize, partial=wanted.partial,
        where=where, **writing_of(wanted),
    )  # fmt: skip
    model.save(directory / "model")
    return {"summary": repr(model).strip("<>"), "length": model.config.max_seq_len} | view_action(request, directory)


def writing_of(wanted: Compile) -> dict[str, Any]:
    """How a program writes."""
    if not wanted.generate:
        return {}
    return {
        "generate": True,
        "stop": value(wanted.stop) if wanted.stop else None,
        "prompts": wanted.prompts or None,
    }


def program_of(wanted: Compile) -> SOp:
    """The expression. A text may load the package's own files, and no others."""
    from raspc import library

    if wanted.library in library.WRITERS:
        return library.WRITERS[wanted.library].program
    if wanted.library:
        return library.get(wanted.library).program
    return last_sop(wanted.source)


def last_sop(text: str) -> SOp:
    """The last s-op that the text defines. Raises InvalidProgram or InputError."""
    from raspc.text.environment import LIBRARY, Environment, Manner
    from raspc.text.parsing import parse
    from raspc.text.source import Source, TextError
    from raspc.text.syntax import Load

    source = Source(NAME, text)
    known = sorted(path.stem for path in LIBRARY.glob("*.rasp"))
    for statement in parse(source):
        if isinstance(statement, Load) and statement.file.value not in known:
            where = source.at(statement.file.start, statement.file.end)
            raise TextError(f"the playground loads only {', '.join(known)}", where)
    environment = Environment(LIBRARY, manner=Manner(steps=MOST_STEPS))
    environment.run(source)
    for note in environment.files.notes:
        warnings.warn(note, DoubtfulText, stacklevel=2)
    if (last := environment.last_sop()) is None:
        raise InputError("the text defines no s-op; assign one, as in `answer = tokens;`")
    return last


def view_action(request: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Write the page."""
    from raspc.view.domain import first_input
    from raspc.view.page import write_page

    model = saved(directory)
    write_page(model, first_input(model), directory / "page.html")
    return {"page": "page.html"}


def saved(directory: Path) -> Model:
    """The model of an earlier job, read within this one's memory."""
    from raspc.weights import saving

    return saving.load(directory / "model", saving.Limits(weights=LIMITS.disk))


def check_action(request: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Compare the model with its program."""
    from raspc import jsonvalues
    from raspc.certify.checking.check import check

    report = check(saved(directory), limit=LIMITS.inputs).to_json()
    lists = {
        name: [jsonvalues.encode(value) for value in report[name]]
        for name in ("tokens", "expected", "found")
        if report[name] is not None
    }
    return {"report": report | lists}


def onnx_action(request: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """Write the ONNX file."""
    saved(directory).to("onnx", directory / "model.onnx")
    return {"file": "model.onnx"}


ACTIONS: dict[str, Callable[[Mapping[str, Any], Path], dict[str, Any]]] = {
    "compile": compile_action, "check": check_action, "view": view_action, "onnx": onnx_action,
}  # fmt: skip

if __name__ == "__main__":
    main()
