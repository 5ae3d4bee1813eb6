"""Where a clock's due moment lies and when the sweep looks at it again, from its intervals and extensions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from workflows.calendars import Due, Pause, WorkingCalendar
from workflows.dues import consumed, due_of
from workflows.following import followed
from workflows.ladders import moments, next_moment
from workflows.models import Clock, ClockInterval, Extension
from workflows.published import calendar, ladder


def aim(
    clock: Clock, interval: ClockInterval, granting: Extension | None = None, *, first: Clock | None = None
) -> None:
    """Set due moment and time used, in memory; two statements, none for a clock not stored yet.

    interval: its newest, as it is now and may not be stored yet. granting: an extension that is just being granted.
    first: the clock it is due before, if any.
    """
    if not clock.pk:
        _set(clock, due_of(calendar(clock.calendar_id), clock.started_at, clock.limit), first)
        return
    stored = [i for i in clock.intervals.order_by("started_at", "id") if i.pk != interval.pk]
    closed = [i for i in [*stored, interval] if i.ended_at is not None]
    granted = clock.extensions.filter(state=Extension.State.GRANTED).order_by("decided_at", "id")
    amounts = [*granted.values_list("amount", flat=True), *([granting.amount] if granting else [])]
    on = calendar(clock.calendar_id)
    due = due_of(on, clock.started_at, clock.limit, paused=pauses_of(closed), extended=amounts)
    clock.consumed_seconds = consumed_in(closed, on, clock.limit)
    _set(clock, due, first)


def _set(clock: Clock, own: Due, first: Clock | None) -> None:
    due = followed(clock.limit, own, first, calendar(first.calendar_id) if first else None)
    clock.due_at, clock.provisional = due.at, due.provisional
    if clock.state == Clock.State.RUNNING:
        look_again(clock)


def put_on(clock: Clock, ladder_id: int | None) -> None:
    """Rungs of two ladders do not compare: on another one the climb begins anew, straight to where it stands."""
    before, after = (ladder(pk).code if pk else None for pk in (clock.ladder_id, ladder_id))
    if before != after:
        clock.ladder_id, clock.rung, clock.repeats = ladder_id, 0, 0


def earliest(clocks: Iterable[Clock]) -> Clock | None:
    """The running clock that is due first."""
    running = (clock for clock in clocks if clock.state == Clock.State.RUNNING)
    return min(running, key=lambda clock: clock.due_at, default=None)


def step_down(clock: Clock, *, at: datetime) -> None:
    """After its deadline was put off: back to the rung the new one has reached by `at`; those above are climbed anew."""
    if clock.ladder_id is None or not clock.rung:
        return
    reached = sum(
        moment <= at for moment in moments(clock, ladder(clock.ladder_id), calendar(clock.calendar_id))
    )
    if reached < clock.rung:
        clock.rung, clock.repeats = reached, 0


def look_again(clock: Clock) -> None:
    """Set when the sweep looks at a running clock again: call it whenever `due_at`, `rung` or `missed_at` changes."""
    spec = ladder(clock.ladder_id) if clock.ladder_id else None
    clock.next_at = next_moment(clock, spec, calendar(clock.calendar_id))


def worst_level(going: Iterable[Clock]) -> int:
    """How grave the worst colour of a case's clocks is, standing still or not: a position in `ladders.LEVELS`."""
    return max((ladder(clock.ladder_id).level(clock.rung) for clock in going if clock.ladder_id), default=0)


def pauses_of(closed: Iterable[ClockInterval]) -> list[Pause]:
    """When a clock stood still, of its closed intervals."""
    return [
        (i.started_at, i.ended_at)
        for i in closed
        if i.kind == ClockInterval.Kind.PAUSE and i.ended_at is not None
    ]


def consumed_in(closed: Iterable[ClockInterval], on: WorkingCalendar, limit: str) -> int:
    """Seconds used in the closed intervals of a clock."""
    return sum(
        consumed(on, limit, i.started_at, i.ended_at)
        for i in closed
        if i.kind == ClockInterval.Kind.RUN and i.ended_at is not None
    )
