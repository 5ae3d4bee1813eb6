"""Forty SIGKILLs over three sweepers on five thousand due clocks: one effect for each (clock, cycle, rung)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone

from opinion.models import SupervisionOrder
from opinion.registering import Incoming, register_many
from tests.factories.world import make_world
from tests.faults.killing import kill_all_the_way, pool
from workflows.models import Clock, Event
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

CASES, LONG_LATE, KILLS, SWEEPERS = 5000, 500, 40, 3


def _registered(county, count, at, name):
    items = [
        Incoming(
            source="12345",
            external_key=f"{name}{n}",
            body=f"{name}{n}",
            desk=county.desk.pk,
            at=at,
            type="help",
        )
        for n in range(count)
    ]
    return [case.pk for case in register_many(items, by=county.clerk)]


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_sweepers_leave_one_effect_a_rung(at, tmp_path):
    county = make_world()
    late = _registered(county, LONG_LATE, at - timedelta(days=3, hours=17, minutes=30), "迟")
    due = _registered(county, CASES - LONG_LATE, at, "新")
    moment = at.replace(hour=17, minute=30)
    assert Clock.objects.get(case=due[0], kind="assign").due_at < moment
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with pool("sweep", SWEEPERS, tmp_path, moment.isoformat()) as sweepers:
        left = Clock.objects.due(at=moment)
        total = left.count()
        assert total >= CASES
        kill_all_the_way(sweepers, lambda: total - left.count(), total, kills=KILLS)
    assert sweepers.killed == KILLS
    # A kill between the rungs and the deeds of one batch would have undone both: they are one transaction.
    assert not sweep(at=moment)
    by_case: dict[int, list[str]] = {}
    for case_id, name in Event.objects.order_by("case_id", "seq").values_list("case_id", "name"):
        by_case.setdefault(case_id, []).append(name)
    said = Counter(tuple(by_case[pk]) for pk in due)
    assert said == {("message.registered", "clock.missed"): CASES - LONG_LATE}
    said = Counter(tuple(by_case[pk]) for pk in late)
    assert said == {("message.registered", "clock.missed", "clock.escalated", "order.issued"): LONG_LATE}
    assert SupervisionOrder.objects.count() == LONG_LATE
    keys = Event.objects.exclude(key=None).values_list("case_id", "key")
    assert keys.count() == keys.distinct().count()
    assert verify(as_of=timezone.now()).problems == []
    assert verify_clocks().problems == []


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_waited_longest_is_swept_first(at):
    """Batches follow the clocks' own order, whatever the order of the cases."""
    county = make_world()
    for days in (1, 6, 4, 5):
        _registered(county, 3, at - timedelta(days=days), f"第{days}日")
    sweep(at=at, batch=3)
    missed = list(
        Event.objects.filter(name="clock.missed").order_by("id").values_list("happened_at", flat=True)
    )
    batches = [missed[n : n + 3] for n in range(0, 12, 3)]
    assert len(missed) == 12
    assert all(max(a) <= min(b) for a, b in pairwise(batches))
