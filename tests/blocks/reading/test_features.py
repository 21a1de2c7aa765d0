"""Linear algebra of features, against brute force: sums over roots, bases, and what a code can express."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raspc import rasp
from raspc.blocks.reading import features as F
from raspc.blocks.spaces import Matrix
from raspc.graph.build import build
from raspc.graph.nodes import Floats, Interval, Listed
from raspc.graph.tables import Joint, listings

small = st.integers(-3, 3).map(float)


def matrices(rows: int, most: int) -> st.SearchStrategy[Matrix]:
    """Matrices of small integers, so that ranks are beyond doubt; many of them are deficient."""
    return st.integers(0, most).flatmap(lambda columns: hnp.arrays(np.float64, (rows, columns), elements=small))


def rank(*parts: Matrix) -> int:
    """The rank of columns side by side, with a constant among them."""
    return int(np.linalg.matrix_rank(np.hstack([np.ones((len(parts[0]), 1)), *parts])))


@st.composite
def joints(draw: st.DrawFn) -> tuple[Joint, Floats]:
    """A listing over up to three roots, with cells that cannot occur, and a feature of its values."""
    shape = draw(st.lists(st.integers(1, 4), min_size=0, max_size=3))
    count = draw(st.integers(1, 5))
    cells = draw(hnp.arrays(np.int32, tuple(shape), elements=st.integers(-1, count - 1)))
    feature = draw(hnp.arrays(np.float64, count, elements=small))
    return Joint(tuple(range(3, 3 + len(shape))), np.asarray(cells)), feature


def summed(found: F.Sum, joint: Joint) -> Floats:
    """The sum, for every combination of the roots' values."""
    total = np.full(joint.cells.shape, found.constant)
    for root, part in found.parts:
        axis = joint.roots.index(root)
        total = total + part.reshape([-1 if a == axis else 1 for a in range(joint.cells.ndim)])
    return total


@given(joints())
def test_a_sum_is_the_feature(case: tuple[Joint, Floats]) -> None:
    """Whatever is found equals the feature wherever a combination can occur, each root once."""
    joint, feature = case
    found = F.additive(joint, feature)
    if found is None:
        return
    event(f"a sum over {joint.cells.ndim} roots")
    known = joint.cells >= 0
    assert len({root for root, _ in found.parts}) == len(found.parts)
    np.testing.assert_allclose(summed(found, joint)[known], feature[joint.cells[known]], atol=1e-9)


@given(st.lists(st.lists(small, min_size=1, max_size=4), min_size=1, max_size=3), st.booleans())
def test_sums_are_found(parts: list[list[float]], spoil: bool) -> None:
    """g(x) + h(y) + … is recognised, and stays unrecognised after one cell is changed."""
    total = np.zeros([1] * len(parts))
    for axis, part in enumerate(parts):
        total = total + np.array(part).reshape([-1 if a == axis else 1 for a in range(len(parts))])
    if spoil:
        total[(0,) * total.ndim] += 0.5
    values, cells = np.unique(total, return_inverse=True)
    joint = Joint(tuple(range(len(parts))), cells.reshape(total.shape).astype(np.int32))
    squares = sum(size > 1 for size in total.shape)  # a change shows only where two variables vary
    assert (F.additive(joint, values) is None) == (spoil and squares > 1)


@given(joints(), st.data())
def test_many_sums_at_once(case: tuple[Joint, Floats], data: st.DataObject) -> None:
    """What is found for many features is what is found for each."""
    joint, feature = case
    others = data.draw(hnp.arrays(np.float64, (data.draw(st.integers(0, 4)), len(feature)), elements=small))
    together = Joint(joint.roots, joint.cells)
    F.look_for_sums(together, [feature, *others])
    for one in (feature, *others):
        assert one.tobytes() in together.sums
        found, alone = F.additive(together, one), F.additive(Joint(joint.roots, joint.cells), one)
        assert (found is None) == (alone is None)
        assert found is None or alone is None or np.array_equal(summed(found, joint), summed(alone, joint))


@pytest.mark.parametrize("causal", [False, True])
def test_reach_is_used(causal: bool) -> None:
    """length − index is a sum over its roots, though half of the combinations cannot occur; a product is none."""
    for program, is_sum in ((rasp.length - rasp.indices, True), (rasp.length * rasp.indices, False)):
        graph = build(program + 0 * rasp.tokens, (1, 2), 5, causal)
        joint = listings(graph.nodes)[graph.output]
        assert joint is not None
        found = F.additive(joint, graph.variable(graph.output).listed.numbers)
        assert (found is not None) == (is_sum or causal)


@given(st.data(), st.integers(1, 5))
def test_a_basis(data: st.DataObject, rows: int) -> None:
    """Independent of the constant, of what is spanned and of one another; together they span everything."""
    columns, spanned = data.draw(matrices(rows, 5)), data.draw(matrices(rows, 3))
    chosen = F.basis(columns, spanned)
    assert rank(spanned, chosen) == rank(spanned) + chosen.shape[1]
    assert rank(spanned, chosen, columns) == rank(spanned, chosen)
    assert {column.tobytes() for column in chosen.T} <= {column.tobytes() for column in columns.T}


@given(st.data(), st.integers(2, 12))
def test_indicators_are_chosen_without_arithmetic_as_with_it(data: st.DataObject, rows: int) -> None:
    """Beside few other columns the same ones, whichever come first, and whatever comes after them."""
    order = data.draw(st.permutations(range(rows)))[: data.draw(st.integers(1, rows))]
    columns = np.hstack([np.eye(rows)[:, order], data.draw(matrices(rows, 2))])
    spanned = data.draw(matrices(rows, 2))
    slowly = F.basis(columns, spanned)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "MANY", 1)
        ahead, _ = F._surely(columns, F.orthonormal(np.hstack([np.ones((rows, 1)), spanned])))
        event("some at once" if ahead else "one by one")
        assert np.array_equal(F.basis(columns, spanned), slowly)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=5), st.integers(-14, 0), st.integers(0, 9))
def test_what_a_basis_leaves_out_can_be_expressed(numbers: list[float], power: int, offset: int) -> None:
    """However near to a constant a column lies, it is in the basis or it can be read without it."""
    column = offset + np.array(numbers)[:, None] * 10.0**power
    chosen = F.basis(column, column[:, :0])
    assert F.in_span(chosen, column[:, 0])


@given(st.data(), st.integers(1, 5), st.booleans())
def test_what_a_code_expresses(data: st.DataObject, rows: int, with_constant: bool) -> None:
    """Weights that give the features exactly, if and only if there are any."""
    code, features = data.draw(matrices(rows, 4)), data.draw(matrices(rows, 3))
    found = F.express(code, features, with_constant)
    base = [np.ones((rows, 1))] * with_constant
    before = int(np.linalg.matrix_rank(np.hstack([*base, code]))) if code.shape[1] or with_constant else 0
    after = np.linalg.matrix_rank(np.hstack([*base, code, features])) if features.shape[1] or before else 0
    assert (found is not None) == (int(after) == before)
    if found is None:
        return
    weights, constant = found
    assert weights.shape == (code.shape[1], features.shape[1])
    assert with_constant or not constant.any() or np.array_equal(code, np.eye(rows))
    np.testing.assert_allclose(code @ weights + constant, features, atol=1e-9)


@given(st.integers(1, 6), st.data())
def test_one_hot_codes_express_all(rows: int, data: st.DataObject) -> None:
    """Indicators span every feature, with the feature itself as weights."""
    features = data.draw(matrices(rows, 3))
    found = F.express(np.eye(rows), features)
    assert found is not None
    assert np.array_equal(found[0], features)


def test_integer_weights_where_there_are_some() -> None:
    """Numbers and squares: weights come out whole, so that arithmetic in the model does too."""
    n = np.arange(7.0)
    found = F.express(np.stack([n, n**2], axis=1), np.stack([3 * n - 2, 1 - (n - 4) ** 2], axis=1))
    assert found is not None
    assert np.array_equal(found[0], [[3, 8], [0, -1]])
    assert np.array_equal(found[1], [-2, -15])


@pytest.mark.parametrize(
    ("domain", "code"),
    [
        (Listed((1, 2.5)), [[1], [2.5]]),
        (Listed((1, "a", None)), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (Listed(("a", None)), [[1, 0], [0, 1]]),
        (Interval(0.0, 3.0, (None,)), [[1, 0], [0, 1]]),
    ],
)
def test_a_number_beside_special_values(domain: Listed | Interval, code: list[list[float]]) -> None:
    """One column for the number if there is any, then one for each value that is none."""
    assert F.numeric_code(domain).tolist() == code
    assert F.size(domain) == len(code)
