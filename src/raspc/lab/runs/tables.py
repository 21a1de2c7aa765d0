"""The results as Parquet, for pandas, Polars, DuckDB and their kin: a row for each answer, and a row for each edge.

results.parquet  a row for each answer and each kind of truth, as in results.jsonl
edges.parquet    a row for each edge (or node) of each answer: its score, and by which truths it is true
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from raspc.errors import InputError
from raspc.lab.runs.store import Answer
from raspc.weights.files import write_file

RESULTS, EDGES = "results.parquet", "edges.parquet"


def write_tables(place: Path, answers: Sequence[Answer]) -> tuple[Path, Path]:
    """Writes both tables, the same bytes for the same answers.

    Raises InputError where pyarrow is not installed, or a file cannot be written.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise InputError("a Parquet file needs pyarrow, not installed here; pip install 'raspc[parquet]'")
    rows = [row for answer in answers for row in answer.rows()]
    for name, found in ((RESULTS, rows), (EDGES, list(_edges(answers)))):
        write_file(place / name, parquet(found))
    return place / RESULTS, place / EDGES


def _edges(answers: Iterable[Answer]) -> Iterator[dict[str, Any]]:
    for answer in answers:
        facts = {"model": answer.model, "method": answer.method, **answer.question.to_json()}
        true = {kind: frozenset(held.true) for kind, held in answer.held.items()}
        for name, score in answer.scores.items():
            yield facts | {"edge": name, "score": score} | {kind: name in edges for kind, edges in true.items()}


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as a Parquet file; a column that a row lacks is null there."""
    import pyarrow as pa
    from pyarrow import parquet as files

    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: _column(pa, [row.get(name) for row in rows]) for name in names}
    buffer = io.BytesIO()
    files.write_table(pa.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


def _column(pa: Any, values: Sequence[Any]) -> Any:
    """An array; of whole numbers and fractions together, one of fractions."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    return pa.array(values)
