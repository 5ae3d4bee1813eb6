"""Who took which data out of the system: append-only, chained, kept by triggers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from workflows.triggers import Guard


class ExportRecord(models.Model):
    """One export, written when its file was complete and before it was handed over.

    seq: 1, 2, 3… over the whole table. filters: as asked for, codes only. file_sha256: of the file's bytes.
    digest: over this row and the digest before it (see `opinion.exports.records`).
    """

    seq = models.PositiveBigIntegerField("序号", unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="导出人"
    )
    what = models.CharField("内容", max_length=10)
    format = models.CharField("格式", max_length=5)
    filters = models.JSONField("条件", default=dict)
    row_count = models.PositiveBigIntegerField("行数")
    file_sha256 = models.CharField("文件摘要", max_length=64)
    exported_at = models.DateTimeField("导出时间")
    digest = models.CharField("摘要", max_length=80)

    class Meta:
        verbose_name = verbose_name_plural = "导出记录"
        ordering: ClassVar = ["-seq"]

    def __str__(self) -> str:
        return f"导出记录 {self.seq}"


GUARD = Guard(
    "opinion_exportrecord",
    "op_export",
    (
        "id",
        "seq",
        "user_id",
        "what",
        "format",
        "filters",
        "row_count",
        "file_sha256",
        "exported_at",
        "digest",
    ),
    "导出记录只能追加，不能修改或删除",
)
