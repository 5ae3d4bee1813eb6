"""The loop sleeps until the rows say it is needed, and wakes when the database rings."""

import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config import listening
from config.schedule import SCHEDULE, Periodic
from config.ticking import _Loop, run_until
from notifications.delivering import next_try
from notifications.models import Notice
from tests.workflows.toy.world import make_world
from workflows.models import Clock, Event
from workflows.seeding import seed
from workflows.sweeper import next_due
from workflows.triggers import CHANNEL

# So long that nothing in a test happens because of it.
NEVER = 3600
PATIENCE_SECONDS = 30


class Counted:
    """Stands in for a job's function. next_at: what the rows would say."""

    def __init__(self):
        self.runs = []
        self.ran = threading.Condition()
        self.next = lambda after: None

    def work(self, job, at):
        with self.ran:
            self.runs.append(at)
            self.ran.notify_all()

    def wait_for(self, count):
        with self.ran:
            return self.ran.wait_for(lambda: len(self.runs) >= count, PATIENCE_SECONDS)


@pytest.fixture
def counted(monkeypatch):
    made = Counted()
    monkeypatch.setattr(Periodic, "next_at", lambda job, *, after: made.next(after))
    return made


@contextmanager
def ticking(jobs, **options):
    stop = threading.Event()
    loop = threading.Thread(target=run_until, args=(stop, jobs), kwargs={"now": timezone.now, **options})
    loop.start()
    try:
        yield
    finally:
        stop.set()
        loop.join(PATIENCE_SECONDS)
    assert not loop.is_alive()


def test_loop_sleeps_until_the_next_moment_and_no_longer(counted):
    began = timezone.now()
    due_at = began + timedelta(seconds=0.3)
    counted.next = lambda after: due_at if after < due_at else None
    with ticking([Periodic("one", "one", "", NEVER)], work=counted.work):
        assert counted.wait_for(2)
    first, second = counted.runs
    assert first < due_at <= second


def test_loop_that_is_told_to_wait_for_rows_ignores_its_period(counted):
    with ticking([Periodic("one", "one", "", 0.01)], work=counted.work, periodic=False):
        assert counted.wait_for(1)
        time.sleep(0.2)
    assert len(counted.runs) == 1


def test_loop_outlives_rows_that_cannot_be_read(counted, caplog):
    answers = iter([OSError("断线")])

    def next_at(after):
        for error in answers:
            raise error

    counted.next = next_at
    with ticking([Periodic("one", "one", "", 0.01)], work=counted.work):
        assert counted.wait_for(3)
    assert "定时工作 one 失败，稍后重试" in caplog.text


def test_bell_makes_a_job_that_knows_its_moments_look_before_it_runs(counted, monkeypatch):
    """Here the bell rings twice, and only the second time is there something to do."""
    loops: list[_Loop] = []

    class Kept(_Loop):
        def __init__(self, *given):
            super().__init__(*given)
            loops.append(self)

    monkeypatch.setattr("config.ticking._Loop", Kept)
    monkeypatch.setattr("config.ticking.can_listen", lambda: False)
    looks = threading.Condition()
    asked: list[datetime] = []
    due: list[datetime] = []

    def next_at(after):
        with looks:
            asked.append(after)
            looks.notify_all()
        return next((moment for moment in due if moment > after), None)

    counted.next = next_at
    with ticking([Periodic("one", "one", "", NEVER, ("event",), "x")], work=counted.work):
        with looks:
            assert looks.wait_for(lambda: len(asked) >= 1, PATIENCE_SECONDS)
            loops[0].bell.set()
            assert looks.wait_for(lambda: len(asked) >= 2, PATIENCE_SECONDS)
        assert len(counted.runs) == 1
        due.append(counted.runs[0] - timedelta(seconds=1))
        loops[0].bell.set()
        assert counted.wait_for(2)


def test_every_bell_is_one_that_rings():
    assert {bell for job in SCHEDULE for bell in job.bells} == {"event", "notice"}


@pytest.mark.django_db
def test_sweep_is_next_needed_at_the_earliest_running_clock(at):
    world = make_world(at)
    assert next_due(after=at) is None
    case = world.case(at)
    moments = sorted(clock.next_at for clock in Clock.objects.filter(case=case) if clock.next_at)
    assert next_due(after=at) == moments[0]
    assert next_due(after=moments[0]) == min(m for m in moments if m > moments[0])


@pytest.mark.django_db
def test_deliverer_is_next_needed_at_the_earliest_waiting_notice(at):
    world = make_world(at)
    event = Event.objects.get(case=world.case(at))
    assert next_try(after=at) is None
    for hours, state in ((3, "planned"), (2, "deferred"), (1, "sent")):
        ended = state == "sent"
        Notice.objects.create(
            event=event, user=(world.clerk, world.worker, world.watcher)[hours - 1], channel="mail", urgency=1,
            case_number="1", words="x", created_at=at, state=state,
            next_try_at=None if ended else at + timedelta(hours=hours),
        )  # fmt: skip
    assert next_try(after=at) == at + timedelta(hours=2)
    assert next_try(after=at + timedelta(hours=2)) == at + timedelta(hours=3)


@pytest.fixture
def committed_world(transactional_db, at):
    seed()
    return make_world(at)


@pytest.fixture
def ear(transactional_db):
    """A connection that listens."""
    listener = connection.copy()
    listener.connect()
    listener.connection.execute(f"LISTEN {CHANNEL}")
    yield listener.connection
    listener.close()


def heard(ear, seconds=0.5):
    return [notice.payload for notice in ear.notifies(timeout=seconds)]


@pytest.mark.postgres
def test_committed_events_ring_once_a_transaction(ear, committed_world, at):
    heard(ear)
    with transaction.atomic():
        committed_world.case(at)
        committed_world.case(at)
    assert heard(ear) == ["event"]


@pytest.mark.postgres
def test_what_is_rolled_back_rings_nothing(ear, committed_world, at):
    heard(ear)
    with transaction.atomic():
        committed_world.case(at)
        transaction.set_rollback(True)
    assert heard(ear) == []


@pytest.mark.postgres
def test_nobody_waits_for_somebody_else_to_ring(ear, committed_world, at):
    """Where two are under way at once the second leaves the ringing to the first."""
    case = committed_world.case(at)
    other = connection.copy()
    other.connect()
    again = (
        "INSERT INTO workflows_event (case_id, seq, name, transition, actor_id, unit_id, source, target, data,"
        " happened_at, recorded_at, digest) SELECT case_id, 50, name, transition, actor_id, unit_id, source, target,"
        " data, happened_at, recorded_at, digest FROM workflows_event WHERE case_id = %s"
    )
    heard(ear)
    try:
        with transaction.atomic():
            committed_world.case(at)
            other.connection.execute("SET lock_timeout = '5s'")
            other.connection.execute(again, [case.pk])
            assert heard(ear) == []
        assert heard(ear) == ["event"]
    finally:
        other.close()


@pytest.mark.postgres
def test_loop_is_woken_by_an_event_and_by_its_connection_coming_back(
    committed_world, at, counted, caplog, monkeypatch
):
    monkeypatch.setattr(listening, "FIRST_PAUSE", 0.05)
    with ticking([Periodic("one", "one", "", NEVER, ("event",))], work=counted.work):
        # Once at the start, once because it now listens, once more after the echo.
        assert counted.wait_for(3)
        committed_world.case(at)
        assert counted.wait_for(5)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = %s",
                [f"LISTEN {CHANNEL}"],
            )
            assert cursor.fetchall() == [(True,)]
        assert counted.wait_for(7)
        committed_world.case(at)
        assert counted.wait_for(9)
    assert "与数据库的唤醒连接中断" in caplog.text
