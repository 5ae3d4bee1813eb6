"""A new calendar version and the clocks that run by an older one: seen beforehand, then moved, each with an event.

Only going clocks whose window, from start to deadline, meets a day that changed; finished ones stay as they were
reckoned. The others keep the version they were reckoned by: it says the same of every day they meet, and whatever
widens their window (a resumption, an extension, a re-rating) reckons by the newest anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from workflows.aiming import NOTHING, History
from workflows.calendars import CalendarSpec, WorkingCalendar, compile_calendar
from workflows.calendars.changes import ChangedDays
from workflows.foreseeing import Before, Foreseen
from workflows.models import CalendarVersion, Clock, User
from workflows.published import calendar
from workflows.recasting import GOING, Committing, Plan, Recast, foresee, recast

EVENT = "clock.redated"


class CalendarChange:
    """A calendar as it would be, against every older version that some clock may still run by."""

    event = EVENT
    clock_fields: Sequence[str] = (
        "due_at", "next_at", "missed_at", "provisional", "calendar_id", "consumed_seconds", "rung", "repeats",
    )  # fmt: skip
    case_fields: Sequence[str] = ("rung",)

    def __init__(self, spec: CalendarSpec, *, version: CalendarVersion | None = None) -> None:
        self.new = calendar(version.pk) if version else compile_calendar(spec)
        self.version = version
        older = CalendarVersion.objects.filter(code=spec.code)
        if version is not None:
            older = older.filter(version__lt=version.version)
        used = Clock.objects.filter(state__in=GOING).values("calendar_id").distinct()
        self.numbers = dict(older.filter(pk__in=used).values_list("id", "version"))
        found = {pk: ChangedDays(calendar(pk), self.new) for pk in self.numbers}
        self.days = {pk: days for pk, days in found.items() if days}

    @classmethod
    def to(cls, version: CalendarVersion) -> CalendarChange:
        """The change to a published version."""
        return cls(version.parsed, version=version)

    def meets(self, clock: Clock) -> bool:
        days = self.days.get(clock.calendar_id)
        return days is not None and days.meet(clock.started_at, clock.due_at)

    def cases(self) -> list[int]:
        """With a clock that runs between the first and the last changed day; `plan` looks more closely."""
        found: set[int] = set()
        for pk, days in self.days.items():
            first, last = days.span
            found.update(
                Clock.objects.filter(
                    state__in=GOING,
                    calendar_id=pk,
                    due_at__gte=_midnight(first.isoformat(), self.new),
                    started_at__lt=_midnight(last.isoformat(), self.new) + timedelta(days=1),
                ).values_list("case_id", flat=True)
            )
        return sorted(found)

    def plan(self, plan: Plan, histories: Mapping[int, History], *, at: datetime) -> None:
        """Re-date the clocks of a case that the change meets. Raises NoWorkingTime."""
        source = 0
        for clock in plan.clocks:
            if not self.meets(clock):
                continue
            source = max(source, self.numbers[clock.calendar_id])
            plan.note_miss(clock, at=at)
            was = Before.of(clock)
            if self.version is not None:
                clock.calendar_id = self.version.pk
            plan.reckon(clock, self.new, histories.get(clock.pk, NOTHING), was=was, at=at)
        plan.follow(histories, at=at)
        if moved := plan.moved:
            plan.data = {"calendar": [source, self.version.version if self.version else 0], "clocks": moved}


def preview(spec: CalendarSpec, *, at: datetime, version: CalendarVersion | None = None) -> Foreseen:
    """What a calendar, published or not, would do to the going clocks; changes nothing. Raises NoWorkingTime."""
    return foresee(CalendarChange(spec, version=version), at=at)


def redate(
    version: CalendarVersion,
    *,
    by: User,
    at: datetime,
    pause: float = 0.05,
    committing: Committing | None = None,
) -> Recast:
    """Bring every clock that the change meets to this version. Whether `by` may is the caller's question.

    pause: seconds to wait before coming back to cases somebody else held. Raises NoWorkingTime.
    """
    return recast(CalendarChange.to(version), by=by, at=at, pause=pause, committing=committing)


def _midnight(day: str, on: WorkingCalendar) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=on.zone)
