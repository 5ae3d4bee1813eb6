"""Messages of a broker may come late, thrice and in any order: the rows decide what is done."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from config.schedule import BY_NAME
from notifications.models import Notice
from tests.factories.world import World, make_world
from workflows.models import Case, Clock, Event

NAMES = ("sweep", "relay", "deliver")


@pytest.fixture
def county(db: None) -> World:
    return make_world()


def everything() -> tuple[list[tuple[object, ...]], ...]:
    """What there is, but for ids, digests and moments of writing."""
    return (
        list(Case.objects.order_by("number").values_list("number", "state", "rev", "rung", "due_at")),
        list(
            Event.objects.order_by("case__number", "seq").values_list(
                "case__number", "seq", "name", "actor", "happened_at", "key", "relayed_at"
            )
        ),
        list(
            Clock.objects.order_by("case__number", "kind", "cycle").values_list(
                "case__number", "kind", "cycle", "state", "rung", "repeats", "missed_at", "next_at"
            )
        ),
        list(
            Notice.objects.order_by("event__case__number", "event__seq", "user", "channel").values_list(
                "event__case__number", "event__seq", "user__username", "channel", "state", "words"
            )
        ),
    )


def after(names: Sequence[str], at: datetime) -> tuple[list[tuple[object, ...]], ...]:
    """How the database stands after these runs, which are then undone."""
    with transaction.atomic():
        for name in names:
            BY_NAME[name].run(at)
        found = everything()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_tasks_delivered_thrice_and_shuffled_leave_the_same_database(
    county: World, at: datetime, seed: int
) -> None:
    for number, state in enumerate(("registered", "handling", "drafted", "assigned")):
        county.walk(state, at + timedelta(minutes=number))
    # Words say what is so when they are written: what happened by hand has been told long since.
    BY_NAME["relay"].run(at + timedelta(hours=1))
    late = at + timedelta(days=30)
    once = after(NAMES, late)
    assert [row for row in once[1] if row[2] == "clock.missed"]
    shuffled = list(NAMES * 3)
    random.Random(seed).shuffle(shuffled)
    # Whatever came in the wrong order is done by the next period's messages.
    assert after([*shuffled, *NAMES], late) == once
