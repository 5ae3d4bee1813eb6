"""Due moments against a slow loop over days, and the laws they must keep."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.workflows.calendar_examples import (
    SHANGHAI,
    calendars,
    china,
    days,
    document,
    moments,
    pauses,
    shifts,
    slow_segments,
    slow_spans,
    slow_spend,
    slow_worked,
    spec_spans,
    summer_time,
    sundays,
    utc,
    without,
)
from workflows.calendars import Due, NoWorkingTime, compile_calendar, parse_calendar
from workflows.limits import Limit, LimitUnit

ONE_DAY = dt.timedelta(days=1)
MICROSECOND = dt.timedelta(microseconds=1)
A_YEAR = dt.timedelta(days=366)

working_day_limits = st.integers(1, 40).map(lambda days: Limit(Decimal(days), LimitUnit.WORKING_DAY))
natural_day_limits = st.integers(1, 60).map(lambda days: Limit(Decimal(days), LimitUnit.DAY))
minute_limits = st.integers(1, 3000).map(lambda minutes: Limit(Decimal(minutes), LimitUnit.WORKING_MINUTE))
part_day_limits = st.sampled_from(["0.5wd", "0.25wd", "1.5wd", "0.0001wd"]).map(Limit.parse)
hour_limits = st.integers(1, 200).map(lambda hours: Limit(Decimal(hours), LimitUnit.HOUR))
limits = working_day_limits | natural_day_limits | minute_limits | part_day_limits | hour_limits


def beijing(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def due(start: str, limit: str, *paused: tuple[str, str]) -> str:
    spans = [(beijing(begin), beijing(end)) for begin, end in paused]
    return china().due(beijing(start), Limit.parse(limit), paused=spans).at.strftime("%Y-%m-%d %H:%M")


def last_close(calendar, day):
    return max(end for _, end in slow_spans(calendar.spec, day))


def slow_next_working_day(calendar, day):
    while not slow_segments(calendar.spec, day):
        day += ONE_DAY
    return day


# Against the slow loop


@given(calendars, moments, st.integers(1, 40))
def test_working_days_end_at_close_of_the_nth_working_day(calendar, start, count):
    day = start.astimezone(calendar.zone).date()
    for _ in range(count):
        day = slow_next_working_day(calendar, day + ONE_DAY)
    found = calendar.due(start, Limit(Decimal(count), LimitUnit.WORKING_DAY))
    assert found.at == last_close(calendar, day)
    assert found.at.tzinfo is calendar.zone


@given(calendars, moments, st.integers(1, 60))
def test_natural_days_roll_to_a_working_day(calendar, start, count):
    last = start.astimezone(calendar.zone).date() + count * ONE_DAY
    found = calendar.due(start, Limit(Decimal(count), LimitUnit.DAY))
    assert found.at == last_close(calendar, slow_next_working_day(calendar, last))


@given(calendars, moments, minute_limits, st.data())
def test_minutes_are_spent_in_working_time_outside_pauses(calendar, start, limit, data):
    paused = data.draw(pauses(start))
    spans = [
        (max(begin, start), end)
        for begin, end in spec_spans(calendar.spec, start, start + 2 * A_YEAR)
        if end > start
    ]
    expected = slow_spend(without(spans, paused), dt.timedelta(minutes=int(limit.amount)))
    assert utc(calendar.due(start, limit, paused=paused).at) == expected


@given(calendars, moments, hour_limits, st.data())
def test_hours_run_day_and_night_outside_pauses(calendar, start, limit, data):
    paused = data.draw(pauses(start))
    begin = start.astimezone(dt.UTC)
    expected = slow_spend(without([(begin, begin + A_YEAR)], paused), dt.timedelta(hours=int(limit.amount)))
    assert calendar.due(start, limit, paused=paused) == Due(
        expected.astimezone(calendar.zone), provisional=False
    )


@given(calendars, moments, st.integers(0, 40 * 1440))
def test_worked_is_the_sum_over_days(calendar, start, minutes):
    end = start.astimezone(dt.UTC) + dt.timedelta(minutes=minutes)
    assert calendar.worked(start, end) == slow_worked(calendar.spec, start, end)


@given(calendars, days, days)
def test_working_days_between_counts_the_last_day_not_the_first(calendar, a, b):
    a, b = min(a, b), min(max(a, b), min(a, b) + 400 * ONE_DAY)
    expected = sum(bool(slow_segments(calendar.spec, a + n * ONE_DAY)) for n in range(1, (b - a).days + 1))
    assert calendar.working_days(a, b) == expected
    assert calendar.working_days(b, a) == -expected


# Laws


@given(calendars, moments, moments, moments)
def test_worked_is_additive_and_never_negative_forwards(calendar, a, b, c):
    assert calendar.worked(a, b) + calendar.worked(b, c) == calendar.worked(a, c)
    assert calendar.worked(a, b) == -calendar.worked(b, a)
    assert calendar.worked(min(a, b, key=utc), max(a, b, key=utc)) >= dt.timedelta(0)


@given(calendars, moments, moments, limits)
def test_a_later_start_is_never_due_earlier(calendar, a, b, limit):
    earlier, later = sorted((a, b), key=utc)
    assert utc(calendar.due(earlier, limit).at) <= utc(calendar.due(later, limit).at)


@given(calendars, moments, limits)
def test_due_is_after_the_start_and_the_same_from_any_zone(calendar, start, limit):
    found = calendar.due(start, limit)
    assert utc(found.at) > utc(start)
    assert calendar.due(start.astimezone(dt.UTC), limit) == found
    assert calendar.due(start.astimezone(calendar.zone), limit) == found


@given(calendars, moments, minute_limits)
def test_minutes_are_due_at_the_first_moment_they_are_used_up(calendar, start, limit):
    found = calendar.due(start, limit).at
    whole = dt.timedelta(minutes=int(limit.amount))
    assert calendar.worked(start, found) == whole
    assert calendar.worked(start, utc(found) - MICROSECOND) == whole - MICROSECOND


@given(calendars, days, st.integers(1, 60))
def test_adding_and_subtracting_working_days_are_inverse(calendar, day, count):
    later = calendar.add_working_days(day, count)
    assert calendar.working_days(day, later) == count
    assert calendar.add_working_days(calendar.add_working_days(later, -count), count) == later
    assert calendar.add_working_days(day, 0) == day


@given(calendars, moments, limits, st.data())
def test_pauses_never_make_it_due_earlier_nor_inside_a_pause(calendar, start, limit, data):
    paused = data.draw(pauses(start))
    found = utc(calendar.due(start, limit, paused=paused).at)
    fewer = utc(calendar.due(start, limit, paused=paused[1:]).at)
    none = utc(calendar.due(start, limit).at)
    assert found >= fewer >= none
    assert [span for span in paused if span[0] < found <= span[1] and span[1] > utc(start)] == []


@given(calendars, moments, working_day_limits, st.data())
def test_a_pause_shifts_working_days_by_the_working_days_in_it(calendar, start, limit, data):
    paused = data.draw(pauses(start).filter(lambda spans: len(spans) == 1))
    begin, end = paused[0]
    plain = calendar.due(start, limit)
    first, last = begin.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    assume(begin >= utc(start) and first < plain.at.date() - ONE_DAY)
    expected = calendar.add_working_days((plain.at - MICROSECOND).date(), calendar.working_days(first, last))
    assert calendar.due(start, limit, paused=paused).at == last_close(calendar, expected)


@given(calendars, moments, limits)
def test_provisional_exactly_when_an_unpublished_day_decides(calendar, start, limit):
    found = calendar.due(start, limit)
    first, last = start.astimezone(calendar.zone).date(), found.at.date()
    if limit.unit is LimitUnit.DAY:
        first += int(limit.amount) * ONE_DAY
    if limit.whole_days or limit.unit is LimitUnit.DAY:
        last = (found.at - MICROSECOND).date()
    outside = not (calendar.is_published(first) and calendar.is_published(last))
    assert found.provisional == (outside and limit.unit is not LimitUnit.HOUR)


@pytest.mark.parametrize(
    ("start", "limit", "provisional"),
    [
        ("2009-12-31 09:00", "1wd", True),
        ("2010-01-01 09:00", "1wd", False),
        ("2009-12-31 09:00", "30min", True),
        ("2010-01-04 09:00", "30min", False),
        ("2009-12-31 09:00", "4d", False),  # only the day it ends on is looked up
        ("2026-12-30 09:00", "1wd", False),
        ("2026-12-31 09:00", "1wd", True),
        ("2026-12-31 17:00", "30min", False),
        ("2026-12-31 17:01", "30min", True),
        ("2026-12-30 09:00", "1d", False),
        ("2026-12-31 09:00", "1d", True),
        ("2026-12-31 09:00", "48h", False),
    ],
)
def test_provisional_at_the_ends_of_the_published_years(start, limit, provisional):
    assert china().due(beijing(start), Limit.parse(limit)).provisional is provisional
    no_pause = [(beijing(start), beijing(start))]
    assert china().due(beijing(start), Limit.parse(limit), paused=no_pause).provisional is provisional


# Examples a person can check


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        ("2026-11-24 09:00", "1wd", "2026-11-25 17:30"),
        ("2026-11-24 23:59", "1wd", "2026-11-25 17:30"),  # received after hours is still received that day
        ("2026-11-27 09:00", "1wd", "2026-11-30 17:30"),
        ("2026-11-28 09:00", "1wd", "2026-11-30 17:30"),  # received on a Saturday
        ("2026-02-13 09:00", "1wd", "2026-02-14 17:30"),  # a made-up Saturday counts
        ("2026-02-14 09:00", "1wd", "2026-02-24 17:30"),  # over 春节
        ("2026-11-24 09:00", "0.5wd", "2026-11-24 14:30"),  # 3.5 hours of a 7-hour day
        ("2026-11-24 15:00", "0.5wd", "2026-11-25 09:30"),
        ("2026-11-24 11:50", "30min", "2026-11-24 14:20"),  # lunch
        ("2026-11-24 11:30", "30min", "2026-11-24 12:00"),  # used up at the last minute, not after lunch
        ("2026-11-27 17:30", "30min", "2026-11-30 09:00"),
        ("2026-11-27 17:30", "48h", "2026-11-29 17:30"),  # hours do not move to a working day
        ("2026-11-24 09:00", "4d", "2026-11-30 17:30"),  # ends on a Saturday
        ("2026-11-24 09:00", "3d", "2026-11-27 17:30"),
        ("2026-09-25 09:00", "6d", "2026-10-08 17:30"),  # ends in 国庆
    ],
)
def test_due_examples(start, limit, expected):
    assert due(start, limit) == expected


@pytest.mark.parametrize(
    ("limit", "paused", "expected"),
    [
        ("3wd", ("2026-11-24 10:00", "2026-11-24 11:00"), "2026-11-27 17:30"),  # within one day: nothing
        ("3wd", ("2026-11-24 10:00", "2026-11-25 10:00"), "2026-11-30 17:30"),
        ("3wd", ("2026-11-20 10:00", "2026-11-24 08:00"), "2026-11-27 17:30"),  # over before the start
        ("3wd", ("2026-11-20 10:00", "2026-11-25 10:00"), "2026-11-30 17:30"),  # from the start on
        ("3wd", ("2026-11-27 17:30", "2026-12-02 09:00"), "2026-11-27 17:30"),  # begins when it is due
        ("3wd", ("2026-11-27 17:00", "2026-11-29 09:00"), "2026-11-30 17:30"),  # would fall due in the pause
        ("3wd", ("2026-11-27 17:00", "2026-11-27 20:00"), "2026-11-30 17:30"),
        ("3d", ("2026-11-27 17:30", "2026-12-02 09:00"), "2026-11-27 17:30"),
        ("3d", ("2026-11-27 17:00", "2026-11-27 20:00"), "2026-11-30 17:30"),
        ("3d", ("2026-11-25 10:00", "2026-11-26 10:00"), "2026-11-30 17:30"),
        ("30min", ("2026-11-24 09:10", "2026-11-24 10:10"), "2026-11-24 10:30"),
        ("2h", ("2026-11-24 09:10", "2026-11-24 10:10"), "2026-11-24 12:00"),
    ],
)
def test_pause_examples(limit, paused, expected):
    assert due("2026-11-24 09:00", limit, paused) == expected


def test_overlapping_pauses_count_once():
    first, second = ("2026-11-24 10:00", "2026-11-26 10:00"), ("2026-11-25 10:00", "2026-11-27 10:00")
    assert due("2026-11-24 09:00", "5wd", first, second) == due(
        "2026-11-24 09:00", "5wd", ("2026-11-24 10:00", "2026-11-27 10:00")
    )


def test_special_hours_make_up_days_and_holidays_beat_the_week():
    start = beijing("2024-03-04 12:00")
    dues = [shifts().due(start, Limit.parse(f"{count}wd")).at for count in (1, 2, 3, 4)]
    assert [at.strftime("%m-%d %H:%M") for at in dues] == [
        "03-05 11:30",
        "03-06 10:00",
        "03-09 12:00",
        "03-10 17:30",
    ]


def test_a_day_open_until_midnight_is_due_at_midnight():
    assert shifts().due(beijing("2025-01-06 12:00"), Limit.parse("1wd")).at == beijing("2025-01-08 00:00")


@pytest.mark.parametrize(
    ("hours", "standard"),
    [
        ({"monday": 7, "tuesday": 7, "friday": 9}, 7),
        ({"monday": 7, "tuesday": 9, "wednesday": 7, "friday": 9}, 9),  # equally usual: the longer
        ({"sunday": 1}, 1),
    ],
)
def test_standard_day_is_the_most_usual_one(hours, standard):
    weekly = {day: [f"08:00-{8 + length:02}:00"] for day, length in hours.items()}
    calendar = compile_calendar(parse_calendar(document(weekly=weekly)))
    assert calendar.standard_day == dt.timedelta(hours=standard)


def test_hours_of_a_night_with_a_clock_change_are_counted_as_they_pass():
    spring = dt.datetime(2025, 3, 30, tzinfo=summer_time().zone)
    autumn = dt.datetime(2025, 10, 26, tzinfo=summer_time().zone)
    assert summer_time().worked(spring, spring + ONE_DAY) == dt.timedelta(hours=9)
    assert summer_time().worked(autumn, autumn + ONE_DAY) == dt.timedelta(hours=11)


# Refusals


def test_naive_moments_are_refused():
    naive = dt.datetime(2026, 11, 24, 9)  # noqa: DTZ001 - the mistake under test
    aware = naive.replace(tzinfo=SHANGHAI)
    for limit in map(Limit.parse, ("1wd", "0.5wd", "30min", "2h", "3d")):
        with pytest.raises(ValueError, match="没有时区"):
            china().due(naive, limit)
        with pytest.raises(ValueError, match="没有时区"):
            china().due(aware, limit, paused=[(aware, naive)])
        with pytest.raises(ValueError, match="没有时区"):
            china().explain(naive, limit)
    with pytest.raises(ValueError, match="没有时区"):
        china().worked(naive, aware)


def test_a_pause_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="早于开始"):
        due("2026-11-24 09:00", "1wd", ("2026-11-25 09:00", "2026-11-24 10:00"))


@pytest.mark.parametrize("limit", ["999999wd", "999999d", "999999min", "6000.5wd", "400000min"])
def test_a_limit_beyond_the_tables_is_refused_with_their_range(limit):
    with pytest.raises(NoWorkingTime, match="2000-01-01 至 2046-12-31"):
        china().due(beijing("2046-12-01 09:00"), Limit.parse(limit))


@pytest.mark.parametrize("year", [1999, 2047])
def test_dates_outside_the_tables_are_refused(year):
    moment, day = beijing(f"{year}-06-01 09:00"), dt.date(year, 6, 1)
    for ask in (
        lambda: china().due(moment, Limit.parse("1wd")),
        lambda: china().due(moment, Limit.parse("30min")),
        lambda: china().due(moment, Limit.parse("3d")),
        lambda: china().worked(moment, beijing("2026-01-01 00:00")),
        lambda: china().is_working_day(day),
        lambda: china().working_days(day, dt.date(2026, 1, 1)),
        lambda: china().add_working_days(day, 1),
        lambda: china().add_working_days(day, -1),
    ):
        with pytest.raises(NoWorkingTime):
            ask()


def test_the_ends_of_the_tables_are_refused_not_wrapped_around():
    with pytest.raises(NoWorkingTime):
        china().add_working_days(dt.date(2000, 1, 5), -30)
    with pytest.raises(NoWorkingTime):
        china().add_working_days(dt.date(2046, 12, 20), 30)
    with pytest.raises(NoWorkingTime):
        sundays().due(beijing("2046-12-29 12:00"), Limit.parse("2wd"))
