"""Whole answers checked: what a model writes after its prompts against the program, and against a reference in Python.

One pass over a prompt and the model's answer checks every step of it: if each token is the one that the program writes
after all that stands before it, then the whole answer is the program's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raspc import arguments, jsonvalues, rasp
from raspc import values as V
from raspc.errors import InputError, InvalidProgram
from raspc.generation.writer import PROMPT, generate_batch, tokens_of, writing_of
from raspc.graph.evaluate import batch_of, decoded, run_graph
from raspc.graph.nodes import Listed
from raspc.graph.prompts import prompts_of
from raspc.interpret import interpret
from raspc.regular.automaton import Automaton, drawn, everything
from raspc.values import Value
from raspc.weights.model import Model

ALL = 1_000_000
"""Up to so many prompts are all run."""
SAMPLE = 10_000
"""Of more so many are, at random."""
INTERPRETED = 500
"""On so many of them the interpreter of expressions is asked too."""
AT_ONCE = 1 << 20
"""So many (query, key) pairs of prompts and answers are computed at one time."""

Reference = Callable[[Any], Any]
"""From a prompt to its answer, in plain Python: texts where all tokens are texts, else lists of tokens."""


@dataclass(frozen=True)
class WritingReport:
    """What a check of whole answers found.

    `checked` of `total` prompts were run, all of them if `exhaustive`; `steps`: how many tokens were written in all.
    `asked`: on how many the interpreter of expressions was asked; `referred`: on how many the reference was.
    `failures`: how many answers differ, with the first: its prompt, what was expected and found from the first `step`
    on at which they part, and `by`, which oracle says so.
    """

    checked: int = 0
    total: int = 0
    exhaustive: bool = False
    steps: int = 0
    asked: int = 0
    referred: int = 0
    failures: int = 0
    prompt: tuple[Value, ...] | None = None
    step: int | None = None
    expected: tuple[Value, ...] | None = None
    found: tuple[Value, ...] | None = None
    by: str = ""

    @property
    def ok(self) -> bool:
        """True if something was checked, and nothing differed."""
        return self.checked > 0 and not self.failures

    def __bool__(self) -> bool:
        return self.ok

    @property
    def oracles(self) -> str:
        """Which oracles spoke."""
        asked = {"the interpreter of expressions": self.asked, "the reference": self.referred}
        *others, last = ["the graph", *(f"{name} on {many:,}" for name, many in asked.items() if many)]
        return f"{', '.join(others)} and {last}" if others else last

    def __str__(self) -> str:
        prompts = f"{'all ' if self.exhaustive else ''}{self.checked:,}{'' if self.exhaustive else ' random'} prompts"
        if self.ok:
            return f"every answer is right: {prompts}, {self.steps:,} tokens; asked: {self.oracles}"
        if not self.checked:
            return "nothing was checked: there is no prompt"
        return (
            f"{self.failures:,} of {prompts} are answered wrongly; the first is {list(self.prompt or ())!r}: at step "
            f"{self.step} {self.by} writes {list(self.expected or ())!r}, the model {list(self.found or ())!r}"
        )

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        lists = ("prompt", "expected", "found")
        shown = {name: getattr(self, name) for name in lists}
        coded = {name: None if of is None else [jsonvalues.encode(value) for value in of] for name, of in shown.items()}
        return {**vars(self), **coded, "ok": self.ok, "oracles": self.oracles}


def check_writing(
    model: Model,
    prompts: Any = None,
    limit: int | None = None,
    seed: int = 0,
    program: rasp.SOp | None = None,
    reference: Reference | None = None,
) -> WritingReport:
    """Check whole answers: on all prompts where there are at most a million (or `limit`), else on random ones.

    `prompts`: a regular expression over tokens or a list of prompts, in place of those that the model was compiled for.
    `program`: the s-op that it was compiled from, where it was not compiled in this process. `reference`: the author's
    own Python, a function from a prompt to its answer, with or without the stop.

    Raises InputError for a model that does not write, or prompts that it is not for.
    """
    writing, longest = writing_of(model), model.config.max_seq_len
    vocab = model.as_written.vocab
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise InputError(f"found the limit {limit!r}, needed at least 1 prompt, or None")
    try:
        automaton = writing.prompts if prompts is None else prompts_of(prompts, vocab, longest)[0]
    except InvalidProgram as error:
        raise InputError(str(error)) from None
    automaton = automaton or everything(len(vocab))
    total = sum(automaton.sizes(longest)[1:])
    every = total <= (limit or ALL)
    pieces = _pieces(automaton, longest, every, limit or SAMPLE, seed)
    found = WritingReport(total=total, exhaustive=every)
    written = program if program is not None else model.expression
    for ids in pieces:
        found = _with(found, model, [[vocab[i] for i in row] for row in ids], written, reference)
    return found


def some_prompts(model: Model, limit: int, seed: int = 0) -> list[list[Value]]:
    """All prompts of a model that writes, where there are at most `limit`, else so many random ones.

    Raises InputError for a model that does not write.
    """
    writing, vocab, longest = writing_of(model), model.as_written.vocab, model.config.max_seq_len
    automaton = writing.prompts or everything(len(vocab))
    every = sum(automaton.sizes(longest)[1:]) <= limit
    pieces = _pieces(automaton, longest, every, limit, seed)
    return [[vocab[i] for i in row] for ids in pieces for row in ids]


def _pieces(prompts: Automaton, longest: int, every: bool, count: int, seed: int) -> Iterator[list[list[int]]]:
    return _all_of(prompts, longest) if every else _random_of(prompts, longest, count, seed)


def _all_of(prompts: Automaton, longest: int) -> Iterator[list[list[int]]]:
    for length, size in enumerate(prompts.sizes(longest)):
        step = max(1, AT_ONCE // (longest * longest))
        for start in range(0, size if length else 0, step):
            yield prompts.inputs(length, start, min(start + step, size)).tolist()


def _random_of(prompts: Automaton, longest: int, count: int, seed: int) -> Iterator[list[list[int]]]:
    rng = np.random.default_rng((seed, 11))
    there = np.flatnonzero(prompts.ends(longest)[1:, 0]) + 1
    step = max(1, AT_ONCE // (longest * longest))
    for start in range(0, count, step):
        lengths = rng.choice(there, min(step, count - start)).astype(np.int64)
        ids = drawn(prompts, lengths, np.ones((len(lengths), prompts.n_tokens)), rng)
        yield [row[:length] for row, length in zip(ids.tolist(), lengths.tolist(), strict=True)]


def _answers(model: Model, prompts: list[list[Value]]) -> list[list[Value]]:
    """What the model writes after the prompts; to its greatest length, where nothing stops it."""
    if writing_of(model).stop is not None:
        return generate_batch(model, prompts)
    room = model.config.max_seq_len + 1
    return [generate_batch(model, [prompt], room - len(prompt))[0] for prompt in prompts]


def _with(
    report: WritingReport, model: Model, prompts: list[list[Value]], program: Any, reference: Reference | None
) -> WritingReport:
    """The report with some more prompts in it."""
    answers = _answers(model, prompts)
    report = replace(report, checked=report.checked + len(prompts), steps=report.steps + sum(map(len, answers)))
    for prompt, answer, wanted in zip(prompts, answers, _by_graph(model, prompts, answers), strict=True):
        report, fine = _compared(report, prompt, answer, wanted, "the program")
        if fine and program is not None and report.asked < INTERPRETED:
            meant = interpret(program, [*prompt, *answer[:-1]], True)[len(prompt) - 1 :]
            report, fine = _compared(replace(report, asked=report.asked + 1), prompt, answer, meant, "the interpreter")
        if fine and reference is not None:
            said = _said(reference, model, prompt)
            meant = _stopped(said, writing_of(model).stop)
            report, _ = _compared(replace(report, referred=report.referred + 1), prompt, answer, meant, "the reference")
    return report


def _compared(
    report: WritingReport, prompt: Sequence[Value], found: Sequence[Value], wanted: Sequence[Value], by: str
) -> tuple[WritingReport, bool]:
    """The report, and whether an answer is the one that an oracle gives."""
    pairs = zip(found, wanted, strict=False)
    step = next((i for i, (x, y) in enumerate(pairs) if not V.same(x, y)), min(len(found), len(wanted)))
    if step == len(found) == len(wanted):
        return report, True
    report = replace(report, failures=report.failures + 1)
    if report.failures > 1:
        return report, False
    return replace(
        report, prompt=tuple(prompt), step=step + 1, expected=tuple(wanted[step:]), found=tuple(found[step:]), by=by
    ), False


def _by_graph(model: Model, prompts: list[list[Value]], answers: list[list[Value]]) -> list[list[Value]]:
    """What the program writes at each step of the model's answers."""
    graph = model.as_written
    whole = [[*prompt, *answer[:-1]] for prompt, answer in zip(prompts, answers, strict=True)]
    run = run_graph(graph, batch_of(graph, whole))
    column, domain = run.column(graph.output), graph.variable(graph.output).domain
    rows = (decoded(column, domain, i, len(xs)) for i, xs in enumerate(whole))
    return [row[len(prompt) - 1 :] for row, prompt in zip(rows, prompts, strict=True)]


def _said(reference: Reference, model: Model, prompt: list[Value]) -> list[Value]:
    """The answer that the author's own Python gives. Raises InputError for one that is not made of tokens."""
    texts = all(isinstance(token, str) for token in model.as_written.vocab)
    given: Any = "".join(map(str, prompt)) if texts else list(prompt)
    try:
        said = reference(given)
    except Exception as error:
        raise InputError(f"the reference raised {type(error).__name__}: {error} on {given!r}") from error
    if isinstance(said, str):
        return tokens_of(model, said)
    tokens = [V.plain(token) for token in arguments.items("the reference's answer", said, PROMPT)]
    known = Listed(model.as_written.vocab)
    if strange := [token for token in tokens if V.key(token) not in known.index]:
        raise InputError(f"the reference answers {given!r} with {strange[0]!r}, which is no token")
    return tokens


def _stopped(tokens: list[Value], stop: Value) -> list[Value]:
    """An answer with the stop at its end, whether the reference gives it or not."""
    return tokens if stop is None or (tokens and V.same(tokens[-1], stop)) else [*tokens, stop]
