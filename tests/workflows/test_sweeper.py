"""The sweep on the toy lifecycle."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError

from notifications.models import Alert
from tests.workflows.toy.world import HERE
from workflows.climbing import Climb
from workflows.engine import fire
from workflows.errors import Cannot
from workflows.models import Case, Clock, Event, OwedMove, User
from workflows.publishing import publish
from workflows.registry import EFFECTS
from workflows.sweeper import next_due, sweep
from workflows.verifying_clocks import verify_clocks


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


# ---- a case that fails


@pytest.fixture
def breakable(world, at, monkeypatch):
    """Cases whose silent acceptance fails, by id, each with what it raises."""
    toy = (HERE / "toy.yaml").read_text(encoding="utf-8")
    noted = toy.replace("event: toy.assumed,", "event: toy.assumed, effects: [toy_note],")
    publish(noted, "toy.yaml", by=User.objects.system(), at=at)
    broken: dict[int, Exception] = {}

    def note(move):
        if move.case.pk in broken:
            raise broken[move.case.pk]

    monkeypatch.setitem(EFFECTS._items, "toy_note", note)
    return broken


def _given(world, at):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    return case


def _state(case):
    return Case.objects.get(pk=case.pk).state


@pytest.mark.parametrize("error", [Cannot("坏案件"), IntegrityError("op_order_level")])
def test_a_case_that_fails_harms_no_other_and_is_done_once_when_mended(world, at, breakable, error):
    cases = [_given(world, at) for _ in range(5)]
    bad = cases[3]
    breakable[bad.pk] = error
    due_at = bad.clocks.get(kind="take").due_at
    late = due_at + timedelta(minutes=5)
    done = sweep(at=late)
    assert (done.missed, done.fired, done.failed) == (5, 4, 1)
    assert [_state(case) for case in cases] == ["working"] * 3 + ["given", "working"]
    assert bad.events.get(name="clock.missed").happened_at == due_at
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.case_number) == (
        "stuck", f"assume {type(error).__name__}", bad.number,
    )  # fmt: skip

    assert next_due(after=late) == late + timedelta(minutes=1)
    assert not sweep(at=late + timedelta(seconds=59))
    assert sweep(at=late + timedelta(minutes=1)).failed == 1
    assert next_due(after=late + timedelta(minutes=1)) == late + timedelta(minutes=3)

    breakable.clear()
    assert sweep(at=late + timedelta(minutes=3)).fired == 1
    assert not sweep(at=late + timedelta(days=1))
    assert (_state(bad), OwedMove.objects.count()) == ("working", 0)
    assert bad.events.get(name="toy.assumed").happened_at == due_at
    assert bad.events.filter(name="clock.missed").count() == 1
    assert verify_clocks().problems == []


def test_what_failed_is_forgotten_once_somebody_has_done_it(world, at, breakable):
    bad = _given(world, at)
    breakable[bad.pk] = Cannot("坏案件")
    late = bad.clocks.get(kind="take").due_at + timedelta(minutes=5)
    sweep(at=late)
    fire(bad.pk, "take", by=world.worker, at=late)
    breakable.clear()
    assert not sweep(at=late + timedelta(hours=1))
    assert (OwedMove.objects.count(), bad.events.filter(name="toy.assumed").count()) == (0, 0)


def test_what_failed_is_dated_when_done_where_the_case_has_moved_since(world, at, breakable):
    bad = _given(world, at)
    breakable[bad.pk] = Cannot("坏案件")
    late = bad.clocks.get(kind="take").due_at + timedelta(minutes=5)
    sweep(at=late)
    breakable.clear()
    fire(bad.pk, "remark", by=world.worker, at=late)
    sweep(at=late + timedelta(hours=1))
    assert bad.events.get(name="toy.assumed").happened_at == late + timedelta(hours=1)


def test_a_case_whose_rungs_cannot_be_told_is_put_off_and_harms_no_other(world, at, monkeypatch):
    bad, good = world.case(at), world.case(at)
    take = Climb.take

    def broken(climb, acknowledged):
        if climb.case.pk == bad.pk:
            raise ValueError("催督阶梯读不出来")
        take(climb, acknowledged)

    monkeypatch.setattr(Climb, "take", broken)
    due_at = bad.clocks.get(kind="give").due_at
    done = sweep(at=due_at)
    assert (done.missed, done.failed) == (1, 1)
    assert not sweep(at=due_at)
    assert (good.events.count(), bad.events.count()) == (2, 1)
    assert Alert.objects.get().subject == "sweep ValueError"
    monkeypatch.undo()
    sweep(at=due_at + timedelta(minutes=15))
    assert bad.events.get(name="clock.missed").happened_at == due_at


def test_a_fault_of_the_machinery_is_no_case_s(world, at, breakable):
    bad = _given(world, at)
    breakable[bad.pk] = OperationalError("连接中断")
    late = bad.clocks.get(kind="take").due_at
    with pytest.raises(OperationalError):
        sweep(at=late)
    assert (bad.events.count(), OwedMove.objects.count(), Alert.objects.count()) == (2, 0, 0)
    breakable.clear()
    assert sweep(at=late).fired == 1
