"""Long memories: how large a model is that looks back over thousands of tokens, and how many of its answers are wrong.

Plain models run in NumPy. Llamas run in transformers, a thousand tokens at a time, with keys and values kept.
"""

from __future__ import annotations

import random
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import raspc
from benchmarks.measure import Table
from raspc import library, rasp
from raspc.rasp import SOp
from raspc.stock.convert import stock_of

PIECE = 1024
"""So many tokens are read at once."""
WRITES = tuple(("write", address, value) for address in range(8) for value in range(4))
READS = tuple(("read", address) for address in range(8))


def memory() -> SOp:
    """What was last written to the address that each token names, itself included."""
    written = rasp.Map(_written_to, rasp.tokens)
    return rasp.memory(written, rasp.Map(_value, rasp.tokens), rasp.Map(_address, rasp.tokens), default="nothing")


def _written_to(token: tuple[Any, ...]) -> Any:
    return token[1] if token in WRITES else "none"


def _value(token: tuple[Any, ...]) -> Any:
    return token[2] if token in WRITES else "none"


def _address(token: tuple[Any, ...]) -> int:
    return int(token[1])


def recalled(tokens: Sequence[Any]) -> list[Any]:
    """The same in plain Python."""
    held, found = dict[Any, Any](), list[Any]()
    for token in tokens:
        held |= {token[1]: token[2]} if token in WRITES else {}
        found.append(held.get(token[1], "nothing"))
    return found


def went_on(tokens: Sequence[Any]) -> list[Any]:
    """What came after the latest earlier occurrence of each token."""
    after, found = dict[Any, Any](), list[Any]()
    for i, token in enumerate(tokens):
        after |= {tokens[i - 1]: token} if i else {}
        found.append(after.get(token))
    return found


@dataclass(frozen=True)
class Memory:
    """A program over so many tokens, its answers in plain Python, and the parameters that it is meant to have."""

    label: str
    program: Callable[[], SOp]
    vocab: tuple[Any, ...]
    answers: Callable[[Sequence[Any]], list[Any]]
    length: int
    target: str
    parameters: int


ADDRESSED, INDUCED = "memory, 8 addresses", "induction, 60 tokens"
SIXTY = tuple(range(60))
MEMORIES = (
    Memory(ADDRESSED, memory, (*WRITES, *READS), recalled, 4_096, "plain", 40 * 4_096),
    Memory(INDUCED, library.induction, SIXTY, went_on, 4_096, "plain", 40 * 4_096),
    Memory(ADDRESSED, memory, (*WRITES, *READS), recalled, 16_384, "llama", 60_000),
    Memory(INDUCED, library.induction, SIXTY, went_on, 16_384, "llama", 600_000),
)
HEADERS = ("program", "N", "target", "layers", "d_model", "parameters", "goal", "verdict", "wrong", "compile, s of CPU")


def table(rows: Sequence[Memory] = MEMORIES) -> Table:
    """A row for each memory; it says where a goal is missed."""
    return Table("Long memories, -O2", HEADERS, list(map(_line, rows)))


def _line(row: Memory) -> list[str]:
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = raspc.compile(row.program(), row.vocab, row.length, causal=True, optimize=2, target=row.target)
    seconds = time.process_time() - start
    size, inputs = sum(array.size for array in model.params.values()), inputs_of(row)
    found = in_transformers(model, inputs) if row.target == "llama" else in_numpy(model, inputs)
    pairs = [
        pair for tokens, got in zip(inputs, found, strict=True) for pair in zip(row.answers(tokens), got, strict=True)
    ]
    wrong = sum(want != got for want, got in pairs)
    goal = f"{'≤' if size <= row.parameters else 'missed ≤'} {row.parameters:,}"
    sizes = (model.config.n_layers, model.config.d_model)
    return [
        row.label, f"{row.length:,}", row.target, *map(str, sizes), f"{size:,}", goal, model.certificate.verdict,
        f"{wrong:,}/{len(pairs):,}", f"{seconds:.1f}",
    ]  # fmt: skip


def inputs_of(row: Memory) -> list[list[Any]]:
    """Three of full length: random tokens; some that come again at the end alone; few that come often."""
    draw, vocab, rest = random.Random(0), row.vocab, row.length - 200
    few = [draw.choice(vocab) for _ in range(3)]
    ends = [[draw.choice(vocab) for _ in range(100)] for _ in range(2)]
    rare = [draw.choice(few) if draw.random() < 0.99 else draw.choice(vocab) for _ in range(row.length)]
    return [draw.choices(vocab, k=row.length), [*ends[0], *draw.choices(few, k=rest), *ends[1]], rare]


def in_numpy(model: Any, inputs: Sequence[list[Any]]) -> list[list[Any]]:
    """The answers of `apply`."""
    return [model.apply([model.config.bos, *tokens]).decoded[1:] for tokens in inputs]


def in_transformers(model: Any, inputs: Sequence[list[Any]]) -> list[list[Any]]:
    """The answers of the checkpoint, read off its logits at every position."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    columns = {answer.column: answer.value for answer in stock_of(model, model.config.family).answers}
    with tempfile.TemporaryDirectory() as place, torch.no_grad():
        model.to(model.config.family, place)
        stock, found = AutoModelForCausalLM.from_pretrained(place), []
        for tokens in inputs:
            ids, kept, columns_of = torch.tensor(model.encode_batch([[model.config.bos, *tokens]])), None, list[int]()
            for start in range(0, ids.shape[1], PIECE):
                said = stock(input_ids=ids[:, start : start + PIECE], past_key_values=kept, use_cache=True)
                kept = said.past_key_values
                columns_of += said.logits[0].argmax(-1).tolist()
            found.append([columns.get(column, "no answer") for column in columns_of[1:]])
    return found
