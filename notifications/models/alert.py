"""What an administrator has to see: nobody to tell, what could not be delivered or done when due, a clock that is wrong."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from workflows.models import Unit


class AlertManager(models.Manager["Alert"]):
    """Raising an alert adds to the open one of its kind, so that a thousand failures are one line."""

    def sound(
        self,
        kind: str,
        subject: str,
        *,
        at: datetime,
        case_number: str = "",
        unit_id: int | None = None,
        times: int = 1,
    ) -> None:
        """Runs inside the caller's transaction or its own."""
        still_open = self.filter(kind=kind, subject=subject, unit=unit_id, closed_at=None)
        changes = {"count": F("count") + times, "last_at": at, "case_number": case_number}
        if still_open.update(**changes):
            return
        try:
            with transaction.atomic():
                self.create(
                    kind=kind, subject=subject, unit_id=unit_id, case_number=case_number, count=times,
                    first_at=at, last_at=at,
                )  # fmt: skip
        except IntegrityError:
            # Somebody else opened it between the two statements.
            still_open.update(**changes)


class Alert(models.Model):
    """Open until an administrator closes it. Carries codes and a case number only.

    subject: an event name, `channel error-code`, `transition error-class`, or a machine and what is wrong with it.
    case_number: of the newest occurrence.
    """

    class Kind(models.TextChoices):
        NOBODY = "nobody", "无人可告知"
        UNDELIVERED = "undelivered", "通知未送达"
        UNDECLARED = "undeclared", "事件未登记通知"
        CLOCK = "clock", "系统时钟异常"
        STUCK = "stuck", "到期未能自动办理"

    kind = models.CharField("类别", max_length=12, choices=Kind)
    subject = models.CharField("对象", max_length=60)
    unit = models.ForeignKey(
        Unit, models.CASCADE, null=True, blank=True, related_name="+", verbose_name="单位"
    )
    case_number = models.CharField("案件编号", max_length=30, blank=True)
    count = models.PositiveIntegerField("次数", default=1)
    first_at = models.DateTimeField("首次发生")
    last_at = models.DateTimeField("最近发生")
    closed_at = models.DateTimeField("处理时间", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="处理人",
    )

    objects = AlertManager()

    class Meta:
        verbose_name = verbose_name_plural = "通知告警"
        constraints: ClassVar = [
            # NULLs never collide in a unique index, so the absent unit is indexed as 0.
            models.UniqueConstraint(
                F("kind"),
                F("subject"),
                Coalesce("unit", 0),
                condition=Q(closed_at=None),
                name="nt_alert_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


def sound_stuck(what: str, case_number: str, at: datetime) -> None:
    """What was due could not be done (`workflows.registry.ALARMS`)."""
    Alert.objects.sound(Alert.Kind.STUCK, what[:60], at=at, case_number=case_number)
