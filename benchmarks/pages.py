"""How soon a page can be used, in headless Chromium: until it answers an input, and until all of it is drawn."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import raspc
from benchmarks.measure import Table
from raspc import library
from raspc.view import write_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SHOWN = 3
"""So many of the slowest pages have a row."""
REPEATS = 3
GOAL = 1.0
"""Seconds within which the heaviest page is to be usable."""


def table() -> Table:
    """The pages of the library at their default sizes, the slowest first; the first row has a target of 1 s."""
    with tempfile.TemporaryDirectory() as folder:
        found = sorted(timed(list(pages(Path(folder)))), reverse=True)
    rows = [
        (name, f"{size / 1000:.0f} kB", f"{ready:.2f} s", f"{drawn:.2f} s")
        for ready, drawn, name, size in found[:SHOWN]
    ]
    ready, drawn = (f"{sum(one[i] <= GOAL for one in found)} within {GOAL:g} s" for i in (0, 1))
    heads = ("page", "size", "until it answers", "until all is drawn")
    return Table("Pages of the library, medians", heads, [*rows, (f"all {len(found)}", "", ready, drawn)])


def pages(folder: Path) -> Iterator[Path]:
    """The page of each program of the library."""
    for name, entry in library.PROGRAMS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = raspc.compile(entry.program, entry.vocab, entry.max_seq_len, causal=entry.causal)
        length = model.graph.exact_length or min(8, entry.max_seq_len)
        yield write_page(
            model, [entry.vocab[i % len(entry.vocab)] for i in range(length)], folder / f"{name}.html", name
        )


def timed(paths: list[Path]) -> Iterator[tuple[float, float, str, int]]:
    """Of each page the median times until it answers and until it is drawn, its name, and its size in bytes."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("RASPC_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        window = browser.new_page(viewport={"width": 1440, "height": 900})
        for one in paths:
            opened(window, one)
            ready, drawn = zip(*(opened(window, one) for _ in range(REPEATS)), strict=True)
            yield statistics.median(ready), statistics.median(drawn), one.stem, one.stat().st_size
        browser.close()


def opened(window: Any, path: Path) -> tuple[float, float]:
    """Seconds from the address to the answer to an input that is drawn by lot, and to the whole page."""
    start = time.perf_counter()
    window.goto(path.as_uri(), wait_until="commit")
    window.wait_for_selector("body[data-ready]")
    window.click("#random")
    window.wait_for_selector("#answer .answer")
    ready = time.perf_counter() - start
    window.wait_for_selector("body[data-drawn]")
    return ready, time.perf_counter() - start
