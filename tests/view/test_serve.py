"""The playground: guarded, bounded, and of use."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import raspc
from raspc.errors import InputError
from raspc.view.playground import requests, worker
from raspc.view.playground.guard import Guard
from raspc.view.playground.jobs import Busy, Jobs
from raspc.view.playground.server import Playground, application

REVERSE = "flip = select(indices, length - indices - 1, ==);\nanswer = aggregate(flip, tokens);\n"


def elsewhere(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine, run in a thread: Playwright's event loop holds the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def asked(**changes: Any) -> dict[str, Any]:
    """A request to compile, with some fields changed."""
    plain = {"source": REVERSE, "library": "", "vocab": "a,b,c", "max_seq_len": 5, "causal": False, "optimize": 1}
    return plain | changes


class Server:
    """The playground on a free port, in a thread."""

    def __init__(self, folder: Path, limits: requests.Limits = requests.DEFAULT_LIMITS) -> None:
        import uvicorn

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.playground = Playground(folder, limits)
        config = uvicorn.Config(
            application(self.playground, self.port), host="127.0.0.1", port=self.port, log_level="error"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Server:
        self.thread.start()
        for _ in range(200):
            if self.server.started:
                return self
            time.sleep(0.02)
        raise RuntimeError("the playground did not start")

    def __exit__(self, *error: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)

    @property
    def host(self) -> str:
        """What a browser calls it."""
        return f"127.0.0.1:{self.port}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers, content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Host": self.host} | ({"Content-Type": "application/json"} if body is not None else {}) | named
        connection.request(method, path, content, given)
        response = connection.getresponse()
        found = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        connection.close()
        return found

    def post(self, action: str, body: Any) -> dict[str, Any]:
        """The JSON answer to a request."""
        found: dict[str, Any] = json.loads(self.send("POST", f"/api/{action}", body)[2])
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One playground for all tests of this file."""
    pytest.importorskip("starlette", reason="the playground needs starlette: pip install 'raspc[serve]'")
    pytest.importorskip("uvicorn", reason="the playground needs uvicorn: pip install 'raspc[serve]'")
    with Server(tmp_path_factory.mktemp("playground")) as found:
        yield found


def test_compile_check_and_download(server: Server, tmp_path: Path) -> None:
    """A text becomes a model that can be checked and taken home, and that answers as it should."""
    found = server.post("compile", asked())
    assert "faults" not in found and "reverse" not in found["summary"]
    assert server.post("check", {"id": found["id"]})["report"]["ok"]
    status, headers, content = server.send("GET", f"/models/{found['id']}/model.zip")
    assert status == 200 and headers["content-disposition"].startswith("attachment")
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    model = raspc.load(tmp_path / "model")
    assert model.apply(["BOS", "a", "b", "c"]).decoded[1:] == ["c", "b", "a"]
    status, headers, content = server.send("GET", f"/models/{found['id']}/page.html")
    assert status == 200 and "sandbox" in headers["content-security-policy"] and b"raspc-data" in content


def test_the_librarys_programs_are_offered_and_compile(server: Server) -> None:
    """By name; and every text that is offered is RASP, with what it needs to compile."""
    offered = json.loads(server.send("GET", "/api/programs")[2])
    assert {"sort", "dyck1"} <= {entry["name"] for entry in offered}
    by_name = next(entry for entry in offered if entry.get("library") == "sort")
    text = next(entry for entry in offered if entry["name"] == "hist" and "source" in entry)
    for entry in (by_name, text):
        found = server.post("compile", asked(source="") | {k: entry[k] for k in entry if k in asked()})
        assert "faults" not in found, found


def test_faults_carry_their_place(server: Server) -> None:
    """All of them, with line, column and width for the editor."""
    found = server.post("compile", asked(source="a = tokens + ;\n"))["faults"]
    assert [(fault["line"], fault["column"]) for fault in found] == [(1, 14)]
    found = server.post("compile", asked(source="a = foo;\nb = barbar;\n"))["faults"]
    assert [(fault["line"], fault["column"], fault["width"]) for fault in found] == [(1, 5, 3), (2, 5, 6)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab": ""}, "vocabulary: found 0 tokens"),
        ({"vocab": "a,,b"}, "empty token"),
        ({"vocab": '["a", ["b"]]'}, "numbers, strings or booleans"),
        ({"vocab": ",".join(map(str, range(999)))}, "the playground takes 1 to 128"),
        ({"max_seq_len": 10**6}, "the playground takes 1 to 128"),
        ({"max_seq_len": True}, "the playground takes 1 to 128"),
        ({"optimize": 7}, "the playground takes 0 to 2"),
        ({"causal": "yes"}, "causal must be true or false"),
        ({"source": 5}, "source must be a string"),
        ({"source": "x" * 10**5}, "at most"),
        ({"library": "../../etc/passwd"}, "unknown program"),
        ({"source": "# nothing\n"}, "defines no s-op"),
        ({"source": 'load "/etc/passwd";\na = tokens;\n'}, "the playground loads only"),
        ({"source": 'load "../../../secret.rasp";\na = tokens;\n'}, "the playground loads only"),
        ({"source": "import os\nos.system('true')\n"}, ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(server: Server, changes: dict[str, Any], message: str) -> None:
    """Bad options, strange files, Python and oversized programs come back as faults, and no model is made."""
    before = len(server.playground.models)
    found = server.post("compile", asked(**changes))
    assert message in found["faults"][0]["message"]
    assert "id" not in found and len(server.playground.models) == before


def test_slow_work_is_ended(tmp_path: Path) -> None:
    """A job beyond its time comes back as a fault, and its process is gone."""
    jobs = Jobs(replace(requests.DEFAULT_LIMITS, seconds=0.2))
    found = elsewhere(jobs.run(asked(action="compile"), tmp_path))
    assert "stopped after 0.2 seconds" in found["faults"][0]["message"]
    assert jobs.child is None


def test_jobs_are_one_at_a_time_and_can_be_stopped(tmp_path: Path) -> None:
    """A second job is refused while one runs; stopping it ends the child at once."""

    async def scenario() -> tuple[bool, dict[str, Any], bool]:
        jobs = Jobs()
        first = asyncio.create_task(jobs.run(asked(action="compile"), tmp_path))
        await asyncio.sleep(0.05)
        refused = False
        try:
            await jobs.run(asked(action="compile"), tmp_path)
        except Busy:
            refused = True
        while jobs.child is None:
            await asyncio.sleep(0.01)
        stopped = jobs.stop()
        return refused, await first, stopped

    refused, found, stopped = elsewhere(scenario())
    assert refused and stopped and "stopped" in found["faults"][0]["message"]


def test_memory_is_bounded(tmp_path: Path) -> None:
    """The child may not take more than its share."""
    resource = pytest.importorskip("resource")
    import subprocess
    import sys

    script = (
        "from raspc.view.playground import worker, requests\n"
        "worker.bound(requests.Limits(memory=2**30))\n"
        "try:\n    bytearray(2**31)\nexcept MemoryError:\n    print('bounded')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "bounded" and resource is not None


def test_nodes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of more nodes than the playground takes is refused before it is compiled."""
    monkeypatch.setattr(worker, "LIMITS", replace(requests.DEFAULT_LIMITS, nodes=3))
    found = worker.answer(asked(action="compile", directory=str(tmp_path)))
    assert "at most 3" in found["faults"][0]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1.evil.example:{port}"}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
def test_strangers_are_refused(server: Server, headers: dict[str, str], status: int) -> None:
    """Other host names (DNS rebinding), other origins, other sites."""
    named = {name: value.format(port=server.port) for name, value in headers.items()}
    found, answer, content = server.send("GET", "/", **named)
    assert found == status
    assert "access-control-allow-origin" not in answer
    assert "default-src 'none'" in answer["content-security-policy"]
    assert answer["x-content-type-options"] == "nosniff"
    assert (b"playground" in content) == (status == 200)


def test_forms_and_large_requests_are_refused(server: Server) -> None:
    """A form of another page can send no JSON; no request is read without end; unknown paths lead nowhere."""
    assert server.send("POST", "/api/stop", b"a=b", Content_Type="application/x-www-form-urlencoded")[0] == 403
    assert server.send("POST", "/api/compile", asked(source="x" * 2**18))[0] == 400
    assert server.send("POST", "/api/compile", b"[1, 2]")[0] == 400
    assert server.send("POST", "/api/compile", b"{" * 10**5)[0] == 400
    assert server.send("POST", "/api/view", {})[0] == 404
    assert server.send("DELETE", "/")[0] == 403
    for path in ("/models/x/page.html", "/static/page.py", "/models/..%2f..%2fetc/passwd", "/static/..%2fpage.py"):
        assert server.send("GET", path)[0] == 404
    assert server.post("check", {"id": "x"})["faults"]
    assert json.loads(server.send("POST", "/api/stop", {})[2]) == {"stopped": False}


def test_old_models_are_forgotten(tmp_path: Path) -> None:
    """Only the last few are kept, on disk too."""
    playground = Playground(tmp_path, replace(requests.DEFAULT_LIMITS, kept=2))
    names = [str(i) for i in range(4)]
    for name in names:
        (tmp_path / name).mkdir()
        playground.keep(name, tmp_path / name)
    assert list(playground.models) == names[2:]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[2:])


def test_a_typo_takes_no_models_place(tmp_path: Path) -> None:
    """A text that does not compile leaves the models that are there, and nothing on disk."""
    with Server(tmp_path, replace(requests.DEFAULT_LIMITS, kept=1)) as small:
        found = small.post("compile", asked())
        assert "faults" in small.post("compile", asked(source="answer = tokns;"))
        assert list(small.playground.models) == [found["id"]] == [path.name for path in tmp_path.iterdir()]
        assert small.post("check", {"id": found["id"]})["report"]["ok"]


def test_a_job_ends_when_its_browser_leaves(tmp_path: Path) -> None:
    """The connection closes while the model compiles: the next job need not wait for it."""
    slow = asked(library="sort", source="", vocab=",".join(map(str, range(100))), max_seq_len=100, optimize=2)
    with Server(tmp_path) as busy:
        connection = http.client.HTTPConnection("127.0.0.1", busy.port)
        body = json.dumps(slow)
        connection.request("POST", "/api/compile", body, {"Host": busy.host, "Content-Type": "application/json"})
        while busy.playground.jobs.child is None:
            time.sleep(0.01)
        assert "another job is under way" in busy.post("compile", asked())["faults"][0]["message"]
        child = busy.playground.jobs.child
        connection.close()
        while busy.playground.jobs.child is child:
            time.sleep(0.01)
        assert child.returncode == -signal.SIGKILL
        assert "id" in busy.post("compile", asked())


def test_half_a_character_is_a_bad_request(server: Server) -> None:
    """A lone surrogate, which JSON can write and no answer can hold."""
    for text in ("\\ud800", "answer = tokens; # \\udfff"):
        status, _, content = server.send("POST", "/api/compile", f'{{"source": "{text}"}}'.encode())
        assert status == 400 and b"half a character" in content


def test_many_requests(server: Server) -> None:
    """Twenty at once are all answered, mostly by "wait"; a hundred more leave the server as large as it was."""
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: server.send("POST", "/api/compile", asked())[0], range(20)))
    assert set(statuses) <= {200, 409} and 200 in statuses
    server.send("GET", "/api/programs")
    before = resident()
    for _ in range(100):
        assert server.send("GET", "/api/programs")[0] == 200
    assert resident() < before + 32 * 2**20


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_of_the_server_is_the_end_of_its_job(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM amid a job: its answer says so, no process stays, and the temporary folder is empty."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "raspc", "serve", "--port", str(port)]
    ended = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL)
    slow = asked(library="sort", source="", vocab=",".join(map(str, range(100))), max_seq_len=100, optimize=2)
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with contextlib.suppress(ConnectionRefusedError):
            host = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json"}
            connection.request("POST", "/api/compile", json.dumps(slow), host)
            break
        assert ended.poll() is None
        time.sleep(0.05)
    while not (workers := workers_of(ended.pid)):
        time.sleep(0.01)
    ended.send_signal(number)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert "the playground ends" in answer["faults"][0]["message"]
    ended.wait()
    assert not list(tmp_path.iterdir())
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def workers_of(pid: int) -> list[str]:
    """The children of a process."""
    return [child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def test_websockets_are_refused() -> None:
    """The guard lets nothing but HTTP through."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    elsewhere(Guard(None, ["127.0.0.1:1"])({"type": "websocket", "headers": []}, None, send))
    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("text", "values"), [("a,1,-2.5", ("a", 1, -2.5)), ('["a", 1]', ("a", 1)), ('"1",2', ("1", 2))]
)
def test_vocabularies_are_read_as_on_the_command_line(text: str, values: tuple[Any, ...]) -> None:
    """Words, numbers, quoted words, and JSON."""
    assert requests.vocabulary(text) == values


def test_letters_without_commas_are_tokens_there_too(server: Server) -> None:
    """`ab` is a,b; the answer says so, and how one token of two letters is written."""
    found = server.post("compile", asked(vocab="ab"))
    assert any(
        note.endswith('read as 2 tokens, a,b; for one token of these letters write ["ab"]') for note in found["notes"]
    )
    assert " of a b" in found["summary"]


def test_deep_json_is_refused() -> None:
    """A bomb of brackets is a fault, not a crash."""
    with pytest.raises(InputError):
        requests.vocabulary("[" * 10**5 + "]" * 10**5)


def test_the_editor_in_a_browser(server: Server, browser: Any) -> None:
    """Compile, check and look; a fault is marked in the editor; hostile tokens stay text; nothing errs."""
    faults: list[str] = []
    page = browser.new_context().new_page()
    page.on("console", lambda m: m.type in ("error", "warning") and faults.append(m.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: r.url.startswith(f"http://{server.host}/") or faults.append(r.url))
    page.goto(f"http://{server.host}/")
    page.wait_for_selector("body[data-ready]")
    page.fill("#vocab", json.dumps(["<script>alert(1)</script>", '"', "b"]))
    page.click("#compile")
    page.wait_for_selector("#status.good")
    inside = page.frame_locator("#view")
    inside.locator("body[data-ready]").wait_for()
    assert inside.locator("#answer .answer").count() > 0
    page.click("#check")
    page.wait_for_selector("#status:has-text('equal to the interpreter on all')")
    with page.expect_download() as download:
        page.click("#onnx")
    assert Path(download.value.path()).stat().st_size > 1000
    page.fill("#source", "a = tokens;\nb = aggregate(full, <b>);\n")
    page.click("#compile")
    page.wait_for_selector("#status.bad")
    assert page.locator("#mirror mark").count() == 1
    assert page.locator("#numbers b").inner_text() == "2"
    page.select_option("#program", label="sort_stable")
    assert page.get_attribute("#source", "readonly") is not None
    page.context.close()
    assert faults == []


def test_serve_command_says_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`raspc serve` prints the address, and binds to this machine alone."""
    uvicorn = pytest.importorskip("uvicorn")
    started: dict[str, Any] = {}

    async def startup(server: Any, sockets: list[socket.socket]) -> None:
        started.update(vars(server.config), address=sockets[0].getsockname())
        server.started = True

    monkeypatch.setattr(uvicorn.Server, "startup", startup)

    def run(server: Any, sockets: list[socket.socket]) -> None:
        with contextlib.suppress(StopIteration):  # it waits for nothing, and another loop may run in this thread
            server.startup(sockets).send(None)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    from raspc.cli.app import status

    with contextlib.suppress(SystemExit), warnings.catch_warnings():
        assert status(["serve", "--port", "8123"]) == 0
    assert started["host"] == "127.0.0.1" and started["port"] == 8123 and started["address"] == ("127.0.0.1", 8123)
    assert "http://127.0.0.1:8123" in capsys.readouterr().out


def test_nothing_is_said_before_it_can_serve() -> None:
    """On a port that is taken: one line on standard error, and no address to open."""
    pytest.importorskip("uvicorn")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "raspc", "serve", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot serve on port" in done.stderr
    assert "choose another one with --port" in done.stderr
