"""What is said where a program is refused: the length that a narrow format could do, what does not fit the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from raspc import rasp
from raspc.certify.proof.limits import could_do, longest
from raspc.errors import CertificateError, UnsupportedProgram
from raspc.graph.build import build
from raspc.graph.nodes import Graph
from raspc.numbers.options import Options


@contextmanager
def told(program: rasp.SOp, graph: Graph, options: Options, make: Callable[[Graph], object]) -> Iterator[None]:
    """Adds to a refusal what a user can do. `make`: how a model is made of a graph, to find the length that compiles.

    Raises the refusal; UnsupportedProgram where there is not enough memory, or the program is too long.
    """
    try:
        yield
    except (CertificateError, UnsupportedProgram) as error:
        if not options.precision.narrow and not isinstance(error, CertificateError):
            raise
        shorter = longest(
            lambda n: make(build(program, graph.vocab, n, graph.causal, where=graph.where)), graph.max_seq_len - 1
        )
        raise type(error)(f"{error}; {could_do(options.precision, shorter)}") from error
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
