"""Why a deadline is when it is: each day counted, skipped or made up, with the source of its rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opinion.clock_names import name_of
from workflows.calendars import DayLine, NoWorkingTime, Pause
from workflows.following import ahead, follows, leader
from workflows.limits import Limit
from workflows.models import CalendarVersion, Case, Clock, ClockInterval, Extension
from workflows.policy import ClockRule
from workflows.published import calendar, lifecycle, policy


@dataclass(frozen=True)
class Part:
    """A limit counted from a moment: the clock's own, then each extension from the deadline before it.

    lines: empty, with `trouble`, where the calendar's tables do not reach.
    """

    title: str
    limit: str
    started_at: datetime
    due_at: datetime | None
    lines: list[DayLine]
    trouble: str = ""


@dataclass(frozen=True)
class Explained:
    """agrees: whether the days add up to the deadline the clock has; a clock standing still has none for the moment."""

    clock: Clock
    label: str
    rule: ClockRule | None
    calendar: CalendarVersion
    provisional_note: str
    parts: list[Part]
    pauses: list[ClockInterval]
    extensions: list[Extension]
    agrees: bool
    ahead: Ahead | None = None


@dataclass(frozen=True)
class Ahead:
    """A clock due a stretch before another one. first: that one's label and deadline; due_at: so much before it.

    The clock is due then, or by the end of its own limit, whichever is later.
    """

    first: str
    first_due_at: datetime
    amount: str
    due_at: datetime


def _ahead(case: Case, clock: Clock) -> Ahead | None:
    """None for an ordinary clock, and for one that has ended: the others may have moved on since."""
    spec = lifecycle(case.definition_id)
    if not follows(spec, clock.kind) or not clock.is_going:
        return None
    first = leader(spec, clock.kind, case.clocks.going())
    if first is None:
        return None
    due_at = ahead(first.due_at, clock.limit, calendar(first.calendar_id))
    return Ahead(name_of(first), first.due_at, Limit.parse(clock.limit).label, due_at)


def explained(case: Case, clock: Clock) -> Explained:
    """Recount a clock by the versions it was given. The case has come through `visible_to`."""
    on = calendar(clock.calendar_id)
    stretches = clock.intervals.select_related("approver").order_by("started_at", "id")
    pauses = list(stretches.filter(kind=ClockInterval.Kind.PAUSE))
    paused: list[Pause] = [(part.started_at, part.ended_at) for part in pauses if part.ended_at is not None]
    granted = list(
        clock.extensions.filter(state=Extension.State.GRANTED)
        .select_related("requester", "decider")
        .order_by("decided_at", "id")
    )
    parts: list[Part] = []
    started_at = clock.started_at
    whole = "自请办起至少" if follows(lifecycle(case.definition_id), clock.kind) else "原定期限"
    for title, limit in [(whole, clock.limit), *(("延期", extension.amount) for extension in granted)]:
        amount = Limit.parse(limit)
        try:
            due_at = on.due(started_at, amount, paused=paused).at
            lines = on.explain(started_at, amount, paused=paused)
        except NoWorkingTime as error:
            parts.append(Part(title, amount.label, started_at, None, [], str(error)))
            break
        parts.append(Part(title, amount.label, started_at, due_at, lines))
        started_at = due_at
    before = _ahead(case, clock)
    return Explained(
        clock=clock,
        label=name_of(clock),
        rule=next((row for row in policy(clock.policy_id).rules if row.row == clock.rule), None),
        calendar=CalendarVersion.objects.defer("spec", "source").get(pk=clock.calendar_id),
        provisional_note=on.spec.provisional_note if clock.provisional else "",
        parts=parts,
        pauses=pauses,
        extensions=granted,
        agrees=_agrees(clock, parts, before),
        ahead=before,
    )


def _agrees(clock: Clock, parts: list[Part], before: Ahead | None) -> bool:
    own = parts[-1].due_at if parts else None
    if own is None:
        return False
    return clock.due_at == (max(own, before.due_at) if before else own)
