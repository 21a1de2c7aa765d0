"""B-RASP: star-free languages, against recognisers in plain Python, interpreted and compiled."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from tests.text.dialects.languages import Language

import raspc


def shallow(word: str) -> bool:
    """Whether brackets are balanced and no more than two deep."""
    depth = 0
    for letter in word:
        depth += (letter == "(") - (letter == ")")
        if not 0 <= depth <= 2:
            return False
    return depth == 0


def matches(pattern: str) -> Callable[[str], bool]:
    """A recogniser by Python's regular expressions."""
    return lambda word: re.fullmatch(pattern, word) is not None


LANGUAGES: dict[str, Language] = {
    "dyck1 of depth 2": Language("brasp", """
        // Yang, Chiang and Angluin (2024), the example of the paper
        before(i)  := ▶_j [j < i, 1] Q_"("(j) : 0
        behind(i)  := ◀_j [j > i, 1] Q_")"(j) : 0
        inner(i)   := (Q_"("(i) ∧ behind(i)) ∨ (Q_")"(i) ∧ before(i))
        opened(i)  := ▶_j [j < i, ¬inner(j)] Q_"("(j) : 0
        closed(i)  := ◀_j [j > i, ¬inner(j)] Q_")"(j) : 0
        outer(i)   := (Q_"("(i) ∧ closed(i)) ∨ (Q_")"(i) ∧ opened(i))
        matched(i) := inner(i) ∨ outer(i)
        accept(i)  := ▶_j [1, ¬matched(j)] 0 : 1
        """, "()", shallow, 8),
    "a's before b's": Language("brasp", """
        late(i) := leftmost j [j < i, Q_b(j)] true : false
        wrong(i) := Q_a(i) and late(i)
        accept(i) := rightmost j [j <= i, wrong(j)] false : true
        """, "ab", matches("a*b*"), 8),
    "(ab)*": Language("brasp", """
        left(i) := ▶j [j < i, true] Q_a(j) : false     // the letter before is an a
        right(i) := ◀j [j > i, true] Q_b(j) : false    // the one behind is a b
        right_place(i) := Q_a(i) and right(i) or Q_b(i) and left(i)
        accept(i) := ▶j [true, not right_place(j)] false : true
        """, "ab", matches("(ab)*"), 8),
    "first is last": Language("brasp", """
        same_a(i) := ◀_j [1, 1] Q_a(j) : 0
        accept(i) := Q_a(i) and same_a(i) or not Q_a(i) and not same_a(i)
        """, "ab", lambda word: word[0] == word[-1], 8),
    "first is last, in one attention": Language("brasp", """
        accept(i) := leftmost j [true, true] (Q_a(i) and Q_a(j)) or (Q_b(i) and Q_b(j)) or (Q_c(i) and Q_c(j)) : false
        """, "abc", lambda word: word[0] == word[-1], 6),
    "every a is followed by a b before any c": Language("brasp", """
        next(i) := ◀_j [j > i, Q_b(j) or Q_c(j)] Q_b(j) : 0
        bad(i) := Q_a(i) and not next(i)
        accept(i) := ◀_j [1, bad(j)] 0 : 1
        """, "abc", lambda word: all(re.match("[^bc]*b", word[i + 1 :]) for i, x in enumerate(word) if x == "a"), 6),
    "no token twice in a row": Language("brasp", """
        repeated(i) := ▶_j [j < i, true] Q_a(i) and Q_a(j) or Q_b(i) and Q_b(j) or Q_c(i) and Q_c(j) : false
        accept(i) := ▶_j [j <= i, repeated(j)] false : true
        """, "abc", lambda word: all(x != y for x, y in itertools.pairwise(word)), 6),
    "aa occurs and bb does not": Language("brasp", """
        a_before(i) := ▶_j [j < i, 1] Q_a(j) : 0
        b_before(i) := ▶_j [j < i, 1] Q_b(j) : 0
        has_aa(i) := ▶_j [j ≤ i, Q_a(j) ∧ a_before(j)] 1 : 0
        has_bb(i) := ▶_j [j ≤ i, Q_b(j) ∧ b_before(j)] 1 : 0
        accept(i) := has_aa(i) ∧ ¬has_bb(i)
        """, "ab", lambda word: "aa" in word and "bb" not in word, 8),
}  # fmt: skip
CAUSAL = {"a's before b's", "no token twice in a row", "aa occurs and bb does not"}


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_short_word(name: str) -> None:
    """The program accepts what is in the language, at the last position."""
    language = LANGUAGES[name]
    program = language.program
    for word in language.words(language.short):
        assert raspc.interpret(program, word)[-1] == language.accepts(word), word


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_model_of_it(name: str) -> None:
    """It is causal where all masks look back, proved, equal to the program on every input, and accepts the words."""
    language = LANGUAGES[name]
    model = raspc.compile(language.program, language.vocab, 6, optimize=2)
    assert model.config.causal == (name in CAUSAL)
    assert model.certificate is not None and model.certificate.verdict == "proved"
    assert raspc.check(model, program=language.program).ok
    words = list(language.words(5))
    for word, answer in zip(words, model.apply_batch([["BOS", *word] for word in words]).decoded, strict=True):
        assert answer[-1] == language.accepts(word), word


def test_longer_words() -> None:
    """The example of the paper at 16 tokens."""
    language = LANGUAGES["dyck1 of depth 2"]
    model = raspc.compile(language.program, language.vocab, 16, optimize=2)
    assert raspc.check(model, limit=3_000).ok
    for word in ("(()()())()(()())", "(()(()))()(()())", "(()()())()(()())"[:-1]):
        assert model.apply(["BOS", *word]).decoded[-1] == shallow(word), word
