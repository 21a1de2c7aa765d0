"""A real browser for the pages: Debian's or any Chromium on the path, driven by Playwright.

Without one the tests are skipped, and say why; where RASPC_REQUIRE_BROWSER is set, as in `.ci/run`, they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from raspc.view import write_page
from raspc.weights.model import Model

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def missing(reason: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("RASPC_REQUIRE_BROWSER"):
        pytest.fail(f"{reason}, and RASPC_REQUIRE_BROWSER is set")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("no browser test: Playwright is not installed (pip install playwright)")
    path = os.environ.get("RASPC_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing("no browser test: no Chromium on the path (apt-get install chromium, or set RASPC_CHROMIUM)")
    # Chromium refuses to sandbox what root runs.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=arguments)
        yield found
        found.close()


class Watched:
    """A browser page that notes every console error, exception and request beyond its own file."""

    def __init__(self, page: Any, allowed: str, model: Model) -> None:
        self.page, self.model = page, model
        self.faults: list[str] = []
        page.on("console", lambda m: m.type in ("error", "warning") and self.faults.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        page.on("request", lambda r: r.url.startswith((allowed, "blob:")) or self.faults.append(f"request: {r.url}"))

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that a selector finds."""
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Opens the page of a model on an input; at the end no page may have erred or asked the network."""
    opened: list[Watched] = []

    def opening(model: Model, tokens: list[Any], title: str | None = None, **settings: Any) -> Watched:
        path = write_page(model, tokens, tmp_path / f"page{len(opened)}.html", title)
        context = browser.new_context(**settings)
        watched = Watched(context.new_page(), path.as_uri(), model)
        opened.append(watched)
        watched.page.goto(path.as_uri())
        watched.page.wait_for_selector("body[data-drawn]", timeout=10_000)
        return watched

    yield opening
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []
