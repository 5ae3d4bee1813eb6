"""An explained deadline accounts for every day and comes to the same end as the deadline itself."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_examples import (
    SHANGHAI,
    beijing,
    calendars,
    china,
    limits,
    moments,
    pauses,
    shifts,
)
from workflows.calendars import DayEffect
from workflows.limits import Limit, LimitUnit

MICROSECOND = dt.timedelta(microseconds=1)


def told(start: str, limit: str, **arguments) -> list[tuple[str, str, str, str, str]]:
    lines = china().explain(beijing(start), Limit.parse(limit), **arguments)
    return [
        (f"{line.date:%m-%d}", line.weekday, line.effect.label, line.tally, line.reason) for line in lines
    ]


@given(calendars, moments, limits, st.data())
def test_explanation_covers_every_day_up_to_the_due_one(calendar, start, limit, data):
    paused = data.draw(pauses(start))
    lines = calendar.explain(start, limit, paused=paused)
    due = calendar.due(start, limit, paused=paused)
    first = start.astimezone(calendar.zone).date()
    assert lines[0].date == first
    assert lines[-1].date == (due.at - MICROSECOND).date()
    assert [line.date for line in lines] == [first + dt.timedelta(days=n) for n in range(len(lines))]


@given(calendars, moments, limits, st.data())
def test_explanation_counts_come_to_the_limit(calendar, start, limit, data):
    lines = calendar.explain(start, limit, paused=data.draw(pauses(start)))
    numbers = [line.number for line in lines if line.number is not None]
    amounts = sum((line.amount for line in lines if line.amount is not None), dt.timedelta(0))
    if limit.whole_days or limit.unit is LimitUnit.DAY:
        assert numbers == list(range(1, int(limit.amount) + 1))
        assert amounts == dt.timedelta(0)
    elif limit.unit is LimitUnit.HOUR:
        assert (numbers, amounts) == ([], dt.timedelta(hours=int(limit.amount)))
    else:
        assert (numbers, amounts) == ([], calendar.working_time_of(limit) * MICROSECOND)


@given(calendars, moments, limits)
def test_explanation_is_provisional_where_the_due_moment_is(calendar, start, limit):
    lines = calendar.explain(start, limit)
    due = calendar.due(start, limit)
    # A minute limit used up exactly at the closing midnight belongs to the day that closes.
    assert not (due.provisional and limit.whole_days) or any(line.provisional for line in lines)
    assert due.provisional or not (limit.whole_days and any(line.provisional for line in lines))


@given(calendars, moments, limits)
def test_every_line_says_why_and_by_which_source(calendar, start, limit):
    for line in calendar.explain(start, limit):
        assert line.reason
        assert line.source
        counted = line.effect in {DayEffect.COUNTED, DayEffect.MADE_UP}
        assert bool(line.tally) == counted


def test_working_days_over_spring_festival():
    assert told("2026-02-13 09:00", "3wd")[:4] == [
        ("02-13", "周五", "起算日", "", "开始的当日不计入"),
        ("02-14", "周六", "补班", "#1", "春节补班"),
        ("02-15", "周日", "跳过", "", "周末休息"),
        ("02-16", "周一", "跳过", "", "春节放假"),
    ]
    lines = china().explain(beijing("2026-02-13 09:00"), Limit.parse("3wd"))
    assert {line.source for line in lines[1:4]} == {"国办发明电〔2025〕7号", "周末"}


def test_working_days_across_new_year_are_provisional_from_new_year_on():
    lines = china().explain(beijing("2026-12-30 09:00"), Limit.parse("2wd"))
    assert [(line.date.day, line.reason, line.source, line.provisional) for line in lines] == [
        (30, "开始的当日不计入", "民法典第二百零一条", False),
        (31, "工作日", "每周工作时间", False),
        (1, "元旦放假", "法定节假日（暂定）", True),
        (2, "周末休息", "周末", True),
        (3, "周末休息", "周末", True),
        (4, "工作日（该日放假安排尚未公布）", "每周工作时间", True),
    ]


def test_natural_days_roll_off_a_weekend():
    assert told("2026-11-26 09:00", "2d") == [
        ("11-26", "周四", "起算日", "", "开始的当日不计入"),
        ("11-27", "周五", "计入", "#1", "自然日"),
        ("11-28", "周六", "计入", "#2", "自然日"),
        ("11-29", "周日", "顺延", "", "周末休息，顺延"),
        ("11-30", "周一", "顺延", "", "顺延至下一个工作日"),
    ]


def test_minutes_say_how_much_each_day_used_up():
    assert told("2026-11-27 15:00", "0.5wd") == [
        ("11-27", "周五", "计入", "2小时30分", "工作日"),
        ("11-28", "周六", "跳过", "", "周末休息"),
        ("11-29", "周日", "跳过", "", "周末休息"),
        ("11-30", "周一", "计入", "1小时", "工作日"),
    ]


def test_minutes_started_after_hours_use_nothing_of_that_day():
    assert told("2026-11-26 18:00", "30min") == [
        ("11-26", "周四", "跳过", "", "起算时当日工作时间已过"),
        ("11-27", "周五", "计入", "30分", "工作日"),
    ]


def test_hours_run_through_a_weekend():
    assert told("2026-11-27 18:00", "24.01h") == [
        ("11-27", "周五", "计入", "6小时", "小时连续计算"),
        ("11-28", "周六", "计入", "18小时36秒", "小时连续计算"),
    ]


@pytest.mark.parametrize(
    ("limit", "effects"),
    [
        ("2wd", ["起算日", "中止", "中止", "计入", "跳过", "跳过", "计入"]),
        ("3d", ["起算日", "中止", "中止", "计入", "计入", "计入", "顺延"]),
        ("5h", ["计入", "中止", "计入"]),
        ("150min", ["计入", "中止", "计入"]),
    ],
)
def test_paused_days_are_shown_as_such(limit, effects):
    pause = (beijing("2026-11-24 10:00"), beijing("2026-11-26 10:00"))
    assert [effect for _, _, effect, _, _ in told("2026-11-24 09:00", limit, paused=[pause])] == effects


def test_a_limit_that_would_end_inside_a_pause_ends_after_it():
    pause = (beijing("2026-11-27 17:00"), beijing("2026-11-29 09:00"))
    assert told("2026-11-26 09:00", "1wd", paused=[pause])[1:] == [
        ("11-27", "周五", "计入", "#1", "工作日"),
        ("11-28", "周六", "跳过", "", "周末休息"),
        ("11-29", "周日", "跳过", "", "周末休息"),
        ("11-30", "周一", "顺延", "", "中止期间届满，顺延至下一个工作日"),
    ]


def test_special_hours_are_named():
    line = shifts().explain(beijing("2024-03-04 12:00"), Limit.parse("1wd"))[-1]
    assert (line.reason, line.source) == ("工作日（盘点，特殊时段）", "镇〔2024〕1号")


def test_a_weekday_the_office_never_works_is_not_called_a_weekend():
    line = shifts().explain(dt.datetime(2025, 1, 7, 12, tzinfo=SHANGHAI), Limit.parse("1wd"))[1]
    assert (line.weekday, line.reason, line.source) == ("周三", "非工作日", "每周工作时间")
