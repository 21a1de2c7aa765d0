"""Which values each s-op of a program can take, and the directions that one value each would need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from raspc import rasp as own
from raspc.compat.tracr.compiler import nodes
from raspc.compat.tracr.craft.bases import VectorSpaceWithBasis
from raspc.graph.build import build
from raspc.graph.nodes import Listed
from raspc.rasp import Encoding, Value


def infer_bases(
    graph: Any, sink: nodes.Node, vocab: Iterable[Value], max_seq_len: int, causal: bool = False
) -> None:  # fmt: skip
    """Note VALUE_SET and OUTPUT_BASIS at the nodes of `extract_rasp_graph`, for every s-op that `sink` reads.

    A number whose values are too many to list has no VALUE_SET, and one direction. What a model really keeps of a
    variable is `model.compiled.plan.storage`: as a rule less.

    Raises InvalidProgram for an ill-formed vocabulary, UnsupportedProgram for an s-op that cannot be listed and has to
    be.
    """
    tokens = list(vocab)
    wanted = {id(expr) for expr in own.topological(sink[nodes.EXPR])}
    for node in graph.nodes.values():
        expr = node[nodes.EXPR]
        if id(expr) in wanted and isinstance(expr, own.SOp):
            node |= _facts(node[nodes.ID], expr, build(expr, tokens, max_seq_len, causal))


def _facts(name: str, expr: own.SOp, graph: Any) -> dict[str, Any]:
    domain = graph.variable(graph.output).domain
    listed = set(domain.values) if isinstance(domain, Listed) else None
    as_number = listed is None or expr.given_encoding is Encoding.NUMERICAL
    basis = (
        VectorSpaceWithBasis.from_names([name]) if as_number else VectorSpaceWithBasis.from_values(name, listed or ())
    )
    return {nodes.OUTPUT_BASIS: basis.basis} | ({} if listed is None else {nodes.VALUE_SET: listed})
