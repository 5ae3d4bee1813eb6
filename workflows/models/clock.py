"""Deadlines that run on a case."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models.calendar import CalendarVersion
from workflows.models.case import Case
from workflows.models.definition import LadderVersion, PolicyVersion


class ClockQuerySet(models.QuerySet["Clock"]):
    """Clocks by what they wait for."""

    def going(self) -> Self:
        """Neither finished nor void: running or standing still."""
        return self.filter(state__in=[Clock.State.RUNNING, Clock.State.PAUSED])

    def due(self, *, at: datetime) -> Self:
        """Running clocks whose next moment has come, oldest first."""
        return self.filter(state=Clock.State.RUNNING, next_at__lte=at).order_by("next_at", "id")


class Clock(models.Model):
    """One deadline: case × kind × cycle.

    limit: as text, such as 5wd (see `workflows.limits`). due_at moves with pauses and re-rating, original_due_at
    never. next_at: when the sweep looks again; null when nothing is left to do. missed_at: the deadline, once its
    miss is in the log. rung: how many rungs of its ladder are climbed; repeats: how often the present one was said
    again. Overdue is `running and due_at < now`, derived. `intervals` are the truth;
    consumed_seconds (working time for working units, natural time for natural ones) is their cache.
    """

    class State(models.TextChoices):
        RUNNING = "running", "计时中"
        PAUSED = "paused", "已暂停"
        MET = "met", "按时完成"
        MISSED = "missed", "逾期完成"
        VOID = "void", "已失效"

    case = models.ForeignKey(Case, models.CASCADE, db_index=False, related_name="clocks", verbose_name="案件")
    kind = models.CharField("时限", max_length=30)
    cycle = models.PositiveSmallIntegerField("轮次", default=1)
    state = models.CharField("状态", max_length=8, choices=State, default=State.RUNNING)
    limit = models.CharField("期限", max_length=16)
    rule = models.CharField("依据条目", max_length=30)
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, db_index=False, related_name="+", verbose_name="时限规则版本"
    )
    calendar = models.ForeignKey(
        CalendarVersion, models.PROTECT, db_index=False, related_name="+", verbose_name="工作日历版本"
    )
    ladder = models.ForeignKey(
        LadderVersion,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="催督阶梯版本",
    )
    started_at = models.DateTimeField("起算时间")
    due_at = models.DateTimeField("到期时间")
    original_due_at = models.DateTimeField("原定到期时间")
    next_at = models.DateTimeField("下次检查", null=True, blank=True)
    missed_at = models.DateTimeField("逾期记录", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)
    consumed_seconds = models.PositiveBigIntegerField("已用秒数", default=0)
    rung = models.PositiveSmallIntegerField("催督级别", default=0)
    repeats = models.PositiveSmallIntegerField("本级已重复", default=0, db_default=0)
    provisional = models.BooleanField("暂定", default=False)

    objects = ClockQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "时限"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "kind", "cycle"], name="wf_clock_cycle"),
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=Q(state__in=["running", "paused"]),
                name="wf_clock_one_going",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None, state__in=["running", "paused"])
                | Q(finished_at__isnull=False, state__in=["met", "missed", "void"]),
                name="wf_clock_finished",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at", "id"],
                condition=Q(state="running", next_at__isnull=False),
                name="wf_clock_next",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind}#{self.cycle}"

    @property
    def is_going(self) -> bool:
        return self.finished_at is None


class ClockInterval(models.Model):
    """A stretch of a clock's life, running or standing still, and on whose word."""

    class Kind(models.TextChoices):
        RUN = "run", "计时"
        PAUSE = "pause", "暂停"

    clock = models.ForeignKey(Clock, models.CASCADE, related_name="intervals", verbose_name="时限")
    kind = models.CharField("类别", max_length=5, choices=Kind)
    started_at = models.DateTimeField("开始")
    ended_at = models.DateTimeField("结束", null=True, blank=True)
    reason = models.CharField("原因", max_length=30, blank=True)
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="批准人",
    )

    class Meta:
        verbose_name = verbose_name_plural = "计时区间"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clock"], condition=Q(ended_at=None), name="wf_interval_one_open"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("started_at")),
                name="wf_interval_ordered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.kind}"
