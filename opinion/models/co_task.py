"""Co-tasks (协办任务): what a unit that does not lead a case is asked to contribute to it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

import django_fsm
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from workflows.models import Case, Clock, Evidence, Unit, User

CO_CLOCKS = ("co_task_a", "co_task_b", "co_task_c", "co_task_d", "co_task_e", "co_task_f")
"""Kinds of clocks tasks run on: each unit at work has its own. A lifecycle declares as many as may be at work at once."""
AT_WORK = ["assigned", "accepted", "sent_back"]
OPEN = [*AT_WORK, "declined"]
CUT_SHORT = ["waived", "withdrawn", "lapsed"]


class CoTaskQuerySet(models.QuerySet["CoTask"]):
    """Tasks by where they stand."""

    def standing(self) -> Self:
        """Not ended: open, or done and still able to be sent back."""
        return self.filter(ended_at=None)

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def at_work(self) -> Self:
        """It is the assisting unit's turn."""
        return self.filter(state__in=AT_WORK)

    def late(self, *, at: datetime) -> Self:
        """Awaited, and past its deadline."""
        clocks = Clock.objects.filter(
            case=OuterRef("case"), kind=OuterRef("clock"), state=Clock.State.RUNNING
        )
        return self.at_work().filter(Exists(clocks.filter(due_at__lt=at)))

    def visible_to(self, user: User) -> Self:
        """A task is known to whoever may know of its case."""
        return self.filter(case__in=Case.objects.visible_to(user))


class CoTask(Evidence):
    """A unit's part in a case led by another. Moved by effects of the case's own transitions, under its lock.

    number: 1, 2 … on this case. seq: the event that asked for it, which keeps as notes what was asked, and on which
    legal basis. required: the lead cannot submit its answer before this is done or waived. clock: kind of the clock it
    runs on, its own until it ends; empty where the lifecycle has none free. A declined task waits for the lead's
    decision. One that is done stays able to be sent back until the lead's answer is out: then, or when it is cut
    short, it ends. Source: 国办发〔2020〕53号 (lead and assisting units).
    """

    class State(models.TextChoices):
        ASSIGNED = "assigned", "待签收"
        ACCEPTED = "accepted", "协办中"
        DECLINED = "declined", "退回待定"
        DONE = "done", "已完成"
        SENT_BACK = "sent_back", "退回补充"
        WAIVED = "waived", "已免除"
        WITHDRAWN = "withdrawn", "不再协办"
        LAPSED = "lapsed", "随案终结"

    case = models.ForeignKey(
        Case, models.PROTECT, db_index=False, related_name="co_tasks", verbose_name="案件"
    )
    number = models.PositiveSmallIntegerField("件内编号")
    unit = models.ForeignKey(Unit, models.PROTECT, db_index=False, related_name="+", verbose_name="协办单位")
    state = django_fsm.FSMField("状态", max_length=12, choices=State.choices, default=State.ASSIGNED)
    required = models.BooleanField("必须办结", default=True)
    clock = models.CharField("时限", max_length=30, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="交办人"
    )
    asked_at = models.DateTimeField("交办时间")
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="签收人",
    )
    accepted_at = models.DateTimeField("签收时间", null=True)
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="完成人",
    )
    finished_at = models.DateTimeField("完成时间", null=True)
    result = models.CharField("办理结果", max_length=20, blank=True)
    rounds = models.PositiveSmallIntegerField("退回次数", default=0)
    ended_at = models.DateTimeField("终结时间", null=True)

    objects = CoTaskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "协办任务"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "number"], name="op_cotask_number"),
            models.UniqueConstraint(
                fields=["case", "unit"], condition=Q(ended_at=None), name="op_cotask_one_a_unit"
            ),
            models.UniqueConstraint(
                fields=["case", "clock"],
                condition=Q(ended_at=None) & ~Q(clock=""),
                name="op_cotask_own_clock",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, ended_at=None)
                | Q(state__in=CUT_SHORT, ended_at__isnull=False)
                | Q(state="done", finished_at__isnull=False),
                name="op_cotask_ended",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["unit", "case"], condition=Q(state__in=AT_WORK), name="op_cotask_at_work"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.unit} {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_at_work(self) -> bool:
        return self.state in AT_WORK

    @django_fsm.transition(state, source=State.ASSIGNED, target=State.ACCEPTED)
    def accept(self, by: User, at: datetime) -> None:
        self.accepted_by, self.accepted_at = by, at

    @django_fsm.transition(state, source=State.ASSIGNED, target=State.DECLINED)
    def decline(self) -> None:
        """Once: what the lead sends back after that is to be done."""

    @django_fsm.transition(state, source=AT_WORK, target=State.DONE)
    def finish(self, by: User, at: datetime, result: str) -> None:
        """Whoever contributes has taken it up."""
        if self.accepted_at is None:
            self.accepted_by, self.accepted_at = by, at
        self.finished_by, self.finished_at, self.result = by, at, result

    @django_fsm.transition(state, source=[State.DONE, State.DECLINED], target=State.SENT_BACK)
    def send_back(self) -> None:
        self.rounds += 1

    @django_fsm.transition(state, source=OPEN, target=State.WAIVED)
    def waive(self, at: datetime) -> None:
        self.ended_at = at

    @django_fsm.transition(state, source=OPEN, target=State.WITHDRAWN)
    def withdraw(self, at: datetime) -> None:
        """The unit is no longer asked to help."""
        self.ended_at = at

    @django_fsm.transition(state, source=OPEN, target=State.LAPSED)
    def lapse(self, at: datetime) -> None:
        """The case leaves it without a purpose."""
        self.ended_at = at

    @django_fsm.transition(state, source=State.DONE, target=State.DONE)
    def settle(self, at: datetime) -> None:
        """What was contributed stands."""
        self.ended_at = at
