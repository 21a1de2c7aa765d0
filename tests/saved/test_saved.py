"""Models that were saved by earlier versions keep their answers, their trace, their page and their verdict."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.saved.make import cases_of, facts, inputs

import raspc
from raspc.graph.evaluate import batch_of, run_graph
from raspc.graph.nodes import Listed, Variable
from raspc.view.payload import payload
from raspc.weights import format1
from raspc.weights.certificate import UNPLANNED
from raspc.weights.config import FORMAT_VERSION

HERE = Path(__file__).parent


FORMATS = sorted(path.name for path in HERE.glob("format*"))
EVERY = [f"{form}/{name}" for form in FORMATS for name in cases_of(int(form.removeprefix("format")))]
every_model = pytest.mark.parametrize("where", EVERY)
with_places = pytest.mark.parametrize("where", [where for where in EVERY if "rotated" not in where])


def expected(where: str) -> dict[str, Any]:
    """What the model answered and held when it was saved, and its verdict."""
    found: dict[str, Any] = json.loads((HERE / f"{where}.json").read_text())
    return found


def test_every_format_is_there() -> None:
    """Each format that was ever written has all the models."""
    assert [f"format{number}" for number in range(1, FORMAT_VERSION + 1)] == FORMATS
    assert all((HERE / where / "config.json").is_file() for where in EVERY)


@every_model
def test_answers_and_trace(where: str) -> None:
    """The same answers; the same variables after the same stages, with the same values."""
    model = raspc.load(HERE / where)
    assert facts(where.split("/")[1], model) == expected(where)["facts"]
    assert raspc.check(model).ok


@with_places
def test_verdict(where: str) -> None:
    """That of the certificate which was saved, and of the one that is made now; what was measured may be proved now."""
    model = raspc.load(HERE / where)
    assert model.certificate is not None
    wanted = expected(where)["verdict"]
    assert model.certificate["verdict"] == wanted
    # of format 1 only where today's compiler makes the same model
    assert raspc.certificate(model).verdict in (
        {wanted, UNPLANNED} if where.startswith("format1") else {wanted, "proved"}
    )


@with_places
@pytest.mark.parametrize("replanned", [True, False])
def test_the_page_reads_what_the_stream_holds(where: str, replanned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each code of the page is what the dimensions hold that the page names, from the stage on that it names.

    Of format 1 also where today's compiler would make another model.
    """
    if not replanned:
        monkeypatch.setattr(format1, "_made_again", lambda model: None)
    model, graph = raspc.load(HERE / where), raspc.load(HERE / where).graph
    tokens = inputs(where.split("/")[1])[1]
    page = payload(model, tokens, where)
    values, run = run_graph(graph, batch_of(graph, [tokens])), model.apply([model.config.bos, *tokens])
    streams = [run.input_embeddings, *run.residuals]
    seen = 0
    for place, node in enumerate(graph.nodes):
        if isinstance(node, Variable) and isinstance(node.domain, Listed):
            for space in page["nodes"][place]["spaces"]:
                held = np.asarray(streams[space["from_stage"] + 1])[0, 1:, slice(*space["dims"])]
                code = unpacked(space["code"])[values.column(place).ids[0]]
                assert np.allclose(held, code, atol=1e-2 * max(1.0, np.abs(code).max())), (where, graph.labels[place])
                seen += 1
    assert seen


def unpacked(packed: dict[str, Any]) -> Any:
    """An array of the page, from any of its three forms."""
    numbers = np.frombuffer(b64decode(packed["of"]), f"<{packed['type']}")
    if "runs" in packed:
        numbers = np.repeat(numbers, np.frombuffer(b64decode(packed["runs"]), "<i4"))
    flat = np.zeros(int(np.prod(packed["shape"])), numbers.dtype)
    flat[np.frombuffer(b64decode(packed["at"]), "<i4") if "at" in packed else slice(None)] = numbers
    return flat.reshape(packed["shape"])


@pytest.mark.parametrize("name", [name for name in cases_of(1) if not name.startswith("rotated")])
def test_what_has_no_plan_is_not_proved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of format 1 that today's compiler would make in another way is not proved, which is not called wrong."""
    monkeypatch.setattr(format1, "_made_again", lambda model: None)
    model = raspc.load(HERE / "format1" / name)
    found = raspc.certificate(model)
    assert found.verdict == UNPLANNED == "not proved: saved without a plan"
    assert not found.proved
    assert facts(name, model) == expected(f"format1/{name}")["facts"]
