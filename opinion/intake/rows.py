"""Rows of a sheet become messages, or problems that name row, column and fix."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from operator import itemgetter
from typing import Any

from opinion.intake.cells import Cell, FlawedCell, Row
from opinion.intake.columns import DIGEST_PREFIX, Finding, Reader, read_line, readers
from opinion.intake.fields import EXPECTED, FIELDS_BY_NAME
from opinion.intake.headers import HeaderMapping
from opinion.intake.moments import CHINA
from opinion.intake.problems import RowProblem, Severity
from opinion.intake.sheets import Sheet

_KEY_DIGEST_CHARACTERS = 16
_BROKEN_OFF = "下一行不足列数，本行的内容可能在换行处断开了，请给内容加上英文引号"
_HASH_MASK = (1 << 64) - 1
_WORTH_HAVING = (*EXPECTED, "subject")
"""Reported when empty although the file has the column."""


@dataclass(frozen=True)
class ParsedRow:
    """One message as the file tells it. What the file does not tell is None; labels are not yet codes."""

    row_number: int
    external_key: str
    """The number, or `digest:<16 hex of subject and body>:<nth such row in this file>` without one:
    a second import of the file meets the same keys, and equal rows stay several messages."""
    body: str
    external_number: str | None = None
    author: str | None = None
    subject: str | None = None
    received_at: datetime | None = None
    """Aware, in the zone the reader was given."""
    reply_body: str | None = None
    replied_at: datetime | None = None
    phone: str | None = None
    address: str | None = None
    email: str | None = None
    type: str | None = None
    domain: str | None = None
    urgency: str | None = None
    place: str | None = None
    asked_confidential: bool | None = None
    source_label: str | None = None
    unit: str | None = None
    state: str | None = None
    board: str | None = None
    grade_solving: int | None = None
    grade_manner: int | None = None
    grade_speed: int | None = None
    problems: tuple[RowProblem, ...] = ()
    """Warnings only: a row with an error comes out as its problems instead."""

    @classmethod
    def of(cls, values: dict[str, Any]) -> "ParsedRow":
        """Make `values` the attributes. A frozen `__init__` sets two dozen one by one, which takes longer
        than reading the row; fields that are absent fall back to the defaults, which live on the class."""
        row = object.__new__(cls)
        object.__setattr__(row, "__dict__", values)
        return row


@dataclass(slots=True)
class ReadTally:
    """Counts that are complete once the iterator is exhausted."""

    rows: int = 0
    """Rows with content in a mapped column."""
    parsed: int = 0
    failed: int = 0
    """Rows kept out by an error."""
    repeated: int = 0
    """Rows skipped because an earlier row has the same number and content."""
    blank: int = 0
    """Empty rows between filled ones; those after the last filled row are not counted."""


def read_messages(
    sheet: Sheet,
    mapping: HeaderMapping,
    *,
    zone: tzinfo = CHINA,
    at: datetime | None = None,
    tally: ReadTally | None = None,
) -> Iterator[ParsedRow | RowProblem]:
    """Messages and problems in file order.

    A row with an error yields one RowProblem per error (and its warnings) and no ParsedRow; findings about
    the file as a whole come first, on the header row. `at` is the present: a message dated after it is an
    error. Raises ValueError if the mapping lacks a required column.
    """
    if not mapping.usable:
        labels = "、".join(FIELDS_BY_NAME[name].label for name in mapping.missing_required)
        raise ValueError(f"表头里没有必需的列：{labels}")
    return _MessageReader(sheet, mapping, zone, at, tally or ReadTally()).read()


@dataclass(slots=True)
class _MessageReader:
    sheet: Sheet
    mapping: HeaderMapping
    zone: tzinfo
    at: datetime | None
    tally: ReadTally
    plan: list[tuple[str, int, tuple[int, ...], Reader]] = field(init=False)
    """Per mapped column: field, index, indices of its repeats, reader."""
    worth_having: tuple[str, ...] = field(init=False)
    """Those of _WORTH_HAVING for which the file has a column."""
    content: Callable[[Row], object] = field(init=False)
    """The mapped cells of a row, for telling equal rows from rows that only share a number."""
    numbers: dict[str, int] = field(default_factory=dict)
    """Number → row and hash of the content in one integer: half a million of them must fit in memory."""
    digests: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        special = readers(self.zone)
        self.plan = [
            (name, index, self.mapping.repeats.get(name, ()), special.get(name, read_line))
            for name, index in sorted(self.mapping.columns.items(), key=lambda item: item[1])
        ]
        self.worth_having = tuple(name for name in _WORTH_HAVING if name in self.mapping.columns)
        self.content = itemgetter(*self.mapping.columns.values())

    def read(self) -> Iterator[ParsedRow | RowProblem]:
        yield from self._file_findings()
        tally = self.tally
        expected_row = self.sheet.header_row + 1
        for number, cells, misfit in self._fitted_rows():
            values, problems = self._read_cells(number, cells)
            if not values and not problems:
                continue
            tally.rows += 1
            tally.blank += number - expected_row
            expected_row = number + 1
            if misfit is not None:
                problems = [RowProblem(number, "", "", "error", misfit)]
            else:
                self._check_whole(number, values, problems)
            if problems and any(problem.severity == "error" for problem in problems):
                tally.failed += 1
                yield from problems
                continue
            row = self._finish(number, cells, values, problems)
            if isinstance(row, ParsedRow):
                tally.parsed += 1
            elif row.severity == "error":
                tally.failed += 1
            else:
                tally.repeated += 1
            yield row

    def _file_findings(self) -> Iterator[RowProblem]:
        row = self.sheet.header_row
        for name in self.mapping.missing_expected:
            label = FIELDS_BY_NAME[name].label
            reason = f"表头里没有“{label}”，本次导入的留言都没有这一项；如有这一列，请在列对应中指定"
            yield RowProblem(row, label, name, "warning", reason)
        for ambiguity in self.mapping.ambiguous:
            label = FIELDS_BY_NAME[ambiguity.field].label
            first, *others = ambiguity.headings
            reason = (
                f"有几列都像“{label}”：取了“{first}”，未取“{'”“'.join(others)}”；如不对，请在列对应中指定"
            )
            yield RowProblem(row, first, ambiguity.field, "warning", reason)

    def _fitted_rows(self) -> Iterator[tuple[int, Row, str | None]]:
        """Rows, each with the reason if its cells cannot be in their columns.

        Only delimited text can break that way. One row is looked ahead: when a row is too short and the
        last column is free text, the row before it ended at a line end inside that text, and what is
        there is not the whole message.
        """
        if not self.sheet.delimited:
            for number, cells in self.sheet.rows():
                yield number, cells, None
            return
        width = len(self.mapping.headers)
        last_is_text = any(self.mapping.columns.get(name) == width - 1 for name in ("body", "reply_body"))
        held: tuple[int, Row, str | None] | None = None
        for number, cells in self.sheet.rows():
            misfit = None if len(cells) == width else self._misfit(cells)
            if held is not None:
                before, broken_cells, fault = held
                if fault is None and misfit and last_is_text and len(cells) < width and before == number - 1:
                    fault = _BROKEN_OFF
                yield before, broken_cells, fault
            held = (number, cells, misfit)
        if held is not None:
            yield held

    def _misfit(self, cells: Row) -> str | None:
        width = len(self.mapping.headers)
        if len(cells) > width and any(cells[width:]):
            return f"本行有 {len(cells)} 列，多于表头的 {width} 列，可能是内容里的分隔符没有加英文引号"
        if any(index >= len(cells) for index in self.mapping.columns.values()):
            return f"本行只有 {len(cells)} 列，不足表头的 {width} 列，可能是内容里的换行没有加英文引号，请连同上一行检查"
        return None

    def _read_cells(self, number: int, cells: Row) -> tuple[dict[str, Any], list[RowProblem]]:
        values: dict[str, Any] = {}
        problems: list[RowProblem] = []
        width = len(cells)
        for name, index, repeats, read in self.plan:
            cell = cells[index] if index < width else None
            finding: Finding | None = None
            if repeats:
                cell, finding = _one_of(cells, (index, *repeats))
            if isinstance(cell, FlawedCell):
                finding = Finding("error", cell.reason)
            elif cell is not None and cell != "":
                value, finding = read(cell)
                if value is not None:
                    values[name] = value
            if finding is not None:
                problems.append(self._problem(number, name, finding.severity, finding.reason))
        return values, problems

    def _check_whole(self, number: int, values: dict[str, Any], problems: list[RowProblem]) -> None:
        """What one cell alone cannot show: things that are missing or contradict each other."""
        if "body" not in values and not any(p.field == "body" and p.severity == "error" for p in problems):
            # A message that is only a subject is still somebody's message; nothing is made up for its body.
            if "subject" in values:
                problems.append(
                    self._problem(number, "body", "warning", f"缺少{_label('body')}，只有主题，留空登记")
                )
            else:
                problems.append(self._problem(number, "body", "error", f"缺少{_label('body')}，请补上内容"))
        for name in self.worth_having:
            if name not in values and not any(problem.field == name for problem in problems):
                problems.append(self._problem(number, name, "warning", f"缺少{_label(name)}，留空登记"))
        received_at, replied_at = values.get("received_at"), values.get("replied_at")
        if received_at is not None and self.at is not None and received_at > self.at:
            problems.append(self._problem(number, "received_at", "error", "留言时间晚于现在，请更正"))
        if received_at is not None and replied_at is not None and replied_at < received_at:
            problems.append(self._problem(number, "replied_at", "warning", "答复时间早于留言时间，请核对"))

    def _problem(self, number: int, name: str, severity: Severity, reason: str) -> RowProblem:
        return RowProblem(number, self.mapping.heading_of(name), name, severity, reason)

    def _finish(
        self, number: int, cells: Row, values: dict[str, Any], problems: list[RowProblem]
    ) -> ParsedRow | RowProblem:
        """The row with its key, or the problem of a number that has been seen before."""
        body: str = values.setdefault("body", "")
        external_number: str | None = values.get("external_number")
        if external_number is None:
            text = f"{values.get('subject') or ''}\0{body}".encode()
            digest = hashlib.sha256(text).digest()[: _KEY_DIGEST_CHARACTERS // 2]
            nth = self.digests[digest] = self.digests.get(digest, 0) + 1
            key = f"{DIGEST_PREFIX}{digest.hex()}:{nth}"
        else:
            key = external_number
            content = hash(self.content(cells)) & _HASH_MASK
            seen = self.numbers.setdefault(key, number << 64 | content)
            if seen >> 64 != number:
                return self._seen_before(number, seen >> 64, same=seen & _HASH_MASK == content)
        values["row_number"] = number
        values["external_key"] = key
        values["problems"] = tuple(problems)
        return ParsedRow.of(values)

    def _seen_before(self, number: int, earlier: int, *, same: bool) -> RowProblem:
        if same:
            reason = f"与第 {earlier} 行编号和内容都相同，已跳过"
            return self._problem(number, "external_number", "warning", reason)
        reason = f"编号与第 {earlier} 行相同而内容不同，请改正编号，或只保留正确的一行"
        return self._problem(number, "external_number", "error", reason)


def _label(name: str) -> str:
    return FIELDS_BY_NAME[name].label


def _one_of(cells: Row, indices: tuple[int, ...]) -> tuple[Cell, Finding | None]:
    """The cell that all columns of one heading agree on; empty ones have no say."""
    written = [cells[index] for index in indices if index < len(cells) and cells[index]]
    if not written:
        return None, None
    if any(cell != written[0] for cell in written):
        return None, Finding("error", "有几列的标题相同而内容不同，请只保留一列")
    return written[0], None
