"""Approvals that run on a case, the seats of those who are asked, and who stands in for whom.

The rows are viewflow's process and task with what we never use taken away. A gateway waits for nobody, so only human
tasks are kept. All of it is read and written by `workflows.approvals.book` under the lock of the case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from viewflow.workflow.models import AbstractProcess, AbstractTask
from viewflow.workflow.status import STATUS

from workflows.models.case import Case
from workflows.models.definition import ApprovalRules
from workflows.models.unit import User


def _book_of(approval: Approval) -> Any:
    book = approval.__dict__.get("book")
    if book is None:
        raise RuntimeError("审批只能在案件锁内由 workflows.approvals 写入")
    return book


class ApprovalQuerySet(models.QuerySet["Approval"]):
    """Approvals by how far they have come."""

    def running(self) -> Self:
        return self.filter(finished=None)


class Approval(AbstractProcess):  # type: ignore[misc]  # viewflow ships no types
    """One approval of one case: kind × round.

    levels: those that applied when it began, as in the document; later versions change nothing here. level: the one
    being asked, from 1. queue: ids of users still to be asked one after the other, in a level that goes in sequence.
    said: codes of the move that asked, for the move that is granted. seq: event that began it. rules: whence levels.
    """

    class Outcome(models.TextChoices):
        RUNNING = "running", "审批中"
        GRANTED = "granted", "已同意"
        RETURNED = "returned", "已退回"
        STOPPED = "stopped", "已撤回"
        CANCELLED = "cancelled", "已终止"

    status = models.CharField("流程状态", max_length=8, default="NEW")
    created = models.DateTimeField("开始时间")
    finished = models.DateTimeField("结束时间", null=True, blank=True)
    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="+", verbose_name="案件")
    kind = models.CharField("审批事项", max_length=30)
    round = models.PositiveSmallIntegerField("轮次")
    outcome = models.CharField("结果", max_length=9, choices=Outcome, default=Outcome.RUNNING)
    rules = models.ForeignKey(
        ApprovalRules, models.PROTECT, db_index=False, related_name="+", verbose_name="审批层级版本"
    )
    rule = models.CharField("依据条目", max_length=30)
    levels = models.JSONField("各级")
    level = models.PositiveSmallIntegerField("当前级", default=0)
    queue = models.JSONField("依次待审", default=list)
    said = models.JSONField("申请内容", default=dict)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="申请人"
    )
    seq = models.PositiveIntegerField("事件序号", default=0)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "审批"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "kind", "round"], name="wf_approval_round"),
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(finished=None), name="wf_approval_one_running"
            ),
            models.CheckConstraint(
                condition=Q(finished=None, outcome="running")
                | Q(finished__isnull=False, outcome__in=["granted", "returned", "stopped", "cancelled"]),
                name="wf_approval_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind}#{self.round}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """viewflow saves at every step; the book of the move remembers, and writes once. Raises RuntimeError elsewhere."""
        _book_of(self).keep(self)


class ApprovalTaskQuerySet(models.QuerySet["ApprovalTask"]):
    """Seats by whose they are."""

    def waiting(self) -> Self:
        """Still to be decided."""
        return self.filter(status=STATUS.ASSIGNED)

    def with_cases(self) -> Self:
        """With the case, its unit and who asked, for lists."""
        return self.select_related("case__unit", "process__requester")

    def waiting_for(self, user: User) -> Self:
        return self.waiting().filter(owner=user)


class ApprovalTask(AbstractTask):  # type: ignore[misc]
    """One person's seat in one level.

    extra: added by somebody (加签): without this agreement the level does not end. handed_by: who added it, else who
    passed it on (委派).
    stands_for: the absent person whose deputy the owner is. requester: never the owner. decision, seq: what was
    decided with which event; a seat closed by others' decisions has none.
    """

    class Decision(models.TextChoices):
        NONE = "none", "未表态"
        AGREED = "agreed", "同意"
        RETURNED = "returned", "退回"
        HANDED = "handed", "已委派"
        REMOVED = "removed", "已减签"
        LEFT = "left", "已离岗"

    # Asked by nobody here: permissions are the case's, and no gateway keeps a row.
    previous = None
    scheduled = None
    external_task_id = None
    owner_permission = None
    owner_permission_content_type = None
    owner_permission_obj_pk = None

    flow_task_type = models.CharField("节点类型", max_length=10, default="HUMAN")
    status = models.CharField("状态", max_length=10, default=STATUS.NEW)
    created = models.DateTimeField("送达时间")
    process = models.ForeignKey(Approval, models.PROTECT, related_name="task_set", verbose_name="审批")
    case = models.ForeignKey(Case, models.PROTECT, db_index=False, related_name="+", verbose_name="案件")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="审批人"
    )
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name="申请人"
    )
    level = models.PositiveSmallIntegerField("级")
    extra = models.BooleanField("加签", default=False)
    handed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="经手人",
    )
    stands_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="代谁审批",
    )
    decision = models.CharField("决定", max_length=8, choices=Decision, default=Decision.NONE)
    seq = models.PositiveIntegerField("事件序号", null=True, blank=True)

    objects = ApprovalTaskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "审批席位"
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(owner=F("requester")), name="wf_seat_not_requester"),
            models.UniqueConstraint(
                fields=["process", "owner"], condition=Q(status="ASSIGNED"), name="wf_seat_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["owner", "created", "id"], condition=Q(status="ASSIGNED"), name="wf_seat_waiting"
            ),
            models.Index(fields=["case", "owner"], name="wf_seat_case"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.level} {self.owner_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As `Approval.save`."""
        _book_of(self.process).keep(self)

    @property
    def is_open(self) -> bool:
        return bool(self.status == STATUS.ASSIGNED)


# A generic relation cannot be taken away as a field can.
ApprovalTask._meta.private_fields.clear()
del ApprovalTask.owner_permission_obj


class AbsenceQuerySet(models.QuerySet["Absence"]):
    """Who is away."""

    def at(self, moment: datetime) -> Self:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=moment), starts_at__lte=moment)

    def overlapping(self, absence: Absence) -> Self:
        """Other rows, of anybody, that share some moment with this one."""
        others = self.exclude(pk=absence.pk).filter(Q(ends_at=None) | Q(ends_at__gt=absence.starts_at))
        return others if absence.ends_at is None else others.filter(starts_at__lt=absence.ends_at)


class Absence(models.Model):
    """While away, another signs. Approvals asked for meanwhile go to the deputy; those already asked for stay."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="absences", verbose_name="本人"
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="代审人"
    )
    starts_at = models.DateTimeField("开始")
    ends_at = models.DateTimeField("结束", null=True, blank=True)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "外出代审"
        ordering: ClassVar = ["-starts_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(user=F("deputy")), name="wf_absence_not_self"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="wf_absence_ordered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} → {self.deputy}"

    def clean(self) -> None:
        """Refuse a second deputy for the same time, and a ring: everybody would sign for somebody else, and nobody would."""
        meanwhile = Absence.objects.overlapping(self)
        own = meanwhile.filter(user=self.user_id).first()
        if own is not None:
            until = f"{timezone.localtime(own.ends_at):%Y-%m-%d %H:%M}" if own.ends_at else "您停止时"
            raise ValidationError({"starts_at": f"“开始”与已有的设置（至 {until}）重叠，请先停止那一条"})
        seen: set[int] = set()
        found = {self.deputy_id}
        while found:
            if self.user_id in found:
                raise ValidationError({"deputy": "代审人此间也不在，且又回到本人代审，请另选"})
            seen |= found
            found = set(meanwhile.filter(user__in=found).values_list("deputy_id", flat=True)) - seen
