"""The one door, on the toy lifecycle."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from workflows.engine import fire, fire_many
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Case, Clock, Event
from workflows.permits import available


def test_open_starts_clocks_and_first_event(world, at):
    case = world.case(at)
    assert case.number == "TY2026-000001"
    case = Case.objects.get()
    assert (case.state, case.rev, case.unit) == ("opened", 1, world.desk)
    assert sorted(case.clocks.values_list("kind", flat=True)) == ["finish", "give"]
    assert case.due_at == min(c.due_at for c in case.clocks.all())
    assert Event.objects.get().digest == case.head


def test_whole_life(world, at):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at + timedelta(hours=1))
    fire(case.pk, "finish", by=world.worker, at=at + timedelta(hours=2))
    fire(case.pk, "file", by=world.clerk, at=at + timedelta(hours=3))
    case.refresh_from_db()
    assert case.state == "filed"
    assert case.due_at is None
    assert list(case.clocks.order_by("kind").values_list("kind", "state")) == [
        ("finish", "met"), ("give", "met"), ("take", "met"),
    ]  # fmt: skip
    assert not Clock.objects.going().exists()
    assert [e.name for e in case.events.order_by("seq")] == [
        "toy.opened",
        "toy.given",
        "toy.taken",
        "toy.finished",
        "toy.filed",
    ]


def test_three_errors(world, at):
    case = world.case(at)
    with pytest.raises(MayNot):
        fire(case.pk, "give", by=world.worker, at=at)
    with pytest.raises(Cannot):
        fire(case.pk, "file", by=world.clerk, at=at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    with pytest.raises(Already, match="clerk 已于 2026-11-24 09:30 办理“交办”"):
        fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})


def test_key_repeats_harmlessly(world, at):
    case = world.case(at)
    first = fire(case.pk, "give", by=world.clerk, at=at, key="k", data={"lead": world.office.pk})
    again = fire(case.pk, "give", by=world.clerk, at=at, key="k", data={"lead": world.office.pk})
    assert first.pk == again.pk


@pytest.mark.parametrize("key", [None, "x"])
def test_move_without_clock_change_takes_three_statements(world, at, key):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at)
    assert world.worker.standing
    with CaptureQueriesContext(connection) as seen:
        fire(case.pk, "check", by=world.worker, at=at, key=key)
    statements = [q["sql"].split()[0] for q in seen if "SAVEPOINT" not in q["sql"]]
    assert (
        statements
        == {"sqlite": ["SELECT", "INSERT", "UPDATE"], "postgresql": ["SELECT", "WITH"]}[connection.vendor]
    )


def test_available_matches_door(world, at):
    case = world.case(at)
    assert [m.name for m in available(case, world.clerk, at=at)] == ["give", "regrade"]
    assert available(case, world.worker, at=at) == []


def test_fire_many(world, at):
    cases = [world.case(at) for _ in range(50)]
    out = fire_many([c.pk for c in cases], "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    assert all(isinstance(e, Event) for e in out)
    assert Case.objects.filter(state="given", lead=world.office).count() == 50


def test_pause_moves_due(world, at):
    case = world.case(at)
    fire(case.pk, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    fire(case.pk, "take", by=world.worker, at=at)
    before = Case.objects.get(pk=case.pk).due_at
    fire(case.pk, "wait", by=world.worker, at=at)
    assert Case.objects.get(pk=case.pk).due_at == case.clocks.get(kind="rest").due_at
    fire(case.pk, "go_on", by=world.worker, at=at + timedelta(days=2))
    after = Case.objects.get(pk=case.pk)
    assert (after.due_at - before).days == 2
    assert after.state == "working"


def test_regrade_moves_due(world, at):
    case = world.case(at)
    fire(case.pk, "regrade", by=world.clerk, at=at, data={"grade": "hard"})
    clock = case.clocks.get(kind="finish")
    assert clock.limit == "15wd"
    assert clock.due_at > clock.original_due_at
