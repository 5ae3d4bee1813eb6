"""One notice to one person through one channel, and how far its delivery has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Self, TypeVar

import django_fsm
from django.conf import settings
from django.db import models
from django.db.models import Q

from workflows.models import Event, User

F = TypeVar("F", bound=Callable[..., None])
# django_fsm ships no types: a decorated method keeps its own.
transition: Callable[..., Callable[[F], F]] = django_fsm.transition


class NoticeQuerySet(models.QuerySet["Notice"]):
    """A person's notices, and what waits for a deliverer."""

    def in_inboxes(self) -> Self:
        return self.filter(channel=Notice.INBOX)

    def inbox_of(self, user: User) -> Self:
        return self.in_inboxes().filter(user=user)

    def unread(self) -> Self:
        """Still to be read: what was settled before anybody read it need not be."""
        return self.filter(read_at=None, settled_at=None)

    def due(self, channel: str, *, at: datetime) -> Self:
        """Waiting for their moment, or in the hands of a deliverer whose lease has run out; oldest first."""
        ready = self.filter(state__in=Notice.WAITING, channel=channel, next_try_at__lte=at)
        return ready.order_by("next_try_at", "id")


class Notice(models.Model):
    """event × person × channel, once. It names the case by number and never quotes it.

    next_try_at: when a deliverer looks at it again; while it is being sent, the end of the lease; null at the end.
    lease: token of the deliverer that has it. attempts: sends begun, counted before each, so that one that kills
    its deliverer is given up too. parcel: key of the mail it went into, kept so that a repeat has the same key.
    settled_at: since when nobody needs it, of an inbox and unread; null again where it becomes true anew.
    error: a code, never a person's data.
    """

    INBOX: ClassVar = "inbox"

    class State(models.TextChoices):
        PLANNED = "planned", "待发送"
        SENDING = "sending", "发送中"
        DEFERRED = "deferred", "已延后"
        SENT = "sent", "已送出"
        VOID = "void", "已失效"
        DEAD = "dead", "未送达"

    WAITING: ClassVar = (State.PLANNED, State.DEFERRED, State.SENDING)

    event = models.ForeignKey(Event, models.PROTECT, related_name="+", verbose_name="事件")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", verbose_name="收件人"
    )
    channel = models.CharField("渠道", max_length=12)
    urgency = models.PositiveSmallIntegerField("紧急程度")
    case_number = models.CharField("案件编号", max_length=30)
    words = models.CharField("内容", max_length=200)
    created_at = models.DateTimeField("时间")
    read_at = models.DateTimeField("阅读时间", null=True, blank=True)
    settled_at = models.DateTimeField("了结时间", null=True, blank=True)
    state = django_fsm.FSMField("状态", max_length=10, choices=State.choices, default=State.PLANNED)
    next_try_at = models.DateTimeField("下次尝试", null=True, blank=True)
    lease = models.CharField("租约", max_length=32, blank=True)
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    parcel = models.CharField("合并发送键", max_length=64, blank=True)
    error = models.CharField("错误代码", max_length=40, blank=True)
    sent_at = models.DateTimeField("送出时间", null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "通知"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "user", "channel"], name="nt_notice_once"),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "deferred", "sending"], next_try_at__isnull=False)
                | Q(state__in=["sent", "void", "dead"], next_try_at=None),
                name="nt_notice_waits",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], condition=Q(channel="inbox"), name="nt_notice_inbox"),
            models.Index(
                fields=["user"],
                condition=Q(read_at=None, settled_at=None, channel="inbox"),
                name="nt_notice_to_read",
            ),
            # What is looked at again when something happens to a case.
            models.Index(
                fields=["case_number"], condition=Q(read_at=None, channel="inbox"), name="nt_notice_of_case"
            ),
            models.Index(
                fields=["channel", "next_try_at", "id"],
                condition=Q(state__in=["planned", "deferred", "sending"]),
                name="nt_notice_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.words

    @property
    def is_settled(self) -> bool:
        """Whether nobody needs it any more, and nobody read it while it was needed."""
        return self.read_at is None and self.settled_at is not None

    @property
    def is_unread(self) -> bool:
        return self.read_at is None and self.settled_at is None

    @property
    def key(self) -> str:
        """Says which notice this is to whoever receives it twice."""
        return f"{self.event_id}-{self.user_id}-{self.channel}"

    # Each move changes the record in memory; `delivering` holds the lease and writes.

    @transition("state", source=list(WAITING), target=State.SENDING)
    def claim(self, lease: str, until: datetime) -> None:
        """By a deliverer: for the first time, again, or after another one died."""
        self.lease, self.next_try_at = lease, until

    @transition("state", source=State.SENDING, target=State.SENT)
    def deliver(self, at: datetime) -> None:
        self.sent_at, self.next_try_at, self.lease, self.error = at, None, "", ""

    @transition("state", source=State.SENDING, target=State.DEFERRED)
    def defer(self, until: datetime, error: str = "") -> None:
        """Put off: quiet hours, a digest, or the pause after a failure. Never dropped."""
        self.next_try_at, self.lease, self.error = until, "", error

    @transition("state", source=State.SENDING, target=State.VOID)
    def void(self, reason: str) -> None:
        """Not sent, because it is no longer true or no longer wanted."""
        self.next_try_at, self.lease, self.error = None, "", reason

    @transition("state", source=State.SENDING, target=State.DEAD)
    def give_up(self, error: str) -> None:
        self.next_try_at, self.lease, self.error = None, "", error

    @transition("state", source=State.DEAD, target=State.PLANNED)
    def revive(self, at: datetime) -> None:
        """Try again from the beginning, on an administrator's word."""
        self.next_try_at, self.attempts, self.parcel, self.error = at, 0, "", ""
