"""Sending what was planned: lease, look again whether it is still true, send, back off, give up with an alert.

Never inside a request or the sweep. A deliverer that is killed loses nothing: its lease runs out and another one
takes over. Sends never exceed letters plus kills, because each begins with its own step in the database and is
settled before the next one begins.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Min

from notifications.channels import CHANNELS, Channel, Send, Undelivered
from notifications.checking import Checked, check
from notifications.models import Alert, Notice
from notifications.models.notice import NoticeQuerySet
from notifications.parcels import Parcel, pack
from workflows.models import User

logger = logging.getLogger("huiyin.notices")

# Longer than the slowest conversation with a mail server, so that no letter is in two hands.
LEASE = timedelta(minutes=5)
# A person is claimed as a whole, so that what waits for them makes one digest; this many at a time.
PEOPLE = 20
ROWS = 5000
# One call gives the other periodic jobs their turn after this long.
BUDGET_SECONDS = 5.0
# 1, 2, 4 … 60, 60 minutes: given up after about four and a half hours.
MOST_ATTEMPTS = 10
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass
class Delivered:
    """What one call did, in notices; letters are what was handed to a channel."""

    sent: int = 0
    letters: int = 0
    void: int = 0
    deferred: int = 0
    dead: int = 0

    def __bool__(self) -> bool:
        return bool(self.sent or self.void or self.dead)

    def __str__(self) -> str:
        """In words, for the page that shows how the machinery is."""
        words = {
            "送出": self.sent, "信件": self.letters, "失效": self.void, "延后": self.deferred, "未送达": self.dead,
        }  # fmt: skip
        return "，".join(f"{word} {count}" for word, count in words.items() if count)


def deliver(*, at: datetime, lease: timedelta = LEASE, budget_seconds: float = BUDGET_SECONDS) -> Delivered:
    """Send everything whose moment has come, through every channel, or until the budget is used up.

    Time goes on from `at` while it works: that is what leases are measured by.
    """
    began = time.monotonic()

    def moment() -> datetime:
        return at + timedelta(seconds=time.monotonic() - began)

    done = Delivered()
    for name, channel in CHANNELS.items():
        if channel.is_row:
            continue
        with channel.session() as send:
            more = True
            while more and time.monotonic() - began < budget_seconds:
                more = _Round(name, channel, send, moment, lease, done).run()
    return done


def next_try(*, after: datetime) -> datetime | None:
    """When the next notice wants to be sent, again or for the first time."""
    later = Notice.objects.filter(state__in=Notice.WAITING, next_try_at__gt=after)
    moments = [
        later.filter(channel=name).order_by("next_try_at", "id").values_list("next_try_at", flat=True).first()
        for name, channel in CHANNELS.items()
        if not channel.is_row
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def _whole_people(due: NoticeQuerySet) -> list[int]:
    """Ids of those who have waited longest, `ROWS` notices together at most; but one person's are never split."""
    waiting = (
        due.order_by().values("user_id").annotate(first=Min("id"), notices=Count("id")).order_by("first")
    )
    chosen: list[int] = []
    rows = 0
    for user_id, notices in waiting.values_list("user_id", "notices")[:PEOPLE]:
        if chosen and rows + notices > ROWS:
            break
        chosen.append(user_id)
        rows += notices
    return chosen


def back_off(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts."""
    return min(FIRST_PAUSE * int(2 ** (attempts - 1)), LONGEST_PAUSE)


@dataclass
class _Round:
    """The notices of some people, from claim to settlement."""

    name: str
    channel: Channel
    send: Send
    moment: Callable[[], datetime]
    lease: timedelta
    done: Delivered

    def run(self) -> bool:
        """Returns whether there may be more to do now."""
        self.token = secrets.token_hex(16)
        claimed = self._claim()
        if not claimed:
            return False
        checked = check(claimed, self.channel, at=self.moment())
        self._settle_unsent(checked)
        parcels = pack(checked.good)
        for number, parcel in enumerate(parcels):
            if not self._send(parcel):
                self._put_back([notice for rest in parcels[number + 1 :] for notice in rest.notices])
                return False
        return True

    def _claim(self) -> list[Notice]:
        """Take all that is due for some people. A person whom another deliverer is just claiming is passed over."""
        at = self.moment()
        with transaction.atomic():
            due = Notice.objects.due(self.name, at=at)
            people = User.objects.filter(pk__in=_whole_people(due)).select_for_update(
                skip_locked=True, of=("self",), no_key=True
            )
            mine = [user.pk for user in people]
            notices = list(due.filter(user__in=mine).select_related("event__case", "event__unit", "user"))
            for notice in notices:
                notice.claim(self.token, at + self.lease)
            Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(
                state=Notice.State.SENDING, lease=self.token, next_try_at=at + self.lease
            )
        return notices

    def _settle_unsent(self, checked: Checked) -> None:
        for reason, notices in checked.void.items():
            for notice in notices:
                notice.void(reason)
            self.done.void += self._store(notices)
        for until, notices in checked.later.items():
            for notice in notices:
                notice.defer(until)
            self.done.deferred += self._store(notices)
        worn = [notice for notice in checked.good if notice.attempts >= MOST_ATTEMPTS]
        if worn:
            # Begun so often and never settled: it takes its deliverer down.
            self._bury(worn, "interrupted")
            checked.good = [notice for notice in checked.good if notice.attempts < MOST_ATTEMPTS]

    def _send(self, parcel: Parcel) -> bool:
        """Send one letter and settle it. Returns False where the channel is down or the lease was lost."""
        if not self._begin(parcel):
            return False
        try:
            self.send(parcel.letter())
        except Undelivered as failure:
            self._failed(parcel, failure)
            return not failure.channel_down
        sent_at = self.moment()
        for notice in parcel.notices:
            notice.deliver(sent_at)
        self.done.sent += self._store(parcel.notices)
        self.done.letters += 1
        return True

    def _begin(self, parcel: Parcel) -> bool:
        """Count the attempt and renew the lease; False where somebody else has the notices by now."""
        ids = [notice.pk for notice in parcel.notices]
        held = self._held(ids).update(
            attempts=F("attempts") + 1, parcel=parcel.key, next_try_at=self.moment() + self.lease
        )
        if held != len(ids):
            logger.warning("租约已失效，%d 条通知由其他进程接手", len(ids) - held)
            self._put_back(parcel.notices)
            return False
        for notice in parcel.notices:
            notice.attempts += 1
            notice.parcel = parcel.key
        return True

    def _failed(self, parcel: Parcel, failure: Undelivered) -> None:
        over = [n for n in parcel.notices if failure.permanent or n.attempts >= MOST_ATTEMPTS]
        again = [n for n in parcel.notices if n not in over]
        logger.warning("%s未送出（%s），%d 条通知", self.channel.label, failure.code, len(parcel.notices))
        now = self.moment()
        for notice in again:
            notice.defer(now + back_off(notice.attempts), failure.code)
        self.done.deferred += self._store(again)
        if over:
            self._bury(over, failure.code)

    def _bury(self, notices: Sequence[Notice], code: str) -> None:
        """Give up, where an administrator sees it."""
        for notice in notices:
            notice.give_up(code)
        with transaction.atomic():
            self.done.dead += self._store(notices)
            Alert.objects.sound(
                Alert.Kind.UNDELIVERED, f"{self.name} {code}", at=self.moment(),
                case_number=notices[-1].case_number, times=len(notices),
            )  # fmt: skip
        logger.error("%s：%s %s，%d 条", Alert.Kind.UNDELIVERED.label, self.channel.label, code, len(notices))

    def _put_back(self, notices: Sequence[Notice]) -> None:
        """Untried ones wait a little, as the channel does, without an attempt being counted."""
        until = self.moment() + FIRST_PAUSE
        for notice in notices:
            notice.defer(until, notice.error)
        self.done.deferred += self._store(notices)

    def _store(self, notices: Sequence[Notice]) -> int:
        """Write what the moves changed; notices that came to the same end are written together."""
        ends: dict[tuple[object, ...], list[int]] = {}
        for n in notices:
            ends.setdefault((n.state, n.next_try_at, n.lease, n.error, n.sent_at), []).append(n.pk)
        written = 0
        for (state, next_try_at, lease, error, sent_at), ids in ends.items():
            written += self._held(ids).update(
                state=state, next_try_at=next_try_at, lease=lease, error=error, sent_at=sent_at
            )
        return written

    def _held(self, ids: Sequence[int]) -> NoticeQuerySet:
        return Notice.objects.filter(pk__in=ids, lease=self.token, state=Notice.State.SENDING)
