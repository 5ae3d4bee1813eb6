"""The last days' news: told to each person at the end of each office day, as it would have been, and read since.

Older events have been told long ago. What came before yesterday lies in the inboxes as read, and what has been dealt with since as
needing nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from notifications.delivering import deliver
from notifications.models import Notice
from notifications.planning import plan
from notifications.settling import settle_all
from opinion.reports.keeping import rebuild
from workflows.models import Event

NEWS_DAYS = 9
UNREAD_DAYS = 2
OFFICE_ENDS = 18
BATCH = 500


def tell(*, at: datetime) -> None:
    """Plan and deliver the notices of the last days, day by day, and make the figures of everything there is."""
    first = at - timedelta(days=NEWS_DAYS)
    Event.objects.filter(happened_at__lt=first).update(relayed_at=at)
    for days in range(NEWS_DAYS, -1, -1):
        evening = timezone.localtime(at - timedelta(days=days)).replace(
            hour=OFFICE_ENDS, minute=0, second=0, microsecond=0
        )
        _tell_until(min(evening, at))
    _tell_until(at)
    Notice.objects.filter(created_at__lt=at - timedelta(days=UNREAD_DAYS), channel=Notice.INBOX).update(
        read_at=at
    )
    settle_all(at=at)
    for _ in rebuild():
        pass


def _tell_until(moment: datetime) -> None:
    while True:
        waiting = Event.objects.filter(relayed_at=None, happened_at__lte=moment)
        events = list(waiting.select_related("case", "unit", "actor").order_by("happened_at", "id")[:BATCH])
        plan(events, moment)
        Event.objects.filter(pk__in=[event.pk for event in events]).update(relayed_at=moment)
        if len(events) < BATCH:
            break
    deliver(at=moment, budget_seconds=60)
