"""Ladders: what a document may say, when rungs are reached, and the climb of a clock under the sweep."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.workflows.toy import parts  # noqa: F401  # registers
from workflows.documents import SpecError
from workflows.engine import fire
from workflows.ladders import LadderSpec, moments, next_moment, parse, points, standing
from workflows.limits import Limit
from workflows.models import CalendarVersion, Case, Clock, LadderVersion, User
from workflows.publishing import publish
from workflows.sweeper import sweep

LADDER = (Path(__file__).parent / "toy" / "ladder.yaml").read_text(encoding="utf-8")
POLICY = (Path(__file__).parent / "toy" / "policy.yaml").read_text(encoding="utf-8")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.fixture
def china(db):
    return CalendarVersion.objects.latest_of("china").compiled


def _clock(china, limit: str, started: str) -> Clock:
    start = _local(started)
    return Clock(started_at=start, due_at=china.due(start, Limit.parse(limit)).at, limit=limit)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("half", "看不懂时点"),
        ("0%", "超出范围"),
        ("100%", "超出范围"),
        ("+1001%", "超出范围"),
        ("1wd", "看不懂时点"),
        ("+1wd left", "看不懂时点"),
        ("due or 1wd left", "or 只能连接"),
        ("50% or +1wd", "or 只能连接"),
        ("0.5d left", "应为整数"),
    ],
)
def test_unreadable_point_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        points(text)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: near", "name: half", "rungs.1.name: “half” 重复，请改名"),
        ("at: 50%", "at: 90%", "不晚于前面的“90%”"),
        ("at: +3wd", "at: +1wd", "不晚于前面的“+1wd”"),
        ("at: due, colour: blue", "at: +0.5wd, colour: blue", "必须有且只有一级写 at: due"),
        ("colour: red", "colour: blue", "颜色只能加重"),
        ("tell: [toy_hand]", "tell: [nobody]", "告知对象 “nobody” 未登记"),
        ("fallback: [toy_head]", "fallback: [nobody]", "fallback: 告知对象 “nobody” 未登记"),
        ("tell: [toy_hand]", "tell: []", "不能为空"),
        ("most: 1", "most: 0", "repeat.most"),
        ("every: 1wd", "every: soon", "看不懂期限"),
    ],
)
def test_faulty_ladder_is_refused_with_its_place(old, new, problem):
    with pytest.raises(SpecError) as refused:
        parse(LADDER.replace(old, new, 1), "x.yaml")
    assert problem in str(refused.value)


def test_rung_out_of_order_is_refused():
    lines = LADDER.splitlines()
    lines[5], lines[7] = lines[7], lines[5]
    with pytest.raises(SpecError, match="早于前一级"):
        parse("\n".join(lines), "x.yaml")


def test_percent_counts_working_time_back_from_the_due_moment(china):
    clock = _clock(china, "5wd", "2026-11-23T10:00")
    half, near, breach, yellow, red = moments(clock, parse(LADDER, "x"), china)
    # Five days of the standard day: half of them left is noon-ish of the third day.
    left = china.worked(half, clock.due_at)
    assert left == china.standard_day * 2.5
    assert china.worked(near, clock.due_at) == china.standard_day
    assert breach == clock.due_at
    assert (yellow.date(), red.date()) == (
        china.add_working_days(clock.due_at.date(), 1), china.add_working_days(clock.due_at.date(), 3),
    )  # fmt: skip


def test_length_left_that_lies_before_the_rung_below_does_not_count(china):
    clock = _clock(china, "1wd", "2026-11-23T10:00")
    half, near, *_ = moments(clock, parse(LADDER, "x"), china)
    assert china.worked(half, clock.due_at) == china.standard_day / 2
    assert china.worked(near, clock.due_at) == china.standard_day / 5


def test_percent_of_hours_is_natural_time(china):
    clock = _clock(china, "24h", "2026-11-28T10:00")
    ladder = parse(
        "{code: h, label: 小时, source: 测试, fallback: [toy_head], rungs: ["
        "{name: a, label: 半, at: 50%, tell: [toy_hand]}, {name: b, label: 期, at: due, tell: [toy_hand]},"
        "{name: c, label: 超, at: +50%, tell: [toy_head]}]}",
        "x",
    )
    assert list(moments(clock, ladder, china)) == [
        _local("2026-11-28T22:00"), _local("2026-11-29T10:00"), _local("2026-11-29T22:00"),
    ]  # fmt: skip


def test_next_moment_without_a_ladder_is_the_deadline_until_it_is_missed(china):
    clock = _clock(china, "1wd", "2026-11-23T10:00")
    assert next_moment(clock, None, china) == clock.due_at
    clock.missed_at = clock.due_at
    assert next_moment(clock, None, china) is None


def test_standing_is_the_highest_rung_reached(china):
    clock = _clock(china, "5wd", "2026-11-23T10:00")
    ladder: LadderSpec = parse(LADDER, "x")
    every = list(moments(clock, ladder, china))
    for number, moment in enumerate(every, 1):
        assert standing(clock, ladder, china, at=moment).rung == number
        assert standing(clock, ladder, china, at=moment - timedelta(microseconds=1)).rung == number - 1


@pytest.fixture
def laddered(world, at):
    """The toy world, its clock `give` on the toy ladder."""
    system = User.objects.system()
    from tests.workflows.toy.world import HERE

    toy = (HERE / "toy.yaml").read_text(encoding="utf-8")
    open_to_system = toy.replace(
        "remark: {label: 备注, from: [given, working, checking], to: stay, role: [toy_worker, toy_clerk]",
        "remark: {label: 备注, from: [opened, given, working, checking], to: stay, role: [toy_worker, toy_clerk, system]",
    )
    publish(open_to_system, "toy.yaml", by=system, at=at)
    publish(LADDER, "ladder.yaml", by=system, at=at)
    publish(POLICY.replace("limit: 0.5wd", "limit: 5wd, ladder: toy", 1), "policy.yaml", by=system, at=at)
    return world


def _said(case):
    rows = case.events.filter(name__startswith="clock.").order_by("seq")
    return [(event.name, event.data.get("rung")) for event in rows]


def test_policy_cannot_name_a_ladder_that_is_not_published(world, at):
    with pytest.raises(SpecError, match="催督阶梯“toy”尚未发布"):
        publish(
            POLICY.replace("limit: 0.5wd", "limit: 5wd, ladder: toy", 1), "p", by=User.objects.system(), at=at
        )


def test_rung_cannot_fire_what_the_system_may_not(world, at):
    system = User.objects.system()
    publish(LADDER, "ladder.yaml", by=system, at=at)
    with pytest.raises(SpecError, match="remark”不许系统办理"):
        publish(POLICY.replace("limit: 0.5wd", "limit: 5wd, ladder: toy", 1), "p", by=system, at=at)


def test_clock_keeps_the_ladder_version_it_began_with(laddered, at):
    case = laddered.case(at)
    before = case.clocks.get(kind="give").ladder
    publish(LADDER.replace("at: 50%", "at: 40%"), "l", by=User.objects.system(), at=at)
    assert LadderVersion.objects.latest_of("toy") != before
    assert case.clocks.get(kind="give").ladder == before


def test_each_rung_is_logged_once_at_its_moment(laddered, at):
    case = laddered.case(at)
    clock = case.clocks.get(kind="give")
    every = list(moments(clock, clock.ladder.parsed, clock.calendar.compiled))
    for moment in every:
        sweep(at=moment - timedelta(microseconds=1))
        sweep(at=moment)
        sweep(at=moment)
    mine = [event for event in case.events.order_by("seq") if event.data.get("clock") == "give"]
    said = [event for event in mine if event.name != "clock.repeated"]
    assert [(event.name, event.data["rung"], event.happened_at) for event in said] == [
        ("clock.warned", "half", every[0]), ("clock.warned", "near", every[1]), ("clock.missed", "breach", every[2]),
        ("clock.escalated", "yellow", every[3]), ("clock.escalated", "red", every[4]),
    ]  # fmt: skip
    case.refresh_from_db()
    assert (case.rung, case.clocks.get(kind="give").next_at) == (3, None)


def test_downtime_collapses_to_the_highest_rung_but_does_the_deed(laddered, at):
    case = laddered.case(at)
    clock = case.clocks.get(kind="give")
    done = sweep(at=clock.due_at + timedelta(days=30))
    give = [event for event in case.events.order_by("seq") if event.data.get("clock") == "give"]
    assert [(event.name, event.data.get("rung")) for event in give] == [
        ("clock.missed", None), ("clock.escalated", "red"),
    ]  # fmt: skip
    assert give[0].happened_at == clock.due_at
    assert case.events.filter(transition="remark").count() == done.fired == 1
    assert not sweep(at=clock.due_at + timedelta(days=30))


def test_rung_said_again_until_acknowledged(laddered, at):
    case = laddered.case(at)
    clock = case.clocks.get(kind="give")
    every = list(moments(clock, clock.ladder.parsed, clock.calendar.compiled))
    sweep(at=every[3])
    again = case.clocks.get(kind="give").next_at
    assert every[3] < again < every[4]
    assert sweep(at=again).repeated == 1
    assert sweep(at=again).repeated == 0
    assert case.clocks.get(kind="give").next_at == every[4]


def test_meeting_the_clock_takes_the_colour_off_the_case(laddered, at):
    case = laddered.case(at)
    clock = case.clocks.get(kind="give")
    every = list(moments(clock, clock.ladder.parsed, clock.calendar.compiled))
    sweep(at=every[1])
    case.refresh_from_db()
    assert case.rung == 1
    fire(case.pk, "give", by=laddered.clerk, at=every[1], data={"lead": laddered.office.pk})
    case.refresh_from_db()
    assert case.rung == 0


def test_wall_clock_set_back_and_forth_says_nothing_twice(laddered, at):
    case = laddered.case(at)
    clock = case.clocks.get(kind="give")
    half, near, *_ = moments(clock, clock.ladder.parsed, clock.calendar.compiled)
    for shift in (timedelta(hours=1), -timedelta(hours=1), -timedelta(hours=24), timedelta(0)):
        sweep(at=half + shift)
    assert _said(case) == [("clock.warned", "half")]
    assert case.clocks.get(kind="give").next_at == near


def test_a_rung_is_never_said_twice_whatever_became_of_the_count(laddered, at):
    case = laddered.case(at)
    clock = case.clocks.get(kind="give")
    half, *_ = moments(clock, clock.ladder.parsed, clock.calendar.compiled)
    sweep(at=half)
    Clock.objects.filter(pk=clock.pk).update(rung=0, next_at=half)
    sweep(at=half)
    assert _said(Case.objects.get(pk=case.pk)) == [("clock.warned", "half")]
