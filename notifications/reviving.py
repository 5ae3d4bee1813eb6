"""Another try for notices that were given up, once the cause is mended."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from notifications.models import Alert, Notice


def revive(alert: Alert, *, at: datetime) -> int:
    """Plan again all dead notices this alert stands for; returns how many. They are checked anew before they go."""
    channel, _, code = alert.subject.partition(" ")
    with transaction.atomic():
        dead = Notice.objects.filter(channel=channel, error=code, state=Notice.State.DEAD).select_for_update()
        notices = list(dead)
        for notice in notices:
            notice.revive(at)
        return Notice.objects.filter(
            pk__in=[notice.pk for notice in notices], state=Notice.State.DEAD
        ).update(state=Notice.State.PLANNED, next_try_at=at, attempts=0, parcel="", error="")
