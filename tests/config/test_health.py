"""What administrators and Prometheus see of the machinery."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from config import health as health_module
from config.celery import app
from config.health import broker, health
from config.metrics import exposition
from notifications.models import Alert, Notice
from tests.factories.world import make_world as make_county
from tests.workflows.toy.world import make_world
from workflows.models import Event, PeriodicRun
from workflows.relay import relay
from workflows.sweeper import sweep

IN_OCTOBER = datetime(2026, 10, 31, 23, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
IN_NOVEMBER = datetime(2026, 11, 1, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def world(db, at):
    return make_world(at)


def samples(at):
    families = text_string_to_metric_families(exposition(at=at).decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_lag_is_how_long_the_oldest_due_clock_has_waited(world, at):
    clock = world.case(at).clocks.get(kind="give")
    assert health(at=clock.next_at).lag == timedelta(0)
    late = clock.next_at + timedelta(minutes=3)
    assert health(at=late).lag == timedelta(minutes=3)
    assert "有时限到点未检查：请确认 ticker 或 Celery worker 在运行" in health(at=late).warnings
    sweep(at=late)
    assert health(at=late).lag == timedelta(0)


def test_outbox_age_is_that_of_the_oldest_event(world, at):
    world.case(at)
    recorded_at = Event.objects.earliest("id").recorded_at
    assert health(at=recorded_at + timedelta(hours=1)).outbox == timedelta(hours=1)
    relay(at=at)
    assert health(at=recorded_at + timedelta(hours=1)).outbox == timedelta(0)


def test_notice_that_is_due_and_not_sent_is_seen(world, at):
    event = Event.objects.get(case=world.case(at))
    Notice.objects.create(
        event=event, user=world.clerk, channel="mail", urgency=1, case_number="1", words="x", created_at=at,
        next_try_at=at,
    )  # fmt: skip
    assert health(at=at + timedelta(minutes=2)).notices == {"邮件": timedelta(minutes=2)}


def test_job_that_never_ran_is_late_and_one_that_fails_is_said(db, at):
    PeriodicRun.objects.create(
        name="relay", latest_at=at, ran_at=at, failures=3, failed_at=at, error="OSError"
    )
    warnings = health(at=at + timedelta(seconds=30)).warnings
    assert "“时限检查”没有按时运行" in warnings
    assert "“事件转发”没有按时运行" not in warnings
    assert "“事件转发”连续失败 3 次" in warnings


def test_missing_year_is_said_from_november_on(db):
    assert health(at=IN_OCTOBER).calendars == []
    assert len(health(at=IN_NOVEMBER).calendars) == 1
    assert "2027" in health(at=IN_NOVEMBER).calendars[0]


def test_statements_do_not_grow_with_what_there_is(world, at):
    def statements():
        with CaptureQueriesContext(connection) as seen:
            health(at=at + timedelta(days=3))
        return len(seen)

    statements()
    few = statements()
    for _ in range(5):
        world.case(at)
    assert statements() == few <= 8


def test_metrics_are_the_same_figures(world, at):
    clock = world.case(at).clocks.get(kind="give")
    late = clock.next_at + timedelta(seconds=90)
    Alert.objects.sound("nobody", "x", at=at)
    PeriodicRun.objects.create(name="sweep", latest_at=at, ran_at=at, took_ms=250)
    found = samples(late)
    assert found["huiyin_sweep_lag_seconds",] == 90
    assert found["huiyin_alerts_open", "nobody"] == 1
    assert found["huiyin_alerts_open", "clock"] == 0
    assert found["huiyin_periodic_ran_timestamp_seconds", "sweep"] == at.timestamp()
    assert found["huiyin_periodic_duration_seconds", "sweep"] == 0.25
    assert found["huiyin_calendars_missing_year",] == 1


@pytest.mark.parametrize(
    ("token", "asked", "status"),
    [
        ("", {}, 200),
        ("", {"REMOTE_ADDR": "10.0.0.8"}, 404),
        ("", {"HTTP_X_FORWARDED_FOR": "10.0.0.8"}, 404),
        ("s3cret", {}, 404),
        ("s3cret", {"HTTP_AUTHORIZATION": "Bearer wrong"}, 404),
        ("s3cret", {"HTTP_AUTHORIZATION": "Bearer 密"}, 404),
        ("s3cret", {"HTTP_AUTHORIZATION": "Bearer s3cret", "REMOTE_ADDR": "10.0.0.8"}, 200),
    ],
)
def test_metrics_are_for_the_token_or_this_machine(db, settings, token, asked, status):
    settings.HUIYIN_METRICS_TOKEN = token
    response = Client().get("/metrics", **asked)
    assert response.status_code == status
    assert (b"huiyin_sweep_lag_seconds" in response.content) == (status == 200)


def test_masthead_warns_administrators_and_nobody_else(db, monkeypatch):
    county = make_county()
    monkeypatch.setattr(health_module, "calendar_warnings", lambda at: ["缺 2027 年"])
    monkeypatch.setattr("config.views.masthead.calendar_warnings", lambda at: ["缺 2027 年"])
    Alert.objects.sound("nobody", "x", at=IN_NOVEMBER)
    client = Client()
    client.force_login(county.sysadmin)
    page = client.get("/health/").content.decode()
    assert "缺 2027 年。" in page
    assert "无人可告知 1 条" in page
    assert '运行状况 <b class="bell-count">2<' in page
    client.force_login(county.supervisor)
    assert "运行状况" not in client.get("/").content.decode()
    assert client.get("/health/").status_code == 403


def test_broker_is_asked_only_where_there_is_one(settings, monkeypatch):
    settings.CELERY_BROKER_URL = None
    assert broker() == ""
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(app.conf, "broker_url", settings.CELERY_BROKER_URL)
    assert broker() == "down"


@pytest.mark.redis
def test_broker_that_answers_is_well(settings, monkeypatch, redis_url):
    settings.CELERY_BROKER_URL = redis_url
    monkeypatch.setattr(app.conf, "broker_url", redis_url)
    assert broker() == "ok"
