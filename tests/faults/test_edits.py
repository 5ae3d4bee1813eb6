"""Agents go on working while sweepers sweep: no edit is lost, no case is reopened, nothing is said of a met deadline."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from tests.factories.world import make_world
from tests.faults.killing import pool
from tests.faults.test_killed_sweepers import _registered
from workflows.engine import fire
from workflows.models import Case, Clock, Event
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

CASES = 400


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_agents_edits_during_a_sweep_survive(at, tmp_path):
    county = make_world()
    case_ids = _registered(county, CASES, at - timedelta(days=3, hours=17, minutes=30), "件")
    moment = at.replace(hour=17, minute=30)
    failures: list[BaseException] = []

    def agent(mine: list[int]) -> None:
        try:
            for case_id in mine:
                fire(case_id, "assign", by=county.dispatcher, at=moment, data={"lead": county.housing.pk})
                fire(case_id, "accept", by=county.handler, at=moment)
        except BaseException as error:  # noqa: BLE001  # raised again by the test's own thread
            failures.append(error)
        finally:
            connections.close_all()

    agents = [threading.Thread(target=agent, args=(case_ids[n::2],)) for n in range(2)]
    with pool("sweep", 2, tmp_path, moment.isoformat()) as sweepers:
        for each in agents:
            each.start()
        for each in agents:
            each.join(120)
        deadline = time.monotonic() + 60
        while Clock.objects.due(at=moment).exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert sweepers.process.poll() is None, sweepers.errors.read_text()
    assert failures == []
    sweep(at=moment)
    assert set(Case.objects.values_list("state", flat=True)) == {"accepted"}
    assert Event.objects.filter(name="message.accepted").count() == CASES
    # The assignment came after its deadline: missed, once, by whoever noticed first, and never said again afterwards.
    missed = Event.objects.filter(name="clock.missed", data__clock="assign")
    assert missed.count() == missed.values("case").distinct().count() == CASES
    assert set(Clock.objects.filter(kind="assign").values_list("state", flat=True)) == {"missed"}
    for name in ("clock.escalated", "clock.warned", "clock.repeated"):
        late = Event.objects.filter(name=name, data__clock="assign")
        for event in late.select_related("case"):
            assigned = event.case.events.get(name="message.assigned")
            assert event.seq < assigned.seq
    assert verify(as_of=timezone.now()).problems == []
    assert verify_clocks().problems == []
    assert connection.vendor == "postgresql"
