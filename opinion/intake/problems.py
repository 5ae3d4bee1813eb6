"""What is wrong with a row, and the file in which the office gets it back."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from opinion.exports.formula import escape_formula

Severity = Literal["error", "warning"]

SEVERITY_LABELS: dict[Severity, str] = {"error": "错误", "warning": "提醒"}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One finding about one row. Quotes no cell: the file may be passed around, and cells name people."""

    row_number: int
    """As a spreadsheet program shows it, from 1."""
    column: str
    """Heading as written in the file; empty if the whole row is meant."""
    field: str
    """Name in `fields.FIELDS`; empty if the whole row is meant."""
    severity: Severity
    """An error keeps the row out; with a warning it is registered, the doubtful part left empty or kept."""
    reason: str
    """Chinese, names the fix."""


class ProblemSheet:
    """行号, 列, 级别, 原因 as csv, written as they come; with a byte order mark, so that WPS and Excel show Chinese.

    Headings come from a stranger's file, so every text is made formula-safe. The stream must be UTF-8 and opened
    with newline="".
    """

    def __init__(self, stream: TextIO) -> None:
        self.count = 0
        stream.write("\ufeff")
        self._writer = csv.writer(stream)
        self._writer.writerow(("行号", "列", "级别", "原因"))

    def add(self, problem: RowProblem) -> None:
        self.count += 1
        self._writer.writerow(
            (
                problem.row_number,
                escape_formula(problem.column),
                SEVERITY_LABELS[problem.severity],
                escape_formula(problem.reason),
            )
        )


def write_problems(target: Path | TextIO, problems: Iterable[RowProblem]) -> int:
    """Write a whole `ProblemSheet`. Returns the number of problems written."""
    if isinstance(target, Path):
        with target.open("w", encoding="utf-8", newline="") as stream:
            return write_problems(stream, problems)
    sheet = ProblemSheet(target)
    for problem in problems:
        sheet.add(problem)
    return sheet.count
