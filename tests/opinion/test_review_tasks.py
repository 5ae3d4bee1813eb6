"""Review tasks: each unit's task runs on a clock of its own, late alone and told to its own people alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import opinion
from notifications.models import Notice
from notifications.registry import CATALOGUE, Told
from opinion.casefile import CodeLabels
from opinion.clock_names import ClockNames, name_of, ties_of_case
from opinion.forms import form_for
from opinion.models import ReviewTask
from opinion.supervising import responsible
from opinion.timeline import events_of, timeline
from tests.factories.events import Events
from tests.factories.world import World
from workflows.errors import Cannot
from workflows.models import Case, Clock, Definition, Event, User
from workflows.permits import available
from workflows.publishing import publish
from workflows.relay import relay
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIFECYCLE = Path(opinion.__file__).parent / "lifecycles" / "opinion.yaml"
POLICY = Path(opinion.__file__).parent / "policies" / "opinion_case.yaml"
# Tuesday, Saturday and Monday.
TODAY, DAY_OFF, MONDAY = date(2026, 11, 24), date(2026, 11, 28), date(2026, 11, 30)


@pytest.fixture
def events(county: World) -> Events:
    return Events(county)


@pytest.fixture
def learnt(events: Events, at: datetime) -> Case:
    """An event whose lessons have just been drawn, before ten on a Tuesday."""
    case = events.walk("lessons_drawn", at)
    assert (timezone.localtime(at).date(), case.clocks.going().get().kind) == (TODAY, "improve")
    return case


@pytest.fixture
def later(at: datetime) -> datetime:
    """When tasks are set."""
    return at + HOUR


@pytest.fixture
def tasked(events: Events, county: World, learnt: Case, later: datetime) -> Case:
    """The water bureau has a task until Thursday, the street one until the Monday after."""
    events.do(learnt, "set_task", at=later, unit=county.water.pk, due_on=date(2026, 11, 26))
    events.do(learnt, "set_task", at=later, unit=county.street.pk, due_on=MONDAY)
    return learnt


def clock(case: Case, kind: str) -> Clock:
    return case.clocks.get(kind=kind)


def due_day(case: Case, kind: str) -> date:
    return timezone.localtime(clock(case, kind).due_at).date()


def told(case: Case, name: str, kind: str) -> set[str]:
    found = Notice.objects.filter(event__case=case, event__name=name, event__data__clock=kind)
    return set(found.values_list("user__username", flat=True))


def going(case: Case) -> set[str]:
    return set(case.clocks.going().values_list("kind", flat=True))


def moves(case: Case, user: User, at: datetime) -> set[str]:
    return {move.name for move in available(Case.objects.get(pk=case.pk), user, at=at)}


def errors(case: Case, by: User, at: datetime, unit: int, due_on: date) -> dict[str, list[str]]:
    said = {"unit": unit, "assignment": "排查围挡", "due_on": f"{due_on}"}
    form = form_for("set_task", said, case=case, user=by, at=at)
    assert form.is_valid() is not bool(form.errors)
    assert form["assignment"].value() == "排查围挡"
    return {name: [str(line) for line in said] for name, said in form.errors.items()}


def assert_sound() -> None:
    assert verify(as_of=timezone.now()).problems == []
    assert verify_clocks().problems == []


# ---- until when


def test_each_task_runs_until_its_own_day_beside_the_deadline_of_the_case(tasked: Case, county: World):
    case = Case.objects.get(pk=tasked.pk)
    assert (due_day(case, "task_a"), due_day(case, "task_b")) == (date(2026, 11, 26), MONDAY)
    assert case.due_at == clock(case, "improve").due_at
    assert list(ReviewTask.objects.filter(case=case).values_list("number", "clock")) == [
        (1, "task_a"), (2, "task_b"),
    ]  # fmt: skip
    assert [responsible(case, kind) for kind in ("task_a", "task_b", "improve")] == [
        county.water.pk, county.street.pk, county.desk.pk,
    ]  # fmt: skip
    assert_sound()


def test_a_day_off_means_the_next_working_day(events: Events, learnt: Case, later: datetime):
    events.do(learnt, "set_task", at=later, due_on=DAY_OFF)
    assert due_day(learnt, "task_a") == MONDAY
    assert_sound()


def test_today_means_the_end_of_this_working_day(events: Events, learnt: Case, later: datetime):
    seconds_past = later + timedelta(seconds=20)
    events.do(learnt, "set_task", at=seconds_past, due_on=TODAY)
    due = timezone.localtime(clock(learnt, "task_a").due_at)
    other = Event.objects.filter(case=learnt).latest("seq")
    close = clock(learnt, "improve").due_at
    assert (due.date(), f"{due:%H:%M}") == (TODAY, f"{timezone.localtime(close):%H:%M}")
    assert other.data["due_on"] == "2026-11-24"
    assert_sound()


def test_today_a_day_off_means_the_next_working_day(events: Events, learnt: Case):
    saturday = datetime.fromisoformat("2026-11-28T10:00+08:00")
    events.do(learnt, "set_task", at=saturday, due_on=DAY_OFF)
    assert due_day(learnt, "task_a") == MONDAY
    assert_sound()


def test_a_day_whose_hours_are_over_is_refused_and_nothing_is_lost(
    events: Events, county: World, learnt: Case
):
    evening = datetime.fromisoformat("2026-11-24T21:00+08:00")
    refused = "“完成期限”当天的工作时间已过，请改为以后的日期"
    assert errors(learnt, county.reviewer, evening, county.housing.pk, TODAY) == {"due_on": [refused]}
    with pytest.raises(Cannot, match=refused):
        events.do(learnt, "set_task", at=evening, due_on=TODAY)
    with pytest.raises(Cannot, match=refused):
        events.do(learnt, "set_task", at=evening, due_on=TODAY - DAY)
    assert not ReviewTask.objects.exists()


def test_a_day_beyond_the_policys_longest_is_refused_with_the_last_one_possible(
    events: Events, county: World, learnt: Case, later: datetime
):
    unit = county.housing.pk
    assert errors(learnt, county.reviewer, later, unit, date(2027, 11, 26)) == {
        "due_on": ["“完成期限”最晚为 2027-11-25（366个自然日内），更久的请分步下达"]
    }
    assert errors(learnt, county.reviewer, later, unit, date(2027, 11, 25)) == {}
    with pytest.raises(Cannot, match="超过了最长的366个自然日"):
        events.do(learnt, "set_task", at=later, due_on=date(2028, 11, 26))


# ---- done, handed over, too many


def test_finishing_one_leaves_the_other_running(events: Events, county: World, tasked: Case, later: datetime):
    events.do(tasked, "finish_task", at=later + DAY, by=county.other_handler)
    assert (clock(tasked, "task_a").state, going(tasked)) == ("met", {"improve", "task_b"})
    events.do(tasked, "hand_over_task", at=later + DAY, task=2)
    assert (clock(tasked, "task_b").state, going(tasked)) == ("void", {"improve"})
    events.do(tasked, "close_case", at=later + DAY)
    assert going(tasked) == set()
    assert_sound()


def test_a_seventh_task_waits_until_one_is_done(events: Events, county: World, learnt: Case, later: datetime):
    for _ in range(6):
        events.do(learnt, "set_task", at=later)
    assert "set_task" not in moves(learnt, county.reviewer, later)
    with pytest.raises(Cannot, match="同时落实的整改任务至多 6 项，完成或移交一项后再下达"):
        events.do(learnt, "set_task", at=later)
    events.do(learnt, "finish_task", at=later, task=3)
    events.do(learnt, "set_task", at=later + HOUR, unit=county.water.pk)
    assert ReviewTask.objects.get(case=learnt, number=7).clock == "task_c"
    cycles = list(learnt.clocks.filter(kind="task_c").order_by("cycle"))
    names = ClockNames(cycles)
    assert [names.of(each) for each in cycles] == ["整改任务 3 · 住建局", "整改任务 7 · 水务局"]
    assert_sound()


def test_two_open_tasks_cannot_share_a_clock(tasked: Case):
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewTask.objects.filter(case=tasked, number=2).update(clock="task_a")
    ReviewTask.objects.filter(case=tasked).update(clock="")


# ---- late


def test_a_late_task_is_told_to_its_own_unit_alone(county: World, tasked: Case):
    due = clock(tasked, "task_a").due_at
    sweep(at=due + MINUTE)
    relay(at=due + MINUTE)
    missed = tasked.events.filter(name="clock.missed")
    assert [event.data["clock"] for event in missed] == ["task_a"]
    assert told(tasked, "clock.missed", "task_a") == {"other_handler", "other_head"}
    words = Notice.objects.filter(event=missed.get()).values_list("words", flat=True)
    assert ["“整改任务 1 · 水务局”" in said for said in words] == [True] * len(words)
    assert clock(tasked, "task_b").missed_at is None
    assert not tasked.orders.exists()
    assert "acknowledge_rung" in moves(tasked, county.other_handler, due + MINUTE)
    assert "acknowledge_rung" not in moves(tasked, county.street_handler, due + MINUTE)


def test_the_second_task_is_late_at_its_own_time_and_told_to_its_own_unit(tasked: Case):
    due = clock(tasked, "task_b").due_at
    sweep(at=due + MINUTE)
    relay(at=due + MINUTE)
    assert told(tasked, "clock.missed", "task_b") == {"street_handler", "street_head"}
    assert {e.data["clock"] for e in tasked.events.filter(name="clock.missed")} == {"task_a", "task_b"}
    assert_sound()


def test_a_task_that_stays_late_rises_to_its_head_the_desk_and_the_leader(tasked: Case):
    sweep(at=clock(tasked, "task_a").due_at + MINUTE)
    now = clock(tasked, "task_a").due_at + 8 * DAY
    sweep(at=now)
    relay(at=now)
    rung = told(tasked, "clock.escalated", "task_a")
    assert {"other_head", "supervisor", "leader"} <= rung
    assert rung.isdisjoint({"head", "handler", "street_head", "street_handler"})
    assert not tasked.orders.filter(clock__startswith="task_").exists()


def test_nearing_the_day_the_units_own_handler_is_told(tasked: Case):
    near = clock(tasked, "task_b").next_at
    assert near is not None
    sweep(at=near)
    relay(at=near)
    assert told(tasked, "clock.warned", "task_b") == {"street_handler"}


def test_the_page_says_which_task_of_which_unit_is_late(county: World, tasked: Case, client: Client):
    due = clock(tasked, "task_a").due_at
    sweep(at=due + MINUTE)
    case = Case.objects.select_related("unit", "lead", "desk", "user").get(pk=tasked.pk)
    names = ClockNames(case.clocks.all(), ties_of_case(case, events_of(case)))
    entry = next(e for e in timeline(case, CodeLabels(), names) if e.is_missed)
    assert (entry.label, entry.late_unit) == ("逾期：整改任务 1 · 水务局", "水务局")
    assert name_of(clock(case, "task_b")) == "整改任务 2 · 东浦街道"
    late = ReviewTask.objects.filter(case=case).with_lateness(at=due + MINUTE)
    assert {task.number: vars(task)["late"] for task in late} == {1: True, 2: False}
    client.force_login(county.reviewer)
    page = client.get(reverse("case", args=[case.number])).content.decode()
    assert "<h3>整改任务 1 · 水务局</h3>" in page
    assert client.get(reverse("explain", args=[case.number, "task_a", 1])).status_code == 200


def test_a_task_due_on_a_day_off_is_not_late_before_its_clock_is(
    events: Events, learnt: Case, later: datetime
):
    events.do(learnt, "set_task", at=later, due_on=DAY_OFF)
    at = datetime.fromisoformat("2026-11-30T09:00+08:00")
    tasks = ReviewTask.objects.filter(case=learnt)
    assert [vars(tasks.with_lateness(at=moment).get())["late"] for moment in (at, at + DAY)] == [False, True]
    tasks.update(clock="")
    assert [vars(tasks.with_lateness(at=moment).get())["late"] for moment in (at - 2 * DAY, at)] == [
        False,
        True,
    ]


def test_being_told_of_a_task_says_its_own_day(county: World, tasked: Case, later: datetime):
    relay(at=later)
    found = Notice.objects.filter(event__case=tasked, event__name="task.set", user=county.other_head)
    assert {notice.words for notice in found} == {f"{tasked.number} 有整改任务 1，请于 2026-11-26 前完成"}


def test_nobody_is_told_of_a_task_that_is_done_already(
    events: Events, county: World, tasked: Case, later: datetime
):
    events.do(tasked, "finish_task", at=later, task=1, by=county.other_head)
    said = list(tasked.events.filter(name="task.set").order_by("seq"))
    told_of = CATALOGUE["task.set"]
    assert isinstance(told_of, Told)
    assert told_of.still_true(said) == {said[1].pk}


# ---- earlier versions


def _without_task_clocks(text: str, *, guard: str = "") -> str:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("task_", "- {row: task_"))]
    kept = "\n".join(lines)
    for letter in "abcdef":
        kept = kept.replace(f", task_{letter}", "")
    return kept.replace(guard, "")


def test_a_case_of_an_earlier_lifecycle_goes_on_with_the_shared_clock(
    events: Events, county: World, at: datetime, later: datetime
):
    by, newest = User.objects.system(), LIFECYCLE.read_text(encoding="utf-8")
    earlier = _without_task_clocks(newest, guard=", task_has_a_clock_free")
    publish(earlier, "earlier", by=by, at=at)
    case = events.walk("lessons_drawn", at)
    publish(newest, "newest", by=by, at=at)
    assert case.definition_id != Definition.objects.latest_of("opinion_case").pk
    for _ in range(7):
        events.do(case, "set_task", at=later, due_on=TODAY)
    assert going(case) == {"improve"}
    assert set(ReviewTask.objects.filter(case=case).values_list("clock", flat=True)) == {""}
    sweep(at=clock(case, "improve").due_at + MINUTE)
    assert [e.data["clock"] for e in case.events.filter(name="clock.missed")] == ["improve"]
    for number in range(1, 7):
        events.do(case, "finish_task", at=later + DAY, task=number)
    events.do(case, "hand_over_task", at=later + DAY, task=7)
    events.do(case, "close_case", at=later + DAY)
    assert_sound()


def test_a_case_of_earlier_rules_goes_on_with_the_shared_clock(
    events: Events, learnt: Case, at: datetime, later: datetime
):
    """Moved to a newer lifecycle, a case keeps the rules it began with."""
    text = _without_task_clocks(POLICY.read_text(encoding="utf-8"))
    lifecycle = LIFECYCLE.read_text(encoding="utf-8")
    with pytest.raises(Exception, match="task_a"):
        publish(text, "policy", by=User.objects.system(), at=at)
    assert lifecycle.count("task_has_a_clock_free") == 1
    fixed = POLICY.read_text(encoding="utf-8").replace("limit: 366d, chosen: true", "limit: 20wd")
    version = publish(fixed, "policy", by=User.objects.system(), at=at).document
    Case.objects.filter(pk=learnt.pk).update(policy=version)
    events.do(learnt, "set_task", at=later)
    assert going(learnt) == {"improve"}
    assert ReviewTask.objects.get(case=learnt).clock == ""
