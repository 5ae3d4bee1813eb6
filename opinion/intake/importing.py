"""Messages from a sheet into cases, a thousand at a time, each of them once.

A chunk is one transaction: the cases of its new rows, and whatever the caller keeps about how far it has come. Rows
are told apart by (source, external key): those that are there already are looked up for a whole chunk in one
statement and passed over, so a second run, a resumed run and two runs at once register nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields

from django.db import IntegrityError, connection, transaction

from opinion.intake.headers import HeaderMapping
from opinion.intake.labels import LabelCodes
from opinion.intake.problems import RowProblem
from opinion.intake.registration import ImportPlan, cut_short, incoming
from opinion.intake.rows import ParsedRow, ReadTally, read_messages
from opinion.intake.sheets import Sheet
from opinion.registering import register_many
from workflows import rows

CHUNK = 1000
# Another import of the same rows at the same moment makes a chunk fail; looking again finds them there.
_TRIES = 5
_WORTH_HAVING = ("external_number", "author", "received_at", "subject")


@dataclass
class ImportCounts:
    """Rows by what became of them. incomplete: registered (or there already) although something is missing."""

    read: int = 0
    registered: int = 0
    existing: int = 0
    incomplete: int = 0
    failed: int = 0
    repeated: int = 0

    LABELS = {
        "read": "读取", "registered": "登记", "existing": "已存在", "incomplete": "有缺项", "failed": "出错",
        "repeated": "重复",
    }  # fmt: skip

    def labelled(self) -> list[tuple[str, int]]:
        return [(self.LABELS[item.name], getattr(self, item.name)) for item in fields(self)]

    def as_dict(self) -> dict[str, int]:
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass
class SheetImport:
    """One run over a sheet.

    dry_run: look everything up and write nothing; `registered` then counts what would be.
    resume_after: rows up to this number were committed by an earlier run, whose `registered` and `existing` come in
    `counts`; they are read again for the report only. committing: called inside the transaction of each chunk with
    the number of its last row; what it raises undoes the chunk. seen: called with the rows read so far.
    """

    sheet: Sheet
    mapping: HeaderMapping
    plan: ImportPlan
    problem: Callable[[RowProblem], None]
    dry_run: bool = False
    resume_after: int = 0
    counts: ImportCounts = field(default_factory=ImportCounts)
    committing: Callable[[int], None] = lambda last_row: None
    seen: Callable[[int], None] = lambda rows: None

    def run(self) -> ImportCounts:
        """Raises ValueError where a required column is missing, and what registering or `committing` raise."""
        tally = ReadTally()
        labels = LabelCodes()
        chunk: list[tuple[ParsedRow, dict[str, str]]] = []
        for row in self._told(read_messages(self.sheet, self.mapping, at=self.plan.at, tally=tally), tally):
            codes = labels.of(row)
            for problem in (
                *row.problems,
                *labels.unknown(row, codes, self.mapping),
                *cut_short(row, self.mapping),
            ):
                self.problem(problem)
            if any(getattr(row, name) is None for name in _WORTH_HAVING):
                self.counts.incomplete += 1
            if row.row_number <= self.resume_after:
                continue
            chunk.append((row, codes))
            if len(chunk) == CHUNK:
                self._settle(chunk, tally)
                chunk = []
        self._settle(chunk, tally)
        return self.counts

    def _told(self, found: Iterator[ParsedRow | RowProblem], tally: ReadTally) -> Iterator[ParsedRow]:
        """The rows that can be registered; the problems of the others go to the report on the way."""
        for item in found:
            if isinstance(item, ParsedRow):
                yield item
            else:
                self.problem(item)
        self._read(tally)

    def _read(self, tally: ReadTally) -> None:
        self.counts.read, self.counts.failed, self.counts.repeated = tally.rows, tally.failed, tally.repeated

    def _settle(self, chunk: Sequence[tuple[ParsedRow, dict[str, str]]], tally: ReadTally) -> None:
        self._read(tally)
        if chunk:
            self._register(chunk)
        self.seen(tally.rows)

    def _register(self, chunk: Sequence[tuple[ParsedRow, dict[str, str]]]) -> None:
        for attempt in range(1, _TRIES + 1):
            new = self._new(chunk)
            registered, existing = len(new), len(chunk) - len(new)
            self.counts.registered += registered
            self.counts.existing += existing
            if self.dry_run:
                return
            try:
                with transaction.atomic():
                    register_many([incoming(row, codes, self.plan) for row, codes in new], by=self.plan.by)
                    self.committing(chunk[-1][0].row_number)
            except IntegrityError:
                self.counts.registered -= registered
                self.counts.existing -= existing
                if attempt == _TRIES or len(self._new(new)) == registered:
                    raise
                continue
            return

    def _new(
        self, chunk: Sequence[tuple[ParsedRow, dict[str, str]]]
    ) -> list[tuple[ParsedRow, dict[str, str]]]:
        """The rows of the chunk that are not registered yet."""
        where, keys = rows.among("external_key", [row.external_key for row, _ in chunk])
        with connection.cursor() as cursor:
            # One array, not a thousand parameters: PostgreSQL plans those as if the table were to be read through.
            cursor.execute(
                f"SELECT external_key FROM opinion_message WHERE source = %s AND {where}",  # noqa: S608  # our own names
                [self.plan.source, *keys],
            )
            there = {key for (key,) in cursor.fetchall()}
        return [(row, codes) for row, codes in chunk if row.external_key not in there]
