"""How one person wants to be told. Whoever has said nothing gets the defaults of these fields."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time

from django.conf import settings
from django.db import models

from notifications.registry import Urgency
from workflows.models import User

QUIET_FROM, QUIET_UNTIL = time(21, 0), time(8, 0)


class PreferenceManager(models.Manager["Preference"]):
    """Preferences of people, said or not."""

    def of_all(self, users: Iterable[User]) -> dict[int, Preference]:
        """user id → what that person said, or the defaults; one statement."""
        people = {user.pk: user for user in users}
        said = {row.user_id: row for row in self.filter(user__in=people)}
        return {pk: said.get(pk) or Preference(user=user) for pk, user in people.items()}


class Preference(models.Model):
    """digest: how ROUTINE notices are gathered. quiet_from, quiet_until: local; equal means none.

    rests_on_days_off: nothing but URGENT on days that the working calendar leaves free.
    muted: `channel:urgency` pairs this person does not want; the inbox cannot be among them.
    """

    class Digest(models.TextChoices):
        IMMEDIATE = "immediate", "随时"
        HOURLY = "hourly", "每小时汇总"
        DAILY = "daily", "每日汇总"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+", verbose_name="用户"
    )
    digest = models.CharField("一般通知", max_length=10, choices=Digest, default=Digest.HOURLY)
    quiet_from = models.TimeField("免打扰开始", default=QUIET_FROM)
    quiet_until = models.TimeField("免打扰结束", default=QUIET_UNTIL)
    rests_on_days_off = models.BooleanField("休息日免打扰", default=True)
    muted = models.JSONField("不接收", default=list, blank=True)

    objects = PreferenceManager()

    class Meta:
        verbose_name = verbose_name_plural = "通知偏好"

    def __str__(self) -> str:
        return str(self.user)

    def wants(self, channel: str, urgency: int) -> bool:
        """Whether notices of this urgency come through this channel."""
        return channel == "inbox" or f"{channel}:{int(urgency)}" not in self.muted

    def gathers(self, urgency: int) -> bool:
        """Whether a notice of this urgency waits for a digest."""
        return urgency == Urgency.ROUTINE and self.digest != self.Digest.IMMEDIATE
