"""The house keeps its own rules: imports run one way, frameworks wait, files and functions stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "raspc"
FILES = sorted(PACKAGE.rglob("*.py"))

# Data goes one way: a room imports only itself and rooms before it.
ROOMS = [
    "errors", "values", "jsonvalues", "numbers", "rasp", "interpret", "library", "text", "graph", "passes", "target",
    "blocks", "layout", "plan", "run", "weights", "certify", "compiler", "certifying", "ablation", "export", "parity",
    "compress", "view", "compat", "programs", "cli", "__main__",
]  # fmt: skip

# A public door deep in the house that opens a later room, inside a function, when it is used.
DOORS = {
    ("rasp", "interpret"): "an expression called on a sequence is interpreted",
    ("weights", "export"): "model.to(framework)",
    ("weights", "view"): "a model and its answers show themselves in notebooks",
    ("text", "certify"): "the prompt shows what a compiled model holds",
}

FRAMEWORKS = {
    "flax", "haiku", "jax", "jaxlib", "matplotlib", "networkx", "onnx", "onnxruntime", "ortools",
    "prompt_toolkit", "pygments", "scipy", "starlette", "sympy", "tensorflow", "tokenizers", "torch",
    "transformer_lens", "transformers", "uvicorn",
}  # fmt: skip

# Rooms that serve one framework a file; all others keep frameworks out of their module tops.
FRAMEWORK_ROOMS = {"export", "compress", "view", "compat"}

# Files that are a framework's own kind of thing, imported by it or when a person sits down at the prompt.
FRAMEWORK_FILES = {
    "raspc.text.lexer": "a lexer is a class of Pygments, which finds it through an entry point",
    "raspc.text.terminal": "the prompt, which prompt_toolkit draws",
}

LONG_FILES: dict[str, str] = {"rasp.py": "the language: one short class for each construct"}


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
    """The imports of a file that lead to a later room, other than the doors."""
    here, tree = room(module_of(path)), parsed(path)
    eager = top_level(tree)
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}: {here} imports {name}"
        for name, node in imports(tree)
        if here and name.startswith("raspc.") and room(name) in ROOMS
        if ROOMS.index(room(name)) > ROOMS.index(here)
        if node in eager or (here, room(name)) not in DOORS
    ]


def test_every_room_is_in_the_list() -> None:
    """A new top-level module takes its place in the order before it is used."""
    assert {room(module_of(path)) for path in FILES} - {""} <= set(ROOMS)


def test_imports_run_one_way() -> None:
    """No room imports a later one, except through the doors, which are opened inside functions."""
    assert [fault for path in FILES for fault in backward_imports(path)] == []


def test_a_backward_import_would_be_found() -> None:
    """The check above sees an import of a later room, written in either way, at the top or inside."""
    tree = ast.parse("from raspc import cli\nclass A:\n    def f(self):\n        import raspc.view.page\n")
    names = {name for name, _ in imports(tree)}
    assert names == {"raspc.cli", "raspc.view.page"}
    assert {node.lineno for node in top_level(tree) if isinstance(node, ast.ImportFrom | ast.Import)} == {1}


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
    """No file beyond 500 lines, no function beyond 60: each holds one idea."""
    text = path.read_text(encoding="utf-8")
    long_functions = [
        f"{node.name} at line {node.lineno}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno + 1 > 60
    ]
    assert long_functions == []
    assert text.count("\n") <= 500 or str(path.relative_to(PACKAGE)) in LONG_FILES


def test_exceptions_are_still_needed() -> None:
    """A file that has become short loses its exception."""
    assert all((PACKAGE / name).read_text(encoding="utf-8").count("\n") > 500 for name in LONG_FILES)


def test_the_workflow_runs_what_ci_runs() -> None:
    """The GitHub workflow has one command, `.ci/run`, and that calls the linters and `make test`."""
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        commands = re.findall(r"^\s*(?:- )?run:\s*(.+?)\s*$", workflow.read_text(encoding="utf-8"), re.MULTILINE)
        assert commands == [".ci/run"]
    script = [
        line for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines() if line.startswith("make")
    ]
    assert script == ["make lint", "make test"]


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
        "import raspc, raspc.interpret, raspc.compiler, raspc.certify.check; "
        "from raspc import rasp; rasp.tokens('ab'); "
        "assert raspc.interpret(rasp.tokens, 'ab') == ['a', 'b']; "
        "assert all(hasattr(raspc, name) for name in raspc.__all__); assert callable(raspc.check)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
