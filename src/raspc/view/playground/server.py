"""The playground's server: Starlette and uvicorn (extra `serve`), bound to 127.0.0.1."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from raspc.errors import InputError
from raspc.view.page import static
from raspc.view.playground.guard import PAGE_POLICY, Guard
from raspc.view.playground.jobs import Busy, Jobs, failure
from raspc.view.playground.offers import programs
from raspc.view.playground.requests import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

ADDRESS = "127.0.0.1"
WATCH = 0.2
"""Seconds between two looks whether a browser that waits for a job is still there."""
GRACE = 3
"""Seconds that open answers have when the server ends."""
FILES = dict.fromkeys(("editor.js", "sharing.js", "playground.js"), "text/javascript") | {"playground.css": "text/css"}


@dataclass
class Playground:
    """What the server remembers: the folder of each model, the oldest forgotten first, and the job under way."""

    folder: Path
    limits: Limits = DEFAULT_LIMITS
    models: OrderedDict[str, Path] = field(default_factory=OrderedDict)
    jobs: Jobs = field(default_factory=Jobs)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.limits)

    def keep(self, name: str, place: Path) -> None:
        """A model is there; the oldest one goes where there are too many."""
        self.models[name] = place
        while len(self.models) > self.limits.kept:
            _, oldest = self.models.popitem(last=False)
            shutil.rmtree(oldest, ignore_errors=True)

    # -- what is asked ---------------------------------------------------------------------------

    async def compile(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Compile into a new place, which the answer names; a program that does not compile takes no other's place."""
        name = secrets.token_urlsafe(12)
        place = self.folder / name
        place.mkdir()
        try:
            found = await self.jobs.run({**asked, "action": "compile"}, place)
            if "faults" not in found:
                self.keep(name, place)
                found["id"] = name
            return found
        finally:
            if name not in self.models:
                shutil.rmtree(place, ignore_errors=True)

    async def ask(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Do something with a model."""
        place = self.models.get(str(asked.get("id")))
        if place is None:
            return failure("this model is no longer kept; compile it again")
        return await self.jobs.run({"action": action}, place)

    def archive(self, name: str) -> bytes:
        """The model's directory as a ZIP file."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((self.models[name] / "model").iterdir()):
                archive.write(path, f"model/{path.name}")
        return content.getvalue()


def application(playground: Playground, port: int) -> Any:
    """The ASGI application, guarded. Raises InputError where Starlette is missing."""
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError as error:
        raise InputError("the playground needs Starlette and uvicorn; pip install 'raspc[serve]'") from error
    routes = [
        Route("/", _home),
        Route("/static/{name}", _static),
        Route("/api/programs", _programs),
        Route("/api/stop", _stop, methods=["POST"]),
        Route("/api/{action}", _act, methods=["POST"]),
        Route("/models/{id}/{file}", _file),
    ]
    app = Starlette(routes=routes)
    app.state.playground = playground
    return Guard(app, [f"{name}:{port}" for name in (ADDRESS, "localhost")])


async def _home(request: Request) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(static("playground.html"))


async def _static(request: Request) -> Response:
    from starlette.responses import PlainTextResponse, Response

    name = request.path_params["name"]
    if name not in FILES:
        return PlainTextResponse("not found", 404)
    return Response(static(name), media_type=FILES[name])


async def _programs(request: Request) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(programs())


async def _stop(request: Request) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse({"stopped": request.app.state.playground.jobs.stop("you asked for it")})


async def _act(request: Request) -> Response:
    from starlette.responses import JSONResponse, PlainTextResponse

    playground: Playground = request.app.state.playground
    action = request.path_params["action"]
    if action not in ("compile", "check", "onnx"):
        return PlainTextResponse("not found", 404)
    asked = await _body(request, playground.limits.body)
    if asked is None:
        return JSONResponse(failure("the request is too large, no JSON object, or holds half a character"), 400)
    work = playground.compile(asked) if action == "compile" else playground.ask(action, asked)
    try:
        found = await _while_there(request, playground.jobs, work)
    except Busy:
        return JSONResponse(failure("another job is under way; stop it or wait"), 409)
    return JSONResponse(found)


async def _while_there(request: Request, jobs: Jobs, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """The result of the work. Where the browser leaves, its job ends."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)  # until it is under way: one that finds another's job under way ends none
    mine = not task.done()
    while not (await asyncio.wait({task}, timeout=WATCH))[0]:
        if mine and await request.is_disconnected():
            jobs.stop("the page was closed")
    return task.result()


async def _body(request: Request, most: int) -> dict[str, Any] | None:
    """The JSON object in a request, read no further than the limit."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > most:
            return None
    try:
        found = json.loads(content)
        json.dumps(found, ensure_ascii=False).encode()  # half of a pair of surrogates is no character
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


async def _file(request: Request) -> Response:
    from starlette.responses import FileResponse, PlainTextResponse, Response

    playground: Playground = request.app.state.playground
    name, file = request.path_params["id"], request.path_params["file"]
    place = playground.models.get(name)
    if place is None:
        return PlainTextResponse("this model is no longer kept; compile it again", 404)
    if file == "model.zip":
        attachment = {"content-disposition": 'attachment; filename="model.zip"'}
        return Response(playground.archive(name), media_type="application/zip", headers=attachment)
    if file == "model.onnx" and (place / file).is_file():
        return FileResponse(place / file, media_type="application/octet-stream", filename=file)
    if file == "page.html" and (place / file).is_file():
        download = {"filename": file} if "download" in request.query_params else {}
        headers = {"content-security-policy": PAGE_POLICY}
        return FileResponse(place / file, media_type="text/html", headers=headers, **download)
    return PlainTextResponse("not found", 404)


def serve(port: int, limits: Limits = DEFAULT_LIMITS, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until interrupted. `ready`: is called once requests are answered, and never where they cannot be.

    Raises InputError where Starlette or uvicorn is missing, or the port is taken.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise InputError("the playground needs Starlette and uvicorn; pip install 'raspc[serve]'") from error
    with _terminable(), tempfile.TemporaryDirectory(prefix="raspc-playground-") as folder:
        playground = Playground(Path(folder), limits)

        class Server(uvicorn.Server):
            """Ends the job under way at once when it is told to end, so that no answer is waited for."""

            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                playground.jobs.stop("the playground ends")
                super().handle_exit(sig, frame)

            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if self.started:
                    ready()

        config = uvicorn.Config(
            application(playground, port), host=ADDRESS, port=port, log_level="warning", server_header=False,
            timeout_graceful_shutdown=GRACE,
        )  # fmt: skip
        try:
            with _bound(port) as own:
                Server(config).run(sockets=[own])
        finally:
            playground.jobs.stop()


def _bound(port: int) -> socket.socket:
    """The port, ready to be listened on. Raises InputError where that cannot be."""
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.platform != "win32"))
        own.bind((ADDRESS, port))
    except OSError as error:
        own.close()
        raise InputError(
            f"cannot serve on port {port}: {(error.strerror or str(error)).lower()}; choose another one with --port"
        ) from error
    return own


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that what the block opened is closed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
