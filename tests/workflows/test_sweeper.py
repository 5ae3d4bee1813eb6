"""The sweep on the toy lifecycle."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from workflows.engine import fire
from workflows.models import Case, Clock, Event, User
from workflows.sweeper import sweep


def _names(case):
    return list(case.events.order_by("seq").values_list("name", flat=True))


def test_nothing_due_changes_nothing(world, at):
    case = world.case(at)
    assert sweep(at=at).missed == 0
    assert _names(case) == ["toy.opened"]


def test_missed_deadline_logged_once_at_the_deadline(world, at):
    case = world.case(at)
    give = case.clocks.get(kind="give")
    assert sweep(at=give.due_at).missed == 1
    assert sweep(at=give.due_at + timedelta(hours=1)).missed == 0
    event = case.events.get(name="clock.missed")
    assert event.happened_at == give.due_at
    assert event.actor == User.objects.system()
    assert event.unit == world.desk
    assert event.data == {"clock": "give", "cycle": 1}
    give.refresh_from_db()
    assert (give.state, give.missed_at, give.next_at) == ("running", give.due_at, None)


def test_one_microsecond_early_is_not_missed(world, at):
    case = world.case(at)
    due_at = case.clocks.get(kind="give").due_at
    assert sweep(at=due_at - timedelta(microseconds=1)).missed == 0


def test_late_finish_after_sweep_is_not_logged_twice(world, at):
    case = world.case(at)
    sweep(at=at + timedelta(days=1))
    fire(case.pk, "give", by=world.clerk, at=at + timedelta(days=1), data={"lead": world.office.pk})
    assert _names(case) == ["toy.opened", "clock.missed", "toy.given"]
    assert case.clocks.get(kind="give").state == "missed"


def test_late_finish_before_sweep_logs_the_miss_first_under_the_unit_that_held_it(world, at):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at + timedelta(days=1), data={"lead": world.office.pk})
    assert _names(case) == ["toy.opened", "clock.missed", "toy.given"]
    missed = case.events.get(name="clock.missed")
    assert missed.unit == world.desk
    assert missed.happened_at == case.clocks.get(kind="give").due_at


def test_silence_is_acceptance_dated_at_the_deadline(world, at):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    take = case.clocks.get(kind="take")
    done = sweep(at=take.due_at + timedelta(hours=5))
    assert (done.missed, done.fired) == (1, 1)
    case.refresh_from_db()
    assert case.state == "working"
    assumed = case.events.get(name="toy.assumed")
    assert assumed.happened_at == take.due_at
    assert assumed.actor == User.objects.system()
    take.refresh_from_db()
    assert take.state == "missed"


def test_week_of_downtime_is_caught_up_oldest_first(world, at):
    cases = [world.case(at + timedelta(minutes=n)) for n in range(5)]
    done = sweep(at=at + timedelta(days=30), batch=2)
    assert done.missed == 10
    assert Event.objects.filter(name="clock.missed").count() == 10
    assert not Clock.objects.due(at=at + timedelta(days=30)).exists()
    seen = list(Event.objects.filter(name="clock.missed").order_by("id").values_list("case_id", flat=True))
    assert seen[:2] == [cases[0].pk, cases[0].pk]


def test_pause_ends_by_itself_at_its_cap_and_nobody_missed_anything(world, at):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at)
    fire(case.pk, "wait", by=world.worker, at=at)
    rest = case.clocks.get(kind="rest")
    done = sweep(at=rest.due_at + timedelta(hours=1))
    assert (done.missed, done.fired) == (0, 1)
    resumed = case.events.get(name="toy.resumed")
    assert (resumed.happened_at, resumed.actor) == (rest.due_at, User.objects.system())
    rest.refresh_from_db()
    assert (rest.state, rest.missed_at) == ("met", None)
    case = Case.objects.get(pk=case.pk)
    assert case.state == "working"
    assert case.due_at == case.clocks.get(kind="finish").due_at


@pytest.mark.parametrize(("name", "data"), [("wait", {}), ("regrade", {"grade": "hard"})])
def test_deadline_that_passed_unswept_is_logged_by_the_move_that_pauses_or_regrades(world, at, name, data):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at)
    finish = case.clocks.get(kind="finish")
    late = finish.due_at + timedelta(hours=1)
    fire(case.pk, name, by=world.clerk if data else world.worker, at=late, data=data)
    missed = case.events.get(name="clock.missed")
    assert (missed.happened_at, missed.data["clock"]) == (finish.due_at, "finish")
    assert sweep(at=late + timedelta(minutes=1)).missed == 0


def test_naive_moment_is_refused(world, at):
    with pytest.raises(ValueError, match="时区"):
        sweep(at=at.replace(tzinfo=None))


def test_command_tells_what_it_did_and_refuses_what_is_no_moment(world, at, capsys):
    world.case(at)
    call_command("sweep", at=f"{at + timedelta(days=1):%Y-%m-%dT%H:%M}")
    assert capsys.readouterr().out == "截至 2026-11-25 09:30:00：新增逾期 1 条，自动流转 0 件。\n"
    with pytest.raises(CommandError, match="--at：看不懂时刻“昨天”"):
        call_command("sweep", at="昨天")
