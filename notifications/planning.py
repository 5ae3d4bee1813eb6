"""From events to notices: who is told what. Runs inside the relay's transaction."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from notifications.channels import CHANNELS
from notifications.directory import Directory, Pair
from notifications.models import Alert, Notice, Preference
from notifications.registry import CATALOGUE, Told
from workflows.models import Event

logger = logging.getLogger("huiyin.notices")
WORDS_MAX = 200


def plan(events: Sequence[Event], at: datetime) -> None:
    """Write a notice for every person an event concerns, except its own actor, a row per channel.

    An event that nobody declared must not hold up the others: it raises an alert. Repeating a batch adds nothing.
    """
    by_name: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_name[event.name].append(event)
    directory = Directory()
    notices: list[Notice] = []
    for name, group in by_name.items():
        if name not in CATALOGUE:
            _alert(Alert.Kind.UNDECLARED, group, at)
            continue
        told = CATALOGUE[name]
        if isinstance(told, Told):
            notices += _notices(told, _recipients(told, group, directory, at), at)
    Notice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=500)


def _recipients(told: Told, events: Sequence[Event], directory: Directory, at: datetime) -> list[Pair]:
    """Everybody to tell. Where nobody may see the case the fallbacks are tried, then an alert is raised."""
    left = [event for event in events if told.applies(event)]
    found: list[Pair] = []
    for audience in (told.audience, *told.fallbacks):
        if not left:
            break
        pairs = directory.knowing(audience(left, directory))
        found += pairs
        reached = {event.pk for event, _ in pairs}
        left = [event for event in left if event.pk not in reached]
    if told.must_reach and left:
        _alert(Alert.Kind.NOBODY, left, at)
    # Whoever made the move knows of it: nobody else to tell is then no reason for alarm.
    return [(event, user) for event, user in found if user.pk != event.actor_id]


def _notices(told: Told, pairs: Iterable[Pair], at: datetime) -> list[Notice]:
    pairs = list(pairs)
    preferences = Preference.objects.of_all(user for _, user in pairs) if pairs else {}
    words = told.sentences(list({event.pk: event for event, _ in pairs}.values()))
    rows = []
    for event, user in pairs:
        urgency = told.urgency_of(event)
        for name, channel in CHANNELS.items():
            if not channel.reaches(user) or not preferences[user.pk].wants(name, urgency):
                continue
            landed = channel.is_row
            rows.append(
                Notice(
                    event=event, user=user, channel=name, urgency=urgency, case_number=event.case.number,
                    words=words[event.pk][:WORDS_MAX], created_at=at,
                    state=Notice.State.SENT if landed else Notice.State.PLANNED,
                    sent_at=at if landed else None, next_try_at=None if landed else at,
                )
            )  # fmt: skip
    return rows


def _alert(kind: Alert.Kind, events: Sequence[Event], at: datetime) -> None:
    """One line per event name and unit, however many cases it concerns."""
    newest = {(event.name, event.unit_id): event.case.number for event in events}
    for (name, unit_id), times in Counter((event.name, event.unit_id) for event in events).items():
        number = newest[name, unit_id]
        logger.error("%s：%s，%s 等 %d 件", kind.label, name, number, times)
        Alert.objects.sound(kind, name, at=at, case_number=number, unit_id=unit_id, times=times)
