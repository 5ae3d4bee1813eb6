"""`python -m bench [NAME …] [--db sqlite|postgres|both] [--quick] [--write]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.databases import DATABASES, Database
from bench.report import machine, markdown, plain
from bench.timing import Figure, Table, Target

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("fire", "batch", "files", "days", "waking", "sweep", "sweep_sizes", "redating", "board", "signing")
# These look the same on any database.
ONCE = ("days",)


def main() -> int:
    """Measure and print; exit code 1 when a target was missed."""
    reader = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    reader.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all by default")
    reader.add_argument("--db", choices=[*DATABASES, "both"], default="both")
    reader.add_argument("--quick", action="store_true", help="few rounds, rough figures")
    reader.add_argument("--write", action="store_true", help="also put the tables into docs/benchmarks.md")
    given = reader.parse_args()
    if unknown := set(given.names) - set(NAMES):
        reader.error(f"unknown: {', '.join(sorted(unknown))}")
    met = True
    for kind in DATABASES if given.db == "both" else [given.db]:
        for name in given.names or NAMES:
            if name in ONCE and kind == "sqlite" and given.db == "both":
                continue
            met &= _measure(name, kind, quick=given.quick, write=given.write)
    return 0 if met else 1


def _measure(name: str, kind: str, *, quick: bool, write: bool) -> bool:
    """One subject on a database of its own: none counts, or waits for, what another left. Returns whether all was met."""
    with DATABASES[kind]() as database:
        server, tables = database.server, _found(database, name, quick=quick)
    print(f"\n{machine(server)}")
    for line in plain(tables):
        print(line, flush=True)
    if write:
        page = ROOT / "docs" / "benchmarks.md"
        text = markdown(tables, server, f"{datetime.now(UTC):%Y-%m-%d}", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    return all(target.met for table in tables for target in table.targets)


def _found(database: Database, name: str, *, quick: bool) -> list[Table]:
    """In a process of its own, because settings are read once."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        words = [
            sys.executable,
            "-m",
            "bench.measure",
            name,
            "--out",
            str(out),
            *(["--quick"] if quick else []),
        ]
        environment = {**os.environ, **database.environment, "DJANGO_SETTINGS_MODULE": "bench.settings"}
        subprocess.run(words, cwd=ROOT, env=environment, check=True)
        return [_table(found) for found in json.loads(out.read_text())]


def _table(found: dict[str, object]) -> Table:
    figures, targets = found.pop("figures"), found.pop("targets")
    assert isinstance(figures, list)
    assert isinstance(targets, list)
    return Table(figures=[Figure(**f) for f in figures], targets=[Target(**t) for t in targets], **found)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
