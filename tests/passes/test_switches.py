"""Each pass that has a switch: where it makes a difference, and that breaking it is caught."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.agreement import differences, some_inputs
from tests.passes import test_mutations as broken
from tests.passes.test_mutations import BEFORE, COUNT, EARLIER_SAME, LESS, PREVIOUS, SAME, I, L, T, wrapped

import raspc
from raspc import library, rasp
from raspc.blocks import lower
from raspc.blocks.lower import _Lowering
from raspc.blocks.neurons import cells, chains, cubes, folds, gated, grid, lone, parabolas, steps
from raspc.blocks.reading import features as F
from raspc.blocks.reading import left, plain
from raspc.blocks.scores import penalty, selection, steep
from raspc.blocks.scores.penalty import Factors
from raspc.blocks.storage import answer, functions
from raspc.errors import UnsupportedProgram
from raspc.graph import build as building
from raspc.graph import evidence, store
from raspc.layout import heads, placement
from raspc.plan.switches import OPTIONAL, SWITCHES, Switch, checked
from raspc.rasp import Comparison, SOp
from raspc.stock import parts
from raspc.study.ablation import ablations

planning = importlib.import_module("raspc.plan.planning")
complement = importlib.import_module("raspc.passes.complement_widths")
split = importlib.import_module("raspc.passes.split_widths")
counting = importlib.import_module("raspc.passes.count_means")
adding = importlib.import_module("raspc.passes.count_sums")
sharing = importlib.import_module("raspc.passes.share_counts")
stretching = importlib.import_module("raspc.passes.count_in_stretches")
multiplying = importlib.import_module("raspc.blocks.neurons.products")
sloping = importlib.import_module("raspc.blocks.neurons.slopes")
factoring = importlib.import_module("raspc.passes.factor_keys")
fusing = importlib.import_module("raspc.passes.fuse_chains")
Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Case:
    """A program whose answers a fault in the pass makes wrong, and one that is another model without the pass.

    `differs`: the latter, where that is not the same; `beside`: what else is left out of it. `dtype`: the format that
    it is compiled for, and `target`. `given`: what is changed for both, so that a small program is enough.
    """

    program: SOp
    fault: Patch
    vocab: tuple[Any, ...] = (0, 1, 2)
    longest: int = 4
    causal: bool = False
    differs: SOp | None = None
    beside: tuple[str, ...] = ()
    dtype: str = "float32"
    given: Patch = lambda patch: None
    target: str = "plain"


def same_kind(original: Any, node: Any) -> Any:
    """Tables of the same arguments and values count as equal, whatever they hold."""
    found = original(node)
    return tuple(part for part in found if not (isinstance(part, tuple) and part and isinstance(part[-1], bytes)))


def by_the_first(original: Any, self: Any, key: int, query: int, cells: Any, certain: bool = True) -> Any:
    """Every selector counts as constant."""
    return original(self, key, query, np.full_like(cells, cells.flat[0]), certain)


def turned(original: Any, self: Any, place: int, cells: Any) -> Any:
    """The table of the root, one value off."""
    root, found = original(self, place, cells)
    return root, np.roll(found, 1, axis=0) if root != place else found


def other_triangle(original: Any, cells: Any) -> Any:
    """The mask hides the other half."""
    return np.where(np.tri(len(cells), dtype=bool), cells, cells[0, 0]).astype(np.int8)


def always(original: Any, *args: Any) -> bool:
    """A proof of anything."""
    return True


def short_length(original: Any, new: Any) -> Any:
    """The length where that of before stands."""
    place = original(new)
    return new.table([place], np.maximum(np.arange(len(new.store.listed(place))) - 1, 0), new.store.listed(place))


def rolled_parts(original: Any, joint: Any, feature: Any) -> Any:
    """A feature of the next value."""
    found = original(joint, feature)
    return found and replace(found, parts=tuple((root, np.roll(part, 1)) for root, part in found.parts))


def wrong_code(original: Any, self: Any, place: int, node: Any, groups: Any) -> None:
    """What is embedded is the code of the next value."""
    original(self, place, node, groups)
    for table in (self.embeddings, self.positions):
        table.update({g.space: np.roll(table[g.space], 1, axis=0) for g in groups if g.space in table})


def late_bends(original: Any, place: Any, position: Any, x: Any, *args: Any) -> Any:
    """Each piece of a chain begins one value too late."""
    return original(place, position, np.r_[x[1:], 2 * x[-1] - x[-2]], *args)


def no_square(original: Any, n: Any) -> Any:
    """Logits without − v²."""
    return 2 * n[:, None] * n[None, :]


def first_only(original: Any, *args: Any) -> Factors:
    """A penalty without its other terms."""
    found = original(*args)
    return Factors(found.keys[:, :1], found.queries[:, :1])


def onto_keys(original: Any, keys: Any, queries: Any) -> Any:
    """What is no key is taken for the least or the greatest key, not for a neighbour."""
    return np.clip(queries, keys.min(), keys.max())


FAR_OFF = rasp.Aggregate(rasp.Select(I, I - 3 * T, Comparison.EQ), T, default=9)
ATTRIBUTE = rasp.Select(T, T, lambda k, q: (q >> k % 2) % 2 == k // 2)
"""A key tests one bit of the query for one value: four distinct rows and columns, rank three."""


def too_few(original: Any, selected: Any) -> Any:
    """A direction is forgotten."""
    found = original(selected)
    return found and (found[0][:, 1:], found[1][:, 1:])


def shifted_classes(original: Any, cells: Any) -> Any:
    """Partners with different numbers."""
    found = original(cells)
    return found and (np.roll(found[0], 1), found[1])


def too_alike(original: Any, classes: Any, axis: int) -> Any:
    """Values that differ are merged."""
    return original(classes, axis) // 2


def open_gates(original: Any, axes: Any, position: Any, gates: Any, *rest: Any) -> Any:
    """Gates that hold nothing shut."""
    opened = [replace(gate, weights=np.zeros_like(gate.weights), bias=np.ones_like(gate.bias)) for gate in gates]
    return original(axes, position, opened, *rest)


def squares_only(original: Any, number: Any, squares: bool) -> Any:
    """Gates by squares at the next value."""
    found = original(number, squares)
    return broken.shifted_gate(original, number, squares) if found.features.shape[1] == 2 else found


def other_neurons(original: Any, *args: Any, **options: Any) -> Any:
    """Each neuron writes what the one before it should."""
    found = original(*args, **options)
    return None if found is None else replace(found, out=np.roll(found.out, 1, axis=0))


def high_digit(original: Any, k: Any, q: Any) -> Any:
    """Numbers are compared by their high digit alone."""
    return tuple(side[:1] for side in original(k, q))


def high_flags(original: Any, k: Any, q: Any) -> Factors:
    """Keys are selected by their high digit alone."""
    found = original(k, q)
    half = found.rank // 2
    return Factors(found.keys[:, :half], found.queries[:, :half])


def few_values(patch: pytest.MonkeyPatch) -> None:
    """Flags for few values."""
    patch.setattr(penalty, "FLAGS_FROM", 3)
    patch.setattr(penalty, "WHOLE_FLAGS_FROM", 3)


def last_columns(original: Any, *args: Any) -> Any:
    """Each head moves the last of its values only."""
    for slot in original(*args):
        yield replace(slot, start=slot.stop - 1)


def shorter(original: Any, found: Any) -> Any:
    """The last block is dropped, which the output reads."""
    return replace(found, blocks=found.blocks[:-1], place_of_block=found.place_of_block[:-1])


def all_early(original: Any, *args: Any, **options: Any) -> Any:
    """Every block in the first layer."""
    return [replace(found, stages=tuple(stage % 2 for stage in found.stages)) for found in original(*args, **options)]


def next_root(original: Any, *args: Any) -> Any:
    """Dimensions cleared before their last reader."""
    lives = original(*args)
    return [
        life if life.name == "bos" else replace(life, clearable=min(life.clearable, max(1, life.written + 1) | 1))
        for life in lives
    ]


def greatest_first(original: Any, node: Any, *args: Any) -> Any:
    """The means in the opposite order."""
    found = original(node, *args)
    return np.where(found < 0, found, len(node.listed) - 1 - found)


def three_keys(original: Any, precision: Any) -> int:
    """A head that counts no further."""
    return 3


def without_the_last(original: Any, ends: Any) -> Any:
    """Stretches that leave out the last positions."""
    return list(original(ends))[:-1]


def next_id(original: Any, *args: Any) -> Any:
    """The number of the next value."""
    found = original(*args)
    return np.where(found < 0, found, np.maximum(found - 1, 0))


def other_way(original: Any, *args: Any) -> Any:
    """The first key wins where the last one should."""
    query, key = original(*args)
    return query, -key


def next_factor(original: Any, *args: Any) -> Any:
    """One factor is 1 more than it should be."""
    found = original(*args)
    return found and (found[0], found[1] + 1)


def next_product(original: Any, *args: Any) -> Any:
    """The product that belongs to the next sum."""
    found = original(*args)
    return found and replace(found, cells=np.roll(found.cells, 1))


def steeper(original: Any, *args: Any) -> Any:
    """Every line rises by one more."""
    found = original(*args)
    return found and replace(found, slope=found.slope + 1)


def high_first(original: Any, *args: Any) -> Any:
    """The digits one for the other."""
    found = original(*args)
    return found and replace(found, high=found.low, low=found.high)


def rolled_cells(original: Any, *args: Any) -> Any:
    """A chain of tables with its values moved on."""
    found = original(*args)
    return found and replace(found, cells=np.roll(found.cells, 1))


def fewer_bits(original: Any, *args: Any) -> Any:
    """The lowest bit makes no difference."""
    for found in original(*args):
        yield Factors(found.keys[:, 1:], found.queries[:, 1:])


def twice_as_much(original: Any, *args: Any) -> Any:
    """Each key counts twice."""
    found = original(*args)
    return found and replace(found, at_key=2 * found.at_key)


def noisier(original: Any, counts: Any, n: int, precision: Any, stretches: int | None = None) -> Any:
    """A count of a few keys that is off as one of thousands is: by a hundredth for each key of a stretch."""
    found = original(counts, n, precision, stretches)
    return found and replace(found, noise=found.noise + np.where(counts > 0, 0.01 * -(-n // (stretches or 1)), 0.0))


def in_rows(original: Any, count: int) -> plain.Folded:
    """An answer in rows of twenty."""
    row, at = np.divmod(np.arange(count, dtype=np.float64), 20)
    return plain.Folded(np.where(row % 2 == 0, at, 19 - at), row)


def few(patch: pytest.MonkeyPatch) -> None:
    """Counts of forty keys are counted, and answered, as those of four thousand are."""
    for change in (
        *(wrapped(module, "as_number", noisier) for module in (plain, stretching)),
        wrapped(plain, "folded", in_rows),
    ):
        change(patch)


def first_twice(original: Any, n: int, stretches: int) -> Any:
    """Keys of the first stretch count twice."""
    return original(n, stretches) * np.where(np.arange(stretches) == 0, 2.0, 1.0)


def later(original: Any, *args: Any) -> Any:
    """Bends, and the line that they bend, one value too late."""
    found = original(*args)
    return replace(found, bias=found.bias + 1)


def next_class(original: Any, classes: Any) -> Any:
    """What is computed in a cube is what belongs to another."""
    found = list(original(classes))
    return [(cube, number) for (cube, _), (_, number) in zip(found, found[1:] + found[:1], strict=True)]


def wider(original: Any, *args: Any) -> Any:
    """Squares are half as steep."""
    found = original(*args)
    return found and (found[0], found[1] / 2)


def few_digits(patch: pytest.MonkeyPatch) -> None:
    """Scores of more than five digits round."""
    patch.setattr(selection, "DIGITS", 5)


UNLIKE = rasp.SelectorWidth(rasp.Select(T, T, Comparison.NEQ))
WORDS = ("a", "b", "c", "d", "e", "f")
PARTNERS = rasp.Select(T, T, lambda k, q: {"a": "d", "b": "e", "c": "f"}.get(k) == q)
ODD = rasp.Select(T, T, lambda k, q: (k * q) % 3 == 1 or k > 5)
RANK = rasp.SelectorWidth(LESS) + EARLIER_SAME
EARLY = rasp.Aggregate(SAME, I) < I
AS_OFTEN = rasp.SelectorWidth(rasp.Select(COUNT, COUNT, Comparison.EQ))
RANK_BY_THREE = rasp.map(lambda rank: rank % 3, RANK)
BY_RANK = rasp.Aggregate(rasp.Select(RANK, I, Comparison.EQ), T)
BACK = rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), I, default=-1)
AROUND = rasp.SequenceMap(
    lambda x, y: (x, y),
    rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), broken.BALANCED, default=None),
    rasp.Aggregate(rasp.Select(I, I + 1, Comparison.EQ), broken.BALANCED, default=None),
)
SPREAD = rasp.map(lambda *found: found, broken.AT_COUNT, PREVIOUS, broken.NEXT)
MIRRORED = rasp.Aggregate(rasp.Select(I, L - 1 - I, Comparison.EQ), T)
MAXIMUM = rasp.map(lambda x, i: (x * i) % 5, T, I)
NEXT_BACK, BACK_TWO = (
    rasp.Aggregate(
        rasp.Select(I, I + by, Comparison.EQ) & rasp.Select(T, rasp.Full("a"), Comparison.NEQ), T, default="none"
    )
    for by in (1, -2)
)
TWOS = rasp.SelectorWidth(rasp.Select(T, rasp.Full(2), Comparison.EQ))
BY_COUNT = rasp.Aggregate(rasp.best(rasp.Select(T, rasp.Full(1), Comparison.EQ), TWOS), TWOS, default=-1)
FALL_BACKS = rasp.map(lambda a, b, c: next(x for x in (a, b, c) if x != "none"), NEXT_BACK, BACK_TWO, T)
PRODUCT = rasp.SequenceMap(
    lambda x, y: (x * y) % 3 == 1, *(rasp.SelectorWidth(rasp.Select(T, t, Comparison.EQ)) for t in (0, 1))
)
NESTED = rasp.SequenceMap(
    lambda c, t: (t * t + 2) % 7 if c else t,
    PRODUCT,
    rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), T, default=0),
)
CHAIN = reduce(
    lambda rest, t: rasp.where(rasp.SelectorWidth(rasp.Select(T, rasp.Full(t), Comparison.EQ)) > 0, I + t, rest + 1),
    (0, 1, 2), T,
)  # fmt: skip
CASES: dict[str, Case] = {
    "share": Case(rasp.Map(lambda x: (x + 1) % 3, COUNT * 3 + T) * 3 + rasp.Map(lambda x: (x + 2) % 3, COUNT * 3 + T),
                  wrapped(store, "identity_of", same_kind), differs=COUNT * rasp.SelectorWidth(SAME) * I),
    "fold": Case(rasp.SelectorWidth(SAME & rasp.Select(I, I, Comparison.TRUE)),
                 wrapped(store.Store, "select", by_the_first)),
    "compose": Case(rasp.Aggregate(rasp.Select((T + 1) % 3, T, Comparison.EQ), I),
                    wrapped(store.Store, "rooted", turned)),
    "causal": Case(rasp.SelectorWidth(BEFORE), wrapped(building, "without_hidden", other_triangle), causal=True,
                   differs=rasp.SelectorWidth(SAME & rasp.Select(I, I, Comparison.LEQ))),
    "sums": Case(2 * rasp.Aggregate(rasp.Select(T, T, Comparison.TRUE), T) * L,
                 wrapped(importlib.import_module("raspc.graph.products"), "_without_counts", next_product)),
    "never_empty": Case(PREVIOUS, wrapped(evidence, "never_empty", always),
                        differs=rasp.Aggregate(SAME, I, default=-1)),
    "single": Case(rasp.Aggregate(SAME, I), wrapped(evidence, "picks_one", always), differs=PREVIOUS),
    "factor_keys": Case(library.sort(T, T + 3 * I), wrapped(factoring, "_digits", high_first), tuple(range(9)), 6),
    "complement_widths": Case(UNLIKE, wrapped(complement, "_length", short_length), tuple(range(12))),
    "split_widths": Case(broken.OVERLAPPING, wrapped(split, "inclusion_exclusion", broken.first_terms)),
    "count_means": Case(rasp.Aggregate(SAME, I) > 1.2, wrapped(counting, "_means", greatest_first), longest=5,
                        dtype="bfloat16"),
    "count_sums": Case(rasp.Sum(SAME, I), wrapped(adding, "nearest", next_id), longest=5, dtype="bfloat16"),
    "share_counts": Case(rasp.SelectorWidth(SAME), wrapped(sharing, "pairwise", without_the_last), longest=5,
                         dtype="bfloat16", given=wrapped(sharing, "counted_by_one_head", three_keys)),
    "fuse_chains": Case(CHAIN, wrapped(fusing, "listing", rolled_cells), longest=6),
    "count_in_stretches": Case(COUNT, wrapped(lower, "stretches_of", first_twice), (0, 1), 40, given=few),
    "virtual": Case(rasp.Map(lambda x: x * x % 3, T), wrapped(F, "additive", rolled_parts)),
    "separable": Case(rasp.numerical(T + I), wrapped(F, "additive", rolled_parts)),
    "basis": Case(PREVIOUS, wrapped(_Lowering, "embed", wrong_code)),
    "plain_counts": Case(COUNT, wrapped(left, "number_share", twice_as_much)),
    "decode_terms": Case(rasp.numerical(2 * rasp.SelectorWidth(rasp.Select(T, rasp.Full(1), Comparison.EQ)) - L),
                         wrapped(steps, "staircases", broken.late_steps), (0, 1)),
    "number_answers": Case(PREVIOUS, wrapped(answer, "number_logits", no_square)),
    "add_shares": Case(RANK_BY_THREE, wrapped(_Lowering, "width_head", broken.with_head(log_sink=lambda head: 0.0)),
                       (1, 2, 3, 4, 5), 5),
    "squares": Case(MIRRORED, wrapped(penalty, "_squares", first_only), longest=6),
    "neighbours": Case(FAR_OFF, wrapped(penalty, "_beside", onto_keys), (0, 1, 2, 3), 6),
    "renumber": Case(rasp.Aggregate(PARTNERS, I), wrapped(penalty, "_matching", shifted_classes), WORDS, 3),
    "distinct_rows": Case(rasp.Aggregate(ODD, I), wrapped(penalty, "_by_key", first_only), tuple(range(7)), 3),
    "carry_errors": Case(rasp.Aggregate(rasp.Select(EARLY, EARLY, Comparison.EQ), T),
                         wrapped(steps, "staircases", broken.late_steps)),
    "low_rank": Case(rasp.SelectorWidth(ATTRIBUTE), wrapped(penalty, "factored", too_few), tuple(range(4)), 3),
    "steep": Case(rasp.SelectorWidth(LESS), wrapped(steep, "_features", broken.not_as_steep), tuple(range(8)), 3),
    "digits": Case(rasp.map(lambda c: c % 3, EARLIER_SAME), wrapped(penalty, "_digits", high_digit),
                   tuple(range(20)), 20),
    "bits": Case(rasp.Aggregate(rasp.latest(rasp.Select(T, I, Comparison.EQ)), I),
                 wrapped(penalty, "_by_bits", fewer_bits), tuple(range(8)), 4, given=few_digits),
    "digit_flags": Case(AS_OFTEN, wrapped(penalty, "_flags", high_flags), longest=9, given=few_values),
    "merge_values": Case(rasp.map(lambda x, i: int(x > 1 and i > 1), T, I), wrapped(grid, "merged", too_alike)),
    "square_gates": Case(MAXIMUM, wrapped(cells, "gate", squares_only), (1, 2, 3, 4), 6),
    "lines": Case(RANK_BY_THREE, wrapped(steps, "staircases", broken.late_steps)),
    "parabolas": Case(library.sort(), wrapped(parabolas, "_polynomials", wider), tuple(range(6)), 6),
    "chains": Case(BY_COUNT, wrapped(chains, "_bent", late_bends), longest=8, causal=True,
                   beside=("plain_counts",)),
    "folds": Case(COUNT, wrapped(folds, "_ramps", later), (0, 1), 40, given=few),
    "cubes": Case(FALL_BACKS, wrapped(cubes, "leaves", next_class), ("a", "b", "c", "d")),
    "soonest": Case(NESTED, wrapped(functions, "choose", other_neurons), (0, 1, 2, 3), 8),
    "gated_lines": Case(rasp.map(lambda c, x: c * x % 4, COUNT, T), wrapped(gated, "_gated", open_gates)),
    "slopes": Case(COUNT * I, wrapped(sloping, "straight", steeper), longest=7),
    "products": Case(T * rasp.Aggregate(rasp.Select(I, I - 1, Comparison.EQ), T, default=0),
                     wrapped(multiplying, "_rank_one", next_factor), causal=True, target="llama"),
    "pulse": Case(broken.BALANCED, wrapped(lone, "_weights", broken.forgotten_condition)),
    "rotation": Case(rasp.Aggregate(rasp.latest(rasp.Select(T, 1, Comparison.LEQ)), T, default=2),
                     wrapped(parts, "pairs_of", other_way), causal=True, target="llama"),
    "drop_dead": Case(rasp.SelectorWidth(broken.AT), wrapped(lower, "living", shorter), longest=1,
                      differs=rasp.SelectorWidth(rasp.Select(L, L, Comparison.EQ))),
    "schedule": Case(SPREAD, wrapped(planning, "schedules", all_early)),
    "smallest": Case(library.shuffle_dyck(["()"]), wrapped(planning, "schedules", all_early), ("(", ")"), 6),
    "solver": Case(library.most_freq(), wrapped(planning, "solved", broken.all_at_once), ("a", "b", "c", "d"), 5,
                   beside=("smallest",)),
    "balance": Case(library.shuffle_dyck(["()"]), wrapped(planning, "balanced", broken.all_at_once), ("(", ")"), 6,
                    beside=("smallest", "solver")),
    "share_heads": Case(broken.PREVIOUS_AND_NEXT, wrapped(heads, "_scoring", broken.all_alike),
                        differs=rasp.SequenceMap(lambda x, i: (x, i), PREVIOUS, BACK)),
    "split_heads": Case(AROUND, wrapped(heads, "_cut", last_columns)),
    "reuse": Case(library.sort_freq(), wrapped(placement, "_lives", next_root), ("a", "b", "c", "d"), 5),
}  # fmt: skip


def compiled(case: Case, *without: str, program: SOp | None = None) -> raspc.Model:
    """The compact model, not looked at closely."""
    return raspc.compile(
        case.program if program is None else program, case.vocab, case.longest, causal=case.causal, optimize=2,
        certify=False, disabled_passes=without, dtype=case.dtype, target=case.target,
    )  # fmt: skip


def models_of(case: Case, *without: str, program: SOp | None = None) -> list[raspc.Model]:
    """The model; none where the program is refused."""
    try:
        return [compiled(case, *without, program=program)]
    except UnsupportedProgram:
        return []


def wrong(case: Case, model: raspc.Model, program: SOp | None = None) -> Any:
    """Where it differs from the interpreter."""
    program = case.program if program is None else program
    return differences(program, model, some_inputs(case.vocab, case.longest, 150, 40), case.causal)


def looks(model: raspc.Model) -> Any:
    """What a pass can change: the graph, the sizes, and how blocks were put into layers."""
    assert model.graph is not None
    return model.graph.to_json()["nodes"], model.config, model.alignment["schedule"]["method"]


def test_every_switch_has_a_case() -> None:
    """A new pass needs a program that it changes and a fault that is caught."""
    assert set(CASES) == set(OPTIONAL)
    assert len(SWITCHES) == len(set(OPTIONAL))


ROOT = Path(__file__).parents[2]
HEAD = "| pass | what it does | requires | ensures | where |\n| --- | --- | --- | --- | --- |\n"


def test_the_page_on_passes_holds_the_table(request: pytest.FixtureRequest) -> None:
    """docs/passes.md has the table of the code, row for row: `pytest --update-golden` writes it anew."""
    path = ROOT / "docs" / "passes.md"
    page = path.read_text(encoding="utf-8")
    before, rest = page.split(HEAD)
    after = rest[rest.index("\n\n") :]
    rows = ["| " + " | ".join(cells).replace("|v|", r"\|v\|") + " |" for cells in map(told, SWITCHES)]
    if request.config.getoption("--update-golden"):
        path.write_text(before + HEAD + "\n".join(rows) + after, encoding="utf-8")
    assert before + HEAD + "\n".join(rows) + after == path.read_text(encoding="utf-8")


def told(switch: Switch) -> tuple[str, ...]:
    """A row of the table."""
    return f"`{switch.name}`", switch.does, switch.requires, switch.ensures, switch.where


def test_no_choice_is_forgotten() -> None:
    """Every name that the code asks for is declared, and every declared one is asked for."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src" / "raspc").rglob("*.py")]
    asked = {name for text in sources for name in re.findall(r"(?:\.has|\.does|giving_up)\(\s*\"(\w+)\"", text)}
    asked |= {name for text in sources for name in re.findall(r"\"(\w+)\" (?:not )?in (?:self\.)?without", text)}
    assert asked <= set(OPTIONAL)
    assert {switch.name for switch in SWITCHES} == set(OPTIONAL)
    assert all((ROOT / "src" / "raspc" / switch.where).is_file() for switch in SWITCHES)


def test_a_saved_model_remembers_what_was_left_out(tmp_path: Path) -> None:
    """So that an explanation is of this model; all names are known, in the compiler's order."""
    model = raspc.compile(library.hist(), "ab", 3, optimize=2, disabled_passes=["reuse", "basis"])
    model.save(tmp_path / "m")
    assert model.options.without == ("basis", "reuse") == checked({"reuse", "basis"})
    assert raspc.load(tmp_path / "m").options == model.options


def test_what_it_would_be_without_each_pass() -> None:
    """Sizes without and with; passes over the graph are told only where the program is there; refusals are told."""
    model = raspc.compile(library.sort(), range(4), 4, optimize=2, disabled_passes=["reuse"])
    told = {one.name: one for one in ablations(model, library.sort())}
    assert list(told) == [name for name in OPTIONAL if name != "reuse"]
    assert all(one.after["parameters"] == sum(a.size for a in model.params.values()) for one in told.values())
    assert told["steep"].before is not None and told["steep"].before["d_head"] > told["steep"].after["d_head"]
    assert {"share", "single"} & {one.name for one in ablations(model)} == set()
    nowhere = replace(model, graph=None)
    with pytest.raises(raspc.InputError, match="compile it again"):
        list(ablations(nowhere))


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_pass_makes_a_difference_but_not_to_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the graph or the sizes are others; the answers are not."""
    case = CASES[name]
    program = case.program if case.differs is None else case.differs
    case.given(monkeypatch)
    with_it, without = (models_of(case, *case.beside, *off, program=program) for off in ((), (name,)))
    assert with_it and list(map(looks, with_it)) != list(map(looks, without))
    assert not any(wrong(case, model, program) for model in (*with_it, *without))


@pytest.mark.filterwarnings("ignore::raspc.UncertainProgram")
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_broken_pass_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers of the model are those of the interpreter, and with the fault they are not."""
    case = CASES[name]
    case.given(monkeypatch)
    assert not wrong(case, compiled(case, *case.beside))
    case.fault(monkeypatch)
    try:
        model = compiled(case, *case.beside)
    except (AssertionError, UnsupportedProgram):
        return  # caught before there is a model
    assert wrong(case, model)
