"""Many models, many questions, many methods: answers that are kept, tables and a page of them.

`run(suite, methods, corruptions, out)` asks; `report(out)` writes a page and Parquet files; `results(out)` gives rows,
`summary(rows)` means with intervals; `SUITES` has the suites by name.
"""

from __future__ import annotations

from raspc.lab.runs.reporting import Written, known, report
from raspc.lab.runs.running import answers, results, run
from raspc.lab.runs.suites import SUITES, Suite
from raspc.lab.runs.summary import Line, summary

__all__ = ["SUITES", "Line", "Suite", "Written", "answers", "known", "report", "results", "run", "summary"]
