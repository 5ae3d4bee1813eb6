"""Who held a case how long: stretches between events, by unit and by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from workflows.declarations import StateSpec
from workflows.published import earlier, lifecycle


class Moment(NamedTuple):
    """What an event says about holding: unit afterwards, state afterwards, when it happened."""

    unit_id: int
    target: str
    at: datetime


@dataclass(frozen=True)
class Span:
    """A unit held the case in a step. ended_at: None while it still does."""

    unit_id: int
    step: str
    started_at: datetime
    ended_at: datetime | None

    def lasted(self, *, at: datetime) -> timedelta:
        return (self.ended_at or at) - self.started_at


def spans(definition_id: int, moments: Iterable[Moment]) -> list[Span]:
    """In order, for events in the order of the log; time between closing and reopening belongs to nobody.

    A missed deadline changes neither unit nor state, so its earlier date moves nothing. An event entered later than
    the next one happened makes an empty stretch, never a negative one.
    """
    found: list[Span] = []
    here: tuple[int, str] | None = None
    started_at: datetime | None = None
    for moment in moments:
        state = state_of(definition_id, moment.target)
        step = (state.step if state else None) or (state.label if state else moment.target)
        there = (moment.unit_id, step) if state is None or state.phase == "open" else None
        if there == here:
            continue
        if here is not None and started_at is not None:
            found.append(Span(*here, started_at, max(moment.at, started_at)))
        here, started_at = there, moment.at
    if here is not None and started_at is not None:
        found.append(Span(*here, started_at, None))
    return found


def state_of(definition_id: int, name: str) -> StateSpec | None:
    """The state by the case's version, or by the newest earlier one that had it."""
    for version in (definition_id, *earlier(definition_id)):
        found = lifecycle(version).states.get(name)
        if found is not None:
            return found
    return None


def month_of(at: datetime) -> date:
    """First day of the local month."""
    return timezone.localtime(at).date().replace(day=1)


def next_month(month: date) -> date:
    """First day of the month after."""
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
