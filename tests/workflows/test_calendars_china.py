"""The shipped calendar against two independent libraries, and its own paperwork."""

import datetime as dt
import re

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_examples import SHANGHAI, china
from workflows.calendars import DayKind
from workflows.limits import Limit

LIBRARY = holidays.country_holidays("CN", years=range(2009, 2028))
FIRST, LAST = dt.date(2018, 1, 1), dt.date(2026, 12, 31)


def every_day(first: dt.date, last: dt.date) -> list[dt.date]:
    return [dt.date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]


def test_china_agrees_with_both_libraries_on_every_day_since_2018():
    agreed = [
        day
        for day in every_day(FIRST, LAST)
        if chinese_calendar.is_workday(day) == LIBRARY.is_working_day(day)
    ]
    assert len(agreed) == 3287
    differing = [day for day in agreed if china().is_working_day(day) != chinese_calendar.is_workday(day)]
    assert differing == []


def test_china_agrees_with_both_libraries_on_earlier_years():
    for day in every_day(dt.date(2010, 1, 1), dt.date(2017, 12, 31)):
        assert (
            (
                china().is_working_day(day),
                day,
            )
            == (chinese_calendar.is_workday(day), day)
            == (LIBRARY.is_working_day(day), day)
        )


@given(st.dates(FIRST, dt.date(2026, 6, 30)), st.integers(1, 100))
def test_adding_working_days_agrees_with_the_library(day, count):
    assert china().add_working_days(day, count) == LIBRARY.get_nth_working_day(day, count)


@given(st.dates(dt.date(2018, 7, 1), LAST), st.integers(1, 100))
def test_subtracting_working_days_agrees_with_the_library(day, count):
    assert china().add_working_days(day, -count) == LIBRARY.get_nth_working_day(day, -count)


def test_every_exception_names_its_notice_and_differs_from_the_week():
    spec = china().spec
    for row in spec.exceptions:
        assert re.fullmatch(r"国(办)?发明电〔20\d\d〕\d+号", row.source), row
        assert spec.working_weekday(row.date) == (row.kind is DayKind.HOLIDAY), row
    assert [row.date for row in spec.exceptions] == sorted(row.date for row in spec.exceptions)


def test_every_published_year_has_its_own_notice():
    yearly = {row.source for row in china().spec.exceptions}
    assert {source[6:10] for source in yearly if source.startswith("国办")} >= {
        str(year) for year in range(2009, 2026)
    }


def test_unpublished_years_have_the_days_off_of_the_law():
    by_year: dict[int, list[str]] = {}
    for row in china().spec.statutory:
        by_year.setdefault(row.date.year, []).extend(row.name.split("、"))
    for year in range(2027, 2036):
        names = by_year[year]
        expected = {"元旦": 1, "春节": 4, "清明节": 1, "劳动节": 2, "端午节": 1, "中秋节": 1, "国庆节": 3}
        assert {name: names.count(name) for name in names} == expected, year


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-02-14", True),  # Saturday made up for 春节
        ("2026-02-16", False),
        ("2020-01-31", False),  # prolonged 春节
        ("2020-02-01", False),  # its make-up day, cancelled
        ("2019-05-03", False),  # 劳动节 2019 as changed
        ("2015-09-03", False),
        ("2015-09-06", True),
        ("2027-01-01", False),  # statutory
        ("2027-02-05", False),  # 除夕
        ("2027-02-08", False),
        ("2027-02-10", True),
    ],
)
def test_china_knows_the_day(day, works):
    assert china().is_working_day(dt.date.fromisoformat(day)) is works


def test_a_limit_across_new_year_is_provisional():
    due = china().due(dt.datetime(2026, 12, 20, 9, tzinfo=SHANGHAI), Limit.parse("15wd"))
    assert due.at.isoformat() == "2027-01-11T17:30:00+08:00"
    assert due.provisional


def test_a_limit_inside_the_published_years_is_not():
    due = china().due(dt.datetime(2026, 11, 24, 9, tzinfo=SHANGHAI), Limit.parse("15wd"))
    assert due.at.isoformat() == "2026-12-15T17:30:00+08:00"
    assert not due.provisional
