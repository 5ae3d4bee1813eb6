"""Replies in every version."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from workflows.models import Case, Evidence, Unit


class Reply(Evidence):
    """A version of what is said to the person; the event carries `digest`.

    draft: the unit's text; approved: the reviewer's wording; final and interim: what reached the person. wording: what
    the reviewer would have published, where that differs; published: what the platform shows.
    version counts per case and kind. public: whether a final text is also published, a draft is meant to be.
    result: code of list `result`, said by the lead unit. unit: in which the author worked when it was written.
    """

    class Kind(models.TextChoices):
        DRAFT = "draft", "拟稿"
        APPROVED = "approved", "审定稿"
        INTERIM = "interim", "阶段性答复"
        FINAL = "final", "正式答复"
        WORDING = "wording", "公开用语"
        PUBLISHED = "published", "公开答复"

    case = models.ForeignKey(Case, models.PROTECT, related_name="replies", verbose_name="案件")
    kind = models.CharField("类别", max_length=10, choices=Kind)
    version = models.PositiveSmallIntegerField("版本")
    text = models.TextField("内容")
    digest = models.CharField("摘要", max_length=80)
    result = models.CharField("办理结果", max_length=30, blank=True)
    public = models.BooleanField("公开答复", default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="作者"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="单位")
    written_at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "答复"
        ordering = ["case", "seq", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "kind", "version"], name="op_reply_version"),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="op_reply_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} v{self.version}"
