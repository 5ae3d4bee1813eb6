"""A new calendar version: what it would do, what it does, and what it leaves alone."""

import datetime as dt
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_examples import SHANGHAI, china, minute_limits, pauses, utc, working_day_limits
from workflows.calendars import CalendarException, DayKind, WorkingCalendar, compile_calendar
from workflows.dues import due_of
from workflows.engine import fire
from workflows.models import CalendarVersion, Case, Clock, Event, User
from workflows.publishing import publish
from workflows.redating import preview, redate
from workflows.sweeper import sweep
from workflows.verifying_clocks import verify_clocks

FRIDAY = dt.date(2026, 11, 27)


def with_days(spec, *rows, **changes):
    """The spec with more dated rows."""
    return spec.model_copy(update={"exceptions": (*spec.exceptions, *rows), **changes})


def off(day):
    return CalendarException(date=day, kind=DayKind.HOLIDAY, name="县庆", source="县〔2026〕1号")


def made_up(day):
    return CalendarException(date=day, kind=DayKind.MAKEUP, name="县庆", source="县〔2026〕1号")


def newest():
    return CalendarVersion.objects.latest_of("china")


def published(spec, at):
    return publish(spec.model_dump_json(), "china", by=User.objects.system(), at=at).document


def worked(world, at):
    """In hand at the office: only the limit of the whole case runs."""
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at)
    return Case.objects.get(pk=case.pk)


def finish(case):
    return case.clocks.get(kind="finish")


def test_preview_says_how_many_move_and_changes_nothing(world, at):
    cases = [worked(world, at) for _ in range(3)]
    before = list(Clock.objects.order_by("id").values())
    foreseen = preview(with_days(newest().parsed, off(FRIDAY)), at=at)
    assert (foreseen.met, foreseen.later, foreseen.earlier, foreseen.late_at_once) == (3, 3, 0, 0)
    assert foreseen.days == {1: 3}
    assert [shift.number for shift in foreseen.examples] == [case.number for case in cases]
    assert list(Clock.objects.order_by("id").values()) == before


def test_a_holiday_moves_running_clocks_each_with_an_event(world, at):
    case = worked(world, at)
    was = finish(case)
    version = published(with_days(newest().parsed, off(FRIDAY)), at)
    done = redate(version, by=world.clerk, at=at)
    assert (done.cases, done.clocks) == (1, 1)
    clock, case = finish(case), Case.objects.get(pk=case.pk)
    assert clock.due_at == was.due_at + timedelta(days=1) == case.due_at
    assert (clock.original_due_at, clock.calendar_id) == (was.original_due_at, version.pk)
    event = case.events.get(name="clock.redated")
    assert event.actor == world.clerk
    assert event.data["calendar"] == [1, 2]
    moved = [dt.datetime.fromisoformat(moment) for moment in event.data["clocks"]["finish"]]
    assert moved == [was.due_at, clock.due_at]
    assert (case.rev, case.head) == (event.seq, event.digest)
    assert verify_clocks().problems == []
    assert redate(version, by=world.clerk, at=at).cases == 0


def test_the_sweep_looks_at_the_new_moment(world, at):
    case = worked(world, at)
    was = finish(case).due_at
    redate(published(with_days(newest().parsed, off(FRIDAY)), at), by=world.clerk, at=at)
    assert sweep(at=was).missed == 0
    assert sweep(at=was + timedelta(days=1)).missed == 1


def test_a_make_up_day_moves_earlier(world, at):
    case = worked(world, at)
    was = finish(case).due_at
    spec = with_days(newest().parsed, made_up(dt.date(2026, 11, 28)))
    assert preview(spec, at=at).earlier == 1
    redate(published(spec, at), by=world.clerk, at=at)
    # Five working days from Tuesday end on Tuesday, with a Saturday made up on Monday.
    assert finish(case).due_at == was - timedelta(days=1)


def test_a_day_outside_the_window_touches_nothing(world, at):
    case = worked(world, at)
    spec = with_days(newest().parsed, off(dt.date(2026, 12, 18)))
    assert preview(spec, at=at).met == 0
    redate(published(spec, at), by=world.clerk, at=at)
    assert finish(case).calendar.version == 1
    assert not Event.objects.filter(name="clock.redated").exists()


def test_finished_clocks_stay_as_they_were_reckoned(world, at):
    case = worked(world, at)
    fire(case.pk, "finish", by=world.worker, at=at + timedelta(hours=1))
    before = list(Clock.objects.order_by("id").values())
    redate(published(with_days(newest().parsed, off(FRIDAY)), at), by=world.clerk, at=at)
    assert list(Clock.objects.order_by("id").values()) == before


def test_a_paused_clock_moves_and_keeps_its_pause(world, at):
    case = worked(world, at)
    fire(case.pk, "wait", by=world.worker, at=at)
    redate(published(with_days(newest().parsed, off(FRIDAY)), at), by=world.clerk, at=at)
    clock = finish(case)
    assert (clock.state, clock.next_at) == ("paused", None)
    assert clock.due_at == clock.original_due_at + timedelta(days=1)
    assert (
        Case.objects.get(pk=case.pk).due_at
        == Clock.objects.going().exclude(pk=clock.pk).values_list("due_at", flat=True).first()
    )
    fire(case.pk, "go_on", by=world.worker, at=at + timedelta(days=2))
    assert finish(case).due_at == clock.original_due_at + timedelta(days=3)
    assert verify_clocks().problems == []


def test_publishing_the_next_year_turns_provisional_clocks_firm(world):
    at = dt.datetime(2026, 12, 28, 9, 30, tzinfo=SHANGHAI)
    case = worked(world, at)
    assert finish(case).provisional
    assert case.provisional
    spec = newest().parsed
    rows = [
        off(row.date) for row in spec.statutory if row.date.year == 2027 and spec.working_weekday(row.date)
    ]
    spec = with_days(spec, *rows, published_through=dt.date(2027, 12, 31))
    assert preview(spec, at=at).firmed == 1
    redate(published(spec, at), by=world.clerk, at=at)
    assert not finish(case).provisional
    assert not Case.objects.get(pk=case.pk).provisional
    assert case.events.filter(name="clock.redated").count() == 1
    assert verify_clocks().problems == []


def test_statements_do_not_grow_with_the_cases(world, at):
    counts: list[int] = []
    for number in (2, 20):
        for _ in range(number):
            worked(world, at)
        spec = with_days(newest().parsed, off(FRIDAY + timedelta(days=3 * len(counts))))
        version = published(spec, at)
        with CaptureQueriesContext(connection) as seen:
            redate(version, by=world.clerk, at=at)
        counts.append(len(seen))
    assert counts[0] == counts[1]


workdays = st.dates(dt.date(2026, 11, 1), dt.date(2026, 12, 31)).filter(china().is_working_day)


@pytest.mark.once
@given(
    st.datetimes(dt.datetime(2026, 11, 1), dt.datetime(2026, 12, 20), timezones=st.just(SHANGHAI)),  # noqa: DTZ001
    working_day_limits | minute_limits,
    st.sets(workdays, min_size=1, max_size=3),
    st.lists(st.sampled_from(["3wd", "1wd", "90min"]), max_size=2),
    st.data(),
)
def test_a_holiday_added_never_makes_a_working_time_limit_earlier(start, limit, days, extended, data):
    paused = data.draw(pauses(start))
    richer = HOLIDAYS.setdefault(
        frozenset(days), compile_calendar(with_days(china().spec, *map(off, sorted(days))))
    )
    before, after = (
        due_of(calendar, start, str(limit), paused=paused, extended=extended).at
        for calendar in (china(), richer)
    )
    assert utc(after) >= utc(before)


HOLIDAYS: dict[frozenset[date], WorkingCalendar] = {}


# ---- races


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_cases_somebody_holds_are_left_for_a_later_turn(at):
    from threading import Event as Signal
    from threading import Thread

    from django.db import connections, transaction

    from tests.workflows.toy.world import make_world
    from workflows.locking import lock_many

    world = make_world(at)
    cases = [worked(world, at) for _ in range(3)]
    version = published(with_days(newest().parsed, off(FRIDAY)), at)
    locked, let_go = Signal(), Signal()

    def hold():
        with transaction.atomic():
            lock_many([cases[1].pk])
            locked.set()
            let_go.wait(10)
        connections.close_all()

    holder = Thread(target=hold)
    holder.start()
    locked.wait(10)

    def move():
        redate(version, by=world.clerk, at=at)
        connections.close_all()

    mover = Thread(target=move)
    mover.start()
    for _ in range(100):
        if Event.objects.filter(name="clock.redated").count() == 2:
            break
        mover.join(0.05)
    assert set(Event.objects.filter(name="clock.redated").values_list("case_id", flat=True)) == {
        cases[0].pk,
        cases[2].pk,
    }
    let_go.set()
    holder.join()
    mover.join()
    assert Event.objects.filter(name="clock.redated").count() == 3
    assert verify_clocks().problems == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_move_made_during_redating_survives(at, monkeypatch):
    """Whoever moves a case between reading and writing it wins; the case is read afresh and re-dated after."""
    from threading import Thread

    from django.db import connections

    from tests.workflows.toy.world import make_world
    from workflows import recasting

    world = make_world(at)
    cases = [worked(world, at) for _ in range(3)]
    version = published(with_days(newest().parsed, off(FRIDAY)), at)
    reckoned = recasting._plans
    moved: list[Thread] = []

    def move():
        fire(cases[1].pk, "wait", by=world.worker, at=at + timedelta(hours=1))
        connections.close_all()

    def plans_then_a_move(*args, **kwargs):
        plans = reckoned(*args, **kwargs)
        if not moved:
            moved.append(Thread(target=move))
            moved[0].start()
            moved[0].join()
        return plans

    monkeypatch.setattr(recasting, "_plans", plans_then_a_move)
    redate(version, by=world.clerk, at=at)
    assert list(cases[1].events.order_by("seq").values_list("name", flat=True))[-2:] == [
        "toy.paused",
        "clock.redated",
    ]
    assert finish(cases[1]).state == "paused"
    assert finish(cases[1]).calendar_id == version.pk
    assert Event.objects.filter(name="clock.redated").count() == 3
    assert verify_clocks().problems == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_redatings_at_once_are_as_one(at):
    from threading import Barrier, Thread

    from django.db import connections

    from tests.workflows.toy.world import make_world
    from workflows.verifying import verify

    world = make_world(at)
    for _ in range(40):
        worked(world, at)
    version = published(with_days(newest().parsed, off(FRIDAY)), at)
    barrier, done = Barrier(2), []

    def move():
        barrier.wait(10)
        done.append(redate(version, by=world.clerk, at=at, pause=0.01))
        connections.close_all()

    movers = [Thread(target=move) for _ in range(2)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    assert sum(each.cases for each in done) == 40
    assert Event.objects.filter(name="clock.redated").count() == 40
    assert verify_clocks().problems == []
    assert verify(as_of=at).problems == []
