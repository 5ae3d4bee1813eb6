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
# waking before those that fill the database with clocks that come due all the time.
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
    tables: list[Table] = []
    servers: list[str] = []
    # In one order, whatever was asked for: the sweep fills its tables by hand, ids included.
    names = [name for name in NAMES if not given.names or name in given.names]
    for kind in DATABASES if given.db == "both" else [given.db]:
        with DATABASES[kind]() as database:
            servers.append(database.server)
            tables += _measure(database, names, quick=given.quick)
        names = [name for name in names if name not in ONCE]
    print(machine(servers))
    for line in plain(tables):
        print(line)
    if given.write:
        page = ROOT / "docs" / "benchmarks.md"
        text = markdown(tables, servers, f"{datetime.now(UTC):%Y-%m-%d}", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    return 0 if all(target.met for table in tables for target in table.targets) else 1


def _measure(database: Database, names: list[str], *, quick: bool) -> list[Table]:
    """In a process of its own, because settings are read once."""
    if not names:
        return []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        words = [
            sys.executable,
            "-m",
            "bench.measure",
            *names,
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
