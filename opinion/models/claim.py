"""What a message asks for, item by item."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models import Case, Evidence


class ClaimQuerySet(models.QuerySet["Claim"]):
    """Claims by whether they are still to be answered."""

    def standing(self) -> Self:
        """As last listed; earlier wordings and what was struck off are left out."""
        return self.filter(ended_at=None)


class Claim(Evidence):
    """One thing asked for, as whoever classed or handles the case put it down.

    number: 1, 2 … within the case; a changed wording is a new row under the same number, a number struck off is not
    given again. seq: the event that listed this wording and carries `digest`. ended_at: when another wording took
    its place or it was struck off.
    Source: 办理情况报告 goes through the claims one by one.
    """

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="claims", verbose_name="案件")
    number = models.PositiveSmallIntegerField("序号")
    text = models.CharField("诉求", max_length=300)
    digest = models.CharField("摘要", max_length=80)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="列明人"
    )
    written_at = models.DateTimeField("列明时间")
    ended_at = models.DateTimeField("失效时间", null=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "诉求"
        ordering = ["case", "number", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case", "number"], condition=Q(ended_at=None), name="op_claim_standing"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="op_claim_from_one"),
            models.CheckConstraint(condition=~Q(text=""), name="op_claim_not_empty"),
        ]
        indexes: ClassVar = [models.Index(fields=["case", "number"], name="op_claim_case")]

    def __str__(self) -> str:
        return f"{self.number}. {self.text}"
