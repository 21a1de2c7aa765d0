"""The house keeps its own rules: imports run one way, frameworks wait, files and functions stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from raspc import doors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "raspc"
FILES = sorted(PACKAGE.rglob("*.py"))

# Data goes one way: a room imports only itself and rooms before it.
ROOMS = [
    "version", "errors", "arguments", "values", "typed", "jsonvalues", "records", "doors", "naming", "numbers",
    "regular", "rasp", "interpret", "library", "raspl", "graph", "target", "passes", "blocks", "layout", "plan",
    "run", "weights", "stock", "certify", "generation", "refusals", "doubts", "recounting", "attempts", "compiler",
    "study", "export", "parity", "compress", "text", "compat", "lab", "view", "neighbours", "programs", "cli",
    "__main__",
]  # fmt: skip

FRONT_DOOR = {"", "__main__"}
"""The package itself, which is in front of every room; `python -m raspc` may use it."""

FRAMEWORKS = {
    "flax", "gguf", "haiku", "jax", "jaxlib", "matplotlib", "networkx", "nnsight", "onnx", "onnxruntime",
    "ortools", "prompt_toolkit", "pyarrow", "pygments", "pyvene", "ray", "scipy", "starlette", "sympy", "tensorflow",
    "tokenizers", "torch", "transformer_lens", "transformers", "uvicorn",
}  # fmt: skip

# Rooms that serve one framework a file; all others keep frameworks out of their module tops.
FRAMEWORK_ROOMS = {"export", "compress", "view", "compat"}

# Files that are a framework's own kind of thing, imported by it or when a person sits down at the prompt.
FRAMEWORK_FILES = {
    "raspc.text.lexer": "a lexer is a class of Pygments, which finds it through an entry point",
    "raspc.text.terminal": "the prompt, which prompt_toolkit draws",
}

LONG_FILES: dict[str, str] = {"rasp/expressions.py": "the language: one short class for each construct"}


def room(module: str) -> str:
    """The room of `raspc.room.anything`; the package itself has none."""
    return module.split(".")[1] if "." in module else ""


def module_of(path: Path) -> str:
    """The dotted name under which a file is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """Every absolute module that a file names in an import, at its top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((name, node) for name in imported_from(node))


def imported_from(node: ast.ImportFrom) -> list[str]:
    """`from raspc import rasp` names the module raspc.rasp, not the package."""
    return [f"raspc.{alias.name}" for alias in node.names] if node.module == "raspc" else [str(node.module)]


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def top_level(tree: ast.AST) -> set[ast.stmt]:
    """The statements that run when the module is imported; a TYPE_CHECKING block does not."""
    found: set[ast.stmt] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        found |= ({node} if isinstance(node, ast.stmt) else set()) | top_level(node)
    return found


def backward_imports(path: Path) -> list[str]:
    """The imports of a file, at its top or inside a function, that lead to a later room or to the front door."""
    here, tree = room(module_of(path)), parsed(path)
    if here in FRONT_DOOR:
        return []
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}: {here} imports {name}"
        for name, node in imports(tree)
        if name == "raspc" or (name.startswith("raspc.") and ROOMS.index(room(name)) > ROOMS.index(here))
    ]


def modules_in(path: Path, known: set[str]) -> set[str]:
    """Which of the known modules a file imports, anywhere."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= parts & known or {str(node.module)}
    return found & known - {module_of(path)}


def circles(imported: dict[str, set[str]]) -> list[list[str]]:
    """Chains of modules that import each other round."""
    found = []
    for start in sorted(imported):
        chains, seen = [[start]], {start}
        while chains:
            chain = chains.pop()
            if start in imported[chain[-1]]:
                found.append([*chain, start])
                break
            new = sorted((imported[chain[-1]] & set(imported)) - seen)
            seen |= set(new)
            chains += [[*chain, module] for module in new]
    return found


def test_every_room_is_in_the_list() -> None:
    """A new top-level module takes its place in the order before it is used."""
    assert {room(module_of(path)) for path in FILES} - {""} <= set(ROOMS)


def test_the_page_names_every_room_in_order() -> None:
    """The table of rooms in docs/architecture.md is the list above."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## The rooms of the code\n")[1].split("\n\nInside")[0]
    assert re.findall(r"^\| `(\w+)` \| \S", table, re.MULTILINE) == ROOMS


def test_imports_run_one_way() -> None:
    """No room imports a later one, nor the package itself; what must reach ahead goes through `raspc.doors`."""
    assert [fault for path in FILES for fault in backward_imports(path)] == []


def test_no_module_imports_itself_round() -> None:
    """No circle, inside a room or across rooms. A package imports its parts by name when they are asked for."""
    known = set(map(module_of, FILES)) - {"raspc"}
    imported = {module_of(path): modules_in(path, known) for path in FILES if module_of(path) in known}
    assert len(imported) > 200
    assert circles(imported) == []


def test_a_circle_would_be_found() -> None:
    """Of two modules, of three, and none where there is none."""
    assert circles({"a": {"b"}, "b": {"a"}}) == [["a", "b", "a"], ["b", "a", "b"]]
    assert [len(found) for found in circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})] == [4, 4, 4]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_every_door_opens() -> None:
    """Each name of the table is a function of the module that it names."""
    for name in doors.DOORS:
        assert callable(doors.through(name))


def test_a_backward_import_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above sees an import of a later room or of the package, in any way, at the top or inside."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "raspc")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "raspc" / "graph" / "odd.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from raspc import cli\nfrom raspc.graph import nodes\nimport raspc\n"
        "class A:\n    def f(self):\n        import raspc.view.page\n        from raspc.weights import Model\n"
    )
    assert [fault.split(" imports ")[1] for fault in backward_imports(path)] == [
        "raspc.cli", "raspc", "raspc.view.page", "raspc.weights"
    ]  # fmt: skip


def test_no_framework_at_a_module_top() -> None:
    """The core imports no framework when it is imported itself; functions do, where they use one."""
    faults = []
    for path in FILES:
        tree = parsed(path)
        eager = top_level(tree)
        faults += [
            f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
            for name, node in imports(tree)
            if node in eager and name.split(".")[0] in FRAMEWORKS
            if room(module_of(path)) not in FRAMEWORK_ROOMS and module_of(path) not in FRAMEWORK_FILES
        ]
    assert faults == []


def test_the_core_imports_without_frameworks() -> None:
    """Every module outside the framework rooms can be imported where no framework is installed."""
    modules = [
        m for m in map(module_of, FILES) if room(m) not in FRAMEWORK_ROOMS | {"__main__"} and m not in FRAMEWORK_FILES
    ]
    program = (
        "import sys, importlib\n"
        f"class Absent:\n"
        f"    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {FRAMEWORKS!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    """No file beyond 500 lines, no function beyond 60 below its signature: each holds one idea."""
    text = path.read_text(encoding="utf-8")
    long_functions = [
        f"{node.name} at line {node.lineno}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.body[0].lineno + 1 > 60
    ]
    assert long_functions == []
    assert text.count("\n") <= 500 or str(path.relative_to(PACKAGE)) in LONG_FILES


def test_exceptions_are_still_needed() -> None:
    """A file that has become short loses its exception."""
    assert all((PACKAGE / name).read_text(encoding="utf-8").count("\n") > 500 for name in LONG_FILES)


WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}


MAY_WRITE = {"ci.yml": [], "docs.yml": ["id-token", "pages"], "release.yml": ["contents", "id-token"]}
"""What a job of a workflow may write, all of its jobs together."""


def test_the_workflow_runs_what_ci_runs() -> None:
    """A job on GitHub has one command that a person can run as well; `.ci/run` calls the linters and `make test`."""
    commands = re.findall(r"^\s*(?:- )?run:\s*(.+?)\s*$", WORKFLOWS["ci.yml"], re.MULTILINE)
    assert commands == [
        "python3 .ci/pins",
        ".ci/run",
        "make test-lowest",
        ".ci/elsewhere",
    ]
    script = [
        line for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines() if line.startswith("make")
    ]
    assert script == ["make lint", "make test", "make clients"]


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_workflows_are_pinned_and_may_little(name: str) -> None:
    """An action is named by its commit, with the release that it is of; a job may read, and no more than it needs."""
    text = WORKFLOWS[name]
    used = re.findall(r"uses: (.+)", text)
    assert used and all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in used)
    assert "\npermissions:\n  contents: read\n\njobs:" in text
    assert sorted(re.findall(r"^ +([a-z-]+): write$", text, re.MULTILINE)) == MAY_WRITE[name]
    assert text.count("write") == len(MAY_WRITE[name])
    assert "pull_request_target" not in text and "extra-index" not in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_no_second_index_and_every_locked_package_has_hashes() -> None:
    """A second index could offer any package under a name of PyPI's; a lock names none, and hashes each file."""
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    named = re.findall(r"^([a-zA-Z0-9._-]+)==\S+.*\\\n +--hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    assert {"numpy", "torch", "pytest", "ruff", "mypy", "typer"} <= set(named)
    assert len(named) == len(re.findall(r"^[a-zA-Z0-9]", lock, re.MULTILINE))
    for path in ("requirements-dev.lock", "Makefile", "README.md", "pyproject.toml", ".ci/run"):
        assert "extra-index" not in (ROOT / path).read_text(encoding="utf-8"), path


def test_every_test_says_what_it_holds() -> None:
    """Each test function in the suite has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_the_project_names_no_machine() -> None:
    """Nothing in the project depends on paths of the machine on which it was written."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    machine_paths = re.compile("|".join(f"/{name}/" for name in ("work", "opt/pypi", "tmp/venv", "tmp/brief")))
    named = [
        name
        for name in tracked.stdout.split()
        if (ROOT / name).is_file() and machine_paths.search((ROOT / name).read_text(encoding="utf-8", errors="ignore"))
    ]
    assert named == []


def test_public_functions_stay_functions() -> None:
    """Importing a submodule that is named as a public function does not hide the function."""
    program = (
        "import raspc, raspc.interpret, raspc.compiler, raspc.certify.checking.check; "
        "from raspc import rasp; rasp.tokens('ab'); "
        "assert raspc.interpret(rasp.tokens, 'ab') == ['a', 'b']; "
        "assert all(hasattr(raspc, name) for name in raspc.__all__); assert callable(raspc.check)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
