"""Checkpoints with the answers that the interpreter gives, for scripts of clients that know nothing of raspc."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, product
from pathlib import Path
from typing import Any

from raspc import jsonvalues, values
from raspc.errors import InputError
from raspc.export.checkpoint.vocabulary import text_of
from raspc.graph.evaluate import interpret_graph
from raspc.values import Value
from raspc.weights import Model, sampling

SCRIPTS = Path(__file__).parent / "scripts"
ROWS = "rows.json"


def write(
    model: Model, family: str, directory: Path, exit: str | None = None, most: int = 2000, **options: Any
) -> Path:
    """A checkpoint with inputs and answers beside it: all inputs, or `most` of them."""
    model.to(family, directory, exit=exit, **options)
    facts = json.loads((directory / "raspc.json").read_text())
    inputs = inputs_of(model, most)
    answers = [row[1:] for row in answered(model, inputs)]
    column = {values.key(jsonvalues.decode(a["value"])): a["column"] for a in facts["answers"] if a["says"] != "number"}
    ids = model.input_encoder.encoding_map
    starts = prompts_of(model, facts, options.get("stop"))
    (directory / ROWS).write_text(
        json.dumps(
            {
                "exit": facts["exit"], "dtype": facts["dtype"], "family": family, "pad": facts["pad_id"],
                "n_ctx": facts["n_ctx"],
                "ids": [[ids[token] for token in row] for row in inputs],
                "texts": [" ".join(map(text_of, row[1:])) for row in inputs],
                "answers": [[column.get(values.key(a), None if a is None else a) for a in row] for row in answers],
                "prompts": [[ids[token] for token in prompt] for prompt, _ in starts],
                "written": [[column[values.key(token)] for token in new] for _, new in starts],
                "words": [text_of(token) for token in model.config.vocab],
                "labels": [label_of(a) for a in facts["answers"]],
            }
        )
    )  # fmt: skip
    return directory


def label_of(answer: dict[str, Any]) -> str:
    """What a column is called."""
    text = text_of(jsonvalues.decode(answer["value"]))
    return {"value": text, "number": "number", "special": f"is:{text}"}[answer["says"]]


def inputs_of(model: Model, most: int) -> list[list[Value]]:
    """All inputs with BOS, where they are few; else short ones and random ones."""
    config = model.config
    words = [token for i, token in enumerate(config.vocab) if i not in (config.bos_id, config.pad_id)]
    lengths = range(1, config.max_seq_len + 1)
    if model.as_written.where.is_everything and sum(len(words) ** n for n in lengths) <= most:
        return [[config.bos, *row] for row in chain.from_iterable(product(words, repeat=n) for n in lengths)]
    return sampling.inputs_of(model, most)


def answered(model: Model, inputs: Sequence[Sequence[Value]]) -> list[list[Value]]:
    """What the program gives, with BOS in front; a number as a float, where the answer is one."""
    graph = model.as_written
    rows = interpret_graph(graph, [row[1:] for row in inputs])
    specials = {values.key(value) for value in model.config.output.values}
    number = model.config.output.kind == "numerical"
    return [[None, *(float(a) if number and values.key(a) not in specials else a for a in row)] for row in rows]


def prompts_of(
    model: Model, facts: dict[str, Any], stop: Value | None, count: int = 24
) -> list[tuple[list[Value], list[Value]]]:
    """Prompts with what the program writes after them, as far as there is room, where its answers are tokens."""
    writing = model.as_written.where.writing
    stop = writing.stop if stop is None and writing is not None else stop
    tokens = {values.key(token) for token in model.config.vocab}
    if facts["exit"] != "lm" or not all(values.key(a) in tokens for a in model.config.output.values):
        return []
    generator = random.Random(0)
    inputs = inputs_of(model, 500)
    chosen = generator.sample(inputs, min(count, len(inputs)))
    if writing is not None:
        chosen = [prompt for row in chosen if (prompt := _prompt_in(model, row)) is not None]
    return [(prompt, list(_written(model, prompt, stop))) for prompt in chosen]


def _prompt_in(model: Model, row: list[Value]) -> list[Value] | None:
    """The first prompt that an input of a program that writes begins with, if there is one."""
    for n in range(2, len(row) + 1):
        with suppress(InputError):
            model.generate(row[:n], max_new_tokens=1)
            return row[:n]
    return None


def _written(model: Model, prompt: Sequence[Value], stop: Value | None) -> Iterator[Value]:
    """One token after the other, until `stop` or until one more would be longer than `max_length`."""
    text = list(prompt)
    while len(text) <= model.config.n_ctx:
        (row,) = interpret_graph(model.as_written, [text[1:]])
        text.append(row[-1])
        yield row[-1]
        if stop is not None and values.same(row[-1], stop):
            return


def client(script: str, *directories: Path, timeout: float = 1800) -> dict[str, Any]:
    """What a script finds in checkpoints, by directory; it runs alone, and cannot import raspc."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    ran = subprocess.run(
        [sys.executable, "-I", str(SCRIPTS / script), *map(str, directories)],
        capture_output=True, text=True, check=False, timeout=timeout, env=environment,
    )  # fmt: skip
    assert ran.returncode == 0, f"{script}: {ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found
