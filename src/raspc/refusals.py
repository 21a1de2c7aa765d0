"""What is said where a program is refused: the length that a narrow format could do, what does not fit the machine."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from raspc import rasp
from raspc.certify.proof.certificate import NUMBER, refused
from raspc.certify.proof.limits import could_do, longest
from raspc.errors import CertificateError, Refusal, UncertainProgram, UnsupportedProgram, cited
from raspc.graph.build import Built
from raspc.graph.build import built as tabulated
from raspc.graph.nodes import Graph
from raspc.graph.origins import origin
from raspc.numbers.options import Options
from raspc.weights.model import Model


@contextmanager
def told(program: rasp.SOp, built: Built, options: Options, make: Callable[[Graph], object]) -> Iterator[None]:
    """Says of a refusal which expression it is about, and what a user can do.

    `make`: how a model is made of a graph, to find the length that compiles.

    Raises the refusal; UnsupportedProgram where there is not enough memory, or the program is too long.
    """
    graph = built.graph
    try:
        yield
    except (CertificateError, UnsupportedProgram) as error:
        place = f"{combinations_of(graph)}{_named_as_written(error, program, built)}"
        if not options.precision.narrow and not isinstance(error, CertificateError):
            error.args = (f"{error}{place}",)
            raise
        shorter = longest(
            lambda n: make(
                tabulated(
                    program, graph.vocab, n, graph.causal, options.without if graph.total else (),
                    where=graph.where,
                    total=graph.total,
                ).graph
            ), graph.max_seq_len - 1,
        )  # fmt: skip
        raise type(error)(f"{error}; {could_do(options.precision, shorter)}{place}") from error
    except MemoryError as error:
        raise UnsupportedProgram(
            f"{program.name}: the model for {len(graph.vocab)} tokens and length {graph.max_seq_len} does not fit this "
            "machine's memory; use fewer tokens or a shorter maximum length"
        ) from error
    except RecursionError as error:
        raise UnsupportedProgram(
            f"{program.name}: a chain of expressions is too long for the compiler; make fewer steps of it, for example "
            "one function of what the steps depend on"
        ) from error


def combinations_of(graph: Graph) -> str:
    """What a total model asks for besides; nothing of another one."""
    return "; total=True needs all combinations of values, those too that no input leads to" if graph.total else ""


def warn_of_numbers(program: rasp.SOp, built: Built, model: Model) -> None:
    """Says of a model whose numbers were only measured which of them is in doubt."""
    found, graph = model.certificate, model.graph
    if found is None or graph is None or not any(link.kind == NUMBER and not link.holds for link in found.links):
        return
    error = refused(found, graph)
    place = _named_as_written(error, program, built)
    warnings.warn(f"measured, not proved: {error}{place}", UncertainProgram, stacklevel=4)


def _named_as_written(error: Refusal, program: rasp.SOp, built: Built) -> str:
    """Puts the expression, with the line where it was built, for the label of a graph; gives its place in a text."""
    graph = error.graph
    if not isinstance(graph, Graph) or error.where not in graph.labels:
        return ""
    found = built.expressions[origin(built.graph, graph, graph.labels.index(error.where))]
    expr = program if found is None else found
    error.rename(expr.told)
    return cited(expr) or cited(program)
