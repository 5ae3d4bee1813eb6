"""More time for a clock: asked for, then granted, refused or withdrawn."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from workflows.models.case import Case
from workflows.models.clock import Clock
from workflows.models.event import Evidence


class Extension(Evidence):
    """One request and what became of it; the request's event is `seq`.

    amount: as text, such as 3wd. reason: a code. late: asked for when the deadline had already passed, on a
    supervisor's word. due_from, due_to: the deadline as it stood when granted, and the one granted; later pauses and
    calendars move the clock's own `due_at`, never these two.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "待批"
        GRANTED = "granted", "已批准"
        REFUSED = "refused", "未批准"
        RETRACTED = "retracted", "已撤回申请"

    case = models.ForeignKey(Case, models.PROTECT, related_name="extensions", verbose_name="案件")
    clock = models.ForeignKey(Clock, models.PROTECT, related_name="extensions", verbose_name="时限")
    state = models.CharField("状态", max_length=10, choices=State, default=State.REQUESTED)
    amount = models.CharField("延长", max_length=16)
    reason = models.CharField("理由", max_length=30)
    late = models.BooleanField("逾期后申请", default=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="申请人"
    )
    requested_at = models.DateTimeField("申请时间")
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="决定人",
    )
    decided_at = models.DateTimeField("决定时间", null=True)
    due_from = models.DateTimeField("原到期时间", null=True)
    due_to = models.DateTimeField("延至", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "延期"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clock"], condition=Q(state="requested"), name="wf_extension_one_pending"
            ),
            models.CheckConstraint(
                condition=Q(state="requested", decider=None, decided_at=None)
                | (~Q(state="requested") & Q(decider__isnull=False, decided_at__isnull=False)),
                name="wf_extension_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state="granted") | (~Q(decider=F("requester")) & Q(due_to__gt=F("due_from"))),
                name="wf_extension_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} +{self.amount} {self.state}"
