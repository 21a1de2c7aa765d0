"""Names, words and shortcuts that Tracr's clients rely on."""

from __future__ import annotations

import time
from typing import Any

import pytest

import raspc
from raspc.compat.tracr.compiler import compile_rasp_to_model, compiling, lib, rasp_to_graph, validating
from raspc.compat.tracr.rasp import causal_eval, rasp
from raspc.compat.tracr.rasp.annotations import Annotations

TRUE = rasp.Comparison.TRUE


def test_the_compiler_is_at_the_package() -> None:
    """`from tracr.compiler import compile_rasp_to_model` is the function of `compiling`."""
    assert compile_rasp_to_model is compiling.compile_rasp_to_model


def test_names_that_are_imported() -> None:
    """`rasp.Annotator` annotates; the output of the graph has its name."""
    annotator: rasp.Annotator = lambda expr: len(expr.children)  # noqa: E731
    rasp.DEFAULT_ANNOTATORS["children"] = annotator
    try:
        assert (rasp.tokens + rasp.indices).annotations["children"] == 2
    finally:
        del rasp.DEFAULT_ANNOTATORS["children"]
    assert rasp_to_graph.ExtractRaspGraphOutput.__name__ == "ExtractRaspGraphOutput"
    assert dict(Annotations(rasp.tokens, name="x", colour="red")) == {"name": "x", "colour": "red"}


def test_labels_of_primitives() -> None:
    """What they are, for copies with other notes too; another name has a number."""
    assert [x.label for x in (rasp.tokens, rasp.indices, rasp.length)] == ["tokens", "indices", "length"]
    assert rasp.numerical(rasp.indices).label == "indices"
    named = rasp.tokens.named("letters")
    assert named.label == f"letters_{named.unique_id}"


def test_validation_without_an_input() -> None:
    """What is wrong whatever the input; a program that fails on some inputs is not."""
    assert validating.validate(lib.make_reverse(rasp.tokens)) == []
    assert validating.validate(rasp.Map(lambda x: {}[x], rasp.tokens)) == []
    (found,) = validating.validate(rasp.Select(rasp.tokens, rasp.tokens, TRUE))  # type: ignore[arg-type]
    assert isinstance(found, validating.TracrUnsupportedExpr) and "needed an s-op" in found.reason
    assert isinstance(found, raspc.UnsupportedProgram)


def test_validation_names_the_expression() -> None:
    """The one that has no value on the input, also under a mask."""
    shifted = lib.shift_by(1, rasp.tokens)
    select = rasp.Select(shifted, rasp.tokens, rasp.Comparison.EQ)
    (found,) = validating.validate(rasp.SelectorWidth(select), "ab")
    assert found.expr is select and "key is None!" in found.reason
    words = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, TRUE), rasp.tokens)
    last = rasp.Aggregate(rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.GEQ), rasp.tokens)
    assert validating.validate(words, "ab")[0].expr is words and validating.validate(words, "aa") == []
    assert validating.validate(last, "ab") and not validating.validate(last, "ab", causal=True)


def test_validation_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand inputs of a program that takes a while to compile, in well under the time of one compile."""

    def never(*args: Any, **options: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(compiling, "compile", never)
    program = lib.make_sort_freq(10)
    start = time.process_time()
    assert all(validating.validate(program, "abcdefgh") == [] for _ in range(1000))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("key,query", [(None, 1), (1, None), (None, None)])
@pytest.mark.parametrize("comparison", rasp.Comparison)
def test_a_comparison_says_which_side_is_none(comparison: Any, key: Any, query: Any) -> None:
    """In Tracr's words."""
    with pytest.raises(ValueError, match="^key is None!" if key is None else "^query is None!"):
        comparison(key, query)


@pytest.mark.parametrize("evaluate", [rasp.evaluate, causal_eval.evaluate, lambda expr, xs: expr(xs)])
def test_a_select_says_which_side_is_none(evaluate: Any) -> None:
    """The same words in the error of a program."""
    none = rasp.Full(None)
    with pytest.raises(ValueError, match="key is None!"):
        evaluate(rasp.Select(none, rasp.tokens, rasp.Comparison.EQ), [1])
    with pytest.raises(ValueError, match="query is None!"):
        evaluate(rasp.Select(rasp.tokens, none, rasp.Comparison.EQ), [1])


@pytest.mark.parametrize("special", ["BOS", "PAD"])
def test_special_tokens_in_tracrs_words(special: str) -> None:
    """And what to do."""
    option = f"compiler_{special.lower()}"
    with pytest.raises(ValueError, match=f"^Compiler {special} token must not be present in the vocab.*choose another"):
        compile_rasp_to_model(rasp.tokens, {"a", "x"}, 3, **{option: "x"})


WORDS = {
    "First input token must be BOS token": ["a"],
    "not found in encoding": ["BOS", "?"],
    "longer than the maximum sequence length": ["BOS", *"aaaa"],
}


@pytest.mark.parametrize("words", WORDS)
def test_inputs_in_tracrs_words(words: str) -> None:
    """The encoder and `apply` refuse alike, with Tracr's words in ours."""
    model = compile_rasp_to_model(rasp.tokens, {"a"}, 3, compiler_bos="BOS")
    for take in (model.input_encoder.encode, model.apply):
        with pytest.raises(ValueError, match=words):
            take(WORDS[words])


def test_constants_of_another_length() -> None:
    """`check_length=False`: shorter inputs take the first values; longer ones are refused, where values are missing."""
    loose, strict = rasp.ConstantSOp([3, 1, 2], check_length=False), rasp.ConstantSOp([3, 1, 2])
    for evaluate in (rasp.evaluate, causal_eval.evaluate):
        assert evaluate(loose, "ab") == evaluate(loose + 0, "ab") == [3, 1]
        assert evaluate(loose, "abc") == evaluate(strict, "abc") == [3, 1, 2]
        for program, xs in ((strict, "ab"), (strict, "abcd"), (loose, "abcd")):
            with pytest.raises(ValueError, match="length 3"):
                evaluate(program, xs)
    model = compile_rasp_to_model(loose + rasp.indices, {"a"}, 3, compiler_bos="BOS")
    assert model.apply(["BOS", "a", "a"]).decoded == ["BOS", 3, 2]
    square = rasp.ConstantSelector([[0, 1], [1, 0]], check_length=False)
    swapped = compile_rasp_to_model(rasp.Aggregate(square, rasp.tokens), {"a", "b"}, 2, compiler_bos="BOS")
    assert swapped.apply(["BOS", "a", "b"]).decoded == ["BOS", "b", "a"]
    assert swapped.apply(["BOS", "a"]).decoded == ["BOS", None]


FULL = rasp.Full(2)
PAIRS: dict[str, tuple[Any, Any, Any, Any]] = {
    "a full key": (
        rasp.Select(FULL, rasp.tokens, rasp.Comparison.EQ), rasp.Select(rasp.indices, rasp.tokens, rasp.Comparison.LT),
        rasp.indices, rasp.tokens,
    ),
    "a full query": (
        rasp.Select(rasp.tokens, rasp.indices, rasp.Comparison.GT), rasp.Select(rasp.tokens, FULL, rasp.Comparison.LEQ),
        rasp.tokens, rasp.indices,
    ),
    "one of each": (
        rasp.Select(rasp.tokens, FULL, rasp.Comparison.LEQ), rasp.Select(FULL, rasp.indices, rasp.Comparison.NEQ),
        rasp.tokens, rasp.indices,
    ),
    "two full keys": (
        rasp.Select(FULL, rasp.tokens, rasp.Comparison.GEQ), rasp.Select(rasp.Full(1), rasp.tokens, rasp.Comparison.LT),
        FULL, rasp.tokens,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("combine", [rasp.selector_and, rasp.selector_or])
def test_full_sides_are_simplified(name: str, combine: Any) -> None:
    """One select over what is not full, in either order, with the matrix of the two."""
    first, second, keys, queries = PAIRS[name]
    for pair in ((first, second), (second, first)):
        simple, plain = combine(*pair), combine(*pair, simplify=False)
        assert type(simple) is rasp.Select and type(plain) is not rasp.Select
        assert name == "two full keys" or (simple.keys, simple.queries) == (keys, queries)
        for xs in ([1], [2, 1], [0, 3, 2], [1, 2, 3, 0]):
            assert simple(xs) == plain(xs)


def test_a_full_none_and_other_variables_stay_two() -> None:
    """A None meets no predicate, and there is no one key for two variables."""
    tokens = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
    for other in (rasp.Full(None), rasp.indices):
        assert type(tokens & rasp.Select(other, rasp.tokens, rasp.Comparison.EQ)) is rasp.SelectorAnd
