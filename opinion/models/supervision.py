"""Supervision orders (督办单): a unit is called upon to put a late or badly handled case right, and to report back."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

import django_fsm
from django.conf import settings
from django.db import models
from django.db.models import Case as Choice
from django.db.models import F, OuterRef, Q, Subquery, Value, When

from workflows.ladders import LEVELS
from workflows.models import Case, Clock, Evidence, Unit, User

FEEDBACK, DESK_FEEDBACK = "feedback", "desk_feedback"
AWAITING = ["issued", "acknowledged", "sent_back"]
NOT_ENDED = [*AWAITING, "answered"]
ENDED = ["closed", "withdrawn", "lapsed"]


class SupervisionOrderQuerySet(models.QuerySet["SupervisionOrder"]):
    """Orders by where they stand."""

    def open(self) -> Self:
        return self.filter(state__in=NOT_ENDED)

    def with_feedback_due(self) -> Self:
        """Each with `feedback_due_at`, of its running feedback clock; null once that has been met."""
        kind = Choice(When(unit=F("case__desk"), then=Value(DESK_FEEDBACK)), default=Value(FEEDBACK))
        clocks = Clock.objects.filter(case=OuterRef("case"), kind=OuterRef("feedback_kind")).going()
        return self.annotate(feedback_kind=kind, feedback_due_at=Subquery(clocks.values("due_at")[:1]))

    def visible_to(self, user: User) -> Self:
        """An order is known to whoever may know of its case."""
        return self.filter(case__in=Case.objects.visible_to(user))


class SupervisionOrder(Evidence):
    """An order against a unit on one case. Moved by effects of the case's own transitions, under its lock.

    number: 1, 2 … on this case. seq: the event that issued it, which keeps the texts as notes. level: position in
    `workflows.ladders.LEVELS`. clock, cycle: the deadline that gave rise to it, empty where a supervisor found
    something else. reminders: how often the case had been urged by then. A unit has one open order on a case at a time, and with it a
    feedback clock. An order lapses when the case is closed or goes to another unit.
    Source of the particulars: 督办通知单 (level, basis, unit, matter, limit, reminders, demand, feedback limit, receipt).
    """

    class State(models.TextChoices):
        ISSUED = "issued", "待签收"
        ACKNOWLEDGED = "acknowledged", "待反馈"
        ANSWERED = "answered", "待审结"
        SENT_BACK = "sent_back", "退回重报"
        CLOSED = "closed", "已审结"
        WITHDRAWN = "withdrawn", "已撤销"
        LAPSED = "lapsed", "随案终结"

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="orders", verbose_name="案件")
    number = models.PositiveSmallIntegerField("件内编号")
    unit = models.ForeignKey(
        Unit, models.PROTECT, db_index=False, related_name="+", verbose_name="被督办单位"
    )
    state = django_fsm.FSMField("状态", max_length=12, choices=State.choices, default=State.ISSUED)
    level = models.PositiveSmallIntegerField("级别")
    clock = models.CharField("逾期时限", max_length=30, blank=True)
    cycle = models.PositiveSmallIntegerField("轮次", default=0)
    reminders = models.PositiveSmallIntegerField("此前催办次数", default=0)
    issuer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="签发人"
    )
    issued_at = models.DateTimeField("签发时间")
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="签收人",
    )
    acknowledged_at = models.DateTimeField("签收时间", null=True)
    answered_at = models.DateTimeField("反馈时间", null=True)
    rounds = models.PositiveSmallIntegerField("退回次数", default=0)
    ended_at = models.DateTimeField("审结时间", null=True)

    objects = SupervisionOrderQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "督办单"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "number"], name="op_order_number"),
            models.UniqueConstraint(
                fields=["case", "unit"],
                condition=~Q(state__in=ENDED),
                name="op_order_one_open",
            ),
            models.CheckConstraint(condition=Q(level__gte=1, level__lt=len(LEVELS)), name="op_order_level"),
            models.CheckConstraint(
                condition=Q(state__in=ENDED, ended_at__isnull=False)
                | (~Q(state__in=ENDED) & Q(ended_at=None)),
                name="op_order_ended",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["unit", "level"],
                condition=~Q(state__in=ENDED),
                name="op_order_open",
            ),
            models.Index(fields=["issued_at", "id"], name="op_order_issued"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """As printed; reading it asks for the case."""
        return f"{self.case.number}-D{self.number}"

    @property
    def feedback(self) -> str:
        """Kind of the clock that its feedback is due by; reading it asks for the case."""
        return DESK_FEEDBACK if self.unit_id == self.case.desk_id else FEEDBACK

    @property
    def colour(self) -> str:
        return LEVELS[self.level]

    @property
    def is_open(self) -> bool:
        return self.state in NOT_ENDED

    @django_fsm.transition(state, source=State.ISSUED, target=State.ACKNOWLEDGED)
    def acknowledge(self, by: User, at: datetime) -> None:
        self.acknowledged_by, self.acknowledged_at = by, at

    @django_fsm.transition(
        state, source=[State.ISSUED, State.ACKNOWLEDGED, State.SENT_BACK], target=State.ANSWERED
    )
    def answer(self, by: User, at: datetime) -> None:
        """Whoever answers has taken note."""
        if self.acknowledged_at is None:
            self.acknowledged_by, self.acknowledged_at = by, at
        self.answered_at = at

    @django_fsm.transition(state, source=State.ANSWERED, target=State.SENT_BACK)
    def send_back(self) -> None:
        self.rounds += 1

    @django_fsm.transition(state, source=State.ANSWERED, target=State.CLOSED)
    def close(self, at: datetime) -> None:
        self.ended_at = at

    @django_fsm.transition(state, source=NOT_ENDED, target=State.WITHDRAWN)
    def withdraw(self, at: datetime) -> None:
        self.ended_at = at

    @django_fsm.transition(state, source=NOT_ENDED, target=State.LAPSED)
    def lapse(self, at: datetime) -> None:
        self.ended_at = at
