"""The majority pipeline: one pass from RASP to a PyTorch mirror that is checked against the compiled model.

After "Majority RASP → Tracr → PyTorch (Parity-Checked)": compile once, save reference activations and weights
of the same model, load the weights into a mirror that knows only the files, and compare. The program is
2·#1 − L at every position.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from raspc import jsonvalues
from raspc.errors import InputError, ModelFormatError
from raspc.export import check_target
from raspc.parity import mirror
from raspc.parity.artifacts import npy_array, npz_arrays
from raspc.run.plain import Array
from raspc.values import Value
from raspc.weights import Model
from raspc.weights.files import npz_name, read_file, write_file, write_npz

TOLERANCE = 1e-5
MAX_SEQ_LEN = 10
TOKENS, OUTPUT, PARAMS = "input_tokens.json", "tracr_output.npy", "tracr_majority_params.npz"
KEYS, IDS, SUMMARY = "tracr_param_keys.json", "token_to_id.json", "parity_summary.json"

MAX_BYTES, MAX_JSON = 2**28, 2**22
"""No artifact may be larger, none that holds words."""

MAX_WORDS, MAX_TOKENS = 256, 4096
"""How many words the token ids of which are sought, and how many tokens; there are four and ten in ours."""


@dataclass(frozen=True)
class Summary:
    """What the run found; `results/parity_summary.json`."""

    difference: float
    tolerance: float
    shape: mirror.Inferred
    token_to_id: Mapping[str, int]
    mapping_unique: bool
    mapping_is_the_encoders: bool
    inputs: int | None = None
    first_wrong_input: tuple[Value, ...] | None = None

    @property
    def match(self) -> bool:
        """The mirror's hidden states are the reference's."""
        return self.difference <= self.tolerance

    @property
    def ok(self) -> bool:
        """The mirror matches, its token ids are the encoder's, and the model means what it should."""
        return self.match and self.mapping_is_the_encoders and self.first_wrong_input is None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        wrong = self.first_wrong_input
        return {
            "ok": self.ok, "match": self.match, "max_abs_diff": jsonvalues.encode(self.difference),
            "tolerance": self.tolerance, "config": self.shape.to_json(),
            "token_to_id": dict(self.token_to_id), "mapping_unique": self.mapping_unique,
            "mapping_is_the_encoders": self.mapping_is_the_encoders,
            "meaning": {"inputs": self.inputs, "first_wrong_input": None if wrong is None else list(wrong)},
        }  # fmt: skip

    def lines(self) -> list[str]:
        """The summary for a person."""
        unique = "unique" if self.mapping_unique else "not unique"
        same = "equals" if self.mapping_is_the_encoders else "DIFFERS FROM"
        shape = self.shape
        found = [
            f"Outputs match: {self.match}",
            f"Max abs diff: {self.difference:.3g}",
            f"inferred: {shape.n_layers} layers, {shape.n_heads} heads of width {shape.head_dim}, "
            f"{'causal' if shape.causal else 'bidirectional'}",
            f"token ids: {dict(self.token_to_id)} ({unique}; {same} the encoder's)",
        ]
        if self.inputs is not None:
            wrong = self.first_wrong_input
            verdict = "2·#1 − L" if wrong is None else f"not 2·#1 − L, first for {list(wrong)}"
            found.append(f"meaning: {verdict}, on all {self.inputs} inputs")
        return found


def run(
    artifacts: str | PathLike[str] = "artifacts", results: str | PathLike[str] = "results",
    tolerance: float = TOLERANCE, max_seq_len: int = MAX_SEQ_LEN, causal: bool = False,
) -> Summary:  # fmt: skip
    """Compile, save, check the mirror from the files alone, check the meaning; write the summary.

    Raises InputError where PyTorch is not installed or a path cannot be written.
    """
    check_target("torch")
    model = compile_majority(max_seq_len, causal)
    save(model, artifacts)
    found = check(artifacts, tolerance)
    summary = Summary(**vars(found) | check_meaning(model))
    write_file(Path(results) / SUMMARY, jsonvalues.dumps(summary.to_json(), indent=1))
    return summary


def compile_majority(max_seq_len: int = MAX_SEQ_LEN, causal: bool = False) -> Model:
    """2·#1 − L over {0, 1}; causal, over each prefix."""
    import warnings

    from raspc import library
    from raspc.compiler import compile
    from raspc.errors import UncertainProgram

    with warnings.catch_warnings():
        # That the causal mask changes the answers is the point of asking for it.
        warnings.simplefilter("ignore", UncertainProgram)
        return compile(library.majority(), vocab={0, 1}, max_seq_len=max_seq_len, causal=causal)


def example_input(max_seq_len: int) -> list[Value]:
    """BOS, a sequence of ones and zeros, and PAD at the end: every row of the embedding is used."""
    length = max(1, max_seq_len - 2)
    return ["BOS", *([1, 0, 1, 1, 0] * length)[:length], *["PAD"] * (max_seq_len - length)]


def save(model: Model, artifacts: str | PathLike[str], tokens: Sequence[Value] | None = None) -> None:
    """The reference activations and the weights of one model, and how its tokens are numbered."""
    directory = Path(artifacts)
    chosen = list(tokens or example_input(model.config.max_seq_len))
    buffer = io.BytesIO()
    np.save(buffer, model.apply(chosen).transformer_output)
    write_npz(directory / PARAMS, model.params)
    write_file(directory / OUTPUT, buffer.getvalue())
    write_file(directory / TOKENS, jsonvalues.dumps([jsonvalues.encode(token) for token in chosen]))
    write_file(directory / KEYS, jsonvalues.dumps(sorted(map(npz_name, model.params)), indent=1))
    ids = {word(token): i for i, token in enumerate(model.config.vocab)}
    write_file(directory / IDS, jsonvalues.dumps(ids, indent=1))


def word(token: Value) -> str:
    """How a token is written as a key of JSON: a string as it is, any other value as its JSON."""
    return token if isinstance(token, str) else json.dumps(jsonvalues.encode(token))


def check(artifacts: str | PathLike[str], tolerance: float = TOLERANCE) -> Summary:
    """Rebuild the model from the files alone and compare its hidden states with the reference.

    Raises InputError for an artifact that is missing or malformed.
    """
    check_target("torch")
    directory = Path(artifacts)
    try:
        tokens = [word(jsonvalues.decode(item)) for item in _list(_json(directory, TOKENS))]
        stated = _ids(_json(directory, IDS))
        params = _params(directory)
        reference = _array(directory)
    except ModelFormatError as error:
        raise InputError(f"{error}; run the pipeline again") from error
    if unknown := sorted(set(tokens) - set(stated)):
        raise InputError(f"{TOKENS}: {unknown[:5]} are not in {IDS}; run the pipeline again")
    try:
        found = mirror.discover(params, tokens, list(stated), "PAD", reference, tolerance)
    except InputError as error:
        raise InputError(f"{PARAMS}: its arrays do not fit together: {error}; run the pipeline again") from error
    allowed = tolerance * max(1.0, float(np.abs(reference).max(initial=0.0)))
    return Summary(
        found.difference, allowed, found.shape, found.token_to_id,
        mapping_unique=found.mappings == 1, mapping_is_the_encoders=found.token_to_id == stated,
    )  # fmt: skip


def _json(directory: Path, name: str) -> Any:
    return jsonvalues.loads(read_file(directory, name, MAX_JSON), name)


def _list(obj: Any) -> list[Any]:
    if not isinstance(obj, list) or not 0 < len(obj) <= MAX_TOKENS:
        raise ModelFormatError(f"{TOKENS}: needed a list of 1 to {MAX_TOKENS} tokens")
    return obj


def _ids(obj: Any) -> dict[str, int]:
    if not isinstance(obj, dict) or sorted(map(str, obj.values())) != sorted(map(str, range(len(obj)))):
        raise ModelFormatError(f"{IDS}: needed an object from tokens to the ids 0, 1, …")
    if len(obj) > MAX_WORDS:
        raise ModelFormatError(f"{IDS}: found {len(obj)} words, needed at most {MAX_WORDS}")
    return obj


def _params(directory: Path) -> dict[str, Array]:
    """The arrays under their canonical names, exactly those that the list of keys names."""
    arrays, keys = npz_arrays(read_file(directory, PARAMS, MAX_BYTES), PARAMS), _json(directory, KEYS)
    if sorted(arrays) != keys:
        raise ModelFormatError(f"{PARAMS}: its arrays are not those that {KEYS} lists")
    return {name.replace("__", "/"): array for name, array in arrays.items()}


def _array(directory: Path) -> Array:
    return npy_array(read_file(directory, OUTPUT, MAX_BYTES), OUTPUT)


def check_meaning(model: Model) -> dict[str, Any]:
    """Run every input up to the maximum length and compare each answer with 2·#1 − L.

    Parity of a mirror says nothing about meaning: both could compute something else.
    """
    lengths = range(1, model.config.max_seq_len + 1)
    inputs = [bits for n in lengths for bits in itertools.product((0, 1), repeat=n)]
    answers = model.apply_batch([["BOS", *bits] for bits in inputs]).decoded
    expected = (_majority(bits, model.config.causal) for bits in inputs)
    pairs = zip(inputs, answers, expected, strict=True)
    wrong = next((bits for bits, answer, right in pairs if not _equal(answer[1:], right)), None)
    return {"inputs": len(inputs), "first_wrong_input": wrong}


def _majority(bits: Sequence[int], causal: bool) -> list[int]:
    if not causal:
        return [2 * sum(bits) - len(bits)] * len(bits)
    return [2 * sum(bits[: i + 1]) - (i + 1) for i in range(len(bits))]


def _equal(answer: Sequence[Value], right: Sequence[int]) -> bool:
    return len(answer) == len(right) and all(
        isinstance(x, int | float) and abs(x - y) <= 1e-4 for x, y in zip(answer, right, strict=True)
    )
