"""Accessibility: axe-core finds nothing serious, in either colour scheme, on wide and narrow screens.

axe-core (MPL-2.0) is no part of this project: `.ci/run` fetches it with npm. RASPC_AXE names its file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.view.conftest import missing
from tests.view.test_forward import compiled

AXE = Path(__file__).parents[2] / "artifacts" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
RUN = "async () => (await axe.run({resultTypes: ['violations']})).violations"


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    path = Path(os.environ.get("RASPC_AXE", AXE))
    if not path.is_file():
        missing("no accessibility test: axe-core is not there (npm install axe-core, or set RASPC_AXE)")
    return path.read_text(encoding="utf-8")


def serious(page: Any, axe: str) -> list[tuple[str, str]]:
    """The rules that axe-core finds broken, each with a place."""
    page.add_script_tag(content=axe)
    found = page.evaluate(RUN)
    return [(rule["id"], node["html"][:160]) for rule in found if rule["impact"] in SERIOUS for node in rule["nodes"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_no_serious_issue(open_page: Callable[..., Any], axe: str, scheme: str, width: int) -> None:
    """The page at rest, with a variable chosen, with a selector's squares, and with a fault told."""
    model = compiled("sort", 1)
    settings = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "bypass_csp": True}
    page = open_page(model, [3, 1, 2], **settings).page
    assert serious(page, axe) == []
    page.click("#program .ref:text-is('rank')")
    assert serious(page, axe) == []
    page.click("summary:has-text('What exactly this says')")
    place = model.graph.labels.index("rank")
    page.select_option(f'[data-switch="{place}"]', value="source")
    page.locator("#switches select").last.select_option("drawn")
    page.wait_for_selector(".squares")
    if page.is_visible("#whole"):  # nothing of a program is folded away whose author named all of it
        page.check("#whole")
    page.fill("#tokens", "1 x")
    assert serious(page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_playground_has_no_serious_issue(browser: Any, axe: str, scheme: str, tmp_path: Path) -> None:
    """At rest, and with a fault told."""
    pytest.importorskip("starlette", reason="the playground needs starlette: pip install 'raspc[serve]'")
    from tests.view.test_serve import Server

    with Server(tmp_path) as server:
        page = browser.new_context(color_scheme=scheme, bypass_csp=True).new_page()
        page.goto(f"http://{server.host}/")
        page.wait_for_selector("body[data-ready]")
        assert serious(page, axe) == []
        page.fill("#source", "a = foo;")
        page.click("#compile")
        page.wait_for_selector("#status.bad")
        assert serious(page, axe) == []
        page.context.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of the laboratory, with a refused answer in it."""
    pytest.importorskip("pyarrow", reason="the report needs pyarrow: pip install 'raspc[parquet]'")
    from raspc.lab import runs

    place = tmp_path_factory.mktemp("laboratory")
    (place / "mine.py").write_text("def broken(task):\n    return None\n")
    compiled("hist", 2).save(place / "hist")
    methods = ["weights", "oracle", "random", f"{place}/mine.py:broken"]
    runs.run(place / "hist", methods, ["shuffle", "mean"], place / "out", pairs=4, workers=0)
    return runs.report(place / "out").page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 420)])
def test_the_report_of_the_laboratory(browser: Any, axe: str, report: Path, scheme: str, width: int) -> None:
    """Tables that are read out with their headings, and scores that stand out from their shades."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    page.goto(report.as_uri())
    assert page.locator("td[class=s10]").count() and serious(page, axe) == []
    page.context.close()
