"""Saved models of every format keep their page: it opens without a fault, and answers as the model does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.saved.make import inputs
from tests.saved.test_saved import EVERY, HERE

import raspc
from raspc.view import write_page
from raspc.view.show import show

OLDEST = [where for where in EVERY if where.startswith("format1")]
LATER = [where for where in EVERY if where not in OLDEST]


@pytest.fixture(scope="module")
def window(browser: Any) -> Iterator[Any]:
    """One page for all of them."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("where", [*OLDEST, *(pytest.param(where, marks=pytest.mark.slow) for where in LATER)])
def test_the_page_opens_and_answers(where: str, window: Any, tmp_path: Path) -> None:
    """As `apply` does; nothing errs on the way."""
    model, faults = raspc.load(HERE / where), list[str]()
    tokens = inputs(where.split("/")[1])[1]
    path = write_page(model, tokens, tmp_path / "page.html")

    def note(error: Any) -> None:
        faults.append(str(error))

    window.on("pageerror", note)
    window.goto(path.as_uri())
    window.wait_for_selector("body[data-drawn]")
    found = [text.strip() for text in window.locator("#answer .answer").all_inner_texts()]
    window.remove_listener("pageerror", note)
    expected = [show(value) for value in model.apply([model.config.bos, *tokens]).decoded[1:]]
    narrow = model.precision.narrow and model.config.output.kind == "numerical"  # the page counts in float32
    assert [near(text) for text in found] == [near(text) for text in expected] if narrow else found == expected
    assert faults == []


def near(text: str) -> str:
    """A number to two digits."""
    return f"{float(text):.2g}"
