"""Where a clock's due moment lies, how far it has climbed and when the sweep looks at it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from workflows.calendars import Due, Pause, WorkingCalendar
from workflows.dues import consumed, due_of
from workflows.following import followed
from workflows.ladders import moments, next_moment
from workflows.models import Clock, ClockInterval, Extension
from workflows.published import calendar, ladder
from workflows.spec import LifecycleSpec


@dataclass(slots=True)
class History:
    """Of one clock. closed: its ended intervals in order; extended: amounts granted in order; open: the one running."""

    closed: list[ClockInterval] = field(default_factory=list)
    extended: list[str] = field(default_factory=list)
    open: ClockInterval | None = None

    def due(self, clock: Clock, on: WorkingCalendar) -> Due:
        """Until when the clock runs by its limit. Raises NoWorkingTime."""
        paused = pauses_of(self.closed) if self.closed else ()
        return due_of(on, clock.started_at, clock.limit, paused=paused, extended=self.extended)


NOTHING = History()


def history_of(clock: Clock, interval: ClockInterval, granting: Extension | None = None) -> History:
    """Of a clock that a move changes; two statements, none for a clock not stored yet.

    interval: its newest, as it is now and may not be stored yet. granting: an extension that is just being granted.
    """
    if not clock.pk:
        return NOTHING
    stored = [i for i in clock.intervals.order_by("started_at", "id") if i.pk != interval.pk]
    granted = clock.extensions.filter(state=Extension.State.GRANTED).order_by("decided_at", "id")
    return History(
        closed=[i for i in [*stored, interval] if i.ended_at is not None],
        extended=[*granted.values_list("amount", flat=True), *([granting.amount] if granting else [])],
    )


def aim(
    clock: Clock,
    on: WorkingCalendar,
    history: History,
    *,
    at: datetime,
    first: Clock | None = None,
    first_on: WorkingCalendar | None = None,
) -> None:
    """Due moment, time used, rung and next look, in memory, whatever changed: the one place that sets them together.

    A deadline put off is climbed to anew from the rung it has reached by `at`; what lies above comes again.
    first: the clock it is due before, if any, and the calendar that one goes by. Raises NoWorkingTime.
    """
    before, due = clock.due_at, followed(clock.limit, history.due(clock, on), first, first_on)
    clock.consumed_seconds = consumed_in(history.closed, on, clock.limit)
    clock.due_at, clock.provisional = due.at, due.provisional
    if due.at > before:
        _step_down(clock, on, at=at)
    if clock.state == Clock.State.RUNNING:
        look_again(clock, on)


def put_on(clock: Clock, ladder_id: int | None) -> None:
    """Rungs of two ladders do not compare: on another one the climb begins anew, straight to where it stands."""
    before, after = (ladder(pk).code if pk else None for pk in (clock.ladder_id, ladder_id))
    if before != after:
        clock.ladder_id, clock.rung, clock.repeats = ladder_id, 0, 0


def earliest(clocks: Iterable[Clock], spec: LifecycleSpec) -> Clock | None:
    """The running clock that is due first, of those of the case itself: not of a helping unit, not of an approval."""
    running = (
        clock for clock in clocks if clock.state == Clock.State.RUNNING and clock.kind not in spec.beside
    )
    return min(running, key=lambda clock: clock.due_at, default=None)


def _step_down(clock: Clock, on: WorkingCalendar, *, at: datetime) -> None:
    if clock.ladder_id is None or not clock.rung:
        return
    reached = sum(moment <= at for moment in moments(clock, ladder(clock.ladder_id), on))
    if reached < clock.rung:
        clock.rung, clock.repeats = reached, 0


def look_again(clock: Clock, on: WorkingCalendar | None = None) -> None:
    """Set when the sweep looks at a running clock again: call it whenever `due_at`, `rung` or `missed_at` changes.

    on: where it is not the calendar version the clock is stored with.
    """
    spec = ladder(clock.ladder_id) if clock.ladder_id else None
    clock.next_at = next_moment(clock, spec, on or calendar(clock.calendar_id))


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
