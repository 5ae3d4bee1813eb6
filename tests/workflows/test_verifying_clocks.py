"""Clocks that no longer say what their intervals say are found and named."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from workflows.engine import fire
from workflows.models import Case, Clock, ClockInterval
from workflows.verifying_clocks import verify_clocks


@pytest.fixture
def case(world, at):
    """Paused once and running again, with finished clocks behind it."""
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at + timedelta(hours=1))
    fire(case.pk, "wait", by=world.worker, at=at + timedelta(hours=2))
    fire(case.pk, "go_on", by=world.worker, at=at + timedelta(days=2))
    return case


def test_a_whole_life_holds(world, case, at):
    assert verify_clocks().problems == []
    fire(case.pk, "wait", by=world.worker, at=at + timedelta(days=2, hours=1))
    assert verify_clocks().problems == []
    fire(case.pk, "go_on", by=world.worker, at=at + timedelta(days=3))
    fire(case.pk, "finish", by=world.worker, at=at + timedelta(days=3, hours=1))
    report = verify_clocks()
    assert (report.problems, report.cases) == ([], 1)
    assert report.clocks == Clock.objects.count()


def test_a_wall_clock_set_back_leaves_no_hole(world, case, at):
    fire(case.pk, "wait", by=world.worker, at=at + timedelta(days=1))
    fire(case.pk, "go_on", by=world.worker, at=at + timedelta(hours=30))
    assert verify_clocks().problems == []


TAMPERINGS = [
    ({"consumed_seconds": 99}, "已用 99 秒"),
    ({"limit": "6wd"}, "期限为 6wd，规则为 5wd"),
    ({"rule": "gone"}, "时限规则中没有条目 gone"),
    ({"provisional": True}, "“暂定”标记与日历不符"),
    ({"state": "paused", "next_at": None}, "状态为“已暂停”"),
]


@pytest.mark.parametrize(("values", "reason"), TAMPERINGS)
def test_a_changed_clock_is_named(case, values, reason):
    Clock.objects.filter(case=case, kind="finish").update(**values)
    found = [str(problem) for problem in verify_clocks().problems]
    assert found[0].startswith(f"{case.number} finish 第 1 轮：{reason}")


def test_a_moved_deadline_is_named(case, at):
    Clock.objects.filter(case=case, kind="finish").update(due_at=at + timedelta(days=90))
    reasons = [problem.reason for problem in verify_clocks().problems]
    assert "重算为" in reasons[0]
    assert reasons[1:] == ["案件上的最近时限与计时中的时限不符"]


def test_a_hole_in_the_intervals_is_named(case, at):
    ClockInterval.objects.filter(clock__kind="finish", kind="pause").update(
        started_at=at + timedelta(hours=3)
    )
    assert [p.reason for p in verify_clocks().problems] == ["计时区间有重叠或间断"]


def test_a_wrong_case_is_named(case, at):
    Case.objects.filter(pk=case.pk).update(due_at=at)
    assert [str(p) for p in verify_clocks().problems] == [
        f"{case.number}：案件上的最近时限与计时中的时限不符"
    ]


def test_the_command_exits_with_an_error(case, capsys):
    call_command("verify_clocks")
    assert "全部相符" in capsys.readouterr().out
    Clock.objects.filter(case=case, kind="finish").update(consumed_seconds=1)
    with pytest.raises(CommandError, match="1 处不符"):
        call_command("verify_clocks")
    with pytest.raises(CommandError, match="没有编号为 TY1"):
        call_command("verify_clocks", case="TY1")
