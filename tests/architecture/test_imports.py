"""The import direction of design, by import-linter, and what it cannot say, by reading the code."""

import ast
from collections.abc import Iterator

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.project_files import ROOT, sources

# The doors: where a request, a command, a worker or `migrate` enters and the wall clock is read, once;
# and the visitor of the demo, who stands outside and fills in forms.
DOORS = {
    "views",
    "commands",
    "tasks.py",
    "admin.py",
    "api",
    "middleware.py",
    "seeding.py",
    "celery.py",
    "journey.py",
}
NOW = {
    "timezone.now",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "timezone.localdate",
    "now",
    "localdate",
}


def _imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def test_import_contracts_hold(capsys):
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_only_the_core_of_viewflow_fsm_is_imported():
    """The other modules of viewflow.fsm carry a commercial licence header."""
    found = {
        (str(path), module)
        for path, text in sources()
        for module in _imports(text)
        if module.startswith("viewflow.fsm") and module != "viewflow.fsm.base"
    }
    assert found == set()


def _wall_clock_reads(text: str) -> Iterator[str]:
    """Calls that ask what time it is, but for `recorded_at = …`: when a row is written is always now."""
    tree = ast.parse(text)
    recording = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["recorded_at"]
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in NOW and id(node) not in recording:
            yield f"{node.lineno}: {ast.unparse(node.func)}()"


def test_the_wall_clock_is_read_at_the_doors_only():
    """Inside, time is an argument (`at=`): what cannot be given cannot be tested or replayed."""
    found = [
        f"{path}:{read}"
        for path, text in sources()
        if not DOORS & set(path.parts)
        for read in _wall_clock_reads(text)
    ]
    assert found == []


def test_wall_clock_reads_are_found():
    assert list(_wall_clock_reads("recorded_at = timezone.now()\nat = timezone.now()")) == [
        "2: timezone.now()"
    ]
