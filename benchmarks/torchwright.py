"""Adders of numbers of up to three digits as stock checkpoints: raspc beside torchwright.

torchwright (https://github.com/physicsrob/torchwright, PyPI: torchwright) compiles graphs of its own operations into a
Phi-3. Its package holds no examples; the adder below is put together from the operations that it has for this: digits
of each number from a window that slides, a table for each pair of digits with the carry, one column after the other, no
leading zeros, then digit by digit. With three columns it answers modulo 1000; it gets four here.

`pip install "torchwright[hf]"`, in an environment of its own, where it is not to stand beside raspc; without it its row
says so.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import raspc
from benchmarks.measure import Table
from raspc.library import WRITERS
from raspc.library.writers import write_addition, write_sum, write_thought_sum
from raspc.rasp import SOp

ASKED = 2_000
DIGITS = 3
ADDER = """
import sys
from torchwright import compile_hf_bundle
from torchwright.ops.inout_nodes import create_embedding, create_literal_value, create_rope_config
from torchwright.ops.swiglu.embedding_arithmetic import sum_digit_seqs
from torchwright.ops.swiglu.logic_ops import equals_vector
from torchwright.ops.swiglu.sequence_ops import NumericSequence, output_sequence, remove_leading_0s

COLUMNS, WIDTH, HEAD = 4, 256, 16
embedding, rope = create_embedding([*"0123456789", "+", "=", "<eos>", "<bos>"]), create_rope_config(HEAD, 512)
end = create_literal_value(embedding.get_embedding("<eos>"))
plus, equals = (equals_vector(embedding, embedding.get_embedding(sign)) for sign in "+=")
window = NumericSequence(rope, embedding, COLUMNS)
total = sum_digit_seqs(embedding, window.get_digits_at_event(plus), window.get_digits_at_event(equals))
answer = remove_leading_0s(embedding, [*total, end], COLUMNS - 1)
output = output_sequence(rope, equals, answer, embedding.get_embedding("0"))
compile_hf_bundle(output, embedding, sys.argv[1], d=WIDTH, d_head=HEAD, eos_token="<eos>", max_seq_len=64)
"""
ASK = """
import json, sys
from itertools import groupby
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
tokenizer, model = AutoTokenizer.from_pretrained(sys.argv[1]), AutoModelForCausalLM.from_pretrained(sys.argv[1])
end, said = tokenizer.decode([model.generation_config.eos_token_id]), {}
for _, some in groupby(sorted(json.load(sys.stdin), key=len), key=len):
    prompts = list(some)
    ids = tokenizer(prompts, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        written = model.generate(ids, max_new_tokens=16, do_sample=False)[:, ids.shape[1] :]
    for prompt, text in zip(prompts, tokenizer.batch_decode(written)):
        said[prompt] = "".join(text.split()).split(end)[0]
shape = [type(model).__name__, model.config.num_hidden_layers, model.config.hidden_size]
print(json.dumps([*shape, sum(x.numel() for x in model.parameters()), said]))
"""
"""What a checkpoint writes, in a process that has nothing but transformers; prompts of one length are one batch."""


def table() -> Table:
    """A row for each adder; those of raspc are proved for every prompt, torchwright proves nothing."""
    headers = ("adder, up to 3 digits", "class", "layers", "d_model", "parameters", "proved", "answers right")
    rows = [_torchwright(), *(_raspc(*case) for case in _cases())]
    return Table("Three-digit adders as stock checkpoints", headers, rows)


def _cases() -> Iterator[tuple[str, str, SOp, int, str]]:
    """Name of the writer, how it answers, the program, the longest text, and the prompts."""
    any_lengths = rf"[0-9]{{1,{DIGITS}}}\+[0-9]{{1,{DIGITS}}}="
    yield "write_addition", "any lengths, last digit first", write_addition(), 4 * DIGITS, any_lengths
    yield "write_thought_sum", "any lengths, first thinking", write_thought_sum(), 4 * DIGITS + 5, any_lengths
    same = rf"[0-9]{{{DIGITS}}}\+[0-9]{{{DIGITS}}}="
    yield "write_sum", f"{DIGITS} digits each, as it is read", write_sum(DIGITS), 3 * DIGITS + 3, same


def _torchwright() -> list[str]:
    label = "torchwright, any lengths"
    prompts = [f"{a}+{b}=" for a, b in _numbers()]
    with tempfile.TemporaryDirectory() as place:
        made = subprocess.run([sys.executable, "-c", ADDER, place + "/bundle"], capture_output=True, text=True)
        if made.returncode:
            return [label, made.stderr.strip().splitlines()[-1][:60], *[""] * 5]
        kind, layers, width, size, said = _asked(Path(place) / "bundle", prompts)
    right = sum(said[f"{a}+{b}="] == str(int(a) + int(b)) for a, b in _numbers())
    return [label, kind, str(layers), str(width), f"{size:,}", "no", f"{right:,}/{len(prompts):,}"]


def _raspc(name: str, how: str, program: SOp, longest: int, prompts: str) -> list[str]:
    writer = WRITERS[name]
    asked = [f"{a}+{b}=" if name != "write_sum" else f"{a:0>{DIGITS}}+{b:0>{DIGITS}}=" for a, b in _numbers()]
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as place:
        warnings.simplefilter("ignore")
        model = raspc.compile(
            program, writer.vocab, longest, generate=True, stop=writer.stop, prompts=prompts, optimize=2, target="llama"
        )
        model.to("llama", checkpoint := Path(place) / "checkpoint")
        kind, layers, width, size, said = _asked(checkpoint, asked)
    right = sum(said[prompt] == "".join(map(str, writer.reference(prompt))) for prompt in asked)
    proved = "yes" if model.certificate is not None and model.certificate.proved else "no"
    return [f"raspc, {how}", kind, str(layers), str(width), f"{size:,}", proved, f"{right:,}/{len(asked):,}"]


def _numbers() -> list[tuple[str, str]]:
    """Pairs of numbers without leading zeros, of one digit to three."""
    rng = random.Random(0)
    return [(str(_number(rng)), str(_number(rng))) for _ in range(ASKED)]


def _number(rng: random.Random) -> int:
    return rng.randrange(10 ** rng.randint(1, DIGITS))


def _asked(checkpoint: Path, prompts: list[str]) -> tuple[str, int, int, int, dict[str, str]]:
    ran = subprocess.run(
        [sys.executable, "-I", "-c", ASK, str(checkpoint)],
        input=json.dumps(prompts), capture_output=True, text=True, check=True,
    )  # fmt: skip
    kind, layers, width, size, said = json.loads(ran.stdout)
    return kind, layers, width, size, said
