"""Four compiled calendars, moments to try them with, and a slow second opinion that uses no tables."""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

import workflows
from workflows.calendars import (
    CalendarSpec,
    DayKind,
    Pause,
    Segment,
    WorkingCalendar,
    compile_calendar,
    load_calendar,
    parse_calendar,
)
from workflows.limits import Limit, LimitUnit

CHINA_FILE = Path(workflows.__file__).parent / "data" / "calendars" / "china.yaml"
SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = ["08:30-12:00", "14:00-17:30"]
WORKWEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")

Span = tuple[dt.datetime, dt.datetime]


def document(**changes: Any) -> dict[str, Any]:
    """A valid little calendar document, with the given entries replaced."""
    return {
        "code": "town",
        "label": "镇机关日历",
        "timezone": "Asia/Shanghai",
        "published_from": "2018-01-01",
        "published_through": "2026-12-31",
        "weekly": dict.fromkeys(WORKWEEK, OFFICE),
        "makeup_segments": OFFICE,
        **changes,
    }


@cache
def china() -> WorkingCalendar:
    return compile_calendar(load_calendar(CHINA_FILE))


@cache
def shifts() -> WorkingCalendar:
    """Works until midnight, half of Saturday, with special hours, a make-up day and a statutory day."""
    weekly = {
        "tuesday": ["00:00-24:00"],
        "thursday": ["09:00-12:00", "13:00-24:00"],
        "saturday": ["09:00-12:00"],
    }
    exceptions = [
        {
            "date": "2024-03-05",
            "kind": "special",
            "name": "盘点",
            "source": "镇〔2024〕1号",
            "segments": ["10:00-11:30"],
        },
        {
            "date": "2024-03-06",
            "kind": "makeup",
            "name": "盘点",
            "source": "镇〔2024〕1号",
            "segments": ["09:00-10:00"],
        },
        {"date": "2024-03-07", "kind": "holiday", "name": "镇庆", "source": "镇〔2024〕1号"},
        {"date": "2024-03-10", "kind": "makeup", "name": "镇庆", "source": "镇〔2024〕1号"},
    ]
    statutory = [{"date": "2027-01-02", "name": "元旦"}, {"date": "2027-01-05", "name": "镇庆"}]
    return compile_calendar(
        parse_calendar(document(code="shifts", weekly=weekly, exceptions=exceptions, statutory=statutory))
    )


@cache
def summer_time() -> WorkingCalendar:
    """A zone whose clocks change: Berlin, Sundays included, working through the hour of the change."""
    weekly = {day: ["01:30-03:30", "09:00-17:00"] for day in (*WORKWEEK, "sunday")}
    return compile_calendar(parse_calendar(document(code="berlin", timezone="Europe/Berlin", weekly=weekly)))


@cache
def sundays() -> WorkingCalendar:
    return compile_calendar(parse_calendar(document(code="sundays", weekly={"sunday": ["10:00-11:00"]})))


CALENDARS = (china, shifts, summer_time, sundays)

calendars = st.sampled_from(CALENDARS).map(lambda make: make())
zones = st.sampled_from([dt.UTC, SHANGHAI, ZoneInfo("Europe/Berlin"), dt.timezone(dt.timedelta(hours=-11))])
days = st.dates(dt.date(2010, 1, 1), dt.date(2029, 12, 31))
moments = st.datetimes(
    dt.datetime(2010, 1, 1),  # noqa: DTZ001 - hypothesis adds the zones
    dt.datetime(2029, 12, 31),  # noqa: DTZ001
    timezones=zones,
    allow_imaginary=False,
)


working_day_limits = st.integers(1, 40).map(lambda days: Limit(Decimal(days), LimitUnit.WORKING_DAY))
natural_day_limits = st.integers(1, 60).map(lambda days: Limit(Decimal(days), LimitUnit.DAY))
minute_limits = st.integers(1, 3000).map(lambda minutes: Limit(Decimal(minutes), LimitUnit.WORKING_MINUTE))
part_day_limits = st.sampled_from(["0.5wd", "0.25wd", "1.5wd", "0.0001wd"]).map(Limit.parse)
hour_limits = st.integers(1, 200).map(lambda hours: Limit(Decimal(hours), LimitUnit.HOUR))
limits = working_day_limits | natural_day_limits | minute_limits | part_day_limits | hour_limits


def beijing(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def utc(moment: dt.datetime) -> dt.datetime:
    """Moments of one zone compare by the clock on the wall, and ambiguous ones equal nothing: not so in UTC."""
    return moment.astimezone(dt.UTC)


@st.composite
def pauses(draw: st.DrawFn, start: dt.datetime) -> list[Pause]:
    """Up to four pauses around ``start``: before it, overlapping, of no length, long."""
    minutes = st.integers(-3 * 1440, 20 * 1440)
    lengths = st.integers(0, 9 * 1440)
    pairs = draw(st.lists(st.tuples(minutes, lengths), max_size=4))
    begins = [(start.astimezone(dt.UTC) + dt.timedelta(minutes=begin), length) for begin, length in pairs]
    return [(begin, begin + dt.timedelta(minutes=length)) for begin, length in begins]


def slow_segments(spec: CalendarSpec, day: dt.date) -> tuple[Segment, ...]:
    """Hours of a date, straight from the document."""
    for row in spec.exceptions:
        if row.date == day:
            makeup = row.kind is DayKind.MAKEUP and not row.segments
            return spec.makeup_segments if makeup else row.segments
    published = spec.published_from <= day <= spec.published_through
    if not published and any(row.date == day for row in spec.statutory):
        return ()
    return spec.weekly.on(day.weekday())


def slow_spans(spec: CalendarSpec, day: dt.date) -> Iterator[Span]:
    """The same hours as moments in UTC."""
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(spec.timezone))
    for part in slow_segments(spec, day):
        begin, end = (midnight + dt.timedelta(minutes=minutes) for minutes in (part.start, part.end))
        yield begin.astimezone(dt.UTC), end.astimezone(dt.UTC)


def slow_worked(spec: CalendarSpec, a: dt.datetime, b: dt.datetime) -> dt.timedelta:
    """Working time between two moments, a <= b, day by day."""
    return sum((end - begin for begin, end in slow_cut(spec_spans(spec, a, b), a, b)), dt.timedelta(0))


def spec_spans(spec: CalendarSpec, a: dt.datetime, b: dt.datetime) -> Iterator[Span]:
    day, last = a.astimezone(ZoneInfo(spec.timezone)).date(), b.astimezone(ZoneInfo(spec.timezone)).date()
    while day <= last:
        yield from slow_spans(spec, day)
        day += dt.timedelta(days=1)


def slow_cut(spans: Iterable[Span], a: dt.datetime, b: dt.datetime) -> Iterator[Span]:
    for begin, end in spans:
        if max(begin, a) < min(end, b):
            yield max(begin, a), min(end, b)


def without(spans: Iterable[Span], paused: Iterable[Pause]) -> list[Span]:
    """What is left of the spans when the pauses are taken out."""
    left = list(spans)
    for begin, end in paused:
        pieces = [piece for a, b in left for piece in ((a, min(b, begin)), (max(a, end), b))]
        left = [(a, b) for a, b in pieces if a < b] if begin < end else left
    return sorted(left)


def slow_spend(spans: Iterable[Span], amount: dt.timedelta) -> dt.datetime:
    """The moment ``amount`` has been spent walking through the spans."""
    for begin, end in spans:
        if end - begin >= amount:
            return begin + amount
        amount -= end - begin
    raise AssertionError("the spans end before the amount is spent")


def last_close(calendar: WorkingCalendar, day: dt.date) -> dt.datetime:
    return max(end for _, end in slow_spans(calendar.spec, day))


def slow_next_working_day(calendar: WorkingCalendar, day: dt.date) -> dt.date:
    while not slow_segments(calendar.spec, day):
        day += dt.timedelta(days=1)
    return day
