"""Variables forced, patched and ablated in the page: the answers that `model.intervene`, `patch` and `ablate` give."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.view.test_forward import alike, compiled, inputs

import raspc
from raspc import InputError, jsonvalues, library, rasp
from raspc import values as V
from raspc.graph.nodes import Listed, Variable
from raspc.lab.demands import selectors_above
from raspc.lab.forcing import Ground
from raspc.weights.model import Model

ASK = """([ids, changes, at]) => { try { const found = raspc.whatIf(ids, changes, at);
  return {answer: found.answer.map(a => a.value), impossible: found.impossible,
          expected: found.expected && found.expected.map(a => a.value)}; }
  catch (error) { return {refused: error.message}; } }"""


def places(model: Model) -> list[int]:
    """The variables whose values are listed."""
    graph = model.graph
    return [
        place
        for place, node in enumerate(graph.nodes)
        if isinstance(node, Variable) and isinstance(node.domain, Listed) and node.refs
    ]


def cases(model: Model, count: int) -> list[tuple[list[Any], list[Any], int, dict[str, Any], int | None]]:
    """Inputs, other inputs, variables, what they shall be, and where."""
    rng = np.random.default_rng(5)
    found = []
    pairs = inputs(model, 2 * count)
    for i in range(count if places(model) else 0):
        tokens = pairs[2 * i]
        source = [model.graph.vocab[int(k)] for k in rng.integers(0, len(model.graph.vocab), len(tokens))]
        place = int(rng.choice(places(model)))
        change = {"place": place, "how": ("value", "value", "source", "zero", "mean")[i % 5]}
        change["id"] = int(rng.integers(0, len(model.graph.variable(place).listed)))
        at = int(rng.integers(0, len(tokens))) if i % 3 == 0 and change["how"] in ("value", "source") else None
        found.append((tokens, source, place, change, at))
    return found


def patterns(model: Model) -> list[int]:
    """The selectors that some head scores by themselves, and parts of them."""
    ground = Ground(model.plain)
    return sorted(
        {one for site in ground.sites if site.head is not None for one in selectors_above(ground.graph, site.place)}
    )


def drawn(model: Model, count: int) -> list[tuple[list[Any], list[Any], int, dict[str, Any], int | None]]:
    """Inputs, other inputs, selectors, and patterns: at random, or as on the other input."""
    rng, found = np.random.default_rng(6), []
    pairs = inputs(model, 2 * count)
    for i in range(count if patterns(model) else 0):
        tokens = pairs[2 * i]
        source = [model.graph.vocab[int(k)] for k in rng.integers(0, len(model.graph.vocab), len(tokens))]
        place = int(rng.choice(patterns(model)))
        bits = rng.random(len(tokens) ** 2) < (0.1, 0.5, 1.0)[i % 3]
        change = (
            {"place": place, "how": "source"}
            if i % 4 == 0
            else {"place": place, "how": "drawn", "bits": bits.astype(int).tolist()}
        )
        found.append((tokens, source, place, change, None))
    return found


def in_python(model: Model, tokens: list[Any], source: list[Any], change: dict[str, Any], at: int | None) -> Any:
    """What the laboratory gives, or its refusal."""
    label, bos = model.graph.labels[change["place"]], model.config.bos
    positions = None if at is None else [at]
    if change["how"] == "drawn":
        return model.intervene({label: np.reshape(change["bits"], (len(tokens), -1)).astype(bool)})([bos, *tokens])
    if change["how"] == "value":
        value = model.graph.variable(change["place"]).listed.values[change["id"]]
        return model.intervene({label: value}, positions)([bos, *tokens])
    if change["how"] == "source":
        return model.patch([bos, *source], [label], positions)([bos, *tokens])
    return model.ablate([label], change["how"])([bos, *tokens])


def check(open_page: Callable[..., Any], model: Model, count: int) -> int:
    """Answers, what is expected, and what is impossible, case by case; gives how many were compared."""
    page = open_page(model, inputs(model, 1)[0]).page
    encode = lambda xs: [int(i) for i in model.input_encoder.encode([model.config.bos, *xs])[1:]]  # noqa: E731
    compared = 0
    for tokens, source, _, change, at in [*cases(model, count), *drawn(model, count // 2)]:
        found = page.evaluate(ASK, [encode(tokens), [change | {"source": encode(source)}], at])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = in_python(model, tokens, source, change, at)
        except InputError:
            assert "refused" in found, (tokens, change, at)
            continue
        assert "refused" not in found, (found, tokens, change, at)
        said = (tokens, source, model.graph.labels[change["place"]], change, at)
        assert found["impossible"] == theirs.impossible, said
        if not theirs.impossible or change["how"] in ("zero", "mean"):
            assert same(found["answer"], theirs.decoded[1:]), said
            compared += 1
        if theirs.expected is not None:
            assert alike(found["expected"], theirs.expected[1:]), said
    return compared


def same(found: list[Any], expected: list[Any]) -> bool:
    """Answers of the page beside Python's."""
    pairs = zip(map(jsonvalues.decode, found), expected, strict=True)
    return all(
        abs(a - b) <= 1e-3 * max(1, abs(b)) if V.is_number(a) and V.is_number(b) else V.same(a, b) for a, b in pairs
    )


@pytest.mark.parametrize(("name", "optimize"), [("sort", 1), ("dyck2_ptf", 1), ("reverse", 2), ("hist", 0)])
def test_the_page_forces_as_the_laboratory_does(open_page: Callable[..., Any], name: str, optimize: int) -> None:
    """Values, patches and ablations, at all positions and at one."""
    assert check(open_page, compiled(name, optimize), 20) > 6


@pytest.mark.slow
@pytest.mark.parametrize("optimize", [0, 1, 2])
@pytest.mark.parametrize("name", sorted(library.PROGRAMS))
def test_the_page_forces_the_whole_library(open_page: Callable[..., Any], name: str, optimize: int) -> None:
    """The same for every program."""
    check(open_page, compiled(name, optimize), 20)


def test_switches_change_the_answer(open_page: Callable[..., Any]) -> None:
    """A switch is turned: the answer of before and of now; it says whether the program gives the same."""
    opened = open_page(compiled("sort", 1), [3, 1, 2])
    page = opened.page
    page.wait_for_selector("#switches tr")
    place = compiled("sort", 1).graph.labels.index("rank")
    page.select_option(f'[data-switch="{place}"]', label="0")
    page.wait_for_selector("#forcing-answer .pair")
    assert "means nothing" in opened.texts("#forcing-told")[0]  # no two tokens have one place
    page.select_option(f'[data-switch="{place}"]', value="source")
    page.fill("#source-tokens", "1 2 3")
    page.wait_for_selector("#forcing-told:has-text('So it is in the program')")
    theirs = compiled("sort", 1).patch(["BOS", 1, 2, 3], ["rank"])(["BOS", 3, 1, 2]).decoded[1:]
    assert opened.texts("#forcing-answer .answer") == [str(value) for value in theirs]
    page.fill("#source-tokens", "1 2")
    assert "as many as the input" in opened.texts("#source-fault")[0]
    page.click("#forcing-reset")
    page.wait_for_selector("#forcing-told:has-text('Nothing is forced')")


def test_squares_of_a_selector_are_turned(open_page: Callable[..., Any]) -> None:
    """Its menu opens its pattern; a square is turned by a click and by the keyboard; the answer is that of Python."""
    model = compiled("reverse", 1)
    (place,) = (place for place in patterns(model) if model.graph.labels[place] == "mirrored")
    opened = open_page(model, ["a", "b", "c"])
    page = opened.page
    page.select_option(f'[data-switch="{place}"]', label="squares that I turn")
    page.wait_for_selector("#forcing-told:has-text('No answer changes.')")
    page.click(f'[data-switch="{place}:0:2"]')
    page.wait_for_selector("#forcing-told:has-text('1 of 3 answers change')")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector("#forcing-told:has-text('So it is in the program')")
    pattern = [[0, 1, 0], [0, 1, 0], [1, 0, 0]]
    theirs = model.intervene({"mirrored": pattern})(["BOS", "a", "b", "c"]).decoded[1:]
    assert opened.texts("#forcing-answer .answer") == [str(value) for value in theirs] == ["b", "b", "a"]
    page.fill("#tokens", "a b")
    page.wait_for_selector("#forcing-told:has-text('Nothing is forced')")  # a pattern is of inputs of its own length


def test_turned_models_offer_no_switches(open_page: Callable[..., Any]) -> None:
    """A rotated model keeps no axes: the part is not there, and the page works."""
    model = raspc.rotate(compiled("sort", 1), seed=1)
    opened = open_page(model, [3, 1, 2])
    assert opened.page.is_hidden("#part-forcing") and opened.texts("#answer .answer") == ["1", "2", "3"]


def test_a_model_writes_in_its_page(open_page: Callable[..., Any]) -> None:
    """Token by token, with its variables; it stops where `generate` stops, and knows what is no prompt."""
    writer = library.WRITERS["write_copy"]
    model = raspc.compile(writer.program, writer.vocab, writer.max_seq_len, **writer.options())
    prompt = [*"ab="] if "b" in writer.vocab else [*writer.vocab[:1], "="]
    opened = open_page(model, prompt)
    page, expected = opened.page, model.generate(prompt)
    assert opened.texts("#answer .token") == prompt
    page.click("#write-one")
    assert opened.texts("#steps .writes td") == [str(expected[0])]
    page.click("#write-all")
    assert opened.texts("#steps .writes td") == list(map(str, expected)) and page.is_disabled("#write-one")
    assert "and stopped" in opened.texts("#written")[0] and len(opened.texts("#steps tbody tr")) > 2
    page.click("#write-again")
    assert opened.texts("#answer .token") == prompt and page.is_hidden("#steps")
    for typed in (prompt[:1], [*prompt, prompt[0], prompt[0]]):
        page.fill("#tokens", " ".join(typed))
        assert "no whole prompt" in opened.texts("#written")[0] and page.is_disabled("#write-all")
    page.fill("#tokens", " ".join([*prompt, *map(str, expected[:1])]))
    assert opened.texts("#written") == [""]
    page.click("#write-all")  # it goes on from what it has written already
    assert opened.texts("#steps .writes td") == list(map(str, expected[1:]))


def test_other_models_do_not_write(open_page: Callable[..., Any]) -> None:
    """A model that was not compiled to write offers nothing."""
    opened = open_page(raspc.compile(rasp.tokens.named("same"), "ab", 3), ["a"])
    assert opened.page.is_hidden("#writing")
