"""One notice to one person through one channel."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models import Event, User


class NoticeQuerySet(models.QuerySet["Notice"]):
    """A person's notices."""

    def inbox_of(self, user: User) -> Self:
        return self.filter(user=user, channel=Notice.Channel.INBOX)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notice(models.Model):
    """event × person × channel, once. It names the case by number and never quotes it."""

    class Channel(models.TextChoices):
        INBOX = "inbox", "站内信"

    event = models.ForeignKey(Event, models.PROTECT, related_name="+", verbose_name="事件")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", verbose_name="收件人")
    channel = models.CharField("渠道", max_length=12, choices=Channel, default=Channel.INBOX)
    urgency = models.PositiveSmallIntegerField("紧急程度")
    case_number = models.CharField("案件编号", max_length=30)
    words = models.CharField("内容", max_length=200)
    created_at = models.DateTimeField("时间")
    read_at = models.DateTimeField("阅读时间", null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "通知"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "user", "channel"], name="nt_notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="nt_notice_user"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="nt_notice_unread"),
        ]

    def __str__(self) -> str:
        return self.words
