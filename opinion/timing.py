"""How far away a deadline is, in the words of an office: working days where working days count."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.calendars import NoWorkingTime, WorkingCalendar
from workflows.limits import Limit, LimitUnit
from workflows.models import CalendarVersion, Case, Clock
from workflows.published import calendar, policy

NATURAL = {LimitUnit.HOUR, LimitUnit.DAY}


class Urgency(StrEnum):
    """How a deadline looks on a page; the words beside it say the same."""

    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    FAR = "far"


@dataclass(frozen=True)
class Distance:
    """From now to a deadline. text: 还剩 2 个工作日, 已逾期 3 小时."""

    text: str
    urgency: Urgency


def clock_distance(clock: Clock, *, at: datetime) -> Distance:
    """What is left of a going clock, in the units of its limit. Working limits count working time only."""
    return between(
        at, clock.due_at, on=calendar(clock.calendar_id), natural=Limit.parse(clock.limit).unit in NATURAL
    )


@dataclass
class CaseDistances:
    """Distances for a list of cases: one statement per calendar, however many cases."""

    at: datetime
    _calendars: dict[str, WorkingCalendar] = field(default_factory=dict)

    def of(self, case: Case) -> Distance | None:
        """What is left until the case's earliest deadline, in working days; None where nothing is running."""
        if case.due_at is None:
            return None
        return between(self.at, case.due_at, on=self._calendar(policy(case.policy_id).calendar))

    def _calendar(self, code: str) -> WorkingCalendar:
        if code not in self._calendars:
            newest = (
                CalendarVersion.objects.filter(code=code)
                .order_by("-version")
                .values_list("id", flat=True)[:1]
            )
            self._calendars[code] = calendar(newest.get())
        return self._calendars[code]


def between(at: datetime, due_at: datetime, *, on: WorkingCalendar, natural: bool = False) -> Distance:
    """The distance in words; due today and overdue are said as such."""
    late = due_at < at
    first, last = (due_at, at) if late else (at, due_at)
    today = at.astimezone(on.zone).date() == due_at.astimezone(on.zone).date()
    amount = _natural(last - first) if natural or today else _working(first, last, on)
    if late:
        return Distance(f"已逾期 {amount}", Urgency.OVERDUE)
    if today:
        return Distance(f"今天到期，还剩 {amount}", Urgency.TODAY)
    soon = last - first <= timedelta(days=1) or amount == "1 个工作日"
    return Distance(f"还剩 {amount}", Urgency.SOON if soon else Urgency.FAR)


def _working(first: datetime, last: datetime, on: WorkingCalendar) -> str:
    try:
        days = on.working_days(first.astimezone(on.zone).date(), last.astimezone(on.zone).date())
    except NoWorkingTime:
        # Deadlines of very old or far-off cases lie outside the calendar's tables; natural time is still true.
        return _natural(last - first)
    return f"{days} 个工作日" if days else _natural(last - first)


def _natural(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes >= 48 * 60:
        return f"{minutes // (24 * 60)} 天"
    if minutes >= 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} 小时 {rest} 分" if rest and hours < 10 else f"{hours} 小时"
    return f"{max(minutes, 1)} 分钟"
