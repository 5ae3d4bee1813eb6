"""`manage.py deadline`: the due moment on the first line, then every day with its reason."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.conftest import lowered_guards
from tests.workflows.calendar_examples import china, document
from workflows.calendars import parse_calendar
from workflows.models import CalendarVersion

pytestmark = pytest.mark.django_db

PUBLISHED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WORKS_SATURDAY = {"saturday": ["09:00-12:00"]}


def publish(version: int, spec, *, code: str = "county") -> None:
    CalendarVersion.objects.create(
        code=code,
        version=version,
        label=spec.label,
        spec=spec.model_dump(mode="json"),
        source="",
        published_at=PUBLISHED,
    )


@pytest.fixture
def county():
    publish(1, parse_calendar(document(label="县日历")))
    publish(2, china().spec)


def deadline(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("deadline", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_deadline_prints_the_due_moment_then_each_day(county):
    assert deadline("--from", "2026-11-26T09:00+08:00", "--limit", "3wd", "--calendar", "county") == [
        "2026-12-01T17:30:00+08:00",
        "2026-11-26T09:00:00+08:00 起，3个工作日，按日历“全国工作日历”第 2 版：",
        "2026-11-26 周四 起算日  开始的当日不计入  依据：民法典第二百零一条",
        "2026-11-27 周五 计入 #1  工作日  依据：每周工作时间",
        "2026-11-28 周六 跳过  周末休息  依据：周末",
        "2026-11-29 周日 跳过  周末休息  依据：周末",
        "2026-11-30 周一 计入 #2  工作日  依据：每周工作时间",
        "2026-12-01 周二 计入 #3  工作日  依据：每周工作时间",
    ]


def test_deadline_names_the_notice_behind_made_up_days_and_holidays(county):
    lines = deadline("--from", "2026-02-13T09:00+08:00", "--limit", "2wd", "--calendar", "county")
    assert "2026-02-14 周六 补班 #1  春节补班  依据：国办发明电〔2025〕7号" in lines
    assert "2026-02-16 周一 跳过  春节放假  依据：国办发明电〔2025〕7号" in lines


def test_deadline_across_new_year_is_marked_provisional_with_the_reason(county):
    lines = deadline("--from", "2026-12-20T09:00+08:00", "--limit", "15wd", "--calendar", "county")
    assert lines[0] == "2027-01-11T17:30:00+08:00 暂定"
    assert lines[1] == (
        "暂定：“全国工作日历”的放假安排只公布了 2010-01-01 至 2026-12-31，"
        "此外的日期只扣除周末和法定节假日，通知公布后可能变动。"
    )
    assert "2027-01-01 周五 跳过  元旦放假  依据：法定节假日（暂定）  暂定" in lines
    assert lines[-1] == "2027-01-11 周一 计入 #15  工作日（该日放假安排尚未公布）  依据：每周工作时间  暂定"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("30min", "2026-11-24T17:30:00+08:00"),
        ("0.5wd", "2026-11-25T11:30:00+08:00"),
        ("48h", "2026-11-26T17:00:00+08:00"),
        ("10d", "2026-12-04T17:30:00+08:00"),
    ],
)
def test_deadline_takes_every_unit(county, limit, expected):
    assert deadline("--from", "2026-11-24T09:00Z", "--limit", limit, "--calendar", "county")[0] == expected


def test_deadline_takes_a_naive_moment_in_the_zone_of_the_calendar_and_says_so(county):
    lines = deadline("--from", "2026-11-26T09:00", "--limit", "1wd", "--calendar", "county")
    assert lines[0] == "2026-11-27T17:30:00+08:00"
    assert lines[1].startswith("2026-11-26T09:00:00+08:00 起（未写时区，按 Asia/Shanghai），")


def test_deadline_can_use_an_older_version(county):
    old = deadline(
        "--from", "2026-02-13T09:00", "--limit", "1wd", "--calendar", "county", "--at-version", "1"
    )
    new = deadline("--from", "2026-02-13T09:00", "--limit", "1wd", "--calendar", "county")
    assert (old[0], new[0]) == ("2026-02-16T17:30:00+08:00", "2026-02-14T17:30:00+08:00")
    assert "“县日历”第 1 版" in old[1]


def test_deadline_uses_the_national_calendar_by_default():
    newest = 9000
    publish(newest, parse_calendar(document(weekly=WORKS_SATURDAY)), code="china")
    assert deadline("--from", "2026-11-26T09:00", "--limit", "1wd")[0] == "2026-11-28T12:00:00+08:00"


@pytest.mark.parametrize(
    ("arguments", "option", "fix"),
    [
        (["--limit", "1wd"], "--from", "例如 --from 2026-11-24T09:00+08:00"),
        (["--from", "2026-11-26"], "--limit", "例如 --limit 15wd"),
        (
            ["--from", "yesterday", "--limit", "1wd"],
            "--from",
            "看不懂时刻“yesterday”，写成 2026-11-24T09:00+08:00",
        ),
        (
            ["--from", "0001-01-01T00:00+14:00", "--limit", "1wd"],
            "--from",
            "看不懂时刻“0001-01-01T00:00+14:00”",
        ),
        (["--from", "2026-11-26", "--limit", "15days"], "--limit", "看不懂期限“15days”；写成 15wd"),
        (["--from", "1970-01-01", "--limit", "1wd"], "--from", "只推算 2000-01-01 至 2046-12-31"),
        (["--from", "2026-11-26", "--limit", "99999wd"], "--from、--limit", "请核对日期和期限"),
        (
            ["--from", "2026-11-26", "--limit", "1wd", "--at-version", "7"],
            "--at-version",
            "没有第 7 版；现有版本：1、2",
        ),
    ],
)
def test_deadline_refuses_bad_input_naming_option_and_fix(county, arguments, option, fix):
    with pytest.raises(CommandError) as caught:
        deadline(*arguments, "--calendar", "county")
    assert str(caught.value).startswith(option)
    assert fix in str(caught.value)


def test_deadline_names_the_calendars_there_are(county):
    with pytest.raises(CommandError, match=r"--calendar：没有发布过日历“moon”；已发布的有：.*county"):
        deadline("--from", "2026-11-26", "--limit", "1wd", "--calendar", "moon")


def test_deadline_says_what_to_do_when_nothing_is_published():
    with lowered_guards(connection):
        CalendarVersion.objects.all().delete()
        connection.check_constraints()  # PostgreSQL alters no table with deferred checks pending
    with pytest.raises(CommandError, match=r"无，请先运行 manage\.py publish 发布日历文件"):
        deadline("--from", "2026-11-26", "--limit", "1wd", "--calendar", "county")
