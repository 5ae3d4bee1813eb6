"""How notices speak of deadlines: until when a case is due, and what is pressed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils import timezone

from opinion.awaiting import awaited
from workflows.models import Case, Clock, Event


def deadline(case: Case) -> str:
    """The nearest one of a case itself, if it has any; what a helping unit or an approver has to meet is said apart."""
    if case.due_at is None:
        return ""
    return f"，最近时限 {minute(case.due_at)}{'（暂定）' if case.provisional else ''}"


def until(clock: Clock) -> str:
    return f"，时限 {minute(clock.due_at)}{'（暂定）' if clock.provisional else ''}"


def dues_of(kinds: Mapping[Event, str]) -> dict[int, str]:
    """Event id → until when the going clock of that kind runs; where there is none, the case's deadline. One statement."""
    going = Clock.objects.going().filter(
        case__in={e.case_id for e in kinds}, kind__in={*kinds.values()} - {""}
    )
    found = {(clock.case_id, clock.kind): clock for clock in going}
    clocks = {event: found.get((event.case_id, kind)) for event, kind in kinds.items()}
    return {event.pk: until(clock) if clock else deadline(event.case) for event, clock in clocks.items()}


def urged(events: Sequence[Event]) -> dict[int, str]:
    """What is pressed for: the signature a case waits for, else the work of whoever has it."""
    levels = {pk: f"{words}，" for pk, words in awaited([event.case for event in events]).items()}
    return {
        event.pk: f"{event.case.number} 第 {event.data['times']} 次催办，{levels.get(event.case_id, '')}请抓紧{deadline(event.case)}"
        for event in events
    }


def extended(events: Sequence[Event]) -> dict[int, str]:
    """Until when the clock that was prolonged runs now: another may be due before it."""
    due = dues_of({event: str(event.data["clock"]) for event in events})
    return {event.pk: f"{event.case.number} 延期已批准{due[event.pk]}" for event in events}


def minute(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
