"""The compiled model as an object: weights, what their ids mean, and where each variable lives."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from raspc import arguments, doors
from raspc.errors import InputError, ModelFormatError
from raspc.graph.domain import EVERYTHING
from raspc.graph.evaluate import Batch
from raspc.graph.nodes import UNDEFINED, Graph, Listed
from raspc.graph.permitted import permits, refusal
from raspc.graph.writing import Writing
from raspc.numbers.options import Options
from raspc.numbers.precision import Precision
from raspc.plan.plan import Plan
from raspc.run import rounded, stock
from raspc.run.fast import FastWeights, forward, prune
from raspc.run.plain import Array, Ids, Weights, prepare, trace
from raspc.run.stepping import Steps, steps_of
from raspc.run.stock import StockWeights, prepared
from raspc.run.trace import Trace
from raspc.target import PLAIN
from raspc.values import Value, is_same, key
from raspc.weights import encoders
from raspc.weights.alignment import Alignment
from raspc.weights.certificate import Certificate
from raspc.weights.config import Config
from raspc.weights.params import Params

CHUNK = 2**18
"""How many numbers the largest activation of one forward pass may hold; a larger batch is split."""


@dataclass(frozen=True, eq=False)
class ModelOutput(Trace[Array]):
    """The answer to one input, and every activation on the way; the batch axis has length 1.

    `decoded`: BOS, then a value for each token. `tokens`: the input, BOS and PAD among them.
    """

    decoded: list[Value]
    tokens: list[Value] = field(default_factory=list)

    @property
    def answers(self) -> list[Value]:
        """The values without BOS: one for each token."""
        return self.decoded[1:]

    def __repr__(self) -> str:
        return str(doors.through("output_text")(self))

    def _repr_html_(self) -> str:
        return str(doors.through("output_html")(self))


@dataclass(frozen=True, eq=False)
class BatchOutput:
    """The answers to a batch.

    `decoded[i]` is as long as input i; `ids` and `unembedded` [batch, position, …] are padded to the longest
    input, and so is `trace`, where it was asked for.
    """

    decoded: list[list[Value]]
    ids: Ids
    unembedded: Array
    trace: Trace[Array] | None = None


@dataclass(frozen=True)
class ModelConfig:
    """The sizes under the names that Tracr's users know."""

    num_heads: int
    num_layers: int
    key_size: int
    mlp_hidden_size: int
    causal: bool
    dropout_rate: float = 0.0
    activation_function: str = PLAIN.activation
    layer_norm: bool = PLAIN.normalisation is not None


@dataclass(frozen=True, eq=False)
class Model:
    """A program as the weights of a transformer.

    `params`: see `Params`; a plain mapping of arrays is checked and wrapped. `residual_labels`: one name for
    each dimension of the residual stream. `alignment`: where each s-op and selector lives. `graph`: the tabulated
    program as the blocks compute it, after the passes, or None; `program`: the same before them, by which the model is
    checked (the graph itself where it is not given). `certificate`: what is known of its answers, or None. `without`:
    the passes that were left out. JSON objects in place of alignment and certificate are checked and become records.
    `plan`: all that the compiler decided, or None where the model was not compiled or was saved without it.
    `expression`: the s-op that it was compiled from, in the process that compiled it: never saved, copied or pickled.

    Raises ModelFormatError where parameters or labels do not fit the config, or a record is malformed; TypeError
    for a graph of another kind.
    """

    config: Config
    params: Mapping[str, Any]
    residual_labels: Sequence[str] = ()
    alignment: Alignment = field(default_factory=Alignment)
    graph: Graph | None = None
    certificate: Certificate | None = None
    program: Graph | None = None
    without: tuple[str, ...] = ()
    plan: Plan | None = None
    expression: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", Params(self.params, self.config))
        if self.graph is None or self.program is None:
            object.__setattr__(self, "program", self.graph)
        labels = tuple(self.residual_labels) or tuple(f"residual:{i}" for i in range(self.config.d_model))
        if len(labels) != self.config.d_model:
            raise ModelFormatError(f"found {len(labels)} residual labels, needed {self.config.d_model}")
        object.__setattr__(self, "residual_labels", labels)
        if not isinstance(self.alignment, Alignment):
            object.__setattr__(self, "alignment", Alignment.from_json(self.alignment, "alignment"))
        if not isinstance(self.certificate, Certificate | None):
            object.__setattr__(self, "certificate", Certificate.from_json(self.certificate, "certificate"))
        for name in ("graph", "program"):
            if not isinstance(found := getattr(self, name), Graph | None):
                raise TypeError(f"{name} is of type {type(found).__name__}, needed a raspc graph or None")

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"expression": None}

    def __repr__(self) -> str:
        return str(doors.through("model_text")(self))

    def _repr_html_(self) -> str:
        return str(doors.through("model_html")(self))

    @cached_property
    def options(self) -> Options:
        """What the compile was asked for."""
        return dataclasses.replace(self.alignment.options(self.without), uniform=self.config.uniform)

    @property
    def precision(self) -> Precision:
        """The number format that the model was compiled for, in which it runs unless told otherwise."""
        return self.options.precision

    @property
    def tabulated(self) -> Graph:
        """The program as the blocks compute it. Raises InputError for a model that holds none."""
        return _held(self.graph)

    @property
    def as_written(self) -> Graph:
        """The program before the passes. Raises InputError for a model that holds none."""
        return _held(self.program)

    @property
    def writing(self) -> Writing | None:
        """What the program goes on from, and where it stops; None of one that does not write."""
        return None if self.program is None else self.program.where.writing

    @cached_property
    def model_config(self) -> ModelConfig:
        """The sizes under Tracr's names. Raises InputError for a model whose layers have widths of their own."""
        config = self.config
        n_heads, d_head, d_mlp = config.width_for("Tracr's model_config")
        return ModelConfig(n_heads, config.n_layers, d_head, d_mlp, config.causal)

    @cached_property
    def input_encoder(self) -> encoders.CategoricalEncoder:
        """Tokens to ids."""
        return encoders.input_encoder(self.config)

    @cached_property
    def tokens(self) -> Listed:
        """The vocabulary, BOS and PAD among it, as a value set."""
        return Listed(self.config.vocab)

    @cached_property
    def token_of(self) -> Ids:
        """For each answer the id of the token that it is; UNDEFINED for one that is none."""
        return np.array([self.tokens.index.get(key(value), UNDEFINED) for value in self.config.output.values], np.intp)

    @cached_property
    def output_encoder(self) -> encoders.CategoricalEncoder | encoders.NumericalEncoder:
        """Values to columns of the unembedding."""
        return encoders.output_encoder(self.config)

    @cached_property
    def weights(self) -> Weights:
        """The parameters grouped by layer, in float32."""
        return prepare(self.params, self.config)

    def apply(self, tokens: Sequence[Value]) -> ModelOutput:
        """Run one input that opens with BOS; PAD may follow the last token.

        A model that was compiled for a narrow format runs in it, simulated.

        Raises InputError for an input that the model cannot take.
        """
        given = arguments.ordered("tokens", tokens, INPUT)
        ids = np.array([self.input_encoder.encode(given)])
        self.check_domain(ids)
        run = self.trace_ids(ids)
        return ModelOutput(
            **vars(run), decoded=encoders.decode_logits(self.config, run.unembedded, ids)[0], tokens=given
        )

    def run(self, tokens: Sequence[Value]) -> ModelOutput:
        """The same for an input without BOS: `model.run("abc")`. Raises InputError as `apply` does."""
        return self.apply(self._opened(arguments.ordered("tokens", tokens, UNOPENED)))

    def __call__(self, tokens: Sequence[Value]) -> list[Value]:
        """One value for each token of an input without BOS, as the program itself gives them when it is called.

        Raises InputError for an input that the model cannot take.
        """
        return self.run(tokens).answers

    def answers(self, batch: Sequence[Sequence[Value]]) -> list[list[Value]]:
        """The same for many inputs of any lengths. Raises InputError that says for which the model cannot take."""
        opened = [self._opened(tokens) for tokens in arguments.rows("batch", batch, UNOPENED)]
        return [decoded[1:] for decoded in self.apply_batch(opened).decoded]

    def bare(self, tokens: Sequence[Value]) -> list[Value]:
        """The tokens of an input that may open with BOS, without it. Raises TypeError for what is no sequence."""
        return self._opened(arguments.ordered("tokens", tokens, UNOPENED))[1:]

    def _opened(self, tokens: list[Value]) -> list[Value]:
        """The input with BOS before it, where it has none."""
        return tokens if tokens and is_same(tokens[0], self.config.bos) else [self.config.bos, *tokens]

    def apply_batch(
        self, batch: Sequence[Sequence[Value]], trace: bool = False, dtype: npt.DTypeLike | None = None
    ) -> BatchOutput:
        """Run many inputs of any lengths, padded and masked inside; without a `dtype`, as `apply` does.

        Raises InputError for an input that the model cannot take; says which.
        """
        batch = _sized(batch)
        ids = self._ids_of(batch)
        self.check_domain(ids)
        kept = self.trace_ids(ids, dtype) if trace else None
        logits = kept.unembedded if kept else self.logits(ids, dtype)
        lengths = np.fromiter(map(len, batch), np.intp, len(batch))
        decoded = encoders.decode_logits(self.config, logits, ids, lengths)
        return BatchOutput(decoded, ids, logits, kept)

    def check_domain(self, ids: Ids) -> None:
        """Raises InputError for the first of padded ids [batch, position] that the program is not for."""
        where = EVERYTHING if self.program is None else self.program.where
        if where.is_everything:
            return
        real = (ids != self.config.bos_id) & (ids != self.config.pad_id)
        lengths = real.sum(axis=1)
        tokens = np.where(real, ids, UNDEFINED)[:, 1:].astype(np.int32)
        batch = Batch(tokens, lengths.astype(np.int64), self.config.causal)
        outside = np.flatnonzero(~permits(where, self.as_written.vocab, batch))
        for row in outside.tolist():
            found = [self.config.vocab[i] for i in tokens[row, : lengths[row]].tolist()]
            which = f"input {row} of the batch: " if len(ids) > 1 else ""
            raise InputError(which + (refusal(where, self.as_written.vocab, found) or "outside the domain"))

    def encode_batch(self, batch: Sequence[Sequence[Value]]) -> Ids:
        """The ids [batch, position], padded to the longest input. Raises InputError; says for which input."""
        return self._ids_of(_sized(batch))

    def _ids_of(self, batch: Sequence[Sequence[Value]]) -> Ids:
        encoded = self.input_encoder.encode_batch(batch)
        if encoded is not None:
            return encoded
        rows = list(self._encoded(batch))  # one by one, which raises the error that names the token
        longest = max(map(len, rows), default=1)
        pad = self.config.pad_id
        return np.array([row + [pad] * (longest - len(row)) for row in rows], dtype=np.intp).reshape(-1, longest)

    def _encoded(self, batch: Sequence[Sequence[Value]]) -> Iterator[list[int]]:
        for i, tokens in enumerate(batch):
            try:
                yield self.input_encoder.encode(tokens)
            except InputError as error:
                raise InputError(f"input {i} of the batch: {error}") from error

    def logits(self, ids: Ids, dtype: npt.DTypeLike | None = None) -> Array:
        """The logits [batch, position, d_vocab_out] of padded ids; 0 at padding that needs no run.

        Inputs of like length run together, in pieces that fit the cache.
        """
        if self.config.held is not None:
            return self._stock_logits(ids, dtype)
        if dtype is None and self.precision.narrow:
            return rounded.logits(self._rounded, ids, self.precision)
        dtype = np.float32 if dtype is None else dtype
        fast = self.fast if np.dtype(dtype) == np.float32 else prune(self._weights(dtype))
        found = np.zeros((self.config.d_vocab_out, *ids.shape), dtype)
        lengths = (ids != self.config.pad_id).sum(1)
        order = lengths.argsort(kind="stable")[::-1]
        start = 0
        while start < len(order):
            longest = int(lengths[order[start]])
            rows = order[start : start + self._rows_at_once(longest)]
            found[:, rows, :longest] = forward(fast, ids[rows, :longest])
            start += len(rows)
        return found.transpose(1, 2, 0)

    def _stock_logits(self, ids: Ids, dtype: npt.DTypeLike | None) -> Array:
        weights = self._stock_in(dtype)
        widest = max(self.config.d_model, self.config.widths[0].widest(ids.shape[1]))
        rows = max(1, CHUNK // (ids.shape[1] * widest))
        pieces = [stock.logits(weights, ids[i : i + rows]) for i in range(0, len(ids), rows)]
        found = np.concatenate(pieces) if pieces else np.zeros((*ids.shape, self.config.d_vocab_out), np.float32)
        return np.where((ids != self.config.pad_id)[..., None], found, 0)

    def _stock_in(self, dtype: npt.DTypeLike | None) -> StockWeights:
        return self._stock if dtype is None else prepared(self.params, self.config, dtype)

    def logits_in(self, ids: Ids, precision: Precision) -> Array:
        """The same in any number format, which narrow ones and TF32 are simulated in."""
        if self.config.held is not None and precision.name not in rounded.WIDE:
            return stock.logits(prepared(self.params, self.config, precision=precision), ids)
        if precision.name in rounded.WIDE:
            return self.logits(ids, np.dtype(precision.name))
        return rounded.logits(rounded.rounded_weights(self.params, self.config, precision), ids, precision)

    def trace_ids(self, ids: Ids, dtype: npt.DTypeLike | None = None) -> Trace[Array]:
        """Every activation for padded ids [batch, position]."""
        if self.config.held is not None:
            return stock.trace(self._stock_in(dtype), ids)
        if dtype is None and self.precision.narrow:
            return rounded.trace(self._rounded, ids, self.precision)
        dtype = np.float32 if dtype is None else dtype
        return trace(self._weights(dtype), ids)

    def _weights(self, dtype: npt.DTypeLike) -> Weights:
        return self.weights if np.dtype(dtype) == np.float32 else prepare(self.params, self.config, dtype)

    @cached_property
    def plain(self) -> Model:
        """The plain model that a stock family's parameters hold; the model itself where it is plain."""
        found: Model = self if self.config.held is None else doors.through("plain_of")(self)
        return found

    @cached_property
    def _stock(self) -> StockWeights:
        return prepared(self.params, self.config, precision=self.precision if self.precision.narrow else None)

    @cached_property
    def _rounded(self) -> Weights:
        return rounded.rounded_weights(self.params, self.config, self.precision)

    @cached_property
    def fast(self) -> FastWeights:
        """The live parts of the parameters in float32, for large batches and for one token after another."""
        return prune(self.weights) if self.config.held is None else self.plain.fast

    @cached_property
    def steps(self) -> Steps:
        """The plan for one token after another, of one input."""
        return steps_of(self.fast)

    def _rows_at_once(self, length: int) -> int:
        return max(1, CHUNK // (length * max(length, self.fast.widest)))

    def generate(self, prompt: str | Sequence[Value], max_new_tokens: int | None = None) -> list[Value]:
        """What the model writes after a prompt, the stop included: see `raspc.generation`.

        Raises InputError for a prompt that the model is not for, and for a model that does not write.
        """
        return doors.through("generate")(self, prompt, max_new_tokens)  # type: ignore[no-any-return]

    def stream(self, prompt: str | Sequence[Value], max_new_tokens: int | None = None) -> Iterator[Value]:
        """The same, each token as soon as it is written."""
        return doors.through("stream")(self, prompt, max_new_tokens)  # type: ignore[no-any-return]

    def generate_batch(
        self, prompts: Sequence[str | Sequence[Value]], max_new_tokens: int | None = None
    ) -> list[list[Value]]:
        """What the model writes after each of several prompts of any lengths."""
        return doors.through("generate_batch")(self, prompts, max_new_tokens)  # type: ignore[no-any-return]

    @cached_property
    def spaces(self) -> Mapping[str, Any]:
        """Where each variable lives: its subspace, its code, from which stage to which; see `raspc.lab.spaces`.

        Raises InputError for a model whose plan or basis is not known.
        """
        found: Mapping[str, Any] = doors.through("spaces_of")(self)
        return found

    def circuit(self, granularity: str = "component", inputs: Sequence[Sequence[Value]] | None = None) -> Any:
        """Which part reads what of which other part, under the names of the program; see `raspc.lab.circuits`.

        `granularity`: "component", "neuron" or "direction". Raises InputError as `raspc.lab.circuits.circuit` does.
        """
        return doors.through("circuit")(self, granularity, inputs)

    def intervene(self, values: Mapping[str, Any], positions: Sequence[int] | None = None) -> Any:
        """The model with variables and selectors forced, by name: call it on an input.

        See `raspc.lab.interventions.intervene`, which says what it takes and raises.
        """
        return doors.through("intervene")(self, values, positions)

    def patch(self, source: Sequence[Value], names: Sequence[str], positions: Sequence[int] | None = None) -> Any:
        """The model with variables as they are on another input: see `raspc.lab.interventions.patch`."""
        return doors.through("patch")(self, source, names, positions)

    def ablate(self, names: Sequence[str], how: str = "zero", seed: int = 0) -> Any:
        """The model without some variables, "zero", "mean" or "resample": see `raspc.lab.interventions.ablate`."""
        return doors.through("ablate")(self, names, how, seed)

    def view(self, tokens: Sequence[Value] | None = None, height: int = 720) -> Any:
        """The page of the model on an input without BOS, shown in a notebook's cell; see `raspc.view.inline`."""
        return doors.through("inline")(self, tokens, height)

    def save(self, directory: str | PathLike[str]) -> None:
        """Write the model as a directory; see `raspc.weights.saving`.

        Raises InputError for a path that cannot be written, UnsupportedProgram for values that JSON lacks.
        """
        doors.through("save")(self, directory)

    def to(self, target: str, path: str | PathLike[str] | None = None, **options: Any) -> Any:
        """The model in another framework: see `raspc.export`.

        Raises InputError for an unknown target, a framework that is not installed, or an unwritable path.
        """
        return doors.through("export")(self, target, path, **options)


INPUT = "a sequence of tokens that opens with BOS"
UNOPENED = "a sequence of tokens, without BOS"


def _sized(batch: Any) -> Sequence[Sequence[Value]]:
    """The batch, whose inputs have lengths. Raises TypeError that says which has none."""
    if isinstance(batch, list | tuple) and all(isinstance(one, list | tuple | str) for one in batch):
        return batch
    return arguments.rows("batch", batch, INPUT)


def _held(graph: Graph | None) -> Graph:
    if graph is None:
        raise InputError("the model holds no graph; compile it again, or load a whole directory")
    return graph
