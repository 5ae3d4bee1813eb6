"""What a unit has to put right after an event."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

import django_fsm
from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q
from django.utils import timezone

from workflows.models import Case, Clock, Evidence, Unit, User

TASK_CLOCKS = ("task_a", "task_b", "task_c", "task_d", "task_e", "task_f")
"""Kinds of clocks tasks run on: each open one has its own. A lifecycle declares as many as may be open at once."""
SETTLED = ["done", "handed_over"]


class ReviewTaskQuerySet(models.QuerySet["ReviewTask"]):
    """Tasks by where they stand."""

    def open(self) -> Self:
        return self.exclude(state__in=SETTLED)

    def with_lateness(self, *, at: datetime) -> Self:
        """Annotated `late`: open, and its own clock, or its last day where it has none, is over."""
        clocks = Clock.objects.filter(
            case=OuterRef("case"), kind=OuterRef("clock"), state=Clock.State.RUNNING
        )
        over = Exists(clocks.filter(due_at__lt=at)) | Q(clock="", due_on__lt=timezone.localtime(at).date())
        late = ExpressionWrapper(~Q(state__in=SETTLED) & over, output_field=models.BooleanField())
        return self.annotate(late=late)


class ReviewTask(Evidence):
    """A task drawn from the review of an event. Moved by effects of the case's own transitions, under its lock.

    number: 1, 2 … on this case. seq: the event that set it, beside which its text lies as a note. due_on: a local
    date, the last day. clock: kind of the clock it runs on, its own while it is open; empty where the lifecycle has none
    for it, as for tasks older than such clocks.
    """

    class State(models.TextChoices):
        SET = "set", "落实中"
        DONE = "done", "已完成"
        HANDED_OVER = "handed_over", "已移交"

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="tasks", verbose_name="案件")
    number = models.PositiveSmallIntegerField("件内编号")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="责任单位")
    due_on = models.DateField("完成期限")
    state = django_fsm.FSMField("状态", max_length=12, choices=State.choices, default=State.SET)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="下达人"
    )
    set_at = models.DateTimeField("下达时间")
    clock = models.CharField("时限", max_length=30, blank=True, default="", db_default="")
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="办结人"
    )
    settled_at = models.DateTimeField("办结时间", null=True)

    objects = ReviewTaskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改任务"
        ordering = ["case", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "number"], name="op_task_number"),
            models.UniqueConstraint(
                fields=["case", "clock"],
                condition=Q(settled_at=None) & ~Q(clock=""),
                name="op_task_own_clock",
            ),
            models.CheckConstraint(
                condition=Q(state__in=SETTLED, settled_at__isnull=False)
                | (~Q(state__in=SETTLED) & Q(settled_at=None)),
                name="op_task_settled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.number}"

    @property
    def asked_at(self) -> datetime:
        """Since when its clock is its own; named as a co-task names it."""
        return self.set_at

    @property
    def ended_at(self) -> datetime | None:
        """Until when."""
        return self.settled_at

    @django_fsm.transition(state, source=State.SET, target=State.DONE)
    def finish(self, by: User, at: datetime) -> None:
        self.settled_by, self.settled_at = by, at

    @django_fsm.transition(state, source=State.SET, target=State.HANDED_OVER)
    def hand_over(self, by: User, at: datetime) -> None:
        self.settled_by, self.settled_at = by, at
