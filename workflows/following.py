"""Clocks that are due a stretch before others: who contributes to a work is done before the whole is due.

A lifecycle names the others (`ahead_of`), the policy says how long before (the clock's limit). Such a clock moves
with the earliest of them, whatever moves that one: a pause, an extension, another calendar or policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from workflows.calendars import Due, WorkingCalendar
from workflows.dues import NATURAL, SECONDS, limit_of
from workflows.models import Clock
from workflows.published import calendar
from workflows.spec import LifecycleSpec


def follows(spec: LifecycleSpec, kind: str) -> bool:
    """Whether a clock is due a stretch before others."""
    declared = spec.clocks.get(kind)
    return declared is not None and bool(declared.ahead_of)


def leader(spec: LifecycleSpec, kind: str, clocks: Iterable[Clock]) -> Clock | None:
    """The earliest going one of those a clock is due before."""
    declared = spec.clocks.get(kind)
    before = declared.ahead_of if declared else ()
    going = (clock for clock in clocks if clock.is_going and clock.kind in before)
    return min(going, key=lambda clock: (clock.due_at, clock.kind), default=None)


def astray(spec: LifecycleSpec, clocks: Sequence[Clock]) -> Iterator[tuple[Clock, Clock | None]]:
    """Running clocks that are not due where the first of the others has them, each with that one."""
    for clock in clocks:
        if clock.state != Clock.State.RUNNING or not follows(spec, clock.kind):
            continue
        first = leader(spec, clock.kind, clocks)
        if (
            first is None
            or clock.due_at != ahead(first.due_at, clock.limit, calendar(first.calendar_id))
            or clock.provisional != first.provisional
        ):
            yield clock, first


def followed(limit: str, own: Due, first: Clock | None, on: WorkingCalendar | None) -> Due:
    """When a clock with this limit is due before `first`; on: the calendar `first` was reckoned by.

    own: its limit counted from its start. It is due no sooner, so that nobody is late for having been asked late.
    """
    if first is None or on is None:
        return own
    before = ahead(first.due_at, limit, on)
    return own if own.at >= before else Due(before, first.provisional)


def ahead(due_at: datetime, limit: str, on: WorkingCalendar) -> datetime:
    """A limit counted backward: working time for working units, natural time otherwise. Raises NoWorkingTime."""
    length = limit_of(limit)
    if length.unit in NATURAL:
        return due_at - timedelta(seconds=float(length.amount * SECONDS[length.unit]))
    return on.shifted(due_at, -on.working_time_of(length))
