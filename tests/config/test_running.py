"""Runs are noted, and a wall clock that is wrong neither fires early nor twice, and is said aloud."""

import socket
import threading
from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError

from config import running
from config.celery import app, publish
from config.running import agreed, noted, run, stepped
from config.schedule import BY_NAME
from notifications.models import Alert
from tests.workflows.toy.world import make_world
from workflows.models import Event, PeriodicRun

SWEEP = BY_NAME["sweep"]
PATIENCE_SECONDS = 30


@pytest.fixture
def world(db, at):
    return make_world(at)


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    monkeypatch.setattr(running, "_said", {})


@pytest.fixture
def one_clock(monkeypatch):
    """The database's clock is this machine's: a test chooses the moment."""
    monkeypatch.setattr(running, "agreed", lambda at, there=None: at)


def clock_alerts():
    return list(Alert.objects.filter(kind="clock").values_list("subject", "count"))


def missed():
    return Event.objects.filter(name="clock.missed").count()


def test_run_is_noted_with_what_it_did(world, at, one_clock):
    due_at = world.case(at).clocks.get(kind="give").due_at
    run(SWEEP, due_at)
    row = PeriodicRun.objects.get(pk="sweep")
    assert (row.ran_at, row.latest_at, row.result_at, row.failures) == (due_at, due_at, due_at, 0)
    assert "逾期 1" in row.result


def test_idle_runs_are_noted_now_and_then_only(world, at, one_clock):
    for seconds in (0, 3, 9):
        run(SWEEP, at + timedelta(seconds=seconds))
    assert PeriodicRun.objects.get(pk="sweep").ran_at == at
    run(SWEEP, at + timedelta(seconds=10))
    assert PeriodicRun.objects.get(pk="sweep").ran_at == at + timedelta(seconds=10)


def test_failure_is_noted_without_its_words_and_raised(db, at, one_clock):
    def fails(_):
        raise OSError("张三 13800001111")

    for _ in range(2):
        with pytest.raises(OSError, match="张三"):
            noted("relay", at, fails)
    row = PeriodicRun.objects.get(pk="relay")
    assert (row.failures, row.error, row.failed_at) == (2, "OSError", at)
    noted("relay", at + timedelta(seconds=1), lambda _: None)
    row.refresh_from_db()
    assert (row.failures, row.error) == (0, "OSError")


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(hours=24)])
def test_clock_that_goes_back_is_said_once_and_nothing_fires_twice(world, at, back, one_clock):
    due_at = world.case(at).clocks.get(kind="give").due_at
    run(SWEEP, due_at)
    assert missed() == 1
    for seconds in (0, 1, 60):
        run(SWEEP, due_at - back + timedelta(seconds=seconds))
    assert clock_alerts() == [(f"{socket.gethostname()[:30]} 时钟回拨", 1)]
    assert missed() == 1
    run(SWEEP, due_at + timedelta(seconds=1))
    assert missed() == 1


def test_clock_that_is_set_a_few_minutes_back_is_no_alarm(world, at, one_clock):
    run(SWEEP, at)
    run(SWEEP, at - timedelta(minutes=5))
    assert clock_alerts() == []


@pytest.mark.parametrize("skew", [timedelta(hours=1), timedelta(hours=-1), timedelta(hours=-24)])
def test_machine_whose_clock_is_wrong_works_by_the_databases(world, at, skew):
    due_at = world.case(at).clocks.get(kind="give").due_at
    early = due_at - timedelta(minutes=30)
    assert agreed(early + skew, there=early) == early
    SWEEP.run(agreed(early + skew, there=early))
    assert missed() == 0
    SWEEP.run(agreed(due_at + skew, there=due_at))
    assert missed() == 1
    assert clock_alerts() == [(f"{socket.gethostname()[:30]} 时钟与数据库不一致", 2)]


def test_small_difference_of_clocks_is_left_alone(db, at):
    there = at + timedelta(minutes=5)
    assert agreed(at, there=there) == at
    assert clock_alerts() == []


@pytest.mark.postgres
def test_database_is_asked_for_its_clock(world, at):
    case_due = world.case(at).clocks.get(kind="give").due_at
    far = case_due + timedelta(days=3650)
    run(SWEEP, far)
    assert PeriodicRun.objects.get(pk="sweep").latest_at < far - timedelta(days=3000)
    assert len(clock_alerts()) == 1


# ---- asking a worker


@pytest.fixture
def black_hole():
    """Takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(5)
        yield listening.getsockname()[1]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{}/0", "amqp://guest@127.0.0.1:{}//"])
@pytest.mark.parametrize("dead", [True, False])
def test_broker_that_is_down_or_silent_is_given_up(url, dead, black_hole, monkeypatch):
    monkeypatch.setattr(app.conf, "broker_url", url.format(1 if dead else black_hole))
    raised = []

    def ask():
        try:
            publish("sweep")
        except OperationalError as error:
            raised.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    assert not asking.is_alive()
    assert len(raised) == 1


def test_tasks_survive_their_worker_and_carry_a_name_only():
    task = app.tasks["huiyin.periodic"]
    assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True, True, True)
    beat = app.conf.beat_schedule
    assert {name: entry["args"] for name, entry in beat.items()} == {name: (name,) for name in BY_NAME}
    assert all(
        "eta" not in entry["options"] and "countdown" not in entry["options"] for entry in beat.values()
    )


def test_step_forward_is_an_alert(db, at):
    stepped(timedelta(hours=1), at)
    assert clock_alerts() == [(f"{socket.gethostname()[:30]} 时钟前跳", 1)]
