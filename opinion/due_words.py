"""How notices speak of deadlines: until when a case is due, and what is pressed for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from opinion.awaiting import awaited
from workflows.models import Case, Event


def deadline(case: Case) -> str:
    """The nearest one, of a case that has any."""
    if case.due_at is None:
        return ""
    return f"，最近时限 {minute(case.due_at)}{'（暂定）' if case.provisional else ''}"


def urged(events: Sequence[Event]) -> dict[int, str]:
    """What is pressed for: the signature a case waits for, else the work of whoever has it."""
    levels = {pk: f"{words}，" for pk, words in awaited([event.case for event in events]).items()}
    return {
        event.pk: f"{event.case.number} 第 {event.data['times']} 次催办，{levels.get(event.case_id, '')}请抓紧{deadline(event.case)}"
        for event in events
    }


def minute(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
