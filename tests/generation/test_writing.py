"""Programs that write: whole answers, token by token, equal those of the program and of plain Python."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.generation.examples import WRITERS, Writer

import raspc
from raspc import InputError, InvalidProgram, UnsupportedProgram, rasp
from raspc.certify.checking.variables import trace_variables
from raspc.generation.checking import check_writing
from raspc.graph.prompts import cut
from raspc.run.cached import Session
from raspc.run.stepping import Growing
from raspc.weights.encoders import decode_logits

T, I = rasp.tokens, rasp.indices  # noqa: E741


def compiled(writer: Writer, level: int = 2, **options: Any) -> Any:
    """The model of a writer."""
    known = {"generate": True, "stop": writer.stop, "prompts": writer.prompts, "optimize": level}
    return raspc.compile(writer.program, writer.vocab, writer.longest, **{**known, **options})


@pytest.fixture(scope="module", params=WRITERS)
def written(request: pytest.FixtureRequest) -> tuple[Writer, Any]:
    """A writer and its model at -O2."""
    return WRITERS[request.param], compiled(WRITERS[request.param])


def test_every_answer_is_right(written: tuple[Writer, Any]) -> None:
    """On all prompts, by the graph, the interpreter of expressions and plain Python; proved."""
    writer, model = written
    report = check_writing(model, reference=writer.answer)
    assert report.ok and report.exhaustive and report.asked and report.referred == report.checked == report.total
    assert model.certificate.verdict == "proved"
    assert model.as_written.where.writing.every


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("name", WRITERS)
def test_every_level(name: str, level: int) -> None:
    """Readable models write the same."""
    assert check_writing(compiled(WRITERS[name], level), reference=WRITERS[name].answer).ok


def test_a_saved_model_writes_the_same(written: tuple[Writer, Any], tmp_path: Path) -> None:
    """What it goes on from, and where it stops, is saved with it; the domain is the same."""
    writer, model = written
    model.save(tmp_path / "model")
    loaded = raspc.load(tmp_path / "model")
    assert loaded.as_written.where == model.as_written.where
    assert check_writing(loaded, reference=writer.answer).ok and raspc.check(loaded).ok


def test_streams_and_batches_are_the_same(written: tuple[Writer, Any]) -> None:
    """One by one, all together, cut short, with tokens or texts, BOS in front or not."""
    _, model = written
    prompts = _some_prompts(model)
    alone = [model.generate(prompt) for prompt in prompts]
    assert model.generate_batch(prompts) == alone
    assert [list(model.stream(prompt)) for prompt in prompts] == alone
    assert [model.generate(["BOS", *prompt]) for prompt in prompts] == alone
    assert [model.generate("".join(prompt)) for prompt in prompts] == alone
    assert [model.generate(prompt, max_new_tokens=2) for prompt in prompts] == [answer[:2] for answer in alone]


def _some_prompts(model: Any) -> list[list[str]]:
    where, vocab = model.as_written.where.writing, model.as_written.vocab
    longest = model.config.max_seq_len
    return [
        [vocab[i] for i in row]
        for n, size in enumerate(where.prompts.sizes(longest))
        if size
        for row in where.prompts.inputs(n, 0, min(size, 3)).tolist()
    ]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", WRITERS)
def test_kept_keys_give_what_a_whole_pass_gives(name: str, level: int) -> None:
    """One token after another, in pieces, and at once: answers at every position."""
    model = compiled(WRITERS[name], level)
    xs = max((list(p) + model.generate(p)[:-1] for p in _some_prompts(model)), key=len)
    whole = model.apply(["BOS", *xs]).decoded
    ids = model.encode_batch([["BOS", *xs]])
    for cuts in ([1] * len(xs), [2, len(xs) - 2], [len(xs)]):
        session, parts, at = Session(model.fast), [], 0
        for size in (1, *cuts):
            parts.append(session.feed(ids[:, at : at + size]))
            at += size
        logits = np.concatenate(parts, axis=2).transpose(1, 2, 0)
        assert decode_logits(model.config, logits, ids)[0] == whole
    growing = Growing.by(model.steps)
    alone = np.array([[growing.feed([i]) for i in ids[0].tolist()]])
    assert decode_logits(model.config, alone, ids)[0] == whole


def test_narrow_formats_write_the_same() -> None:
    """In bfloat16 the whole input is run again for each token."""
    writer = WRITERS["copy"]
    assert check_writing(compiled(writer, dtype="bfloat16"), reference=writer.answer).ok


def test_a_wrong_reference_is_told() -> None:
    """The first prompt on which it differs, and the step; the reference may give tokens, with the stop or not."""
    model = compiled(WRITERS["copy"])
    report = check_writing(model, reference=lambda prompt: [*prompt[:-1], "a", "."] if len(prompt) > 2 else prompt[:-1])
    assert not report.ok and report.by == "the reference" and report.step == 3
    assert "at step 3 the reference writes ['a', '.'], the model ['.']" in str(report)
    assert json.dumps(report.to_json())


def test_a_wrong_model_is_told() -> None:
    """Whatever the weights are made to write, the graph and the interpreter say so."""
    model = compiled(WRITERS["copy"])
    params = {name: np.array(array) for name, array in model.params.items()}
    params["unembed/b"][0] += 1e3
    wrong = replace(model, params=params, expression=None)
    report = check_writing(wrong, limit=50)
    assert report.failures and report.by == "the program" and report.step is not None


def refusal(kind: type[Exception], **options: Any) -> str:
    """What is said of a bad compile."""
    writer = WRITERS["copy"]
    known = {"generate": True, "stop": ".", "prompts": writer.prompts, "optimize": 1}
    with pytest.raises(kind) as found:
        raspc.compile(
            options.pop("program", writer.program), writer.vocab, options.pop("longest", 9), **{**known, **options}
        )
    return str(found.value)


def test_bad_arguments() -> None:
    """Each in one line that says what to do."""
    assert "stop: 'x' is not in the vocabulary" in refusal(InvalidProgram, stop="x")
    assert "prompts: no prompt of 1 to 9 tokens" in refusal(InvalidProgram, prompts="x+")
    assert "prompts: the list is empty; give at least one prompt" in refusal(InvalidProgram, prompts=[])
    assert "prompts: in '(', at character 0" in refusal(InvalidProgram, prompts="(")
    assert "needed a regular expression, or a list of prompts" in refusal(TypeError, prompts=5)
    assert "prompts: the text 'ax'" in refusal(InvalidProgram, prompts=["ax"])
    assert "where and generate exclude each other" in refusal(InvalidProgram, where="a+")
    assert "pass generate=True as well" in refusal(InvalidProgram, generate=False)
    assert "generate is 'yes'" in refusal(TypeError, generate="yes")


def test_programs_that_do_not_write() -> None:
    """No stop within the length, no token, no value: with the prompt that shows it."""
    assert "does not stop on the prompt ['a', 'a', 'a', 'a', '='] within 8 tokens" in refusal(InvalidProgram, longest=8)
    assert "does not stop" in refusal(InvalidProgram, program=rasp.where(T == "a", "b", "a"))
    assert "writes 7 after ['a', '='], which a prompt leads to; it is no token" in refusal(
        InvalidProgram, program=rasp.where(T == "=", 7, "a")
    )
    with pytest.raises(
        InvalidProgram, match="no token of the vocabulary, whose '1' is a text and not a number; add it"
    ):
        raspc.compile(rasp.Map(int, T), "12.", 4, generate=True, stop=".", prompts="[12]")
    nothing = rasp.Aggregate(rasp.Select(T, T, rasp.Comparison.TRUE), T)
    assert "has no value after ['a', '=']" in refusal(UnsupportedProgram, program=nothing)


def test_bad_prompts() -> None:
    """Outside the domain, not whole, not made of tokens, empty, too long; a model that does not write."""
    model = compiled(WRITERS["copy"])
    wanted = {
        "=": "outside the domain", "ab": "is not whole", "abx=": "no token begins at character 3", "": "is empty",
        "abcabcabcabcabc=": "too long",
    }  # fmt: skip
    for prompt, text in wanted.items():
        with pytest.raises(InputError, match=text):
            model.generate(prompt)
    with pytest.raises(InputError, match=r"prompt 1: .*is not whole"):
        model.generate_batch(["a=", "a"])
    with pytest.raises(InputError, match="max_new_tokens is 0"):
        model.generate("a=", 0)
    with pytest.raises(TypeError, match="prompt is 5"):
        model.generate(5)
    with pytest.raises(InputError, match="compile its program with generate=True"):
        raspc.compile(T, ("a", "b"), 3).generate("a")


def test_without_prompts_or_stop() -> None:
    """Every input is a prompt; nothing stops but the length, which is said."""
    model = raspc.compile(rasp.Map(lambda t: {"a": "b", "b": "a"}[t], T), ("a", "b"), 4, generate=True)
    assert model.generate("a", max_new_tokens=3) == ["b", "a", "b"]
    for limit in (None, 4, 9):
        with pytest.raises(InputError, match=r"no stop within the 4 tokens .* pass max_new_tokens, here 3 at most"):
            model.generate("ab", max_new_tokens=limit)
    assert model.generate("ab", max_new_tokens=3) == model.generate_batch(["ab"], 3)[0] == ["a", "b", "a"]
    assert model.generate_batch([]) == []
    report = check_writing(model)
    assert report.ok and report.exhaustive and report.steps == 2 * 4 + 4 * 3 + 8 * 2 + 16 * 1


def test_many_prompts_are_sampled() -> None:
    """Of more than a million prompts some are tried, and the domain is wider than what is written."""
    total = rasp.Map(lambda t: "." if t == "." else "=" if t != "=" else ".", T)
    model = raspc.compile(total, ("a", "b", "c", "=", "."), 20, generate=True, stop=".", prompts="[abc]{1,18}=")
    writing = model.as_written.where.writing
    assert not writing.every and writing.tried == 256
    report = check_writing(model, limit=200)
    assert report.ok and not report.exhaustive and report.checked == 200 and "200 random prompts" in str(report)


def test_a_program_that_is_no_graph_without_its_domain() -> None:
    """A map of three places over a hundred numbers has a million cells; what can follow a prompt has few."""
    first = rasp.Aggregate(rasp.Select(I, rasp.Full(0), rasp.Comparison.EQ), T, default=0)
    second = rasp.Aggregate(rasp.Select(I, rasp.Full(1), rasp.Comparison.EQ), T, default=0)

    def follow(token: int, start: int, end: int) -> int:
        return token - start if token > start else -1 if end else 0

    program = rasp.map(follow, T, first, second)
    prompts = [[a, b] for a in range(10, 90, 10) for b in range(a + 1, a + 4)]
    model = raspc.compile(program, range(-1, 100), 8, generate=True, stop=-1, prompts=prompts)
    assert check_writing(model).ok
    assert model.generate([10, 13]) == [3, -1]


def test_texts_are_cut_into_the_longest_tokens() -> None:
    """Spaces part tokens where no token has one."""
    assert cut("12+3=", ["1", "2", "12", "+", 3, "="]) == ["12", "+", 3, "="]
    assert cut("to be", ["to", "be", "tob"]) == ["to", "be"]
    assert cut("a b", ["a", " ", "b"]) == ["a", " ", "b"]
    with pytest.raises(InputError, match="character 2"):
        cut("a?", ["a"])


def test_each_step_can_be_traced() -> None:
    """The variables at the positions that write."""
    model = compiled(WRITERS["parity"], 1)
    prompt = list("0110=")
    found = trace_variables(model, [*prompt, *model.generate(prompt)[:-1]])
    assert found.expected["bit"][len(prompt) :] == ["1", "1", "0", "="]
