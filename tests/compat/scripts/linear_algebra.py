"""Tracr's craft on its own: named directions, vectors, linear and bilinear functions."""
# ruff: noqa - written as its author would write it

import numpy as np
from tracr.craft import bases, vectorspace_fns

tokens = bases.VectorSpaceWithBasis.from_values("tokens", ["b", "a"])
indices = bases.VectorSpaceWithBasis.from_values("indices", [0, 1, 2])
one = bases.VectorSpaceWithBasis.from_names(["one"])
assert [str(d) for d in tokens.basis] == ["tokens:a", "tokens:b"]
assert indices.num_dims == 3 and indices.null_vector().magnitudes.tolist() == [0, 0, 0]

stream = bases.join_vector_spaces(tokens, indices, one, tokens)
assert stream.num_dims == 6 and stream == bases.direct_sum(tokens, indices, one)
bases.ensure_dims(stream, num_dims=6, name="residual stream")
assert tokens.issubspace(stream) and not stream.issubspace(tokens)
try:
    bases.direct_sum(tokens, stream)
except ValueError as error:
    print("refused:", error)
else:
    raise AssertionError

a = tokens.vector_from_basis_direction(bases.BasisDirection("tokens", "a"))
(b,) = [v for v in tokens.basis_vectors() if v != a]
v = 2 * a + b / 2 - (-b)
assert v in tokens and v.magnitudes.tolist() == [2.0, 1.5]
assert v.project(stream).project(tokens) == v
assert bases.VectorInBasis.sum([a, a, b]) == a + a + b == sum([a, a, b])
assert bases.VectorInBasis.stack([a, b]).magnitudes.shape == (2, 2)

swap = vectorspace_fns.Linear.from_action(tokens, tokens, lambda d: b if d.value == "a" else a)
assert swap(v).magnitudes.tolist() == [1.5, 2.0] and swap(swap(v)) == v
first = vectorspace_fns.Linear(indices, one, np.array([[1.0], [0.0], [0.0]]))
both = vectorspace_fns.Linear.combine_in_parallel([swap, first])
whole = a.project(both.input_space) + indices.basis_vectors()[0].project(both.input_space)
assert both(whole).project(tokens) == b and both(whole).project(one).magnitudes.tolist() == [1.0]
down = vectorspace_fns.project(stream, tokens)
assert down(v.project(stream)) == v

same = vectorspace_fns.ScalarBilinear.from_action(tokens, tokens, lambda x, y: float(x == y))
assert same(a, a) == 1.0 and same(a, b) == 0.0 and isinstance(same(v, v), float)
print("craft", stream.num_dims)
