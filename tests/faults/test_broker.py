"""A broker that is down, or that takes a connection and never answers: pages go on working, and the backlog drains."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.celery import app
from config.schedule import SCHEDULE
from notifications.models import Notice
from tests.factories.world import World, make_world
from workflows.models import Case, Event

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["dead", "silent"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Celery's only broker; what tries to reach it is noted."""
    tried: list[object] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "silent":
            server.listen()
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        monkeypatch.setattr(app.conf, "broker_url", url)
        monkeypatch.setattr(app, "connection_for_write", lambda *args, **options: tried.append(args))
        yield tried


@pytest.fixture
def county() -> World:
    return make_world()


def test_pages_ask_nothing_of_the_broker_and_the_rows_are_worked_off_later(
    county: World, broker: list[object]
):
    client = Client()
    client.force_login(county.clerk)
    message = {
        "token": "a" * 22, "desk": county.desk.pk, "source": "12345", "external_number": "GD-1", "subject": "路灯不亮",
        "body": "南街路灯不亮。", "urgency": "critical",
    }  # fmt: skip
    assert client.post(reverse("register"), message).status_code == 302
    case = Case.objects.get()
    client.force_login(county.dispatcher)
    done = {"token": "b" * 22, "rev": case.rev, "comment": "已转告"}
    assert client.post(reverse("action", args=[case.number, "comment"]), done).status_code == 302
    assert broker == []
    assert Event.objects.filter(relayed_at=None).count() == 2
    for job in SCHEDULE:
        job.run(at=timezone.now())
    assert not Event.objects.filter(relayed_at=None).exists()
    assert Notice.objects.filter(user=county.dispatcher, event__case=case, channel="inbox").exists()
