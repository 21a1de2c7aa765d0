"""The playground's page: what it shows is always of the text that it shows; links carry programs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.view.test_serve import Server

from raspc import library
from raspc.view.playground.offers import programs, source_of

REVERSE = "flip = select(indices, length - indices - 1, ==);\nreverse = aggregate(flip, tokens);\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One playground for all tests of this file."""
    pytest.importorskip("starlette", reason="the playground needs starlette: pip install 'raspc[serve]'")
    with Server(tmp_path_factory.mktemp("playground")) as found:
        yield found


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """The playground in a browser, ready; at the end nothing may have erred."""
    faults: list[str] = []
    context = browser.new_context()
    opened = context.new_page()
    opened.on("console", lambda m: m.type in ("error", "warning") and faults.append(m.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(f"http://{server.host}/")
    opened.wait_for_selector("body[data-ready]")
    yield opened
    context.close()
    assert faults == []


def compiled(page: Any) -> None:
    """Compile what is in the editor."""
    page.click("#compile")
    page.wait_for_selector("#status.good", timeout=60_000)


def test_settings_follow_the_text(page: Any) -> None:
    """A text that replaces that of a program takes its description, its name, and what it was compiled with along."""
    page.fill("#vocab", "x,y")
    causal = next(i for i, one in enumerate(programs()) if one["causal"] and not one.get("library"))
    page.select_option("#program", value=str(causal))
    assert page.is_checked("#causal") and page.inner_text("#description") == programs()[causal]["description"]
    page.fill("#source", REVERSE)
    assert page.input_value("#program") == "" and page.inner_text("#description") == ""
    assert not page.is_checked("#causal") and page.input_value("#vocab") == "x,y"
    compiled(page)


def test_an_edited_program_keeps_its_settings_and_a_way_back(page: Any) -> None:
    """A line added: the settings stay, the name goes, and a button leads back."""
    causal = next(i for i, one in enumerate(programs()) if one["causal"] and not one.get("library"))
    page.select_option("#program", value=str(causal))
    page.fill("#source", page.input_value("#source") + "extra = tokens;\n")
    assert page.input_value("#program") == "" and page.is_checked("#causal")
    page.click("#description button")
    assert page.input_value("#program") == str(causal) and page.input_value("#source") == programs()[causal]["source"]


def test_a_failed_compile_clears_the_model(page: Any) -> None:
    """No page, no downloads, no check; a change alone marks them as those of before."""
    compiled(page)
    assert page.is_visible("#links") and page.is_visible("#view") and page.is_hidden("#stale")
    page.fill("#source", "a = tokns;")
    assert "changed since" in page.inner_text("#stale")
    page.click("#compile")
    page.wait_for_selector("#status.bad")
    assert page.is_hidden("#links") and page.is_hidden("#view") and page.is_disabled("#check")
    assert page.get_attribute("#zip", "href") is None and "does not compile" in page.inner_text("#empty")
    page.fill("#source", REVERSE)
    compiled(page)
    assert page.is_visible("#links") and page.is_hidden("#stale")
    page.check("#partial")
    assert page.is_visible("#stale")
    page.uncheck("#partial")
    assert page.is_hidden("#stale")


def test_links_carry_programs(page: Any, server: Server) -> None:
    """Text, settings and names of the library; what is no program is said to be none, and nothing is compiled."""
    page.fill("#source", "# \u201c<script>alert(1)</script>\u201d\n" + REVERSE)
    page.fill("#vocab", "a,b")
    page.check("#causal")
    page.click("#share")
    address = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    assert page.input_value("#source").startswith("# \u201c<script>") and page.is_checked("#causal")
    assert page.input_value("#vocab") == "a,b" and page.is_hidden("#view")
    page.select_option("#program", label="hist", strict=False)
    page.select_option("#program", label="sort_stable")
    page.click("#share")
    page.evaluate("location.hash = '#program=!!'")
    page.evaluate("location.hash = '#program=e30'")
    page.wait_for_selector("#status.bad")
    assert "something else than a program" in page.inner_text("#status")
    page.evaluate("location.hash = '#program=abc'")
    page.wait_for_selector("#status:has-text('cannot be read')")
    hostile = {"source": "", "library": "../x", "vocab": "a", "where": "", "prompts": "", "stop": "", "length": 3}
    hostile |= {"optimize": 1, "causal": False, "partial": False, "generate": False}
    packed = base64.urlsafe_b64encode(json.dumps(hostile).encode()).decode().rstrip("=")
    page.evaluate(f"location.hash = '#program={packed}'")
    page.wait_for_selector("#status:has-text('does not have')")


def test_a_program_that_writes(page: Any) -> None:
    """Chosen by name it brings prompts and stop along, compiles, and its page writes."""
    page.select_option("#program", label="write_parity")
    assert page.is_checked("#generate") and page.input_value("#prompts") == library.WRITERS["write_parity"].prompts
    assert page.is_hidden("#where") and "def write_parity" in page.input_value("#source")
    compiled(page)
    inside = page.frame_locator("#view")
    inside.locator("body[data-ready]").wait_for()
    assert inside.locator("#writing").is_visible()


def test_every_program_of_the_library_shows_its_source() -> None:
    """The Python of its builder, and of what that calls in its own file."""
    found = {one["name"]: one["source"] for one in programs() if one.get("library")}
    assert set(found) == {*library.PROGRAMS, *library.WRITERS}
    for name, source in found.items():
        assert "def " in source and "return" in source, name
    assert source_of(library.get("palindrome").build).count("def palindrome") == 1
    assert "_digit" in found["addition"] and "def _digit" in found["addition"]


def test_a_program_that_writes_takes_no_inputs(server: Server, tmp_path: Path) -> None:
    """Both a domain and prompts are refused in words; prompts and stop reach the compiler."""
    parity = library.WRITERS["write_parity"]
    asked = {"source": "", "library": "write_parity", "vocab": json.dumps(list(parity.vocab)), "causal": True}
    asked |= {
        "max_seq_len": parity.max_seq_len,
        "optimize": 1,
        "generate": True,
        "stop": ".",
        "prompts": parity.prompts,
    }
    assert "leave it empty" in server.post("compile", asked | {"where": "a+"})["faults"][0]["message"]
    found = server.post("compile", asked)
    assert "id" in found, found
    assert "faults" in server.post("compile", asked | {"prompts": "["})
