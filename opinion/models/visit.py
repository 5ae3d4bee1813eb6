"""What was done away from the desk: the record, who was there, what came of each claim."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from opinion.models.claim import Claim
from workflows.models import Case, Evidence, Unit


class Visit(Evidence):
    """A call, visit, inspection, mediation or repair by the handling unit.

    action: code of list `offline_action`. happened_at: when it took place; written_at: when it was entered.
    first_contact: whether this was the first contact with the person. view: what the person thinks of the outcome, code of
    list `person_view`, empty where nobody asked; in their words it is a note of the event. follow_up_on: the day the
    unit said it would come back to it. people: as typed in earlier versions; since then who was there is counted by
    role, in `Presence`. The event, `seq`, carries the digest of `outcome`.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="visits", verbose_name="案件")
    action = models.CharField("方式", max_length=30)
    happened_at = models.DateTimeField("办理时间")
    place = models.CharField("地点", max_length=200, blank=True)
    people = models.CharField("参加人员", max_length=200, blank=True)
    outcome = models.TextField("情况记录")
    first_contact = models.BooleanField("首次联系", default=False)
    view = models.CharField("本人意见", max_length=30, blank=True, db_default="")
    follow_up_on = models.DateField("约定跟进日期", null=True)
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

    @property
    def entered_later(self) -> bool:
        """Whether it was entered noticeably after it took place."""
        return (self.written_at - self.happened_at).total_seconds() >= 3600


class Presence(Evidence):
    """How many of a role were there, never who. role: code of list `present_role`. Belongs to the visit of its `seq`."""

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="+", verbose_name="案件")
    role = models.CharField("身份", max_length=30)
    count = models.PositiveSmallIntegerField("人数")

    class Meta:
        verbose_name = verbose_name_plural = "在场人员"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "seq", "role"], name="op_presence_once"),
            models.CheckConstraint(condition=Q(count__gte=1), name="op_presence_somebody"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}#{self.seq} {self.role} {self.count}"


class ClaimOutcome(Evidence):
    """What the visit of its `seq` did for one claim, in the claim's wording of then. outcome: code of list `claim_outcome`."""

    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="+", verbose_name="案件")
    claim = models.ForeignKey(
        Claim, models.PROTECT, db_index=False, related_name="outcomes", verbose_name="诉求"
    )
    outcome = models.CharField("处理情况", max_length=30)

    class Meta:
        verbose_name = verbose_name_plural = "诉求处理情况"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "seq", "claim"], name="op_claim_outcome_once"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}#{self.seq} {self.outcome}"
