"""Files handed to the person they belong to."""

from __future__ import annotations

import re
from pathlib import PurePath

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson; charset=utf-8",
}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069]+")


def safe_name(name: str) -> str:
    """A file name for any system: no path, no control or direction characters, no unknown ending, not endless."""
    clean = _UNSAFE.sub("_", name).strip(". _")
    stem, _, ending = clean.rpartition(".")
    if ending in TYPES:
        return f"{stem[:80] or '文件'}.{ending}"
    return clean.replace(".", "_")[:80] or "文件"


def handed_out(stored: FieldFile, name: str) -> FileResponse:
    """Stream a stored file under `name`, always as a download. Raises Http404 where the file is gone."""
    if not stored:
        raise Http404("没有这个文件")
    try:
        opened = stored.open("rb")
    except FileNotFoundError:
        raise Http404("文件已按期清理") from None
    name = safe_name(name)
    response = FileResponse(
        opened,
        as_attachment=True,
        filename=name,
        content_type=TYPES.get(PurePath(name).suffix.removeprefix("."), "application/octet-stream"),
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
