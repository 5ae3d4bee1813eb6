"""A calendar compiled to tables: adding working days is one look-up, working minutes one bisection.

Sources: 民法典 201 (the day a period starts on is not counted; hour periods run from the moment),
203 (a last day that is a day off moves to the next working day; the day ends when office hours end).
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from workflows.calendars.moments import EPOCH, Pause, aware, merged, microseconds, wall_clock
from workflows.calendars.spec import CalendarSpec, DayKind, Segment
from workflows.limits import Limit, LimitUnit

if TYPE_CHECKING:
    from workflows.calendars.tracing import DayLine

YEARS_BEFORE, YEARS_AFTER = 10, 20
"""How far the tables reach beyond the published years."""

MICROSECOND = dt.timedelta(microseconds=1)
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


class NoWorkingTime(LookupError):
    """The answer lies outside the dates the calendar's tables cover; the message (Chinese) names them."""


@dataclass(frozen=True, slots=True)
class Due:
    """The last moment, in the calendar's time zone; provisional when unpublished days decide it."""

    at: dt.datetime
    provisional: bool


class WorkingCalendar:
    """Working-time arithmetic over a bounded range of dates; immutable. Made by ``compile_calendar``.

    Moments are aware datetimes (a naive one raises ValueError) and come back in ``zone``. Every method
    raises NoWorkingTime when it would have to leave ``first`` … ``last``.
    """

    def __init__(self, spec: CalendarSpec) -> None:
        self.spec = spec
        self.zone = ZoneInfo(spec.timezone)
        self.first = dt.date(max(spec.published_from.year - YEARS_BEFORE, 1), 1, 1)
        self.last = dt.date(min(spec.published_through.year + YEARS_AFTER, 9998), 12, 31)
        self.standard_day = dt.timedelta(microseconds=_standard_day(spec))
        self.exceptions = {row.date: row for row in spec.exceptions}
        published = range(spec.published_from.toordinal(), spec.published_through.toordinal() + 1)
        self.statutory = {row.date: row for row in spec.statutory if row.date.toordinal() not in published}
        self._base = self.first.toordinal()
        self._size = self.last.toordinal() - self._base + 1
        self._published_from = spec.published_from.toordinal() - self._base
        self._published_through = spec.published_through.toordinal() - self._base
        self._tabulate()

    def _tabulate(self) -> None:
        before = [0]
        days: list[dt.date] = []
        closes: list[dt.datetime] = []
        starts: list[int] = []
        ends: list[int] = []
        offsets = set()
        for ordinal in range(self._base, self._base + self._size):
            day = dt.date.fromordinal(ordinal)
            midnight = dt.datetime(day.year, day.month, day.day, tzinfo=self.zone)
            offsets.add(midnight.utcoffset())
            segments = self.segments_on(day)
            if segments:
                days.append(day)
                closes.append(wall_clock(midnight, segments[-1].end))
                starts.extend(microseconds(wall_clock(midnight, segment.start)) for segment in segments)
                ends.extend(microseconds(wall_clock(midnight, segment.end)) for segment in segments)
            before.append(len(days))
        self._before = before  # [i]: working days before day i
        self._days = days
        self._closes = closes
        self._dues = [Due(at, not self.is_published(day)) for day, at in zip(days, closes, strict=True)]
        self._starts = starts
        self._worked_at_end = list(accumulate(end - start for start, end in zip(starts, ends, strict=True)))
        self._ends = ends
        # A zone with one offset all along (China) needs no look-up of its rules to tell the local date.
        only = offsets.pop() if len(offsets) == 1 else None
        self.local: dt.tzinfo = self.zone if only is None else dt.timezone(only)

    # Days

    def segments_on(self, day: dt.date) -> tuple[Segment, ...]:
        """Working hours of a date; empty on a day off. Explicit dates beat statutory days beat the week."""
        row = self.exceptions.get(day)
        if row is None:
            return () if day in self.statutory else self.spec.weekly.on(day.weekday())
        if row.kind is DayKind.MAKEUP:
            return row.segments or self.spec.makeup_segments
        return row.segments

    def is_published(self, day: dt.date) -> bool:
        """Whether the day's holidays and make-up days have been announced."""
        return self.spec.published_from <= day <= self.spec.published_through

    def is_working_day(self, day: dt.date) -> bool:
        """Whether any time is worked on the local date."""
        index = self._index_of_date(day)
        return self._before[index + 1] > self._before[index]

    def working_days(self, a: dt.date, b: dt.date) -> int:
        """Working days after ``a`` up to and including ``b`` (negative when ``b`` is earlier)."""
        return self._before[self._index_of_date(b) + 1] - self._before[self._index_of_date(a) + 1]

    def add_working_days(self, day: dt.date, count: int) -> dt.date:
        """The ``count``-th working day after ``day`` (before it when negative; the day itself when 0)."""
        index = day.toordinal() - self._base
        if not 0 <= index < self._size:
            raise self._out_of_range(day)
        if count > 0:
            rank = self._before[index + 1] + count - 1
        elif count < 0:
            rank = self._before[index] + count
        else:
            return day
        if 0 <= rank < len(self._days):
            return self._days[rank]
        raise self._out_of_range(day)

    # Time

    def worked(self, a: dt.datetime, b: dt.datetime) -> dt.timedelta:
        """Working time from ``a`` to ``b``; negative when ``b`` is earlier."""
        return dt.timedelta(microseconds=self._worked_until(b) - self._worked_until(a))

    def due(self, start: dt.datetime, limit: Limit, *, paused: Sequence[Pause] = ()) -> Due:
        """The last moment for a limit that starts at ``start``.

        - whole ``wd``: the day of receipt is day 0, due at close of business of working day N;
        - fractions of ``wd`` (of the standard working day) and ``min``: working time, interval arithmetic;
        - ``h``: natural hours from the moment, weekends and nights included;
        - ``d``: natural days, the first not counted; a last day off moves to the next working day; due at
          close of business.

        ``paused`` moves the due moment later: ``wd`` by the working days after a pause's first day up to
        and including the day it ends, ``d`` by those natural days, ``min`` by the working time inside it,
        ``h`` by its length. Overlapping pauses count once, the part before ``start`` and pauses that begin
        at or after the due moment not at all, and no clock runs out while it stands still.
        """
        if limit.whole_days and not paused:
            index = self._index_of(start)
            rank = self._before[index + 1] + limit.whole_days - 1
            if rank >= len(self._dues):
                raise self._out_of_range(start)
            due = self._dues[rank]
            return due if index >= self._published_from else Due(due.at, provisional=True)
        pauses = merged(paused, since=start) if paused else []
        if limit.whole_days:
            return self._due_in_working_days(start, limit.whole_days, pauses)
        if limit.unit is LimitUnit.DAY:
            return self._due_in_days(start, int(limit.amount), pauses)
        if limit.unit is LimitUnit.HOUR:
            return self._due_in_hours(start, int(limit.amount * HOUR_US), pauses)
        return self._due_in_working_time(start, self.working_time_of(limit), pauses)

    def working_time_of(self, limit: Limit) -> int:
        """Microseconds of working time in a ``min`` or ``wd`` limit."""
        if limit.unit is LimitUnit.WORKING_MINUTE:
            return int(limit.amount * MINUTE_US)
        return int(limit.amount * (self.standard_day // MICROSECOND))

    def explain(self, start: dt.datetime, limit: Limit, *, paused: Sequence[Pause] = ()) -> "list[DayLine]":
        """Every local day from the start to the due moment: what it counted for, and by which rule."""
        from workflows.calendars.tracing import trace  # tracing reads a compiled calendar

        return trace(self, start, limit, merged(paused, since=start))

    def shifted(self, moment: dt.datetime, working_us: int) -> dt.datetime:
        """The moment so much working time later (earlier when negative): the earliest one, a close of business
        rather than the next morning."""
        return self._at(self._when_worked(self._worked_until(moment) + working_us, moment))

    # The four units

    def _due_in_working_days(self, start: dt.datetime, count: int, pauses: list[Pause]) -> Due:
        index = self._index_of(start)
        rank = self._before[index + 1] + count - 1
        for begin, end in pauses:
            if begin >= self._close_of(rank, start):
                break
            rank += self.working_days(self._local_date(begin), self._local_date(end))
            rank = self._open_after(rank, end)
        return self._due_on(rank, index, start)

    def _due_in_days(self, start: dt.datetime, count: int, pauses: list[Pause]) -> Due:
        last = self._index_of(start) + count
        rank = self._roll(last, start)
        for begin, end in pauses:
            if begin >= self._close_of(rank, start):
                break
            last += (self._local_date(end) - self._local_date(begin)).days
            rank = self._open_after(self._roll(last, start), end)
        return self._due_on(rank, last, start)

    def _due_in_hours(self, start: dt.datetime, length_us: int, pauses: list[Pause]) -> Due:
        due_us = microseconds(aware(start)) + length_us
        for begin, end in pauses:
            if microseconds(begin) >= due_us:
                break
            due_us += microseconds(end) - microseconds(begin)
        return Due(self._at(due_us), provisional=False)

    def _due_in_working_time(self, start: dt.datetime, length_us: int, pauses: list[Pause]) -> Due:
        target = self._worked_until(start) + length_us
        due_us = self._when_worked(target, start)
        for begin, end in pauses:
            if microseconds(begin) >= due_us:
                break
            target += self._worked_until(end) - self._worked_until(begin)
            due_us = self._when_worked(target, start)
        due = self._at(due_us)
        return Due(due, self._unpublished(self._index_of(start), self._index_of(due)))

    # Look-ups

    def _due_on(self, rank: int, first: int, start: dt.datetime) -> Due:
        """Close of a working day, provisional when a day from ``first`` to it is unpublished."""
        at = self._close_of(rank, start)
        return Due(at, self._unpublished(first, self._index_of_date(self._days[rank])))

    def _close_of(self, rank: int, start: dt.datetime) -> dt.datetime:
        if rank >= len(self._closes):
            raise self._out_of_range(start)
        return self._closes[rank]

    def _open_after(self, rank: int, end: dt.datetime) -> int:
        """The same working day, or the first that closes after ``end``: nothing falls due inside a pause."""
        while self._close_of(rank, end) <= end:
            rank += 1
        return rank

    def _roll(self, index: int, start: dt.datetime) -> int:
        """Rank of the first working day not before day ``index``."""
        if index >= self._size:
            raise self._out_of_range(start)
        return self._before[index]

    def _worked_until(self, moment: dt.datetime) -> int:
        """Working microseconds since the beginning of the tables."""
        self._index_of(moment)
        at_us = microseconds(moment)
        position = bisect_right(self._starts, at_us) - 1
        if position < 0:
            return 0
        return self._worked_at_end[position] - max(self._ends[position] - at_us, 0)

    def _when_worked(self, target: int, start: dt.datetime) -> int:
        """The earliest moment (microseconds) by which ``target`` microseconds have been worked."""
        position = bisect_left(self._worked_at_end, target)
        if position == len(self._ends):
            raise self._out_of_range(start)
        return self._ends[position] - (self._worked_at_end[position] - target)

    def _unpublished(self, first: int, last: int) -> bool:
        return first < self._published_from or last > self._published_through

    def _at(self, at_us: int) -> dt.datetime:
        return (EPOCH + dt.timedelta(microseconds=at_us)).astimezone(self.zone)

    def _local_date(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.local).date()

    def _index_of(self, moment: dt.datetime) -> int:
        """Position of the local date of an aware moment."""
        if moment.tzinfo is not self.zone:
            moment = aware(moment).astimezone(self.local)
        index = moment.toordinal() - self._base
        if 0 <= index < self._size:
            return index
        raise self._out_of_range(moment)

    def _index_of_date(self, day: dt.date) -> int:
        index = day.toordinal() - self._base
        if 0 <= index < self._size:
            return index
        raise self._out_of_range(day)

    def _out_of_range(self, asked: dt.date) -> NoWorkingTime:
        return NoWorkingTime(
            f"日历“{self.spec.label}”（{self.spec.code}）只推算 {self.first} 至 {self.last}，"
            f"从 {asked.isoformat()} 起的期限超出了这个范围；请核对日期和期限。"
        )


def compile_calendar(spec: CalendarSpec) -> WorkingCalendar:
    """Compute the tables (about 0.2 s for China): keep the result, it never changes."""
    return WorkingCalendar(spec)


def _standard_day(spec: CalendarSpec) -> int:
    """Microseconds of the most usual working day of the week; of equally usual ones the longest."""
    totals = [sum(part.end - part.start for part in spec.weekly.on(weekday)) for weekday in range(7)]
    usual = Counter(total for total in totals if total)
    return max(usual, key=lambda total: (usual[total], total)) * MINUTE_US
