"""The chain of export records: who took what, when, and the digest of the file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from opinion.models import ExportRecord
from workflows import chain
from workflows.models import User

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


def first_broken() -> int | None:
    """Sequence number of the first record that does not follow from those before it, or None if all do."""
    before, expected = "", 1
    for row in ExportRecord.objects.order_by("seq").iterator():
        if row.seq != expected or row.digest != _digest(row, before, row.digest.split(":", 1)[0]):
            return expected
        before, expected = row.digest, expected + 1
    return None


def _digest(row: ExportRecord, before: str, hash_name: str) -> str:
    values = [
        row.seq, row.user_id, row.what, row.format, row.filters, row.row_count, row.file_sha256,
        chain.moment_text(row.exported_at),
    ]  # fmt: skip
    return chain.chained(values, before, hash_name)
