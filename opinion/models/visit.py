"""What was done away from the desk."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from workflows.models import Case, Evidence, Unit


class Visit(Evidence):
    """A call, visit, inspection or mediation by the handling unit.

    action: code of list `offline_action`. happened_at: when it took place, not when it was entered.
    first_contact: whether this was the first contact with the person.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="visits", verbose_name="案件")
    action = models.CharField("方式", max_length=30)
    happened_at = models.DateTimeField("办理时间")
    place = models.CharField("地点", max_length=200, blank=True)
    people = models.CharField("参加人员", max_length=200, blank=True)
    outcome = models.TextField("情况记录")
    first_contact = models.BooleanField("首次联系", default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="记录人"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="单位")
    written_at = models.DateTimeField("记录时间")

    class Meta:
        verbose_name = verbose_name_plural = "线下办理记录"
        ordering = ["case", "happened_at", "id"]
        indexes: ClassVar = [models.Index(fields=["case", "happened_at"], name="op_visit_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.action}"
