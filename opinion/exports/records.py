"""The chain of export records: who took what, when, and the digest of the file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from opinion.models import ExportRecord
from workflows import chain
from workflows.models import User
from workflows.registry import CHAINS, Checked

_TRIES = 20


def record(
    *,
    user: User,
    what: str,
    file_format: str,
    filters: dict[str, Any],
    row_count: int,
    file_sha256: str,
    at: datetime,
) -> ExportRecord:
    """Append to the chain. Two at once agree on an order: the loser of the sequence number tries again."""
    for _ in range(_TRIES):
        last = ExportRecord.objects.order_by("-seq").first()
        row = ExportRecord(
            seq=last.seq + 1 if last else 1, user=user, what=what, format=file_format, filters=filters,
            row_count=row_count, file_sha256=file_sha256, exported_at=at,
        )  # fmt: skip
        row.digest = _digest(row, last.digest if last else "", chain.algorithm())
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            continue
        return row
    raise RuntimeError(f"{connection.vendor}: {_TRIES} exports were recorded before this one; try again")


def check() -> Checked:
    """Follow the chain up to the first record that does not follow from those before it."""
    count, head = 0, ""
    for row in ExportRecord.objects.order_by("seq").iterator():
        if problem := _wrong(row, head, count):
            return Checked(count, head, f"第 {count + 1} 条：{problem}")
        count, head = row.seq, row.digest
    return Checked(count, head)


def _wrong(row: ExportRecord, before: str, last: int) -> str:
    if row.seq != last + 1:
        return f"序号应为 {last + 1}，实为 {row.seq}，中间有缺失"
    hash_name = row.digest.partition(":")[0]
    if reason := chain.unreadable(hash_name):
        return reason
    return "" if row.digest == _digest(row, before, hash_name) else "内容与摘要不符，已被改动"


CHAINS.add("导出记录", check)


def _digest(row: ExportRecord, before: str, hash_name: str) -> str:
    values = [
        row.seq, row.user_id, row.what, row.format, row.filters, row.row_count, row.file_sha256,
        chain.moment_text(row.exported_at),
    ]  # fmt: skip
    return chain.chained(values, before, hash_name)
