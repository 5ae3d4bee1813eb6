"""Due moments a person can check on a wall calendar, and what is refused."""

import datetime as dt

import pytest

from tests.workflows.calendar_examples import SHANGHAI, beijing, china, document, shifts, summer_time, sundays
from workflows.calendars import NoWorkingTime, compile_calendar, parse_calendar
from workflows.limits import Limit

ONE_DAY = dt.timedelta(days=1)


def due(start: str, limit: str, *paused: tuple[str, str]) -> str:
    spans = [(beijing(begin), beijing(end)) for begin, end in paused]
    return china().due(beijing(start), Limit.parse(limit), paused=spans).at.strftime("%Y-%m-%d %H:%M")


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
