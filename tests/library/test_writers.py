"""The library's programs that write: whole answers on all prompts, against plain Python."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import raspc
from raspc import library
from raspc.cli.app import status
from raspc.generation.checking import check_writing
from raspc.library.writers import WRITERS, Writer, turing_machine, write_addition, write_thought_sum
from raspc.library.writers.machines import BUSY_BEAVER, S5
from raspc.programs import find

ALL = 100_000
"""Up to so many prompts are all asked; of more, 2,000."""


def compiled(writer: Writer, level: int = 2, **options: Any) -> Any:
    """The model of a writer at its own size."""
    return raspc.compile(
        writer.program, writer.vocab, writer.max_seq_len, optimize=level, **{**writer.options(), **options}
    )


def right(writer: Writer, model: Any, most: int = ALL) -> None:
    """Every answer of a model, or those on 2,000 prompts where there are more than `most`, is that of the reference."""
    total = sum(model.as_written.where.writing.prompts.sizes(writer.max_seq_len)[1:])
    report = check_writing(model, limit=None if total <= most else 2_000, reference=writer.reference)
    assert report.ok and report.exhaustive is (total <= most) and report.referred == report.checked, str(report)


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_answers(writer: Writer) -> None:
    """At -O2, on all prompts or 2,000 of them."""
    model = compiled(writer)
    right(writer, model, 6_000)
    assert model.as_written.where.writing.every
    assert model.certificate.proved


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("name", ["write_word_problem", "write_busy_beaver"])
def test_a_layer_norm_bears_indicators(name: str) -> None:
    """As a GPT-2 these are proved where neurons find values without squares, and not else."""
    writer = library.WRITERS[name]
    assert compiled(writer, target="gpt2").certificate.proved
    assert not compiled(writer, target="gpt2", margin=1.0).certificate.proved


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("target", ["plain", "llama", "gpt2"])
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_every_answer(writer: Writer, target: str) -> None:
    """On all prompts, also of stock families."""
    model = compiled(writer, target=target)
    right(writer, model)
    assert model.certificate.proved


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_every_answer_of_readable_models(writer: Writer, level: int) -> None:
    """At the other levels."""
    right(writer, compiled(writer, level))


def test_they_are_found_by_name(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    """On the command line and in Python; their prompts and stop come with them."""
    assert list(library.WRITERS) == [writer.name for writer in WRITERS]
    assert find("write_copy").writing == {"generate": True, "stop": ".", "prompts": "[abc]{1,6}="}
    assert status(["compile", "write_recall", "-O2", "-o", f"{tmp_path}/model"]) == 0
    assert status(["compile", "write_copy", "--prompts", "a=", "--max-seq-len", "5", "-o", f"{tmp_path}/copy"]) == 0
    capsys.readouterr()
    assert status(["generate", f"{tmp_path}/model", "a1b0a0?a"]) == 0
    assert capsys.readouterr().out == "0.\n"
    assert status(["generate", f"{tmp_path}/copy", "b="]) == 2


def test_each_says_what_it_is_for() -> None:
    """Its description is one line, and its prompts are of its vocabulary."""
    for writer in WRITERS:
        assert writer.description.endswith(".") and len(writer.description) < 120
        assert writer.stop in writer.vocab and len(set(writer.vocab)) == len(writer.vocab)


def test_the_busy_beaver_makes_107_steps() -> None:
    """And leaves thirteen ones, by the steps that the program writes."""
    model = compiled(library.WRITERS["write_busy_beaver"])
    steps = model.generate(">")[:-1]
    tape, place = dict[int, str](), 0
    for step in steps:
        tape[place] = step[0]
        place += 1 if step[1] == "R" else -1
    assert len(steps) == 107 and list(tape.values()).count("1") == 13
    assert all(after in (BUSY_BEAVER[one[2] + "0"], BUSY_BEAVER[one[2] + "1"]) for one, after in pairwise(steps))


def test_another_turing_machine() -> None:
    """The busy beaver of two states: six steps, four ones."""
    rules = {"A0": "1RB", "A1": "1LB", "B0": "1LA", "B1": "1RH"}
    vocab = (">", ".", *rules.values())
    model = raspc.compile(turing_machine(rules), vocab, 8, generate=True, stop=".", prompts=">")
    assert model.generate(">") == ["1RB", "1LA", "1LB", "1LA", "1RB", "1RH", "."]


def test_the_orders_of_five_are_a_group() -> None:
    """Two swaps change nothing, nor do five turns; the two make all 120 orders."""
    order = "31524"
    assert S5[S5[order, "a"], "a"] == order
    turned = order
    for _ in range(5):
        turned = S5[turned, "b"]
    assert turned == order and len(set(S5.values())) == 120


@pytest.mark.parametrize("name", ["write_addition", "write_thought_sum"])
def test_sums_of_so_many_digits(name: str) -> None:
    """Where it is known how many there are, no more directions tell places apart, and every answer is the same."""
    writer, told = library.WRITERS[name], {"write_addition": write_addition, "write_thought_sum": write_thought_sum}
    model = raspc.compile(told[name](2), writer.vocab, writer.max_seq_len, optimize=2, **writer.options())
    report = check_writing(model, limit=500, reference=writer.reference)
    assert report.ok and report.referred == 500 and model.certificate.proved
    assert model.config.d_model <= compiled(writer).config.d_model


@pytest.mark.slow
def test_thinking_first_is_proved_for_ten_digits() -> None:
    """In less than the two millions of parameters that are its goal."""
    writer = library.WRITERS["write_thought_sum"]
    prompts = r"[0-9]{1,10}\+[0-9]{1,10}="
    options = {**writer.options(), "prompts": prompts}
    model = raspc.compile(write_thought_sum(10), writer.vocab, 47, optimize=2, **options)
    assert model.certificate.proved and sum(array.size for array in model.params.values()) < 2_000_000
    assert check_writing(model, limit=500, reference=writer.reference).ok
