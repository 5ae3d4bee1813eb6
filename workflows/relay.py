"""Handing the log on: events without `relayed_at` go to the subscribers, in the transaction that marks them.

What a subscriber writes to this database therefore happens exactly once. A cursor over ids would skip rows that
commit late; the partial index on `relayed_at IS NULL` does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection, transaction

from workflows.models import Event
from workflows.registry import Registry

# A subscriber only writes rows; what must reach the outside world is sent from those rows later.
Subscriber = Callable[[Sequence[Event], datetime], None]
SUBSCRIBERS: Registry[Subscriber] = Registry("事件接收方")
BATCH = 500


def relay(*, at: datetime, batch: int = BATCH) -> int:
    """Hand on everything that waits, oldest first; returns how many events went."""
    total = 0
    while True:
        with transaction.atomic():
            waiting = (
                Event.objects.filter(relayed_at=None).order_by("id").select_related("case", "unit", "actor")
            )
            if connection.features.has_select_for_update_skip_locked:
                waiting = waiting.select_for_update(skip_locked=True, of=("self",), no_key=True)
            events = list(waiting[:batch])
            for subscriber in SUBSCRIBERS.values():
                if events:
                    subscriber(events, at)
            Event.objects.filter(pk__in=[event.pk for event in events]).update(relayed_at=at)
        total += len(events)
        if len(events) < batch:
            return total
