"""The pictures of pages in README and on the site: python -m docs.site.picture writes those in docs/images anew.

Needs Playwright and a Chromium on the path, as the tests of pages do.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import raspc
from raspc import library, rasp, view
from raspc.weights.model import Model

IMAGES = Path(__file__).parent.parent / "images"
WIDTH, HEIGHT, SCALE = 1180, 940, 1.25
TOKENS = list("hello")


def reverse() -> Model:
    """The model of README's first screen."""
    opposite = (rasp.length - rasp.indices - 1).named("opposite")
    look = rasp.Select(rasp.indices, opposite, rasp.Comparison.EQ).named("look")
    return raspc.compile(rasp.Aggregate(look, rasp.tokens).named("reverse"), set("helo"), 6)


def hist() -> Model:
    """The model of the page "Start"."""
    return raspc.compile(library.hist(), set("helo"), 6)


PAGES: dict[str, Callable[[], Model]] = {"page": reverse, "start": hist}
SCHEMES = {"": "light", "-dark": "dark"}


def main() -> None:
    """Opens each page, without the words on how to read it, and takes its picture in both schemes."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to sandbox what root runs
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        for name, address in written(Path(folder)):
            for ending, scheme in SCHEMES.items():
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme, device_scale_factor=SCALE
                )
                page.goto(address)
                page.wait_for_selector("body[data-drawn]")
                page.evaluate("document.querySelectorAll('details[open]').forEach((part) => { part.open = false; })")
                page.evaluate("window.scrollTo(0, 0)")
                page.screenshot(path=IMAGES / f"{name}{ending}.png")
                print(IMAGES / f"{name}{ending}.png")
        browser.close()


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of each page, under the name of its picture."""
    for name, model in PAGES.items():
        yield name, view.write_page(model(), TOKENS, folder / f"{name}.html").as_uri()


if __name__ == "__main__":
    main()
