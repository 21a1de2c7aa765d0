"""`make screenshots`: pictures of pages and playground at three widths in both colour schemes, to be looked at."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from tests.view.conftest import BROWSERS

import raspc
from raspc import library
from raspc.view import write_page

PROGRAMS = ("sort", "dyck2_ptf", "majority", "most_freq")
WIDTHS = (1440, 768, 390)
SCHEMES = ("light", "dark")


def main(folder: Path) -> None:
    """Writes every picture and prints its path."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("RASPC_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as pages:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        for name, address in addresses(Path(pages)):
            for width, scheme in product(WIDTHS, SCHEMES):
                print(picture(browser, address, folder / f"{name}-{scheme}-{width}.png", width, scheme))
        browser.close()


def addresses(folder: Path) -> Iterator[tuple[str, str]]:
    """The pages of some programs, each on an input that fits, and the playground."""
    from tests.view.test_serve import Server

    for name in PROGRAMS:
        entry = library.get(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal)
        tokens = [entry.vocab[7 * i % len(entry.vocab)] for i in range(min(8, entry.max_seq_len))]
        yield name, write_page(model, tokens, folder / f"{name}.html", name).as_uri()
    (folder / "playground").mkdir()
    with Server(folder / "playground") as server:
        yield "playground", f"http://{server.host}/"


def picture(browser: Any, address: str, path: Path, width: int, scheme: str) -> Path:
    """One full page; the playground with a program compiled, the pages with a variable chosen."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-ready]" if address.startswith("http") else "body[data-drawn]")
    if address.startswith("http"):
        page.click("#compile")
        page.wait_for_selector("#status.good")
        page.frame_locator("#view").locator("body[data-drawn]").wait_for()
    else:
        page.locator("#program .line.output .ref").first.click()
    page.screenshot(path=path, full_page=True)
    context.close()
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts/screenshots"))
