"""A clock says which level, order or unit it is about, wherever it is shown, and asks no more for many than for one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import Notice
from opinion.casefile import CodeLabels
from opinion.clock_names import ClockNames, name_of, names_in, ties_of_case
from opinion.orders import sheet_of
from opinion.reports.audit import audit
from opinion.reports.explaining import explained
from opinion.reports.forecast import lines_of
from opinion.timeline import events_of, timeline
from tests.factories.world import World
from workflows.forecasting import clocks_until
from workflows.models import Approval, ApprovalTask, Case, Clock, Event, Membership
from workflows.relay import relay
from workflows.sweeper import sweep

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
UNIT, DESK = "承办单位负责人审核", "受理台审核"


def named(case: Case, kind: str) -> list[str]:
    clocks = list(case.clocks.filter(kind=kind).order_by("cycle"))
    names = ClockNames(clocks)
    return [names.of(clock) for clock in clocks]


def unmanned(case: Case) -> list[str]:
    names = ClockNames([], ties_of_case(case, events_of(case)))
    entries = timeline(case, CodeLabels(), names)
    return [entry.label for entry in entries if entry.event.name == "approval.unmanned"]


@pytest.fixture
def reviewed_twice(county: World, at: datetime) -> Case:
    """Given back at the second level, and at the second level again."""
    case = county.walk("drafted", at)
    county.do(case, "sign_reply", at=at + HOUR)
    county.do(case, "send_back", at=at + 2 * HOUR)
    county.do(case, "draft_reply", at=at + 3 * HOUR)
    county.do(case, "sign_reply", at=at + 4 * HOUR)
    return case


def test_a_clock_of_an_approval_names_its_level_and_the_round(reviewed_twice: Case):
    assert named(reviewed_twice, "review") == [
        f"审核 · 第一级 {UNIT}",
        f"审核 · 第二级 {DESK}",
        f"审核 · 第一级 {UNIT}（第 2 轮送审）",
        f"审核 · 第二级 {DESK}（第 2 轮送审）",
    ]


def test_a_level_with_nobody_in_it_has_its_name_all_the_same(county: World, at: datetime):
    case = county.walk("handling", at)
    Membership.objects.exclude(user=county.handler).delete()
    county.do(case, "draft_reply", at=at + HOUR)
    assert not ApprovalTask.objects.filter(case=case).exists()
    assert named(case, "review") == [f"审核 · 第一级 {UNIT}"]


def test_a_level_short_of_people_is_named_in_the_timeline(county: World, at: datetime):
    case = county.walk("handling", at)
    Membership.objects.exclude(user=county.handler).delete()
    county.do(case, "draft_reply", at=at + HOUR)
    assert unmanned(case) == [f"审批缺人：答复审批 · 第一级 {UNIT}"]


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ({"approval": "reply", "round": 1}, "审批缺人：答复审批"),
        ({"approval": "reply", "round": 1, "level": "abolished"}, "审批缺人：答复审批"),
        ({}, "审批缺人"),
    ],
)
def test_an_older_line_that_says_less_still_reads(
    county: World, at: datetime, said: dict[str, str | int], label: str
):
    case = county.walk("drafted", at)
    newest = Event.objects.filter(case=case).latest("seq")
    Event.objects.create(
        case=case, seq=newest.seq + 1, name="approval.unmanned", actor=county.supervisor, unit=newest.unit,
        target=newest.target, data=said, happened_at=at, recorded_at=at, digest="sha256:",
    )  # fmt: skip
    assert unmanned(case) == [label]


def test_levels_passed_within_one_moment_are_told_apart(county: World, at: datetime):
    case = county.walk("drafted", at)
    since = case.clocks.get(kind="review").started_at
    county.do(case, "sign_reply", at=since)
    assert named(case, "review") == [f"审核 · 第一级 {UNIT}", f"审核 · 第二级 {DESK}"]


def test_a_single_level_has_no_number(county: World, at: datetime):
    case = county.walk("reviewed", at, source="lb")
    county.do(case, "ask_private", at=at + HOUR)
    levels = Approval.objects.get(case=case, kind="private_reply").levels
    assert named(case, "private_review") == [f"不公开答复审批 · {levels[0]['label']}"]


def test_a_clock_about_the_case_itself_counts_its_own_rounds(county: World, at: datetime):
    case = county.walk("redo", at)
    assert named(case, "resolve") == ["办结"]
    assert named(case, "redo") == ["重办"]
    case.clocks.filter(kind="redo").update(cycle=2)
    assert named(case, "redo") == ["重办（第 2 轮）"]


def test_a_feedback_clock_names_its_order(county: World, at: datetime):
    case = county.walk("handling", at)
    county.do(case, "issue_order", at=at + HOUR)
    county.do(case, "answer_order", at=at + 2 * HOUR)
    county.do(case, "send_back_order", at=at + 3 * HOUR)
    county.do(case, "answer_order", at=at + 4 * HOUR)
    county.do(case, "close_order", at=at + 5 * HOUR)
    county.do(case, "issue_order", at=at + 6 * HOUR)
    assert named(case, "feedback") == [
        "督办反馈 · 督办单 D1",
        "督办反馈 · 督办单 D1（重新反馈）",
        "督办反馈 · 督办单 D2",
    ]


def test_every_page_calls_it_the_same(county: World, reviewed_twice: Case, at: datetime, client: Client):
    case = Case.objects.get(pk=reviewed_twice.pk)
    clock = case.clocks.get(kind="review", state="running")
    name = f"审核 · 第二级 {DESK}（第 2 轮送审）"
    assert name_of(clock) == name
    assert explained(case, clock).label == name
    assert name in [line.label for line in audit(case, at=at + DAY).clocks]
    until = at + timedelta(days=20)
    foreseen = lines_of(list(clocks_until(until).filter(case=case)), at=at + 4 * HOUR, until=until)
    assert name in {line.clock for line in foreseen}
    sweep(at=clock.due_at + MINUTE)
    relay(at=clock.due_at + MINUTE)
    missed = Event.objects.get(case=case, name="clock.missed", data__clock="review")
    words = set(Notice.objects.filter(event=missed).values_list("words", flat=True))
    assert [f"“{name}”" in said for said in words] == [True]
    client.force_login(county.supervisor)
    page = client.get(reverse("case", args=[case.number])).content.decode()
    assert f"<h3>{name}</h3>" in page
    assert f"逾期：{name}" in page
    assert name in client.get(reverse("audit", args=[case.number])).content.decode()


def test_an_order_names_the_level_that_was_late(county: World, at: datetime):
    case = county.walk("drafted", at)
    clock = case.clocks.get(kind="review")
    county.do(
        case, "issue_order", at=at + HOUR, by=county.supervisor, clock="review", cycle=clock.cycle,
        unit=county.housing.pk,
    )  # fmt: skip
    order = case.orders.with_feedback_due().get()
    assert sheet_of(order, at=at + HOUR).clock == f"审核 · 第一级 {UNIT}"


def test_names_take_as_many_statements_for_many_clocks_as_for_few(county: World, at: datetime):
    def statements() -> int:
        clocks = list(Clock.objects.going().select_related("case"))
        with CaptureQueriesContext(connection) as seen:
            names = ClockNames(clocks)
        assert all(names.of(clock) for clock in clocks)
        return len(seen)

    def one(number: int) -> None:
        case = county.walk("drafted", at + number * MINUTE)
        county.do(case, "issue_order", at=at + HOUR + number * MINUTE)
        helped = county.walk("registered", at + number * MINUTE)
        county.do(helped, "assign", at=at + HOUR, assisting=[county.water.pk])

    one(0)
    few = statements()
    for number in range(1, 4):
        one(number)
    assert (few, statements()) == (4, 4)


def test_events_about_many_clocks_are_named_in_as_few(county: World, at: datetime):
    for number in range(3):
        case = county.walk("drafted", at + number * MINUTE)
        county.do(case, "issue_order", at=at + HOUR + number * MINUTE)
    sweep(at=at + timedelta(days=20))
    events = list(Event.objects.filter(name="clock.missed").select_related("case"))
    with CaptureQueriesContext(connection) as seen:
        names = names_in(events)
    assert len(seen) == 4
    assert {f"审核 · 第一级 {UNIT}", "督办反馈 · 督办单 D1"} <= {names.of_event(event) for event in events}
