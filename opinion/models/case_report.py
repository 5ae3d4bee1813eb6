"""Reports upward on an event: the flash report, what followed, and the verification report."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from workflows.models import Case, Evidence, Unit


class CaseReport(Evidence):
    """One report in one version; the event carries the digest of `facts`.

    number: 1, 2 … on this case. proposed_grade: code of list `grade`, in a flash report; finding: code of list
    `finding`, in a verification report. Source of the particulars: 舆情快报/专报 (facts so far, proposed grade, measures).
    """

    class Kind(models.TextChoices):
        FLASH = "flash", "舆情快报"
        FOLLOW = "follow", "舆情专报"
        VERIFICATION = "verification", "核查报告"

    case = models.ForeignKey(
        Case, models.PROTECT, db_index=False, related_name="reports", verbose_name="案件"
    )
    number = models.PositiveSmallIntegerField("件内编号")
    kind = models.CharField("类别", max_length=12, choices=Kind)
    facts = models.TextField("已知情况")
    measures = models.TextField("已采取措施", blank=True)
    proposed_grade = models.CharField("建议等级", max_length=30, blank=True)
    finding = models.CharField("核查结论", max_length=30, blank=True)
    digest = models.CharField("摘要", max_length=80)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="报告人"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="单位")
    written_at = models.DateTimeField("报告时间")

    class Meta:
        verbose_name = verbose_name_plural = "舆情报告"
        ordering = ["case", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "number"], name="op_report_number"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="op_report_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.number}"
