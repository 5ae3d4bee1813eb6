"""What the person said afterwards."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models import Case, Evidence


def _grade(label: str) -> models.PositiveSmallIntegerField[int | None, int | None]:
    return models.PositiveSmallIntegerField(label, null=True, blank=True)


class CallBack(Evidence):
    """One attempt to reach the person after the reply, by somebody who is not of the handling unit."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="call_backs", verbose_name="案件")
    reached = models.BooleanField("是否接通")
    happened_at = models.DateTimeField("回访时间")
    record = models.TextField("回访记录", blank=True)
    caller = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="回访人"
    )
    written_at = models.DateTimeField("记录时间")

    class Meta:
        verbose_name = verbose_name_plural = "回访记录"
        ordering = ["case", "happened_at", "id"]
        indexes: ClassVar = [models.Index(fields=["case", "happened_at"], name="op_call_back_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.happened_at:%Y-%m-%d}"


class Rating(Evidence):
    """How the person rates the handling.

    satisfaction: code of list `satisfaction`; solved, manner, speed: 1 to 5, as on the leader board.
    automatic: nobody said so, the window ran out; never counted in a satisfaction rate.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="ratings", verbose_name="案件")
    satisfaction = models.CharField("满意度", max_length=30)
    solved = _grade("解决程度")
    manner = _grade("办理态度")
    speed = _grade("办理速度")
    automatic = models.BooleanField("系统默认", default=False)
    rated_at = models.DateTimeField("评价时间")
    recorder = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="记录人"
    )

    class Meta:
        verbose_name = verbose_name_plural = "评价"
        ordering = ["case", "rated_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(solved=None) | Q(solved__range=(1, 5)))
                & (Q(manner=None) | Q(manner__range=(1, 5)))
                & (Q(speed=None) | Q(speed__range=(1, 5))),
                name="op_rating_one_to_five",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["case", "rated_at"], name="op_rating_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.satisfaction}"
