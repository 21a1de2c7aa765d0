"""The picture of a page in README and on the site: python -m docs.site.picture writes docs/images/page.png anew.

Needs Playwright and a Chromium on the path, as the tests of pages do.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import raspc
from raspc import rasp, view

PICTURE = Path(__file__).parent.parent / "images" / "page.png"
WIDTH, HEIGHT, SCALE = 1180, 940, 1.25


def main() -> None:
    """Opens the page of `reverse` as a reader finds it, without the words on how to read it, and takes its picture."""
    from playwright.sync_api import sync_playwright

    opposite = (rasp.length - rasp.indices - 1).named("opposite")
    look = rasp.Select(rasp.indices, opposite, rasp.Comparison.EQ).named("look")
    model = raspc.compile(rasp.Aggregate(look, rasp.tokens).named("reverse"), set("helo"), 6)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = view.write_page(model, list("hello"), Path(folder) / "reverse.html")
        found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to sandbox what root runs
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", device_scale_factor=SCALE
        )
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        page.evaluate("document.querySelectorAll('details[open]').forEach((part) => { part.open = false; })")
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()
    print(PICTURE)


if __name__ == "__main__":
    main()
