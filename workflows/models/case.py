"""The case: everything a queue shows is on this row, so lists never join."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from workflows.models.definition import Definition, PolicyVersion
from workflows.models.unit import Unit, User


class CaseQuerySet(models.QuerySet["Case"]):
    """Every page, export and API starts from `visible_to`."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Cases this user may know of; nobody unknown sees anything.

        Ordinary cases: a unit the user looks at takes part. Restricted ones (an official is named): only through
        a confidential role, or as a member of the lead unit; and never for anybody who works in a unit complained
        about or below it. Source: 信访工作条例 30(3), 46(5); 民法典 1039.
        """
        if isinstance(user, AnonymousUser):
            return self.none()
        standing = user.standing
        if standing.is_system:
            return self
        if not standing.sees:
            return self.none()
        part = Participation.objects.filter(case=OuterRef("pk"), ended_at=None)
        # A list, not “other than barred”: planning for any value, PostgreSQL takes that to leave no row where all are of
        # one role, and would read the whole table first.
        active = Q(role__in=[role for role in Participation.Role if role != Participation.Role.BARRED])
        seen = part.filter(active, unit__in=standing.sees)
        confided = part.filter(
            Q(unit__in=standing.sees_restricted) & active
            | Q(role=Participation.Role.LEAD, unit__in=standing.units)
        )
        barred = part.filter(role=Participation.Role.BARRED, unit__in=standing.barred_by)
        # Every case has a desk somewhere in the tree: who looks at all of it need not ask.
        cases = self if standing.sees_everything else self.filter(Exists(seen))
        return cases.filter(Q(restricted=False) | Exists(confided) & ~Exists(barred))

    def open(self) -> Self:
        return self.filter(closed_at=None)

    def overdue(self, *, at: datetime) -> Self:
        """Open cases whose own earliest running clock has run out."""
        return self.open().filter(due_at__lt=at)


class Case(models.Model):
    """One piece of work and where it stands. Written by `workflows.engine` alone.

    unit: who holds it now; lead: who answers for the result; desk: who dispatches it; user: who took it up.
    rev: number of its newest event; head: that event's digest. due_at: the earliest running clock of the case
    itself, never a helping unit's or an approval's. rung: the
    worst colour its clocks have reached (0 none, 1 blue, 2 yellow, 3 red; see `workflows.ladders.LEVELS`).
    parked: the state to resume. facts: codes a policy may ask about. counts_from: from when its first clocks count,
    where what it is about began before it was registered; null: from the registration.
    A key that is never searched by, or that a longer index begins with, has no index of its own: each costs every move.
    """

    number = models.CharField("编号", max_length=30, unique=True)
    kind = models.CharField("类别", max_length=30)
    title = models.CharField("标题", max_length=200)
    state = models.CharField("状态", max_length=30)
    parked = models.CharField("暂存状态", max_length=30, blank=True)
    definition = models.ForeignKey(
        Definition, models.PROTECT, db_index=False, related_name="+", verbose_name="流程版本"
    )
    policy = models.ForeignKey(
        PolicyVersion, models.PROTECT, db_index=False, related_name="+", verbose_name="时限规则版本"
    )
    rev = models.PositiveIntegerField("版次", default=0)
    head = models.CharField("链首", max_length=80)
    desk = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="受理台")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="现责任单位")
    lead = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="主办单位"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="现经办人",
    )
    facts = models.JSONField("属性", default=dict)
    restricted = models.BooleanField("限制知悉", default=False)
    rung = models.PositiveSmallIntegerField("催督级别", default=0)
    due_at = models.DateTimeField("最近时限", null=True, blank=True)
    provisional = models.BooleanField("时限暂定", default=False)
    opened_at = models.DateTimeField("登记时间")
    counts_from = models.DateTimeField("起算时间", null=True, blank=True)
    state_since = models.DateTimeField("进入本状态时间")
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    archived_at = models.DateTimeField("归档时间", null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "案件"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(archived_at=None) | Q(closed_at__isnull=False), name="wf_case_archived_closed"
            ),
            models.CheckConstraint(
                condition=Q(due_at=None) | Q(closed_at=None), name="wf_case_closed_no_due"
            ),
            models.CheckConstraint(
                condition=Q(counts_from=None) | Q(counts_from__lte=F("opened_at")), name="wf_case_counts_from"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["unit", "due_at", "id"], condition=Q(closed_at=None), name="wf_case_queue"),
            models.Index(fields=["due_at", "id"], condition=Q(closed_at=None), name="wf_case_due"),
            models.Index(fields=["kind", "state", "id"], name="wf_case_state"),
            models.Index(F("opened_at").desc(), F("id").desc(), name="wf_case_opened"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def seen_by(self, user: User) -> bool:
        """Whether somebody may know of this case; a statement only where it does not follow from the units named here.

        Desk and lead always take part: who looks at one of them sees an ordinary case.
        """
        if not self.restricted and user.standing.sees & {self.desk_id, self.lead_id}:
            return True
        return Case.objects.visible_to(user).filter(pk=self.pk).exists()

    @property
    def began_at(self) -> datetime:
        """From when its clocks count."""
        return self.counts_from or self.opened_at


class Participation(models.Model):
    """A unit's part in a case: what `visible_to` filters on."""

    class Role(models.TextChoices):
        DESK = "desk", "受理台"
        LEAD = "lead", "主办"
        ASSISTING = "assisting", "协办"
        BARRED = "barred", "被反映单位"

    case = models.ForeignKey(Case, models.CASCADE, related_name="participations", verbose_name="案件")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="单位")
    role = models.CharField("参与方式", max_length=12, choices=Role)
    started_at = models.DateTimeField("开始")
    ended_at = models.DateTimeField("结束", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "参与单位"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case", "unit", "role"], condition=Q(ended_at=None), name="wf_participation_once"
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(ended_at=None, role="lead"), name="wf_participation_one_lead"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["unit", "role", "case"], condition=Q(ended_at=None), name="wf_participation_unit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.unit} {self.role}"
