"""The table of periodic work: the ticker runs it alone, Celery runs the same with a broker."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone

from config.schedule import BY_NAME, SCHEDULE, Periodic
from config.ticking import run_until
from workflows.sweeper import Swept

ROOT = Path(__file__).parents[2]
# Registered in the past, so that its first deadline is over.
OVERDUE = """
from datetime import timedelta
from django.utils import timezone
from opinion.contacts.book import Person
from opinion.registering import register
from workflows.models import Unit, User
register({"source": "12345", "type": "help", "subject": "路灯", "body": "路灯不亮"}, Person(),
         desk=Unit.objects.root().pk, by=User.objects.system(), at=timezone.now() - timedelta(days=9))
"""


def manage(env, *args, **options):
    return subprocess.run([sys.executable, "manage.py", *args], cwd=ROOT, env=env, check=True, **options)


@pytest.fixture(scope="module")
def overdue_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    env = {**os.environ, "HUIYIN_VAR": str(folder), "DATABASE_URL": f"sqlite:///{folder / 'desk.sqlite3'}"}
    manage(env, "migrate", "-v0")
    manage(env, "shell", "-v0", "-c", OVERDUE)
    return folder / "desk.sqlite3"


@pytest.fixture
def overdue_desk(overdue_file, tmp_path):
    """Environment of a SQLite desk of its own on which deadlines have passed unseen."""
    shutil.copy(overdue_file, tmp_path / "desk.sqlite3")
    return {
        **os.environ,
        "HUIYIN_VAR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'desk.sqlite3'}",
    }


def missed(env):
    with closing(sqlite3.connect(env["DATABASE_URL"].removeprefix("sqlite:///"))) as connection:
        query = "SELECT count(*) FROM workflows_event WHERE name = 'clock.missed'"
        return connection.execute(query).fetchone()[0]


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return condition()


def test_every_entry_names_a_function():
    for job in SCHEDULE:
        assert callable(job.function), job.name
    assert len(BY_NAME) == len(SCHEDULE)


@pytest.mark.django_db
def test_entry_runs_at_the_moment_given():
    assert BY_NAME["sweep"].run(at=timezone.now()) == Swept()


def test_failing_job_is_logged_and_holds_up_no_other(monkeypatch, caplog):
    stop, failed, ran = threading.Event(), threading.Event(), []

    def works(*, at):
        ran.append(at)
        if len(ran) >= 3 and failed.is_set():
            stop.set()

    def fails(*, at):
        failed.set()
        raise OSError("磁盘已满")

    jobs = (Periodic("fails", "fails", "", 0.01), Periodic("works", "works", "", 0.01))
    monkeypatch.setattr(
        Periodic, "function", property(lambda job: {"fails": fails, "works": works}[job.name])
    )
    run_until(stop, jobs, now=timezone.now, work=lambda job, at: job.run(at=at))
    assert len(ran) >= 3
    assert "定时工作 fails 失败，稍后重试" in caplog.text
    assert "磁盘已满" in caplog.text


@pytest.mark.slow
def test_ticker_sweeps_and_stops_when_told(overdue_desk):
    ticker = subprocess.Popen([sys.executable, "manage.py", "ticker"], cwd=ROOT, env=overdue_desk)
    try:
        assert wait_for(lambda: missed(overdue_desk) > 0, 60)
    finally:
        ticker.send_signal(signal.SIGTERM)
    assert ticker.wait(20) == 0
    assert missed(overdue_desk) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "broker",
    [pytest.param("redis", marks=pytest.mark.redis), pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)],
)
def test_three_beats_and_a_worker_do_each_thing_once(broker, overdue_desk, tmp_path, request):
    url = request.getfixturevalue(f"{broker}_url")
    env = {
        **overdue_desk,
        "CELERY_BROKER_URL": url,
        "CELERY_TASK_DEFAULT_QUEUE": f"huiyin-test-{os.getpid()}",
    }
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    worker = [*celery, "worker", "--pool", "solo", "-l", "WARNING", "-B", "-s", str(tmp_path / "beat1")]
    beats = [
        [*celery, "beat", "-l", "WARNING", "-s", str(tmp_path / f"beat{n}"), "--pidfile="] for n in (2, 3)
    ]
    processes = [subprocess.Popen(command, cwd=ROOT, env=env) for command in (worker, *beats)]
    try:
        assert wait_for(lambda: missed(env) > 0, 60)
        time.sleep(3)  # several more rounds of all beats
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(30)
    assert missed(env) == 2


@pytest.mark.slow
@pytest.mark.redis
def test_waker_and_worker_need_no_beat_for_what_is_due(overdue_desk, redis_url):
    env = {
        **overdue_desk,
        "CELERY_BROKER_URL": redis_url,
        "CELERY_TASK_DEFAULT_QUEUE": f"huiyin-waker-{os.getpid()}",
    }
    worker = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "solo", "-l", "WARNING"]
    commands = (worker, [sys.executable, "manage.py", "waker"])
    processes = [subprocess.Popen(command, cwd=ROOT, env=env) for command in commands]
    try:
        assert wait_for(lambda: missed(env) > 0, 60)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        endings = [process.wait(30) for process in processes]
    assert missed(env) == 2
    assert endings == [0, 0]


@pytest.mark.slow
def test_waker_without_a_broker_says_what_to_run(overdue_desk):
    env = {**overdue_desk, "CELERY_BROKER_URL": ""}
    said = subprocess.run(
        [sys.executable, "manage.py", "waker"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert "manage.py ticker" in said.stderr


def one(found):
    row = found.fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def own_database(tmp_path):
    """Environment of a desk in a PostgreSQL database of its own, and a connection beside it."""
    given = settings.DATABASES["default"]
    name = f"huiyin_outage_{os.getpid()}"
    server: dict[str, Any] = {
        "host": given["HOST"],
        "port": given["PORT"],
        "user": given["USER"],
        "password": given["PASSWORD"],
    }
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as beside:
        beside.execute(f"CREATE DATABASE {name}")
        try:
            url = (
                f"postgres://{quote(given['USER'])}:{quote(given['PASSWORD'])}"
                f"@{quote(given['HOST'], safe='')}:{given['PORT'] or 5432}/{name}"
            )
            env = {**os.environ, "HUIYIN_VAR": str(tmp_path), "DATABASE_URL": url}
            manage(env, "migrate", "-v0")
            yield env, beside, name
        finally:
            beside.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
@pytest.mark.postgres
def test_ticker_outlives_its_database(own_database):
    """Every connection is cut and none is let in for a while: the ticker waits, comes back and goes on."""
    env, beside, name = own_database

    def connections():
        return one(beside.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]))

    def logged():
        with psycopg.connect(env["DATABASE_URL"]) as reader:
            query = (
                "SELECT count(*) FROM workflows_event WHERE name = 'clock.missed' AND relayed_at IS NOT NULL"
            )
            return one(reader.execute(query))

    ticker = subprocess.Popen([sys.executable, "manage.py", "ticker"], cwd=ROOT, env=env)
    try:
        # One a job and the one that listens.
        assert wait_for(lambda: connections() >= 4, 60)
        beside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        beside.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        time.sleep(4)
        assert connections() == 0
        beside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        manage(env, "shell", "-v0", "-c", OVERDUE)
        assert wait_for(lambda: logged() == 2, 60)
        assert ticker.poll() is None
    finally:
        ticker.send_signal(signal.SIGTERM)
    assert ticker.wait(20) == 0
