"""What must come out exactly, one test for each case: compiled at -O0 and -O1, default settings.

T are the tokens, I the indices. Several of these go wrong in Tracr.
"""

from __future__ import annotations

import json
import math
import os
import random
import string
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from tests.agreement import LEVELS, alike, answers, compiled, differences, some_inputs
from tests.strategies import CONSTRUCT_LENGTH, CONSTRUCT_VOCAB, CONSTRUCTS

import raspc
from raspc import UncertainProgram, UnsupportedProgram, library, rasp
from raspc.rasp import Comparison, SOp

T, I = rasp.tokens, rasp.indices  # noqa: E741
ALL = rasp.Select(T, T, Comparison.TRUE)
SAME = rasp.Select(T, T, Comparison.EQ)
BEFORE = rasp.Select(I, I, Comparison.LT)

levels = pytest.mark.parametrize("level", LEVELS)


def gives(
    level: int, program: SOp, xs: Sequence[Any], wanted: Sequence[Any], vocab: Iterable[Any] | None = None,
    n: int | None = None, causal: bool = False, **options: Any,
) -> None:  # fmt: skip
    """The compiled program gives `wanted` on `xs`, and what the interpreter gives on other inputs."""
    tokens = set(xs) if vocab is None else set(vocab)
    longest = len(xs) if n is None else n
    model = compiled(program, tokens, longest, optimize=level, causal=causal, **options)
    assert alike(model.apply(["BOS", *xs]).decoded[1:], wanted)
    assert differences(program, model, some_inputs(tokens, longest, 100, 30), causal) == []


def frac_x() -> SOp:
    """The fraction of x so far."""
    return library.frac_prevs(T == "x")


def length_is_right(model: Any, n: int) -> bool:
    """On a random input of this length."""
    return bool(model.apply(["BOS", *random.Random(n).choices([1, 2, 3], k=n)]).decoded[1:] == [n] * n)


@levels
def test_lengths_up_to_512(level: int) -> None:
    """The width of everything is the length; gaps of 1/N² would be too fine."""
    model = compiled(rasp.SelectorWidth(ALL), {1, 2, 3}, 512, optimize=level)
    assert all(length_is_right(model, n) for n in [*range(1, 20), *range(20, 500, 41), *range(505, 513)])


@pytest.mark.slow
@levels
def test_every_length_up_to_512(level: int) -> None:
    """The same for each length."""
    model = compiled(rasp.SelectorWidth(ALL), {1, 2, 3}, 512, optimize=level)
    assert all(length_is_right(model, n) for n in range(1, 513))


@levels
def test_every_causal_length_up_to_512(level: int) -> None:
    """Under a causal mask, one run shows every length."""
    model = compiled(rasp.SelectorWidth(ALL), {1, 2, 3}, 512, optimize=level, causal=True)
    assert model.apply(["BOS", *[1, 3] * 256]).decoded[1:] == list(range(1, 513))


@levels
def test_reverse_of_200_tokens(level: int) -> None:
    """A pick among 200 keys stays sharp."""
    xs = random.Random(1).choices("abc", k=200)
    model = compiled(library.reverse(), "abc", 200, optimize=level)
    assert model.apply(["BOS", *xs]).decoded[1:] == xs[::-1]


@levels
def test_fractions_over_400_tokens(level: int) -> None:
    """An average over 400 keys, to within 1e-5."""
    model = compiled(frac_x(), "xy", 400, optimize=level)
    for share in (0.03, 0.5, 0.97):
        rng = random.Random(0)
        xs = ["x" if rng.random() < share else "y" for _ in range(400)]
        out = model.apply(["BOS", *xs]).decoded[1:]
        assert max(map(lambda a, b: abs(a - b), out, frac_x()(xs))) < 1e-5


@levels
def test_a_step_between_fractions(level: int) -> None:
    """A threshold on an average, with a fraction just above it."""
    gives(level, rasp.Map(lambda v: v >= 0.6, frac_x()), "xxyxx", [True] * 5, "xy")


@levels
def test_a_map_of_fractions(level: int) -> None:
    """Every value of an average has its place in the staircase."""
    gives(level, rasp.Map(lambda v: round(12 * v), frac_x()), "xxyyxx", [12, 12, 8, 6, 7, 8], "xy")


@levels
def test_two_widths_of_one_layer_meet(level: int) -> None:
    """Two widths side by side, and a third s-op of both."""
    both = rasp.SequenceMap(lambda x, y: 10 * x + y, rasp.SelectorWidth(SAME), rasp.SelectorWidth(BEFORE))
    gives(level, both, [1, 2, 1], [20, 11, 22])


@levels
def test_bos_stays_clean(level: int) -> None:
    """A map that is not 0 at 0 must write nothing at BOS, which the next average reads."""
    low = rasp.numerical(rasp.Map(lambda v: v < 0.5, frac_x()))
    program = rasp.Aggregate(rasp.Select(I, I, Comparison.GT), low, default=0)
    gives(level, program, "xxyx", [0, 0, 0, 0], "xy")


@levels
def test_numerical_map_below_zero(level: int) -> None:
    """Negative numbers along one direction."""
    gives(level, rasp.numerical(rasp.Map(lambda x: x - 3, T)), [1, 2, 3, 4, 5], [-2, -1, 0, 1, 2], n=5)


@levels
def test_shift_into_nothing(level: int) -> None:
    """An empty selection gives None, not an arbitrary token."""
    gives(level, library.shift_by(1), "cba", [None, "c", "b"])


@levels
@pytest.mark.parametrize("default", ["_", 1, 2.5, True, "c"])
def test_shift_with_a_default(level: int, default: Any) -> None:
    """A default of any type, in the vocabulary or not."""
    gives(level, library.shift_by(1, default=default), "cba", [default, "c", "b"])


@levels
def test_shift_with_a_numerical_default(level: int) -> None:
    """A number for an empty selection, where the value is stored as a number."""
    gives(level, rasp.numerical(library.shift_by(1, T, default=1)), [3, 2, 1], [1, 3, 2])


@levels
def test_mean_of_numbers_whatever_the_encoding(level: int) -> None:
    """Several selected numbers are averaged, also where they are stored one direction a value."""
    for advice in (rasp.numerical, rasp.categorical, lambda x: x):
        gives(level, advice(rasp.Aggregate(ALL, advice(T))), [1, 3, 2], [2, 2, 2])


@levels
def test_mean_of_words_is_refused(level: int) -> None:
    """An average of words has no meaning; the message shows an input where it would be needed."""
    with pytest.raises(UnsupportedProgram) as refused:
        raspc.compile(rasp.Aggregate(ALL, T), vocab={"a", "b"}, max_seq_len=3, optimize=level)
    assert "'a'" in str(refused.value)
    assert "'b'" in str(refused.value)


@levels
def test_mean_of_words_in_part(level: int) -> None:
    """On request it is compiled for the inputs on which it is defined, and says so."""
    program = rasp.Aggregate(ALL, T)
    with pytest.warns(UncertainProgram):
        model = raspc.compile(program, vocab={"a", "b"}, max_seq_len=4, optimize=level, partial=True)
    assert answers(model, ["a", "bb", "aaaa"]) == [["a"], ["b"] * 2, ["a"] * 4]


def second_word() -> SOp:
    """The word after the first one: one position is marked, which no table shows."""
    marked = library.shift_by(1, rasp.Map(lambda i: i == 0, rasp.indices), default=False)
    return rasp.Aggregate(rasp.Select(marked, marked, lambda key, query: key), T, default="a").named("second")


UNPROVED_VOCAB = ["a", "bb", "cc", "ddd", "eeee", "fffff"]


@levels
def test_an_unproved_pick_is_compiled_with_a_warning(level: int) -> None:
    """Words, no proof that one is selected, no counter-example: an assumption, warned of and recorded."""
    program = second_word()
    with pytest.warns(UncertainProgram):
        model = raspc.compile(program, vocab=set(UNPROVED_VOCAB), max_seq_len=9, optimize=level)
    assert differences(program, model, some_inputs(UNPROVED_VOCAB, 9, 100)) == []
    assert "assumed: second" in f"{model.graph.notes} {model.certificate}"


@levels
def test_an_unproved_pick_is_refused_if_strict(level: int) -> None:
    """`strict` takes nothing on trust."""
    with pytest.raises(UnsupportedProgram):
        raspc.compile(second_word(), vocab=set(UNPROVED_VOCAB), max_seq_len=9, optimize=level, strict=True)


@levels
def test_a_proved_pick_is_silent(level: int) -> None:
    """Trying every input is a proof: no warning, and strict is content."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raspc.compile(second_word(), vocab={"a", "bb", "cc"}, max_seq_len=4, optimize=level, strict=True)


@levels
@pytest.mark.parametrize("default", [None, "_"])
def test_mean_or_a_special_value(level: int, default: Any) -> None:
    """An average that can also be None or a word gives the number or that value."""
    gives(level, rasp.Aggregate(BEFORE, T, default=default), [1, 4, 2], [default, 1, 2.5], n=4)


@levels
def test_the_first_of_26_letters(level: int) -> None:
    """The first token everywhere, over an alphabet."""
    first = rasp.Aggregate(rasp.Select(I, rasp.Full(0), Comparison.EQ), T)
    gives(level, first, "hello", ["h"] * 5, string.ascii_lowercase, 8)


@levels
def test_a_value_wider_than_its_keys(level: int) -> None:
    """26 values chosen by one of two keys."""
    vowel = rasp.Map(lambda x: x in "aeiou", T)
    latest = vowel_at = rasp.Select(vowel, rasp.Full(True), Comparison.EQ)
    only_first = vowel_at & rasp.Select(rasp.SelectorWidth(latest & BEFORE), rasp.Full(0), Comparison.EQ)
    gives(level, rasp.Aggregate(only_first, T, default="none"), "hello", ["e"] * 5, string.ascii_lowercase, 7)


@levels
def test_keys_wider_than_the_value(level: int) -> None:
    """One of two values chosen by 26 keys."""
    vowels = rasp.Aggregate(SAME, rasp.Map(lambda x: x in "aeiou", T))
    gives(level, vowels, "hello", [False, True, False, False, True], string.ascii_lowercase, 7)


@levels
def test_earlier_occurrences(level: int) -> None:
    """A conjunction over different variables."""
    gives(level, rasp.SelectorWidth(SAME & BEFORE), [1, 2, 1], [0, 0, 1], n=5)


@levels
def test_either_of_two_variables(level: int) -> None:
    """A disjunction over different variables."""
    gives(level, rasp.SelectorWidth(SAME | BEFORE), [1, 2, 1], [2, 2, 3], n=5)


@levels
def test_neither_of_two_variables(level: int) -> None:
    """Negations over different variables."""
    gives(level, rasp.SelectorWidth(~(SAME & BEFORE)), [1, 2, 1], [3, 3, 2], n=5)
    gives(level, rasp.SelectorWidth(~(SAME | BEFORE)), [1, 2, 1], [1, 1, 0], n=5)
    gives(level, rasp.SelectorWidth(~SAME & BEFORE), [1, 2, 1], [0, 1, 1], n=5)


@levels
def test_sort_with_ties_by_position(level: int) -> None:
    """Smaller, or equal and earlier: composite selectors over two variables."""
    xs = ["bb", "a", "cc", "b"]
    gives(level, library.sort(T, keys=rasp.Map(len, T)), xs, ["a", "b", "bb", "cc"], n=4)


@levels
def test_prefix_sum(level: int) -> None:
    """A mean times a count, and the library's sum of counts."""
    so_far = rasp.Select(I, I, Comparison.LEQ)
    product = rasp.map(lambda mean, i: round(mean * (i + 1)), rasp.Aggregate(so_far, T), I)
    gives(level, product, [3, 2, 1, 1], [3, 5, 6, 7])
    gives(level, rasp.Aggregate(so_far, T) * (I + 1), [3, 2, 1, 1], [3, 5, 6, 7])
    gives(level, library.cumulative_sum(), [3, 2, 1, 1], [3, 5, 6, 7])


@levels
def test_mean_of_1_2_3(level: int) -> None:
    """The mean of numerical tokens."""
    gives(level, rasp.Aggregate(ALL, rasp.numerical(T)), [1, 2, 3], [2, 2, 2])


@levels
def test_pad_is_no_key(level: int) -> None:
    """Padding takes no part in an average."""
    model = compiled(rasp.Aggregate(ALL, rasp.numerical(T == "x")), "xy", 5, optimize=level)
    assert alike(model.apply(["BOS", "x", "x", "PAD", "PAD", "PAD"]).decoded[1:3], [1, 1])


@levels
@pytest.mark.parametrize("name", ["reverse", "frac_prevs", "sort_freq", "pair_balance"])
def test_batched_and_single_runs_agree(level: int, name: str) -> None:
    """The same logits to within 1e-6, alone or padded in a batch."""
    import numpy as np

    entry = library.get(name)
    model = compiled(entry.program, entry.vocab, entry.max_seq_len, optimize=level)
    rows = [["BOS", *xs] for xs in some_inputs(entry.vocab, entry.max_seq_len, 30, 10)]
    batch = model.apply_batch(rows)
    for i, row in enumerate(rows):
        single = model.apply(row)
        assert alike(batch.decoded[i][1:], single.decoded[1:])
        logits = np.asarray(single.unembedded)[-len(row) :].reshape(len(row), -1)
        together = np.asarray(batch.unembedded)[i, : len(row)].reshape(len(row), -1)
        np.testing.assert_allclose(together, logits, rtol=1e-6, atol=1e-6)


@levels
def test_a_vocabulary_of_numbers_and_words(level: int) -> None:
    """The identity on tokens of different types."""
    gives(level, rasp.Map(lambda x: x, T), [2, 10, "1x"], [2, 10, "1x"])


@levels
def test_labels_are_distinct(level: int) -> None:
    """1, "1" and ":" are three tokens with three labels."""
    program = rasp.Map(lambda x: x, T)
    gives(level, program, [1, "1", ":"], [1, "1", ":"])
    labels = compiled(program, {1, "1", ":"}, 3, optimize=level).residual_labels
    assert len(set(labels)) == len(labels)


_LABELS = """
import json, sys, warnings
import raspc
from raspc import library
warnings.simplefilter("ignore")
vocab = json.loads(sys.argv[1])
names = sys.argv[2].split(",")
models = {name: raspc.compile(library.get(name).build(), vocab=set(vocab), max_seq_len=4) for name in names}
print(json.dumps({name: [str(label) for label in models[name].residual_labels] for name in sorted(names)}))
"""


def test_labels_are_the_same_everywhere() -> None:
    """In every process, whatever its hash seed, and in every order of building."""
    found = set()
    for seed, vocab, names in (
        ("1", ["a", "b", "c"], "reverse,sort_freq"),
        ("2", ["c", "a", "b"], "sort_freq,reverse"),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", _LABELS, json.dumps(vocab), names],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(ran.stdout)
    assert len(found) == 1


@levels
def test_division_by_an_index(level: int) -> None:
    """T / I is None where I is 0, in the interpreter as in the model."""
    gives(level, T / I, [4, 4, 5], [None, 4, 2.5], n=5)


@levels
def test_a_shared_dag_of_depth_40(level: int) -> None:
    """Linear in the nodes, not in the paths: under a second."""
    x: SOp = T
    for _ in range(40):
        x = x + x
    start = time.process_time()
    model = compiled(x, {1, 2}, 4, optimize=level)
    assert time.process_time() - start < 1
    assert alike(model.apply(["BOS", 1, 2]).decoded[1:], [2**40, 2**41])


@levels
def test_a_shared_dag_of_words(level: int) -> None:
    """The same for values that are no numbers."""
    x: SOp = T
    for i in range(40):
        x = rasp.SequenceMap(lambda a, b, i=i: max(a, b) if i % 2 else min(a, b), x, x)
    start = time.process_time()
    model = compiled(x, {"a", "b"}, 4, optimize=level)
    assert time.process_time() - start < 1
    assert model.apply(["BOS", "b", "a"]).decoded[1:] == ["b", "a"]


@levels
def test_a_causal_mask_that_changes_answers(level: int) -> None:
    """reverse looks ahead: compiled causally it warns, and shows an input."""
    with pytest.warns(UncertainProgram, match=r"'[abc]'") as caught:
        model = raspc.compile(library.reverse(), vocab={"a", "b", "c"}, max_seq_len=4, optimize=level, causal=True)
    assert len(caught) == 1
    assert differences(library.reverse(), model, some_inputs("abc", 4), causal=True) == []


@levels
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_each_construct(name: str, causal: bool, level: int) -> None:
    """Every construct compiles, causal and not, and gives what the interpreter gives on every input."""
    program = CONSTRUCTS[name]
    model = compiled(program, CONSTRUCT_VOCAB, CONSTRUCT_LENGTH, causal=causal, optimize=level)
    assert differences(program, model, some_inputs(CONSTRUCT_VOCAB, CONSTRUCT_LENGTH), causal) == []


MIXTURES: dict[str, tuple[SOp, tuple[Any, ...]]] = {
    "booleans against numbers": (rasp.SelectorWidth(rasp.Select(T == 1, T, Comparison.EQ)), (0, 1, 2)),
    "booleans as tokens": (rasp.Aggregate(ALL, T), (True, False)),
    "fractions as tokens": (
        rasp.Aggregate(rasp.Select(T, I, Comparison.LT), T, default=-0.25),
        (-1.5, 0.25, 2),
    ),
    "negative tokens": (T * T + T, (-3, -1, 0, 2)),
    "words and numbers": (rasp.SelectorWidth(SAME), ("a", 1, 2.5, "1")),
    "no token read": (rasp.SelectorWidth(BEFORE) * rasp.length - I, ("a", "b")),
    "one token": (rasp.SelectorWidth(SAME), ("a",)),
    "numerical tokens and indices": (
        rasp.SelectorWidth(rasp.Select(rasp.numerical(T), rasp.numerical(I), Comparison.LEQ)),
        (0, 1, 3),
    ),
    "categorical mean": (rasp.categorical(rasp.Aggregate(SAME | BEFORE, rasp.categorical(I))), ("a", "b")),
    "full as key, query and value": (
        rasp.Aggregate(rasp.Select(rasp.Full(1), T, Comparison.LEQ), rasp.Full("w"), default=0),
        (0, 1, 2),
    ),
    "full as output": (rasp.Full(2.5), ("a", "b")),
    "length everywhere": (
        rasp.Aggregate(rasp.Select(rasp.length, rasp.length, Comparison.EQ), rasp.length * T),
        (1, 2, 5),
    ),
    "tokens that look like BOS": (rasp.Map(lambda x: x, T), ("BOS ", "", " ", "é")),
    "numbers far apart": (rasp.Map(lambda x: x * 1000, T), (-1, 0.001, 7)),
    "None between words": (rasp.Map({"a": "b"}.get, T), ("a", "b")),
}


@levels
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", MIXTURES)
def test_values_of_every_type(name: str, causal: bool, level: int) -> None:
    """Negative and fractional values, booleans against numbers, mixtures; whatever the encoding says."""
    program, vocab = MIXTURES[name]
    model = compiled(program, vocab, 5, causal=causal, optimize=level)
    assert differences(program, model, some_inputs(vocab, 5), causal) == []


@levels
@pytest.mark.parametrize("advice", [rasp.numerical, rasp.categorical])
def test_encodings_are_advice(level: int, advice: Callable[[SOp], SOp]) -> None:
    """The wrong encoding everywhere changes nothing."""
    words = advice(rasp.Map({1: "one", 2: "two"}.get, advice(T)))
    share = advice(rasp.Aggregate(BEFORE, advice(advice(T) > 1), default="_"))
    program = advice(rasp.map(lambda w, s, i: (w, s == "_", i), words, share, advice(I)))
    model = compiled(program, {1, 2, 3}, 4, optimize=level)
    assert differences(program, model, some_inputs({1, 2, 3}, 4)) == []


@levels
def test_thirds_of_a_mean(level: int) -> None:
    """Means such as 2/3 have their place: balanced brackets beyond a maximum length of 10."""
    program = library.shuffle_dyck()
    model = compiled(program, "(){}", 14, optimize=level)
    balanced = ["()" * 7, "({)}" * 3, "((()))", "{{{}}}{}(())", "(" * 7 + ")" * 7]
    assert answers(model, balanced) == [[True] * len(xs) for xs in balanced]
    assert differences(program, model, some_inputs("(){}", 14, 100)) == []


@levels
def test_a_large_sort(level: int) -> None:
    """32 values from 32."""
    xs = random.Random(0).choices(range(32), k=32)
    model = compiled(library.sort(), range(32), 32, optimize=level)
    assert model.apply(["BOS", *xs]).decoded[1:] == sorted(xs)


@levels
def test_wide_heads_do_not_blur(level: int) -> None:
    """Scores are not softened by the width of a head: an average at length 128."""
    model = compiled(rasp.Aggregate(SAME, I), string.ascii_lowercase, 128, optimize=level)
    xs = random.Random(0).choices(string.ascii_lowercase, k=128)
    wanted = rasp.Aggregate(SAME, I)(xs)
    assert all(
        math.isclose(x, y, rel_tol=1e-4) for x, y in zip(model.apply(["BOS", *xs]).decoded[1:], wanted, strict=True)
    )


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_default_is_not_lost_beside_steep_features(level: int) -> None:
    """Fuzz seed 20000, program 1105: two picks with defaults far apart, compared; one token, so that lengths decide."""
    previous = rasp.Select(I, I, lambda k, q: q == k + 1)
    one, other = rasp.Aggregate(previous, I, default=0.5), rasp.Aggregate(previous, rasp.length, default=False)
    program = rasp.SelectorWidth(rasp.Select(one, other, Comparison.GT))
    model = compiled(program, "z", 3, optimize=level)
    assert differences(program, model, ["z", "zz", "zzz"]) == []


@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_two_counts_are_told_apart_by_is_not_made_much_of(level: int) -> None:
    """A larger fuzz: the shares of the counts 1 and 2 lie close, and a mean is taken of what reads them."""
    same = rasp.SelectorWidth(rasp.Select(rasp.length, rasp.length, Comparison.EQ))
    near = rasp.SequenceMap(lambda x, y: abs(x - y) <= 1, same, I) * rasp.length
    mean = rasp.Aggregate(rasp.Select(T, T, lambda k, q: k == "x"), near, default=0)
    assert differences(mean, compiled(mean, "xz", 2, optimize=level), some_inputs("xz", 2)) == []
    before = rasp.SelectorWidth(rasp.Select(I, I, Comparison.LEQ))
    half = rasp.where(T == "q", T, rasp.LinearSequenceMap(before, rasp.length, 1, 0.5))
    window = rasp.SelectorWidth(rasp.Select(I, half, lambda k, q: not isinstance(q, str) and abs(k - q) <= 1))
    assert differences(window, compiled(window, "p", 2, optimize=level), ["p", "pp"]) == []


@levels
def test_all_but_the_best_of_one_selected_key(level: int) -> None:
    """A key that holds the best score is no best key unless it was selected."""
    first = rasp.Select(I, 0 * I, Comparison.EQ)
    score = rasp.SequenceMap(lambda i, t: i if i == 2 else t, I, T)
    others = rasp.SelectorNot(rasp.best(first, score, "max"))
    program = rasp.Aggregate(others & rasp.Select(I, I, Comparison.LEQ), I, default=2)
    gives(level, program, ["z", "z", "z"], [2, 1, 1.5], causal=True)
