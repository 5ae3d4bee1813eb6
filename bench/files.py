"""Import and export of 100,000 rows, each as the command an administrator runs, in a process of its own.

So a rate is end to end, start of the interpreter included, and peak memory is that of the whole process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg
from django.db import connection

from bench.desk.world import settle
from bench.sheets import messages
from bench.timing import Figure, Table, Target
from opinion.exports.copying import as_sql, copy_csv
from opinion.exports.request import ExportRequest
from opinion.exports.tables import table
from workflows.models import Case, Event, User

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Ran:
    """A finished command: wall clock and peak resident memory."""

    seconds: float
    peak_megabytes: float


def command(*words: str) -> Ran:
    """Run `manage.py words`. Raises RuntimeError, with what it said."""
    arguments = [sys.executable, "-m", "bench.peak", sys.executable, "manage.py", *words, "--skip-checks"]
    began = time.perf_counter()
    ran = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if ran.returncode:
        raise RuntimeError(f"{' '.join(words)}: {ran.stdout}{ran.stderr}")
    return Ran(seconds, int(ran.stderr.split()[-1]) * 1024 / MEGABYTE)


def in_and_out(*, quick: bool) -> list[Table]:
    """Generated rows in, then all cases out."""
    count = 10_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as folder:
        sheet = Path(folder) / "messages.csv"
        messages(sheet, count)
        idle = command("lifecycles", "--help")
        cases, events = Case.objects.count(), Event.objects.count()
        took = command("import_messages", str(sheet), "--source", "lb")
        added = Case.objects.count() - cases
        if (added, Event.objects.count() - events) != (count, count):
            raise RuntimeError(f"{added} cases of {count} rows")
        settle()
        return [_intake(count, took, idle), _export(Path(folder), idle, rounds=3 if quick else 7)]


def _intake(count: int, took: Ran, idle: Ran) -> Table:
    rate = count / took.seconds
    return Table(
        title=f"import of {count:,} rows: message, case, contact, event, clocks, intervals",
        unit="rows/s",
        figures=[Figure("import_messages, whole command", rate, _memory(took, idle))],
        targets=[
            *([Target("rows/s", rate, 5000)] if connection.vendor == "postgresql" else []),
            _above(took, idle),
        ],
    )


def _export(folder: Path, idle: Ran, *, rounds: int) -> Table:
    """The writing alone against COPY of the same columns; the whole command for its memory."""
    count = Case.objects.count()
    out = folder / "cases.csv"
    whole = command("export_log", "--what", "cases", "--format", "csv", "--out", str(out))
    figures = [Figure("export_log, whole command", count / whole.seconds, _memory(whole, idle))]
    targets = [_above(whole, idle)]
    if connection.vendor == "postgresql":
        ours, bare = _against_copy(out, count, rounds)
        figures.insert(0, Figure("CSV, formatted and formula-safe", ours))
        figures.append(Figure("COPY of the same columns, nothing formatted", bare))
        targets.insert(0, Target("× COPY", ours / bare, 0.5))
    return Table(title=f"export of {count:,} cases to CSV", unit="cases/s", figures=figures, targets=targets)


def _against_copy(out: Path, count: int, rounds: int) -> tuple[float, float]:
    rows, columns = table(ExportRequest(what="cases", format="csv"), User.objects.system())
    statement = f"COPY ({as_sql(rows)}) TO STDOUT WITH (FORMAT csv)"
    ours, bare = [], []
    connection.ensure_connection()
    raw: psycopg.Connection = connection.connection
    for _ in range(rounds):
        began = time.perf_counter()
        with out.open("wb", buffering=0) as stream:
            copy_csv(stream, rows, columns, "Asia/Shanghai", lambda count: None)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        with out.open("wb") as stream, raw.cursor() as cursor, cursor.copy(statement) as copy:
            for block in copy:
                stream.write(block)
        bare.append(time.perf_counter() - began)
    return count / median(ours), count / median(bare)


def _above(ran: Ran, idle: Ran) -> Target:
    """What the work itself needs: a command that only loads the product is most of any command's memory."""
    return Target(
        "MB at peak above an idle command", ran.peak_megabytes - idle.peak_megabytes, 100, at_most=True
    )


def _memory(ran: Ran, idle: Ran) -> str:
    return f"{ran.seconds:.1f} s, peak {ran.peak_megabytes:.0f} MB (a command that does nothing: {idle.peak_megabytes:.0f} MB)"
