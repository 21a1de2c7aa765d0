"""The page and the playground know which inputs a program is for: they say so, mark others, and draw permitted ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.view.test_forward import check_numbers, check_variables
from tests.view.test_serve import Server, asked

import raspc
from raspc import InputError, rasp
from raspc.view.domain import first_input
from raspc.view.payload import payload
from raspc.weights.model import Model

VOCAB = ("0", "1", "=")
LONGEST = 5
marker = rasp.Select(rasp.tokens, rasp.Full("="), rasp.Comparison.EQ)
at = rasp.Aggregate(marker, rasp.indices, default=-1).named("at")
DOMAINS: dict[str, Any] = {
    "an expression": "[01]*=[01]*",
    "inputs": [["0", "="], ["1", "1", "="], ["="]],
    "what each position says": rasp.tokens != "=",
    "a condition": rasp.SelectorWidth(marker) == 1,
    "a condition without a value": rasp.map({"0": True, "1": True}.get, rasp.tokens) & (rasp.SelectorWidth(marker) < 2),
    "a condition that chooses": rasp.Aggregate(rasp.earliest(marker), rasp.indices, default=0) > 0,
}


def model_of(where: Any, program: rasp.SOp = at) -> Model:
    """A small model for the inputs of a domain."""
    return raspc.compile(program, VOCAB, LONGEST, where=where)


def permitted(where: Any) -> list[list[str]]:
    """All inputs of a domain, as the interpreter of expressions tells them."""
    found = []
    for n in range(1, LONGEST + 1):
        for xs in itertools.product(VOCAB, repeat=n):
            try:
                raspc.interpret(at, list(xs), where=where)
            except InputError:
                continue
            found.append(list(xs))
    return found


@pytest.mark.parametrize("name", DOMAINS)
def test_the_page_permits_what_the_interpreter_does(open_page: Callable[..., Any], name: str) -> None:
    """For every input; what it draws is permitted, and the numbers and values in the page are the model's."""
    where = DOMAINS[name]
    model, inside = model_of(where), permitted(where)
    page = open_page(model, inside[0]).page
    ids = [[*xs] for n in range(1, LONGEST + 1) for xs in itertools.product(range(len(VOCAB)), repeat=n)]
    said = page.evaluate("inputs => inputs.map(ids => raspc.outside(ids) === '')", ids)
    vocab = model.as_written.vocab
    assert [[vocab[i] for i in xs] for xs, yes in zip(ids, said, strict=True) if yes] == inside
    drawn = page.evaluate("() => Array.from({ length: 200 }, () => raspc.randomIds())")
    assert all([vocab[i] for i in xs] in inside for xs in drawn) and len({str(xs) for xs in drawn}) >= min(
        3, len(inside)
    )
    for xs in (inside[0], inside[-1]):
        check_numbers(page, model, xs)
        check_variables(page, model, xs)


def test_the_page_says_what_inputs_it_is_for(open_page: Callable[..., Any]) -> None:
    """Beside the input; what is typed from outside means nothing, and is not called wrong."""
    opened = open_page(model_of("[01]+=[01]*"), ["0", "1", "="])
    assert opened.texts("#domain") == ["For inputs where [01]+=[01]*"]
    assert opened.texts("#verdict") == ["equals the interpreter"] and opened.texts("#notice") == [""]
    assert "for inputs where" in opened.texts("#facts")[0]
    for typed, reason in {
        "=": "no permitted input goes on with = at position 0",
        "0 = =": "no permitted input goes on with = at position 2",
        "0 1": "it ends too early",
    }.items():
        opened.page.fill("#tokens", typed)
        assert opened.texts("#verdict") == ["outside the domain: this answer means nothing"]
        assert opened.texts("#notice") == [f"Not an input that the program is for: {reason}. Nothing is compared."]
        assert opened.page.locator(".wrong").count() == 0
    opened.page.click("#random")
    assert opened.texts("#verdict") == ["equals the interpreter"]


def test_a_condition_says_where_it_fails(open_page: Callable[..., Any]) -> None:
    """At which position it is what."""
    opened = open_page(model_of((rasp.SelectorWidth(marker) == 1).named("one")), ["0", "="])
    opened.page.fill("#tokens", "= 0 =")
    assert "the condition is False at position 0" in opened.texts("#notice")[0]
    assert opened.texts("#domain") == ["For inputs where one is True at every position"]


def test_a_function_in_python_cannot_travel(open_page: Callable[..., Any]) -> None:
    """Then the page says that it cannot tell, and draws from inputs that were found permitted."""
    program = rasp.Aggregate(rasp.latest(marker), rasp.indices)
    model = raspc.compile(program, VOCAB, 16, where=lambda tokens: tokens[0] == "=" and "=" not in tokens[1:])
    opened = open_page(model, ["=", "0"])
    assert "told by Python alone" in opened.texts("#domain")[0]
    for _ in range(5):
        opened.page.click("#random")
        assert opened.texts("#answer .token").count("=") == 1 and opened.texts("#verdict") == ["equals the interpreter"]


def test_a_page_opens_on_a_permitted_input() -> None:
    """Another one is refused; of a program that is for every input nothing is said."""
    model = model_of("[01]*=")
    assert payload(model, first_input(model), "at")["domain"]["text"] == "[01]*="
    with pytest.raises(InputError, match="outside the domain: where = \\[01\\]\\*=; it ends too early"):
        payload(model, ["0"], "at")
    everything = raspc.compile(at, VOCAB, LONGEST)
    assert payload(everything, first_input(everything), "at")["domain"] is None


def test_a_condition_travels_as_json() -> None:
    """What a page holds of a domain is data."""
    found = payload(model_of(DOMAINS["a condition"]), ["="], "at")["domain"]
    assert json.dumps(found) and found["known"] and found["automaton"] is None and found["condition"]["true"] == 1


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """A playground."""
    pytest.importorskip("starlette", reason="the playground needs starlette: pip install 'raspc[serve]'")
    with Server(tmp_path) as found:
        yield found


MAP = 'answer = aggregate(select(tokens, "=", ==), indices);\n'


def test_the_playground_compiles_for_a_domain(server: Server) -> None:
    """The page opens on a permitted input, and the check says what it has tried."""
    found = server.post("compile", asked(source=MAP, vocab="0,1,=", where=" [01]+= ", max_seq_len=4))
    assert "faults" not in found, found
    assert server.post("check", {"id": found["id"]})["report"]["where"] == "[01]+="
    page = server.send("GET", f"/models/{found['id']}/page.html")[2].decode()
    assert json.dumps("[01]+=")[1:-1] in page


@pytest.mark.parametrize(
    ("where", "message"), [("[01", "where"), ("2+", "where"), (5, "where must be a string"), ("0" * 2000, "characters")]
)
def test_the_playground_refuses_other_domains(server: Server, where: Any, message: str) -> None:
    """Malformed, without any input, of another kind, too long."""
    found = server.post("compile", asked(source=MAP, vocab="0,1,=", where=where))
    assert message in found["faults"][0]["message"]


def test_the_playground_has_a_box_for_it(browser: Any, server: Server) -> None:
    """What is typed there is what the program is for."""
    page = browser.new_page()
    page.goto(f"http://{server.host}/")
    page.wait_for_selector("body[data-ready]")
    page.fill("#source", MAP)
    page.fill("#vocab", "0,1,=")
    page.fill("#where", "[01]+=")
    page.click("#compile")
    page.wait_for_selector("#status.good")
    assert page.frame_locator("#view").locator("#domain").inner_text() == "For inputs where [01]+="
    page.click("#check")
    page.locator("#status", has_text="inputs of [01]+=").wait_for()
    page.context.close()
