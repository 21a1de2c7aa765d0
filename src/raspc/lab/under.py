"""Truth relative to a question: which edges matter depends on what the others are corrupted with (see `CARRIED`).

An edge *matters* if an answer changes when it alone is corrupted. The edges that matter need not be enough, where two
carry the same, so it is run what happens when all others are corrupted together; and from all edges those are taken
away, one after the other, without which all answers stay: what remains is *minimal*, as none of it can go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raspc import arguments
from raspc.certify.checking.answers import model_ids
from raspc.errors import InputError
from raspc.lab.activations import Floats, Seen
from raspc.lab.circuits import Circuit, Pair, seen_of
from raspc.lab.edges import pair_name
from raspc.lab.engine import Engine
from raspc.numbers.precision import PRECISIONS
from raspc.numbers.promise import tolerance
from raspc.run.plain import Ids
from raspc.weights.model import Model

CARRIED = {
    "zero": "nothing",
    "mean": "the mean over all inputs, at the same position",
    "resample": "what another input of the same length gives",
    "shuffle": "what another input of the same length gives, with positions in another order",
}
"""What a corrupted edge carries."""
CORRUPTIONS = tuple(CARRIED)
MOST_RUNS = 1 << 24
"""Edges times pairs times positions: more is refused."""


@dataclass(frozen=True)
class Truth:
    """Which edges matter under a corruption.

    `effects`: for each edge (writer, reader, channel) the share of answers that change when it alone is corrupted.
    `pairs`: how many bases (with a source each) were run; `exhaustive`: whether these are all that there are.
    `sufficient`: whether all answers stay when every edge that does not matter is corrupted. `minimal`: edges that are
    enough, of which none can go. `dtype` and `seed`: of the runs.
    """

    corruption: str
    effects: Mapping[Pair, float]
    pairs: int
    exhaustive: bool
    sufficient: bool
    minimal: frozenset[Pair]
    seed: int
    dtype: str = "float64"

    @property
    def edges(self) -> frozenset[Pair]:
        """The edges that matter."""
        return frozenset(edge for edge, effect in self.effects.items() if effect > 0)

    @property
    def names(self) -> tuple[str, ...]:
        """The edges that matter, as EAP-IG writes them, in the order of the circuit."""
        return tuple(pair_name(edge) for edge, effect in self.effects.items() if effect > 0)

    def to_json(self) -> dict[str, Any]:
        """The truth as JSON data."""
        return {
            "corruption": self.corruption, "pairs": self.pairs, "exhaustive": self.exhaustive, "dtype": self.dtype,
            "seed": self.seed, "sufficient": self.sufficient,
            "edges": [
                {"name": pair_name(edge), "effect": effect, "matters": effect > 0, "minimal": edge in self.minimal}
                for edge, effect in self.effects.items()
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        ran = f"{self.pairs:,} runs" + (", all that there are" if self.exhaustive else f", drawn with seed {self.seed}")
        enough = "enough by themselves" if self.sufficient else "not enough by themselves"
        head = f"under {self.corruption}: {len(self.edges)} of {len(self.effects)} edges matter, {enough} ({ran})"
        return "\n".join(
            [head, *(f"  {self.effects[e]:7.2%}  {pair_name(e)}" for e in self.effects if e in self.edges)]
        )


def under(
    circuit: Circuit, corruption: str, inputs: Any = "all", *, pairs: int = 4096, seed: int = 0,
    embeddings: str = "one",
) -> Truth:  # fmt: skip
    """Which edges matter under a corruption. All is run in float64, by the model's own answers.

    `inputs`: "all", or a list of inputs without BOS. `pairs`: the most bases that are run, with a source each; where
    there are more, so many are drawn. `embeddings`: "one" for a single node `input`, as tools have it, or "apart" for
    those of tokens, positions and BOS.

    Raises InputError for another corruption, inputs that the model cannot take, or more runs than are feasible.
    """
    return _question(circuit, corruption, inputs, pairs, seed, embeddings).truth()


def mattering(circuit: Circuit, corruption: str, *, pairs: int = 4096, seed: int = 0) -> tuple[str, ...]:
    """The names of `under(circuit, corruption)` alone, which are found in a third of the time.

    Where so many pairs are more than is feasible, those are run that are. Raises as `under` does.
    """
    positions = len(Engine(circuit, True).parts) * (circuit.model.config.n_ctx + 1)
    pairs = max(1, min(pairs, MOST_RUNS // max(1, positions)))
    effects = _question(circuit, corruption, "all", pairs, seed, "one").effects()
    return tuple(pair_name(edge) for edge, effect in effects.items() if effect > 0)


def _question(
    circuit: Circuit, corruption: str, inputs: Any, pairs: int, seed: int, embeddings: str
) -> _Question:  # fmt: skip
    if corruption not in CORRUPTIONS:
        raise InputError(f"corruption is {corruption!r}, needed one of {', '.join(map(repr, CORRUPTIONS))}")
    if embeddings not in ("one", "apart"):
        raise InputError(f"embeddings is {embeddings!r}, needed 'one' or 'apart'")
    arguments.whole("pairs", pairs, 1)
    arguments.whole("seed", seed, 0)
    if isinstance(inputs, str) and inputs != "all":
        raise InputError(f"inputs is {inputs!r}, needed 'all' or a list of inputs without BOS")
    seen = seen_of(circuit.model, None if isinstance(inputs, str) else inputs, pairs)
    engine = Engine(circuit, embeddings == "one")
    work = len(engine.parts) * min(pairs, len(seen.batch.lengths) ** 2) * seen.batch.ids.shape[1]
    if work > MOST_RUNS:
        raise InputError(
            f"{len(engine.parts):,} edges on {pairs:,} pairs are {work:,} positions to run, more than {MOST_RUNS:,}; "
            "ask for fewer pairs, or for granularity='component'"
        )
    return _Question(engine, corruption, seen, pairs, seed)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some bases of one width: their ids, what each node computes in the corrupted run, and the answers as they are."""

    ids: Ids
    other: Mapping[str, Floats]
    answers: Floats


class _Question:
    def __init__(self, engine: Engine, corruption: str, seen: Seen, pairs: int, seed: int) -> None:
        self.engine, self.corruption, self.seed = engine, corruption, seed
        ids = model_ids(engine.circuit.model, seen.batch)
        base, source, order, self.exhaustive = pairs_of(seen, corruption, pairs, seed)
        self.real = (ids != engine.circuit.model.config.pad_id)[base]
        self.real[:, 0] = False
        self.count = len(base)
        self.chunks = list(self._chunks(ids, base, source, order))

    def effects(self) -> dict[Pair, float]:
        answers = max(1, int(self.real.sum()))
        return {edge: self.changed([edge]) / answers for edge in self.engine.parts}

    def truth(self) -> Truth:
        edges, effects = list(self.engine.parts), self.effects()
        harmless = [edge for edge in edges if not effects[edge]]
        sufficient = not self.changed(harmless)
        minimal = frozenset(edges) - frozenset(self._removable(sorted(edges, key=lambda edge: effects[edge])))
        return Truth(self.corruption, effects, self.count, self.exhaustive, sufficient, minimal, self.seed)

    def changed(self, corrupted: Sequence[Pair]) -> int:
        """How many answers change when these edges are corrupted together."""
        return sum(self._changes(corrupted))

    def _changes(self, corrupted: Collection[Pair]) -> Iterator[int]:
        start = 0
        for chunk in self.chunks:
            stop = start + len(chunk.ids)
            logits, _ = self.engine.run(chunk.ids, chunk.other, corrupted)
            off = differ(self.engine.circuit.model, chunk.answers, logits)
            yield int((off & self.real[start:stop]).sum())
            start = stop

    def _removable(self, edges: Sequence[Pair]) -> list[Pair]:
        """Edges that can all be corrupted together, so that no other one can be as well."""
        gone: list[Pair] = []
        while True:
            before = len(gone)
            for edge in edges:
                if edge not in gone and not any(self._changes([*gone, edge])):
                    gone.append(edge)
            if len(gone) == before:
                return gone

    def _chunks(self, ids: Ids, base: Ids, source: Ids, order: Ids) -> Iterator[Chunk]:
        mean = self._mean(ids) if self.corruption == "mean" else None
        rows = self.engine.rows_at_once(ids.shape[1])
        for start in range(0, len(base), rows):
            cut = slice(start, start + rows)
            own = ids[base[cut]]
            logits, acts = self.engine.run(own)
            if self.corruption == "zero":
                other = {name: np.zeros_like(act) for name, act in acts.items()}
            elif mean is not None:
                other = {name: np.broadcast_to(mean[name], act.shape) for name, act in acts.items()}
            else:
                _, theirs = self.engine.run(ids[source[cut]])
                other = {name: np.take_along_axis(act, order[cut][..., None], axis=1) for name, act in theirs.items()}
            yield Chunk(own, other, logits)

    def _mean(self, ids: Ids) -> dict[str, Floats]:
        """Of each node at each position, over the inputs that have it."""
        real, totals = ids != self.engine.circuit.model.config.pad_id, dict[str, Floats]()
        rows = self.engine.rows_at_once(ids.shape[1])
        for start in range(0, len(ids), rows):
            cut = slice(start, start + rows)
            for name, act in self.engine.run(ids[cut])[1].items():
                totals[name] = totals.get(name, 0.0) + (act * real[cut][..., None]).sum(axis=0)
        return {name: total / np.maximum(real.sum(axis=0), 1)[:, None] for name, total in totals.items()}


def differ(model: Model, before: Floats, after: Floats) -> NDArray[np.bool_]:
    """[input, position]: where two logits are other answers; a number, where it is off by more than its tolerance."""
    if model.config.output.kind == "categorical":
        return np.asarray(before.argmax(axis=-1) != after.argmax(axis=-1))
    off = np.abs(before[..., 0] - after[..., 0]) > tolerance(before[..., 0], PRECISIONS["float32"])
    one, other = (_special(logits[..., 1:]) for logits in (before, after))
    return np.asarray((one != other) | (off & (one < 0)))


def _special(indicators: Floats) -> NDArray[np.int64]:
    """[input, position]: which special value the answer is; −1 for a number."""
    if not indicators.shape[-1]:
        return np.full(indicators.shape[:-1], -1)
    return np.where((indicators > 0.5).any(axis=-1), indicators.argmax(axis=-1), -1)


def pairs_of(seen: Seen, corruption: str, most: int, seed: int) -> tuple[Ids, Ids, Ids, bool]:
    """Bases, sources of the same length, where each position of the source is taken from, and whether these are all."""
    lengths, width = seen.batch.lengths, seen.batch.ids.shape[1] + 1
    rng = np.random.default_rng(seed)
    if corruption in ("zero", "mean"):
        chosen = np.arange(len(lengths)) if len(lengths) <= most else np.sort(rng.choice(len(lengths), most, False))
        order = np.tile(np.arange(width), (len(chosen), 1))
        return chosen, chosen, order, seen.exhaustive and len(lengths) <= most
    alike = {int(n): np.flatnonzero(lengths == n) for n in np.unique(lengths)}
    total = sum(len(rows) ** 2 for rows in alike.values())
    if total <= most:
        base = np.concatenate([np.repeat(rows, len(rows)) for rows in alike.values()])
        source = np.concatenate([np.tile(rows, len(rows)) for rows in alike.values()])
    else:
        base = rng.integers(0, len(lengths), most)
        source = np.array([rng.choice(alike[int(lengths[row])]) for row in base])
    order = np.tile(np.arange(width), (len(base), 1))
    if corruption == "shuffle":
        for row, place in zip(order, base.tolist(), strict=True):
            row[1 : 1 + lengths[place]] = 1 + rng.permutation(int(lengths[place]))
    return base, source, order, seen.exhaustive and total <= most and corruption == "resample"
