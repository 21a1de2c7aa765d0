"""What `raspc lab report` and `raspc lab list` tell."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from raspc import arguments
from raspc.errors import InputError
from raspc.lab.methods import METHODS
from raspc.lab.runs import store
from raspc.lab.runs.page import write_page
from raspc.lab.runs.running import answers, planned
from raspc.lab.runs.suites import SUITES
from raspc.lab.runs.tables import write_tables
from raspc.lab.under import CARRIED


@dataclass(frozen=True)
class Written:
    """The files of a report. `answers` of `planned` are in it."""

    page: Path
    tables: tuple[Path, ...]
    answers: int
    planned: int


def report(out: str | PathLike[str]) -> Written:
    """Writes the page of a run and two Parquet files into its directory; of one that is not finished, what there is.

    Raises InputError where pyarrow is missing (`pip install 'raspc[parquet]'`), nothing is answered yet, or a file
    cannot be written; ModelFormatError for a directory that holds no run.
    """
    place = Path(arguments.path("out", out))
    settings, found = store.read_settings(place), answers(place)
    count = len(list(planned(settings.asked, settings.models)))
    if not found:
        raise InputError(f"{place}: nothing is answered yet; run the same again to go on")
    tables = write_tables(place, found)
    return Written(write_page(place, settings, found, count), tables, len(found), count)


def known() -> dict[str, list[dict[str, Any]]]:
    """The suites, the methods and the corruptions that there are: plain data."""
    return {
        "suites": [{"name": s.name, "models": len(s.programs), "description": s.description} for s in SUITES.values()],
        "methods": [{"name": m.name, "of": m.of, "does": m.does, "source": m.source} for m in METHODS.values()],
        "corruptions": [{"name": name, "carries": told} for name, told in CARRIED.items()],
    }
