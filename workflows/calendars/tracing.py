"""Explain a deadline: every local day from the start to the due moment, and the rule behind each."""

import datetime as dt
import enum
from collections.abc import Iterator
from dataclasses import dataclass

from workflows.calendars.compiled import Due, WorkingCalendar
from workflows.calendars.moments import Pause
from workflows.calendars.spec import DayKind
from workflows.limits import Limit, LimitUnit

ONE_DAY = dt.timedelta(days=1)
NOTHING = dt.timedelta(0)
WEEKDAY_LABELS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")

START_RULE = "民法典第二百零一条"
ROLL_RULE = "民法典第二百零三条"
WEEKEND = "周末"
WEEKLY_HOURS = "每周工作时间"
STATUTORY = "法定节假日（暂定）"
UNPUBLISHED = "该日放假安排尚未公布"


class DayEffect(enum.StrEnum):
    """What a day did to the count."""

    DAY_ZERO = "day_zero"
    COUNTED = "counted"
    MADE_UP = "made_up"
    SKIPPED = "skipped"
    PAUSED = "paused"
    ROLLED = "rolled"

    @property
    def label(self) -> str:
        return EFFECT_LABELS[self]


EFFECT_LABELS = {
    DayEffect.DAY_ZERO: "起算日",
    DayEffect.COUNTED: "计入",
    DayEffect.MADE_UP: "补班",
    DayEffect.SKIPPED: "跳过",
    DayEffect.PAUSED: "中止",
    DayEffect.ROLLED: "顺延",
}


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of an explained deadline.

    ``number`` is the 1-based count of the day in day limits (None where the day does not count);
    ``amount`` the time used up on it in minute, hour and part-day limits. The last line holds the due
    moment.
    """

    date: dt.date
    effect: DayEffect
    number: int | None
    amount: dt.timedelta | None
    reason: str
    source: str
    provisional: bool

    @property
    def weekday(self) -> str:
        return WEEKDAY_LABELS[self.date.weekday()]

    @property
    def tally(self) -> str:
        """What the day used up: ``#3``, ``3小时30分``, or nothing."""
        if self.number is not None:
            return f"#{self.number}"
        return "" if self.amount is None else _spell(self.amount)


def trace(calendar: WorkingCalendar, start: dt.datetime, limit: Limit, pauses: list[Pause]) -> list[DayLine]:
    """The lines of ``WorkingCalendar.explain``; ``pauses`` merged and cut at ``start``."""
    due = calendar.due(start, limit, paused=pauses)
    days = _Days(calendar, start, due, pauses)
    if limit.whole_days:
        return list(days.working(limit.whole_days))
    if limit.unit is LimitUnit.DAY:
        return list(days.natural(int(limit.amount)))
    return list(days.hours() if limit.unit is LimitUnit.HOUR else days.working_time())


class _Days:
    """The walk over the days of one deadline, once per kind of limit."""

    def __init__(self, calendar: WorkingCalendar, start: dt.datetime, due: Due, pauses: list[Pause]) -> None:
        self.calendar = calendar
        self.start = start.astimezone(calendar.zone)
        self.due = due.at
        self.pauses = [
            (begin.astimezone(calendar.zone), end.astimezone(calendar.zone))
            for begin, end in pauses
            if begin < due.at
        ]

    def working(self, count: int) -> Iterator[DayLine]:
        yield self._day_zero()
        number = 0
        for day in self._after_start():
            if not self.calendar.is_working_day(day):
                yield self._skipped(day)
            elif self._paused(day):
                yield self._line(day, DayEffect.PAUSED, reason="中止期间不计")
            elif number < count:
                number += 1
                yield self._counted(day, number=number)
            else:
                yield self._line(day, DayEffect.ROLLED, reason="中止期间届满，顺延至下一个工作日")

    def natural(self, count: int) -> Iterator[DayLine]:
        yield self._day_zero()
        number = 0
        for day in self._after_start():
            works = self.calendar.is_working_day(day)
            if number < count and self._paused(day):
                yield self._line(day, DayEffect.PAUSED, reason="中止期间不计")
            elif number < count:
                number += 1
                provisional = number == count and not self.calendar.is_published(day)
                yield DayLine(day, DayEffect.COUNTED, number, None, "自然日", START_RULE, provisional)
            elif works:
                yield self._line(day, DayEffect.ROLLED, reason="顺延至下一个工作日", source=ROLL_RULE)
            else:
                reason, source = self._why_off(day)
                yield self._line(day, DayEffect.ROLLED, reason=f"{reason}，顺延", source=source)

    def working_time(self) -> Iterator[DayLine]:
        for day, begin, end in self._spans():
            amount = self.calendar.worked(begin, end) - sum(
                (self.calendar.worked(a, b) for a, b in self._pauses_within(begin, end)), NOTHING
            )
            if amount:
                yield self._counted(day, amount=amount)
            elif not self.calendar.is_working_day(day):
                yield self._skipped(day)
            elif self._pauses_within(begin, end):
                yield self._line(day, DayEffect.PAUSED, reason="中止期间不计")
            else:
                yield self._line(day, DayEffect.SKIPPED, reason="起算时当日工作时间已过")

    def hours(self) -> Iterator[DayLine]:
        for day, begin, end in self._spans():
            amount = _length(begin, end) - sum(
                (_length(a, b) for a, b in self._pauses_within(begin, end)), NOTHING
            )
            effect, reason = (
                (DayEffect.COUNTED, "小时连续计算") if amount else (DayEffect.PAUSED, "中止期间不计")
            )
            yield DayLine(day, effect, None, amount or None, reason, START_RULE, provisional=False)

    # Days of the walk

    def _after_start(self) -> Iterator[dt.date]:
        day = self.start.date() + ONE_DAY
        # A day that closes at 24:00 falls due on the midnight that belongs to the next date.
        last = (self.due - dt.timedelta(microseconds=1)).date()
        while day <= last:
            yield day
            day += ONE_DAY

    def _spans(self) -> Iterator[tuple[dt.date, dt.datetime, dt.datetime]]:
        """Each local date with the part of it between the start and the due moment."""
        day = self.start.date()
        while True:
            begins = dt.datetime(day.year, day.month, day.day, tzinfo=self.calendar.zone)
            begin, end = max(begins, self.start), min(begins + ONE_DAY, self.due)
            if begin >= end:
                return
            yield day, begin, end
            day += ONE_DAY

    def _paused(self, day: dt.date) -> bool:
        """Like day 0, the first day of a pause is not part of it, the day it ends is."""
        return any(begin.date() < day <= end.date() for begin, end in self.pauses)

    def _pauses_within(self, begin: dt.datetime, end: dt.datetime) -> list[Pause]:
        cut = [(max(a, begin), min(b, end)) for a, b in self.pauses]
        return [(a, b) for a, b in cut if a < b]

    # Lines

    def _line(self, day: dt.date, effect: DayEffect, *, reason: str, source: str = WEEKLY_HOURS) -> DayLine:
        return DayLine(day, effect, None, None, reason, source, not self.calendar.is_published(day))

    def _day_zero(self) -> DayLine:
        return self._line(self.start.date(), DayEffect.DAY_ZERO, reason="开始的当日不计入", source=START_RULE)

    def _skipped(self, day: dt.date) -> DayLine:
        reason, source = self._why_off(day)
        return self._line(day, DayEffect.SKIPPED, reason=reason, source=source)

    def _why_off(self, day: dt.date) -> tuple[str, str]:
        row = self.calendar.exceptions.get(day)
        if row is not None:
            return f"{row.name}放假", row.source
        statutory = self.calendar.statutory.get(day)
        if statutory is not None:
            return f"{statutory.name}放假", STATUTORY
        weekend = day.weekday() >= 5
        return ("周末休息", WEEKEND) if weekend else ("非工作日", WEEKLY_HOURS)

    def _counted(
        self, day: dt.date, *, number: int | None = None, amount: dt.timedelta | None = None
    ) -> DayLine:
        row = self.calendar.exceptions.get(day)
        provisional = not self.calendar.is_published(day)
        if row is None:
            reason = f"工作日（{UNPUBLISHED}）" if provisional else "工作日"
            return DayLine(day, DayEffect.COUNTED, number, amount, reason, WEEKLY_HOURS, provisional)
        if row.kind is DayKind.MAKEUP:
            reason, effect = f"{row.name}补班", DayEffect.MADE_UP
        else:
            reason, effect = f"工作日（{row.name}，特殊时段）", DayEffect.COUNTED
        return DayLine(day, effect, number, amount, reason, row.source, provisional)


def _spell(amount: dt.timedelta) -> str:
    """``3小时30分``; seconds only where there are any."""
    minutes, rest = divmod(amount, dt.timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "小时"), (minutes, "分"), (rest.total_seconds(), "秒")]
    return "".join(f"{value:g}{unit}" for value, unit in parts if value)


def _length(begin: dt.datetime, end: dt.datetime) -> dt.timedelta:
    """Time passed, also across a change of the zone's offset."""
    return end.astimezone(dt.UTC) - begin.astimezone(dt.UTC)
