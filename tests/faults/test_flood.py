"""Ten thousand deadlines overdue at once after a week's downtime: the highest rung only, one letter a person."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from notifications.delivering import deliver
from notifications.models import Notice
from opinion.models import SupervisionOrder
from opinion.registering import Incoming, register_many
from tests.factories.world import make_world
from workflows.models import Event
from workflows.relay import relay
from workflows.sweeper import sweep

CASES = 10_000


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_week_of_downtime_is_told_in_one_letter_a_person(at, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    county = make_world()
    for part in range(0, CASES, 2000):
        items = [
            Incoming(
                source="12345", external_key=f"{n}", body=f"{n}", desk=county.desk.pk, at=at, type="help"
            )
            for n in range(part, part + 2000)
        ]
        register_many(items, by=county.clerk)
    for user in (county.dispatcher, county.supervisor):
        user.email = f"{user.username}@offices.example"
        user.save(update_fields=["email"])
    Event.objects.update(relayed_at=at)
    with connection.cursor() as cursor:
        # What autovacuum does within a minute of such an import.
        cursor.execute("ANALYZE")
    back = at + timedelta(days=7)
    sweep(at=back)
    # Everything below the rung reached is passed over; the assignment clock went on to red and past it.
    said = Counter(Event.objects.filter(data__clock="assign").values_list("name", "data__rung"))
    assert said == {
        ("clock.missed", None): CASES,
        ("clock.escalated", "red"): CASES,
        ("order.issued", None): CASES,
    }
    assert SupervisionOrder.objects.filter(level=3).count() == CASES
    relay(at=back)
    for _ in range(50):
        if not deliver(at=back, budget_seconds=60):
            break
    assert not Notice.objects.filter(channel="mail").exclude(state__in=["sent", "void"]).exists()
    letters = Counter(message.to[0] for message in mail.outbox)
    assert letters == {"dispatcher@offices.example": 1, "supervisor@offices.example": 1}
