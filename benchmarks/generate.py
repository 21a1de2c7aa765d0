"""Programs that write, side by side: their size, what is proved, whole answers that are right, tokens a second.

Speed is of one stream, in tokens a second of processor time: with kept keys and values, with the whole input run again
for each token by `model.apply`, and where the model is a Llama, by `generate` of transformers on the same processor.
The last two columns say how many times as fast the first is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import raspc
from benchmarks.measure import Table
from raspc.generation.checking import check_writing, some_prompts
from raspc.library import WRITERS
from raspc.library.writers import Writer, write_sum, write_thought_sum
from raspc.rasp import SOp
from raspc.regular.automaton import drawn

ASKED = 2_000
"""So many whole answers are checked."""
SPOKEN = 5
"""So many are timed, ..."""
TURNS = 3
"""... so many times, of which the quickest counts."""
LONG, FASTER = 64, 5
"""From so many tokens on, kept keys are to be so many times as fast as a run over all again."""


@dataclass(frozen=True)
class Row:
    """One program at one size. `layers`, `parameters`: what it is meant to have at most, None where nothing is set."""

    label: str
    writer: str
    length: int
    prompts: str | None = None
    target: str = "plain"
    layers: int | None = None
    parameters: int | None = None
    program: Callable[[], SOp] | None = None
    vocab: str = ""

    def compiled(self) -> tuple[Any, float]:
        """The model, and the seconds of processor time that it took."""
        writer = WRITERS[self.writer]
        program = writer.program if self.program is None else self.program()
        asked = writer.prompts if self.prompts is None else self.prompts
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = raspc.compile(
                program, tuple(self.vocab) or writer.vocab, self.length, generate=True, stop=writer.stop,
                prompts=asked, optimize=2, target=self.target,
            )  # fmt: skip
        return model, time.process_time() - start


def _up_to(digits: int) -> str:
    return rf"[0-9]{{1,{digits}}}\+[0-9]{{1,{digits}}}="


THINKER = partial(write_thought_sum, 10)
THIRTY = r"[0-9]{30}\+[0-9]{30}="
SIZED = (
    Row("sum of 30 digits in natural order", "write_sum", 93, THIRTY, "plain", 5, 2_000_000, lambda: write_sum(30)),
    Row("the same, Llama", "write_sum", 93, THIRTY, "llama", 5, 2_000_000, lambda: write_sum(30)),
    Row("addition of up to 3 digits, Llama", "write_addition", 12, _up_to(3), "llama", 5, 300_000),
    Row("addition of up to 10 digits", "write_addition", 33, _up_to(10)),
    Row("think, then answer, up to 10 digits", "write_thought_sum", 47, _up_to(10), "plain", None, 2_000_000, THINKER),
    Row("busy beaver of 4 states", "write_busy_beaver", 109, None, "plain", None, 1_000_000),
    Row("sort of up to 32 digits", "write_sort", 66, "[0-9]{1,32}=", "plain", 4, None, None, "0123456789=."),
    Row("copy of up to 32 tokens, Llama", "write_copy", 66, "[abc]{1,32}=", "llama"),
    Row("parity of up to 64 bits, Llama", "write_parity", 130, "[01]{1,64}=", "llama"),
    Row("word problem of S₅, up to 64 letters", "write_word_problem", 130, "[ab]{1,64}="),
)
DEFAULTS = tuple(Row(name, name, writer.max_seq_len) for name, writer in WRITERS.items())


FAMILIES = ("llama", "gpt2", "plain")
SECONDS = "import sys; from benchmarks.generate import row_of; print(row_of(*sys.argv[1:]).compiled()[1])"
"""What a process of its own prints: the seconds of processor time of one compile, with all that it imports for it."""


def row_of(label: str, target: str) -> Row:
    """The row with that label, for a target."""
    return replace(next(row for row in (*DEFAULTS, *SIZED) if row.label == label), target=target)


def compiles() -> Table:
    """What compiles take, each in a process of its own: all writers at their default size, then the larger rows."""
    rows = [[row.label, *(_seconds(row.label, target) for target in FAMILIES)] for row in DEFAULTS]
    rows += [[row.label, *(_seconds(row.label, row.target) if row.target == target else "" for target in FAMILIES)]
             for row in SIZED]  # fmt: skip
    return Table("Compiles of programs that write, -O2, seconds of CPU", ("program", *FAMILIES), rows)


def _seconds(label: str, target: str) -> str:
    command = [sys.executable, "-c", SECONDS, label, target]
    return f"{float(subprocess.run(command, capture_output=True, text=True, check=True).stdout):.1f}"


HEADERS = (
    "program", "N", "layers", "parameters", "goals", "verdict", "answers right", "compile, s of CPU",
    "tokens/s, kept keys", "all run again", "transformers", "× run again", "× transformers",
)  # fmt: skip


def table(rows: Iterable[Row] = (*SIZED, *DEFAULTS)) -> Table:
    """A row for each program; it says where a goal is missed."""
    return Table("Programs that write, -O2", HEADERS, [_line(row) for row in rows])


def _line(row: Row) -> list[str]:
    try:
        model, seconds = row.compiled()
    except raspc.RaspcError as error:
        return [row.label, str(row.length), "refused", "", "", str(error)[:60], *[""] * 7]
    report = check_writing(model, limit=ASKED, reference=WRITERS[row.writer].reference)
    size = sum(array.size for array in model.params.values())
    goal = " ".join(
        f"{'≤' if found <= most else 'missed ≤'} {most:,}"
        for found, most in ((model.config.n_layers, row.layers), (size, row.parameters))
        if most is not None
    )
    right = f"{report.checked - report.failures:,}/{report.checked:,}"
    verdict = model.certificate.verdict
    speeds = _said(_speeds(model), row.length)
    layers, length = str(model.config.n_layers), str(row.length)
    return [row.label, length, layers, f"{size:,}", goal, verdict, right, f"{seconds:.1f}", *speeds]


def _said(speeds: list[float], length: int) -> list[str]:
    """The speeds, then how many times as fast the first is as each of the others."""
    kept, again, transformers = speeds
    times = f"{kept / again:.1f}"
    return [
        *(f"{speed:,.0f}" if speed else "" for speed in speeds),
        times if length < LONG or kept >= FASTER * again else f"missed {times} of {FASTER}",
        f"{kept / transformers:.0f}" if transformers else "",
    ]


def _speeds(model: Any) -> list[float]:
    """Tokens a second of one stream, in the three ways; 0 for transformers where the model is no Llama."""
    prompts = _longest_prompts(model)
    answers = [model.generate(prompt) for prompt in prompts]
    many = sum(map(len, answers))
    each = list(zip(prompts, answers, strict=True))
    kept, again = _least(
        lambda: [model.generate(prompt) for prompt in prompts],
        lambda: [_anew(model, prompt, len(answer)) for prompt, answer in each],
    )
    return [many / kept, many / again, _by_transformers(model, prompts) if model.config.held is not None else 0.0]


def _longest_prompts(model: Any) -> list[list[Any]]:
    writing, vocab = model.as_written.where.writing, model.as_written.vocab
    sizes = writing.prompts.sizes(model.config.max_seq_len)
    longest = max(n for n, size in enumerate(sizes) if size)
    lengths = np.full(SPOKEN, longest, np.int64)
    ids = drawn(writing.prompts, lengths, np.ones((SPOKEN, len(vocab))), np.random.default_rng(0))
    return [[vocab[i] for i in row] for row in ids.tolist()]


def _least(*runs: Callable[[], object]) -> list[float]:
    """The least seconds of processor time of each, which take turns."""
    found = [[_timed(run) for run in runs] for _ in range(TURNS)]
    return [min(column) for column in zip(*found, strict=True)]


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _anew(model: Any, prompt: list[Any], many: int) -> list[Any]:
    """As many tokens as an answer has, each by a pass over all that stands before it."""
    tokens = [model.config.bos, *prompt]
    for _ in range(many):
        tokens = [*tokens, model.apply(tokens).decoded[-1]]
    return tokens


EXAMPLE = Path(__file__).parents[1] / "examples" / "generate_with_transformers.py"
EVERY = 100_000
"""Up to so many prompts are all asked of a checkpoint; of more, `ASKED`."""
AT_ONCE = 256
"""So many of them are one batch, of prompts that are about as long."""


def wanted(writer: Writer, prompt: list[Any]) -> str:
    """The answer in plain Python, with its stop, as the text of a checkpoint."""
    answer = writer.reference("".join(map(str, prompt)))
    return "".join(map(str, (*answer, writer.stop)))


def by_transformers(checkpoint: Path, prompts: list[list[Any]]) -> list[str]:
    """What transformers writes after each prompt, without white space, in a process that cannot import raspc."""
    texts = "\n".join("".join(map(str, prompt)) for prompt in prompts)
    command = [sys.executable, "-I", str(EXAMPLE), str(checkpoint), str(AT_ONCE)]
    ran = subprocess.run(command, input=texts, capture_output=True, text=True, check=True)
    return ["".join(text.split()) for text in json.loads(ran.stdout)]


def in_transformers() -> Table:
    """Whole answers of all writers as stock checkpoints, on all prompts or `ASKED` of them."""
    headers = ("program", "family", "layers", "parameters", "verdict", "answers right", "seconds")
    rows = [_asked(writer, family) for writer in WRITERS.values() for family in ("llama", "gpt2")]
    return Table("Programs that write, by generate of transformers, -O2", headers, rows)


def _asked(writer: Writer, family: str) -> list[str]:
    model, _ = Row(writer.name, writer.name, writer.max_seq_len, target=family).compiled()
    total = sum(model.as_written.where.writing.prompts.sizes(writer.max_seq_len)[1:])
    prompts = sorted(some_prompts(model, total if total <= EVERY else ASKED), key=len)
    with tempfile.TemporaryDirectory() as place:
        model.to(family, checkpoint := Path(place) / "checkpoint")
        start = time.perf_counter()
        found = by_transformers(checkpoint, prompts)
    right = sum(answer == wanted(writer, prompt) for answer, prompt in zip(found, prompts, strict=True))
    size = sum(array.size for array in model.params.values())
    return [
        writer.name, family, str(model.config.n_layers), f"{size:,}", model.certificate.verdict,
        f"{right:,}/{len(prompts):,}", f"{time.perf_counter() - start:.0f}",
    ]  # fmt: skip


def _by_transformers(model: Any, prompts: list[list[Any]]) -> float:
    """Tokens a second of `generate` with the checkpoint, of which the first answer is not timed."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        model.to("llama", place)
        tokenizer, llama = AutoTokenizer.from_pretrained(place), AutoModelForCausalLM.from_pretrained(place)
        inputs = [tokenizer("".join(map(str, prompt)), return_tensors="pt") for prompt in prompts]
        llama.generate(**inputs[0])
        many = sum(llama.generate(**one).shape[1] - one["input_ids"].shape[1] for one in inputs)
        return many / _least(lambda: [llama.generate(**one) for one in inputs])[0]
