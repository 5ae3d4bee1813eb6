"""What is known of the periodic jobs: when each ran last, and how it went."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class PeriodicRun(models.Model):
    """One row an entry of the table of periodic work, whoever ran it last.

    latest_at: the latest moment any run was made for; a run for an earlier one shows a wall clock that went back.
    ran_at: the newest run that was noted (idle ones only every few seconds). result: of the last that did something.
    failures: in a row; error: class of the last one's, never its text, which may quote data.
    """

    name = models.CharField("名称", max_length=30, primary_key=True)
    latest_at = models.DateTimeField("最晚时刻")
    ran_at = models.DateTimeField("最近运行")
    took_ms = models.PositiveIntegerField("用时毫秒", default=0)
    result = models.CharField("最近结果", max_length=200, blank=True)
    result_at = models.DateTimeField("最近结果时间", null=True, blank=True)
    failures = models.PositiveIntegerField("连续失败", default=0)
    failed_at = models.DateTimeField("最近失败", null=True, blank=True)
    error = models.CharField("错误类别", max_length=60, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "定时工作"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
