"""Every program of the library, interpreted, evaluated under the mask, validated and compiled: as a table of cases."""
# ruff: noqa - written as its author would write it

from tracr.compiler import compiling, lib, validating
from tracr.rasp import causal_eval, rasp

UNIVERSAL_CASES = [
    dict(
        name="frac_prevs_1",
        program=lib.make_frac_prevs(rasp.tokens == "l"),
        vocab={"h", "e", "l", "o"},
        test_input=list("hello"),
        expected=[0.0, 0.0, 1 / 3, 1 / 2, 2 / 5],
        max_seq_len=5,
    ),
    dict(
        name="frac_prevs_2",
        program=lib.make_frac_prevs(rasp.tokens == "("),
        vocab={"a", "b", "c", "(", ")"},
        test_input=list("a()b(c))"),
        expected=[0, 1 / 2, 1 / 3, 1 / 4, 2 / 5, 2 / 6, 2 / 7, 2 / 8],
        max_seq_len=10,
    ),
    dict(
        name="pair_balance",
        program=lib.make_pair_balance(rasp.tokens, open_token="(", close_token=")"),
        vocab={"a", "b", "c", "(", ")"},
        test_input=list("a()b(c))"),
        expected=[0.0, 1 / 2, 0.0, 0.0, 1 / 5, 1 / 6, 0.0, -1 / 8],
        max_seq_len=10,
    ),
    dict(
        name="map_eq",
        program=rasp.Map(lambda x: x == "t4", rasp.tokens),
        vocab={"t1", "t2", "t3", "t4"},
        test_input=["t1", "t4", "t2"],
        expected=[False, True, False],
        max_seq_len=5,
    ),
    dict(
        name="sequence_map",
        program=rasp.SequenceMap(lambda x, y: x + y, rasp.tokens, rasp.indices),
        vocab={1, 2, 3},
        test_input=[3, 1, 2],
        expected=[3, 2, 4],
        max_seq_len=5,
    ),
    dict(
        name="linear",
        program=rasp.numerical(
            rasp.LinearSequenceMap(
                rasp.numerical(rasp.Map(lambda x: x * 2, rasp.tokens)), rasp.numerical(rasp.indices), 1, -1
            )
        ),
        vocab={1, 2, 3},
        test_input=[3, 1, 2],
        expected=[6, 1, 2],
        max_seq_len=5,
    ),
    dict(
        name="nary",
        program=lib.make_nary_sequencemap(lambda x, y, z: x + y - z, rasp.tokens, rasp.tokens, rasp.indices),
        vocab={1, 2, 3},
        test_input=[3, 1, 2],
        expected=[6, 1, 2],
        max_seq_len=5,
    ),
]
CASES = UNIVERSAL_CASES + [
    dict(
        name="reverse_1",
        program=lib.make_reverse(rasp.tokens),
        vocab={"a", "b", "c", "d"},
        test_input=list("abcd"),
        expected=list("dcba"),
        max_seq_len=5,
    ),
    dict(
        name="reverse_2",
        program=lib.make_reverse(rasp.tokens),
        vocab={"a", "b", "c", "d"},
        test_input=list("abc"),
        expected=list("cba"),
        max_seq_len=5,
    ),
    dict(
        name="length",
        program=lib.make_length(),
        vocab={"a", "b", "c", "d"},
        test_input=list("abcd"),
        expected=[4, 4, 4, 4],
        max_seq_len=12,
    ),
    dict(
        name="module_length",
        program=lib.length,
        vocab={"a"},
        test_input=["a"] * 11,
        expected=[11] * 11,
        max_seq_len=12,
    ),
    dict(
        name="count",
        program=lib.make_count(rasp.tokens, "a"),
        vocab={"a", "b", "c"},
        test_input=list("aaabbc"),
        expected=[3] * 6,
        max_seq_len=8,
    ),
    dict(
        name="hist",
        program=lib.make_hist(),
        vocab={"a", "b", "c", "d"},
        test_input=list("abac"),
        expected=[2, 1, 2, 1],
        max_seq_len=5,
    ),
    dict(
        name="shuffle_dyck1",
        program=lib.make_shuffle_dyck(pairs=["()"]),
        vocab={"(", ")"},
        test_input=list("(())"),
        expected=[True] * 4,
        max_seq_len=5,
    ),
    dict(
        name="shuffle_dyck2",
        program=lib.make_shuffle_dyck2(),
        vocab={"(", ")", "{", "}"},
        test_input=list("({)}"),
        expected=[True] * 4,
        max_seq_len=5,
    ),
    dict(
        name="shuffle_dyck2_bad",
        program=lib.make_shuffle_dyck2(),
        vocab={"(", ")", "{", "}"},
        test_input=list("(){)}"),
        expected=[False] * 5,
        max_seq_len=5,
    ),
    dict(
        name="sort_unique",
        program=lib.make_sort_unique(rasp.tokens, rasp.tokens),
        vocab={1, 2, 3, 4},
        test_input=[2, 4, 3, 1],
        expected=[1, 2, 3, 4],
        max_seq_len=5,
    ),
    dict(
        name="sort",
        program=lib.make_sort(rasp.tokens, rasp.tokens, max_seq_len=5, min_key=1),
        vocab={1, 2, 3, 4},
        test_input=[2, 4, 3, 1, 3],
        expected=[1, 2, 3, 3, 4],
        max_seq_len=5,
    ),
    dict(
        name="sort_freq",
        program=lib.make_sort_freq(max_seq_len=5),
        vocab={"a", "b", "c"},
        test_input=list("abccb"),
        expected=list("bccba"),
        max_seq_len=5,
    ),
    dict(
        name="shift_by",
        program=lib.shift_by(2, rasp.tokens),
        vocab={"a", "b"},
        test_input=list("abab"),
        expected=[None, None, "a", "b"],
        max_seq_len=5,
    ),
    dict(
        name="detect_pattern",
        program=lib.detect_pattern(rasp.tokens, "aba"),
        vocab={"a", "b", "c"},
        test_input=list("ababa"),
        expected=[None, None, True, False, True],
        max_seq_len=5,
    ),
    dict(
        name="count_less_freq",
        program=lib.make_count_less_freq(2),
        vocab={"a", "b", "c", "d"},
        test_input=list("aaabcc"),
        expected=[3] * 6,
        max_seq_len=6,
    ),
    dict(
        name="full",
        program=rasp.Full(3) + rasp.tokens,
        vocab={1, 2},
        test_input=[1, 2],
        expected=[4, 5],
        max_seq_len=4,
    ),
]


def close(x, y):
    return x == y or (x is not None and y is not None and not isinstance(x, str) and abs(x - y) < 1e-5)


def check(case, evaluate, causal):
    program, test_input = case["program"], case["test_input"]
    expected = evaluate(program, test_input)
    assert not causal or case not in UNIVERSAL_CASES or all(map(close, expected, case["expected"])), case["name"]
    assert causal or all(map(close, expected, case["expected"])), (case["name"], expected)
    model = compiling.compile_rasp_to_model(
        program,
        case["vocab"],
        case["max_seq_len"],
        causal=causal,
        compiler_bos="compiler_bos",
        compiler_pad="compiler_pad",
        mlp_exactness=200,
    )
    decoded = model.apply(["compiler_bos", *test_input]).decoded
    assert decoded[0] == "compiler_bos"
    assert len(decoded) == len(expected) + 1
    assert all(map(close, decoded[1:], expected)), (case["name"], causal, decoded, expected)


for case in CASES:
    assert validating.validate(case["program"], case["test_input"]) == []
    check(case, rasp.evaluate, causal=False)
    check(case, causal_eval.evaluate, causal=True)
print(len(CASES), "programs")
