"""Photos and files of a case. Their content is in storage, under names that say nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models import Case, Evidence, Unit


class StoredFile(models.Model):
    """name: what the person called it, cleaned; only ever text. kind: of `opinion.attachments.kinds`. sha256: of what is
    kept: pictures are drawn, documents written anew. stored, small: names in storage; small is a picture's thumbnail."""

    name = models.CharField("文件名", max_length=100)
    kind = models.CharField("类型", max_length=8)
    size = models.PositiveBigIntegerField("字节数")
    sha256 = models.CharField("SHA-256", max_length=64)
    stored = models.CharField("存放名", max_length=80, blank=True)
    small = models.CharField("缩略图存放名", max_length=80, blank=True)

    class Meta:
        abstract = True


class Upload(StoredFile):
    """A file that waits to become part of a record its owner is writing; after a day it is forgotten."""

    case = models.ForeignKey(Case, models.CASCADE, db_index=False, related_name="+", verbose_name="案件")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+", verbose_name="上传人"
    )
    created_at = models.DateTimeField("上传时间", db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = "待用上传"
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "owner", "sha256"], name="op_upload_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["stored"], name="op_upload_stored")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.size}"


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Attachments by whether their content is still there."""

    def kept(self) -> Self:
        return self.filter(withdrawn_at=None)

    def by_record(self, case: Case) -> Mapping[int, list[Attachment]]:
        """Seq of an event → the files of the record made with it, also those taken down. One statement."""
        found: dict[int, list[Attachment]] = defaultdict(list)
        for file in self.filter(case=case).order_by("number"):
            found[file.seq].append(file)
        return found


class Attachment(StoredFile, Evidence):
    """A file of the record made with event `seq`, which carries its digest. number: 1, 2 … within the case.

    withdrawn_at: when its content was removed, with the reason as a note of that event; the digest stays.
    """

    case = models.ForeignKey(
        Case, models.PROTECT, db_index=False, related_name="attachments", verbose_name="案件"
    )
    number = models.PositiveSmallIntegerField("件内编号")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="上传人"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, db_index=False, related_name="+", verbose_name="单位")
    written_at = models.DateTimeField("上传时间")
    withdrawn_at = models.DateTimeField("撤下时间", null=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "附件"
        ordering = ["case", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "number"], name="op_attachment_number"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) & ~Q(stored="")
                | Q(withdrawn_at__isnull=False, stored="", small=""),
                name="op_attachment_content",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["stored"], name="op_attachment_stored"),
            models.Index(fields=["small"], name="op_attachment_small"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} 附件 {self.number}"

    @property
    def digest(self) -> str:
        """As events carry it."""
        return f"sha256:{self.sha256}"
