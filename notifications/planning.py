"""From events to notices: who is told what. Runs inside the relay's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from notifications.models import Notice
from notifications.registry import CATALOGUE, Told
from workflows.models import Event


def plan(events: Sequence[Event], at: datetime) -> None:
    """Write a notice for every person an event concerns, except its own actor.

    An event name that nobody declared stops here loudly (KeyError): the catalogue test should have found it first.
    """
    by_name: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_name[event.name].append(event)
    notices = []
    for name, group in by_name.items():
        told = CATALOGUE[name]
        if not isinstance(told, Told):
            continue
        people = {(event.pk, user_id): event for event, user_id in told.audience(group) if user_id != event.actor_id}
        notices += [
            Notice(
                event=event, user_id=user_id, urgency=told.urgency, case_number=event.case.number,
                words=told.words(event), created_at=at,
            )
            for (_, user_id), event in people.items()
        ]  # fmt: skip
    Notice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=500)
