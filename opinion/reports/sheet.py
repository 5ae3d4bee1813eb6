"""Tables of a month as files: formula-safe, and recorded in the chain of exports."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from opinion.exports.columns import Column, Kind
from opinion.exports.records import record
from opinion.exports.writing import write_csv, write_xlsx
from opinion.reports.area import Area
from opinion.reports.months import MEASURES, Line, Spread, month_table
from workflows.models import User

FORMATS = {"xlsx": "Excel", "csv": "CSV"}
WHAT = "figures"
HOUR = 3600
ACTS = (
    "assigned", "upheld", "rejected", "designated", "disputed", "transferred", "replied", "reopened", "drawn", "called",
    "reached",
)  # fmt: skip
SHARES = (("declined", "assigned"), ("redone", "replied"), ("reached", "called"))

COLUMNS = [
    Column("考核组", 0),
    Column("单位", 1),
    *(
        Column(header, index, Kind.NUMBER)
        for index, header in enumerate(
            ("按时办结", "逾期办结", "逾期未办结", "按时率分母", "原定期限按时办结", "原定期限分母", "退单", "重办", "满意", "已评价"), 2
        )
    ),
    Column("按时率", 12),
    Column("按时率（原定期限）", 13),
    Column("满意率", 14),
    *(
        Column(f"{label}{what}", 15 + 2 * index + place)
        for index, (_, label) in enumerate(MEASURES)
        for place, what in enumerate(("中位数（小时）", "90 分位数（小时）"))
    ),
    *(
        Column(header, 15 + 2 * len(MEASURES) + index, Kind.NUMBER if "率" not in header else Kind.TEXT)
        for index, header in enumerate(
            ("交办", "同意退单", "驳回退单", "退单后指定", "提请裁定", "转出", "答复", "重新办理", "抽中回访", "拨打", "接通",
             "退单率", "重办率", "接通率")
        )
    ),
]  # fmt: skip


def figures_file(area: Area, month: date, file_format: str, *, by: User, at: datetime) -> bytes:
    """The month's table as bytes. file_format: a key of FORMATS."""
    return recorded_file(WHAT, list(_rows(area, month, at)), COLUMNS, month, file_format, by=by, at=at)


def recorded_file(
    what: str, lines: Sequence[tuple[Any, ...]], columns: Sequence[Column], month: date, file_format: str, *, by: User, at: datetime
) -> bytes:  # fmt: skip
    """A table of a month as bytes. Recorded, with its digest, before it is returned. what: a name the records know."""
    zone = timezone.get_default_timezone()
    if file_format == "csv":
        raw = io.BytesIO()
        write_csv(_Raw(raw), lines, columns, zone, _silent)
        content = raw.getvalue()
    else:
        with tempfile.TemporaryDirectory(prefix=f"huiyin-{what}-") as folder:
            path = Path(folder) / f"{what}.xlsx"
            write_xlsx(path, lines, columns, zone, _silent, f"{month:%Y-%m}")
            content = path.read_bytes()
    with transaction.atomic():
        record(
            user=by, what=what, file_format=file_format, filters={"month": f"{month:%Y-%m}"}, row_count=len(lines),
            file_sha256=hashlib.sha256(content).hexdigest(), at=at,
        )  # fmt: skip
    return content


class _Raw(io.RawIOBase):
    """A buffer as the raw file `write_csv` asks for."""

    def __init__(self, into: io.BytesIO) -> None:
        super().__init__()
        self._into = into

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._into.write(data)


def _silent(count: int) -> None:
    """Nobody watches a table of a few hundred rows being written."""


def _rows(area: Area, month: date, at: datetime) -> Iterator[tuple[Any, ...]]:
    for group in month_table(area, month, at=at):
        for line in group.lines:
            yield _row(group.name, line.label, line)
        yield _row(group.name, "合计", group.total)


def _row(group: str, name: str, line: Line) -> tuple[Any, ...]:
    due, original = line.by["due"], line.original_on_time
    spreads = [line.spreads.get(measure, Spread()) for measure, _ in MEASURES]
    return (
        group, name, due.on_time, due.late, due.late_open, line.on_time.whole.count, original.part.count,
        original.whole.count, line.declined.count, line.redone.count, due.satisfied, due.rated,
        line.on_time.text, original.text, line.satisfied.text,
        *(text for spread in spreads for text in _hours(spread)),
        *(line.acts[kind] for kind in ACTS), *(line.share_of(*pair).text for pair in SHARES),
    )  # fmt: skip


def _hours(spread: Spread) -> tuple[str, str]:
    if not spread.enough or spread.median is None or spread.p90 is None:
        return spread.text if not spread.enough else "", spread.text if not spread.enough else ""
    return f"{spread.median / HOUR:.1f}", f"{spread.p90 / HOUR:.1f}"
