"""The site: what is generated on it is what the program says, its notebooks show what they print, and it builds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs.site import costs, docstrings

from raspc import rasp
from raspc.version import VERSION

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
NOTEBOOKS = (
    *sorted((DOCS / "tutorials").glob("*.ipynb")),
    *sorted(DOCS.glob("*.ipynb")),
    *sorted((ROOT / "examples").glob("*.ipynb")),
)


def test_the_costs_of_constructs_are_those_of_the_compiler(request: pytest.FixtureRequest) -> None:
    """The table of docs/language.md is made by compiling; `--update-golden` writes it anew."""
    page = costs.PAGE.read_text(encoding="utf-8")
    made = costs.written(page, costs.table())
    if request.config.getoption("--update-golden"):
        costs.PAGE.write_text(made, encoding="utf-8")
    assert made == costs.PAGE.read_text(encoding="utf-8")


def test_every_construct_has_an_example_and_a_cost() -> None:
    """Whatever can be built of `raspc.rasp` is on the page of the language."""
    page = costs.PAGE.read_text(encoding="utf-8")
    kinds = {name for name, found in vars(rasp).items() if isinstance(found, type) and issubclass(found, rasp.Expr)}
    roots = {"Expr", "SOp", "Selector", "Elementwise", "TokensType", "IndicesType", "LengthType"}
    shown = " ".join(example.code + " " + " ".join(example.names) for example in costs.EXAMPLES)
    functions = {"map", "where", "is_in", "assume", "best", "latest", "earliest", "numerical", "categorical"}
    needed = {name for name in kinds - roots if not name.startswith("_")} | functions
    assert [name for name in sorted(needed) if name not in shown] == []
    combined = {
        "SelectorAnd",
        "SelectorOr",
        "SelectorNot",
        "NaryMap",
        "Best",
        "Assume",
    }  # built by operators, functions
    assert [name for name in sorted(needed - combined) if f"{name}" not in page] == []


def test_docstrings_are_read_as_prose_with_code() -> None:
    """What reStructuredText would take for markup is written as it is; code stays code, also over the end of a line."""
    assert docstrings.restructured(["The `x` of *args:", "- one", "- two"]) == [
        "The ``x`` of \\*args:",
        "",
        "- one",
        "- two",
    ]
    assert docstrings.restructured(["`Model`s of `a", "b`"]) == ["``Model``\\ s of ``a b``"]
    told = docstrings.listed(["Compile.", "", "`vocab`: the tokens. `bos`, `pad`: two", "more. Raises nothing."])
    assert told == ["Compile.", "", "- `vocab`: the tokens.", "- `bos`, `pad`: two more. Raises nothing."]
    assert docstrings.restructured(["So:", ">>> f(*a)", "3"]) == ["So:", "", ">>> f(*a)", "3"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_with_what_they_show(path: Path) -> None:
    """Each cell that ends in an expression or prints has its output; there is a picture, and no error."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert all(output["output_type"] != "error" for output in outputs)
    counts = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))  # from top to bottom, each cell once


@pytest.mark.clients
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_show_what_they_print(path: Path) -> None:
    """A run from top to bottom gives the outputs that are committed."""
    pytest.importorskip("nbclient")
    ran = subprocess.run(
        [sys.executable, "-m", "docs.site.notebooks", path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_notebook_that_shows_something_else_is_found() -> None:
    """The comparison of outputs can fail: text, kinds of output, pictures."""
    nbformat = pytest.importorskip("nbformat")
    from docs.site import notebooks

    path = DOCS / "tutorials" / "first-circuit.ipynb"
    shown, run = (nbformat.read(path, as_version=4) for _ in range(2))
    assert notebooks.differences(shown, run) == []
    drawn = [cell for cell in run.cells if any("image/png" in out.get("data", {}) for out in cell.get("outputs", ()))]
    first, other = (cell.outputs[0].data for cell in drawn[:2])
    first["image/png"] = other["image/png"]
    assert len(notebooks.differences(shown, run)) == 1
    printed = next(cell for cell in run.cells if cell.get("outputs") and cell.outputs[0].output_type == "stream")
    printed.outputs[0].text += "and more"
    assert len(notebooks.differences(shown, run)) == 2


def build(source: Path, target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Sphinx, without running notebooks; a warning is a failure."""
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "--fail-on-warning",
        "--quiet",
        "--define",
        "nb_execution_mode=off",
        "--define",
        "raspc_gallery=0",
    ]
    return subprocess.run([*command, *options, source, target], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.clients
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """Every page is there, every link within the site leads somewhere, and every public name has its text."""
    pytest.importorskip("sphinx")
    ran = build(DOCS, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "raspc.compile" in (tmp_path / "reference" / "raspc.html").read_text(encoding="utf-8")
    commands = re.sub(r"<[^>]*>", "", (tmp_path / "reference" / "commands.html").read_text(encoding="utf-8"))
    assert "raspc compile" in commands and "--max-seq-len" in commands
    assert "SpaceFacts" in (tmp_path / "reference" / "files.html").read_text(encoding="utf-8")


@pytest.mark.clients
@pytest.mark.parametrize(
    "fault", ["[gone](nowhere.md)", "[gone](start.md#no-such-heading)", "![gone](images/none.png)"]
)
def test_a_broken_link_fails_the_build(fault: str, tmp_path: Path) -> None:
    """A page, a heading and a picture that are not there are each a warning, and so a failure."""
    pytest.importorskip("sphinx")
    shutil.copytree(DOCS / "site", tmp_path / "docs" / "site")
    for name in ("conf.py", "start.md"):
        shutil.copy(DOCS / name, tmp_path / "docs")
    (tmp_path / "docs" / "start.md").write_text("# Start\n", encoding="utf-8")
    (tmp_path / "docs" / "index.md").write_text(f"# A\n\n```{{toctree}}\nstart\n```\n\n{fault}\n", encoding="utf-8")
    assert "gone" in fault
    ran = build(tmp_path / "docs", tmp_path / "html", "--define", "html_static_path=", "--define", "html_css_files=")
    assert ran.returncode != 0, ran.stdout


def test_the_version_is_told_alike() -> None:
    """`CITATION.cff` has the version of the package, and the changelog a heading or a note for it."""
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\nversion: {VERSION}\n" in citation and "cff-version: 1.2.0" in citation
    assert f"## {VERSION}" in changes or f"will be {VERSION}" in changes.partition("## Unreleased")[0]
