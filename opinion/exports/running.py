"""One export from request to file: streamed aside, recorded, then moved into place."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from opinion.exports.copying import copy_csv
from opinion.exports.records import record
from opinion.exports.request import WHAT, ExportRefused, ExportRequest, check_may_export
from opinion.exports.tables import table
from opinion.exports.writing import HashingFile, Told, write_csv, write_jsonl, write_xlsx
from opinion.models import ExportRecord
from workflows.models import User
from workflows.wording import why_not_opened

_FETCH = 2000


@dataclass(frozen=True)
class Exported:
    """A finished export: where it lies, how many rows, and the record of it."""

    path: Path
    row_count: int
    record: ExportRecord


def count_rows(request: ExportRequest, user: User) -> int:
    """How many rows an export would have now, for its progress display. Raises ExportRefused."""
    check_may_export(user)
    count: int = table(request, user)[0].count()
    return count


def export_to(
    path: Path,
    request: ExportRequest,
    *,
    by: User,
    at: datetime,
    force: bool = False,
    told: Told = lambda count: None,
) -> Exported:
    """Write the file under a temporary name beside `path`, record it, move it to `path`.

    An existing file is replaced only by `force`. told: called with the rows written so far.
    Raises ExportRefused (may not, bad filter, file exists, folder not writable); then no file is left and nothing recorded.
    """
    check_may_export(by)
    if path.exists() and not force:
        raise ExportRefused(f"{path} 已存在，请换一个文件名，或加 --force 覆盖")
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        aside.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise ExportRefused(f"不能在 {path.parent} 写文件：{why_not_opened(error)}") from error
    try:
        row_count, digest = _write(aside, request, by, told)
        # Recorded before it is handed over: a file without a record would be worse than a record without its file.
        kept = record(
            user=by, what=request.what, file_format=request.format, filters=_filters(request), row_count=row_count,
            file_sha256=digest, at=at,
        )  # fmt: skip
        _move(aside, path, force)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()
    return Exported(path, row_count, kept)


def _filters(request: ExportRequest) -> dict[str, Any]:
    return {name: value for name, value in request.as_options().items() if name not in {"what", "format"}}


def _write(path: Path, request: ExportRequest, by: User, told: Told) -> tuple[int, str]:
    """Returns the number of rows and the SHA-256 of the file."""
    rows, columns = table(request, by)
    zone = timezone.get_default_timezone()
    if request.format == "xlsx":
        count = write_xlsx(path, rows.iterator(_FETCH), columns, zone, told, WHAT[request.what])
        with path.open("rb") as stream:
            return count, hashlib.file_digest(stream, "sha256").hexdigest()
    with path.open("wb", buffering=0) as stream:
        target = HashingFile(stream)
        if request.format == "jsonl":
            count = write_jsonl(target, rows.iterator(_FETCH), columns, zone, told)
        elif connection.vendor == "postgresql":
            count = copy_csv(target, rows, columns, timezone.get_default_timezone_name(), told)
        else:
            count = write_csv(target, rows.iterator(_FETCH), columns, zone, told)
        os.fsync(stream.fileno())
    return count, target.hexdigest


def _move(aside: Path, path: Path, force: bool) -> None:
    if force:
        aside.replace(path)
        return
    try:
        # A link, unlike a rename, fails where somebody has put a file in the meantime.
        os.link(aside, path)
    except FileExistsError as error:
        raise ExportRefused(f"{path} 在导出期间出现了同名文件，请换一个文件名") from error
