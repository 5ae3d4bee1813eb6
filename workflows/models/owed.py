"""What the system was to do at a deadline and could not yet."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from workflows.models.case import Case
from workflows.models.clock import Clock


class OwedMove(models.Model):
    """A deed of the sweep that failed: kept until it is made, or needless because the case has moved on.

    key: of the event it will be, so that it is made once. names: transitions, tried in turn; data: codes only. answers:
    the clock whose running out the lifecycle itself answers; null: it is a rung's. tries: how often it failed; error:
    class of the last error, never its text, which may quote data. try_at: when it is tried again.
    """

    case = models.ForeignKey(
        Case, models.CASCADE, db_index=False, related_name="owed_moves", verbose_name="案件"
    )
    key = models.CharField("幂等键", max_length=80)
    names = models.JSONField("流转")
    data = models.JSONField("数据", default=dict)
    answers = models.ForeignKey(
        Clock, models.CASCADE, null=True, db_index=False, related_name="+", verbose_name="到期的时限"
    )
    tries = models.PositiveIntegerField("已试次数", default=1)
    error = models.CharField("错误类别", max_length=60)
    try_at = models.DateTimeField("再试时间")

    class Meta:
        verbose_name = verbose_name_plural = "系统未办成的流转"
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "key"], name="wf_owed_once")]
        indexes: ClassVar = [models.Index(fields=["try_at", "id"], name="wf_owed_next")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.key}"
