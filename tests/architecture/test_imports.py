"""The import direction of design, by import-linter, and what it cannot say, by reading the code."""

import ast
import subprocess
import sys
from collections.abc import Iterator

from tests.architecture.project_files import ROOT, sources

# The doors: where a request, a command, a worker, `migrate` or `check` enters and the wall clock is read, once;
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
    "checks.py",
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


def test_import_contracts_hold():
    """In a process of its own: the tool configures logging for itself and would silence everybody else's."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


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
        if not isinstance(node, ast.Call) or id(node) in recording:
            continue
        name = ast.unparse(node.func)
        # `localdate(moment)` asks which day a moment falls on; without one it asks the wall clock.
        if name in NOW and not (name.endswith("localdate") and node.args):
            yield f"{node.lineno}: {name}()"


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
    text = "recorded_at = timezone.now()\nat = timezone.now()\nlocaldate(at)\nlocaldate()"
    assert list(_wall_clock_reads(text)) == ["2: timezone.now()", "4: localdate()"]
