"""What the public is told of an event: authoritative information, statements, press conferences."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from workflows.models import Case, Evidence, Unit


class PublicResponse(Evidence):
    """A version of something said to the public; the event carries `digest`.

    The three outputs are apart because each has hours of its own. stage: a statement is drafted, approved and
    published, each wording kept; the other two are entered once they are out. version counts per case, kind and stage.
    happened_at: when it went out; null until it has. outlet: where, in words (县政府网、现场).
    """

    class Kind(models.TextChoices):
        INFORMATION = "information", "权威信息"
        STATEMENT = "statement", "情况通报"
        CONFERENCE = "conference", "新闻发布会"

    class Stage(models.TextChoices):
        DRAFTED = "drafted", "拟稿"
        APPROVED = "approved", "审定稿"
        PUBLISHED = "published", "已发布"

    case = models.ForeignKey(
        Case, models.PROTECT, db_index=False, related_name="responses", verbose_name="案件"
    )
    kind = models.CharField("类别", max_length=12, choices=Kind)
    stage = models.CharField("阶段", max_length=10, choices=Stage)
    version = models.PositiveSmallIntegerField("版本")
    text = models.TextField("内容")
    digest = models.CharField("摘要", max_length=80)
    outlet = models.CharField("发布渠道", max_length=200, blank=True)
    happened_at = models.DateTimeField("发布时间", null=True, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="作者"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="单位")
    written_at = models.DateTimeField("记录时间")

    class Meta:
        verbose_name = verbose_name_plural = "公开回应"
        ordering = ["case", "seq", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "kind", "stage", "version"], name="op_response_version"),
            models.CheckConstraint(
                condition=models.Q(stage="published", happened_at__isnull=False)
                | (~models.Q(stage="published") & models.Q(happened_at=None)),
                name="op_response_happened",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.stage} v{self.version}"
