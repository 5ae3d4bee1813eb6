"""A clock moved in bulk and one moved by its case alone are the same afterwards; what is put off is climbed anew."""

import datetime as dt
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workflows.test_redating import finish, newest, off, published, with_days, worked
from tests.workflows.test_repolicing import TEXT, version_of
from tests.workflows.toy.world import HERE
from workflows import redating, repolicing
from workflows.engine import fire
from workflows.models import CalendarVersion, Case, PolicyVersion, User
from workflows.publishing import publish
from workflows.sweeper import sweep
from workflows.verifying_clocks import verify_clocks

CLIMBING = TEXT.replace("clock: finish, limit", "clock: finish, ladder: toy, limit")
HOUR = timedelta(hours=1)
SOME = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
WHOLE = (
    "state",
    "limit",
    "due_at",
    "next_at",
    "missed_at",
    "consumed_seconds",
    "provisional",
    "rung",
    "repeats",
)
# Hours after the case began; pauses in order, and the moment of the change after everything.
TIMES = st.lists(st.integers(1, 220), min_size=4, max_size=4, unique=True).map(sorted)


def put_on_a_ladder(at: datetime) -> None:
    text = (HERE / "ladder.yaml").read_text(encoding="utf-8").replace(", fire: [remark]", "")
    publish(text, "toy", by=User.objects.system(), at=at)


def shown(case: Case, *fields: str) -> list[object]:
    """The clock, what its case shows of it, and what the log says of it."""
    clock, case = finish(case), Case.objects.get(pk=case.pk)
    said = case.events.filter(name__startswith="clock.", data__clock="finish").order_by("seq")
    return [
        *(getattr(clock, field) for field in fields),
        case.due_at, case.rung, case.provisional, list(said.values_list("name", "happened_at")),
    ]  # fmt: skip


def tried(case: Case, fields: tuple[str, ...], *deeds: Callable[[], object]) -> list[object]:
    """What comes of it, undone afterwards."""
    with transaction.atomic():
        for deed in deeds:
            deed()
        found = shown(case, *fields)
        assert verify_clocks().problems == []
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("limit", ["3wd", "10wd", "48h", "15d"])
def test_another_policy_and_another_grade_leave_equal_clocks(world, at, limit):
    """The same new limit, once for every case by a policy, once for this case by its facts."""
    put_on_a_ladder(at)
    version_of(CLIMBING.replace("limit: 15wd", f"limit: {limit}"), at)
    case = worked(world, at)
    bulk = version_of(CLIMBING.replace("limit: 5wd", f"limit: {limit}"), at)

    @SOME
    @given(times=TIMES, paused=st.booleans(), swept=st.booleans())
    def holds(times, paused, swept):
        stop, go, last, now = (at + hours * HOUR for hours in times)

        def before():
            if paused:
                sweep(at=stop)
                fire(case.pk, "wait", by=world.worker, at=stop)
                fire(case.pk, "go_on", by=world.worker, at=go)
            if swept:
                sweep(at=last)

        one = tried(
            case, WHOLE, before,
            lambda: fire(case.pk, "regrade", by=world.clerk, at=now, data={"grade": "hard"}),
        )  # fmt: skip
        assert tried(case, WHOLE, before, lambda: repolicing.move(bulk, by=world.clerk, at=now)) == one

    holds()


@pytest.mark.parametrize("day", [dt.date(2026, 11, 25), dt.date(2026, 11, 30)])
def test_a_holiday_and_a_move_by_the_new_calendar_leave_equal_clocks(world, at, day):
    """A pause of no length makes a clock go by the newest calendar; intervals and time used then differ, no more."""
    put_on_a_ladder(at)
    version_of(CLIMBING, at)
    case = worked(world, at)
    version = published(with_days(newest().parsed, off(day)), at)
    fields = tuple(field for field in WHOLE if field != "consumed_seconds")

    @SOME
    @given(hours=st.tuples(st.integers(1, 220), st.integers(0, 100)))
    def holds(hours):
        swept = at + hours[0] * HOUR
        now = swept + hours[1] * HOUR

        def alone():
            fire(case.pk, "wait", by=world.worker, at=now)
            fire(case.pk, "go_on", by=world.worker, at=now)

        one = tried(case, fields, lambda: sweep(at=swept), alone)
        bulk = tried(
            case, fields, lambda: sweep(at=swept), lambda: redating.redate(version, by=world.clerk, at=now)
        )
        assert bulk == one

    holds()


def test_a_holiday_makes_the_ladder_climb_anew(world, at):
    """Two reminders and the blue of the old date go; the preview says so; each is said once more for the new one."""
    put_on_a_ladder(at)
    version_of(CLIMBING, at)
    case = worked(world, at)
    near = finish(case).due_at - HOUR
    sweep(at=near)
    assert (finish(case).rung, Case.objects.get(pk=case.pk).rung) == (2, 1)
    days = [off(dt.date(2026, 11, day)) for day in (27, 30)]
    spec = with_days(newest().parsed, *days, off(dt.date(2026, 12, 2)), off(dt.date(2026, 12, 3)))
    assert redating.preview(spec, at=near).anew == 1
    redating.redate(published(spec, near), by=world.clerk, at=near)
    assert (finish(case).rung, Case.objects.get(pk=case.pk).rung) == (1, 0)
    sweep(at=finish(case).due_at - HOUR)
    assert case.events.filter(data__clock="finish", data__rung="near").count() == 2
    assert verify_clocks().problems == []


def test_a_longer_limit_makes_the_ladder_climb_anew_and_going_back_restores(world, at):
    """Undone, the clock stands where it stood, and nothing is said twice."""
    put_on_a_ladder(at)
    first = version_of(CLIMBING, at)
    case = worked(world, at)
    near = finish(case).due_at - HOUR
    sweep(at=near)
    was, said = finish(case), case.events.filter(name="clock.warned").count()
    longer = version_of(CLIMBING.replace("limit: 5wd", "limit: 20wd"), at)
    assert repolicing.preview(longer.parsed, at=near, version=longer)[0].anew == 2
    repolicing.move(longer, by=world.clerk, at=near)
    assert finish(case).rung == 0
    sweep(at=near)
    assert finish(case).rung == 0
    repolicing.move(PolicyVersion.objects.get(pk=first.pk), by=world.clerk, at=near)
    sweep(at=near)
    back = finish(case)
    assert (back.due_at, back.rung, back.repeats, back.next_at) == (
        was.due_at, was.rung, was.repeats, was.next_at,
    )  # fmt: skip
    assert case.events.filter(name="clock.warned").count() == said
    assert Case.objects.get(pk=case.pk).rung == 1
    assert verify_clocks().problems == []


def test_a_promise_already_broken_is_logged_before_a_holiday_moves_it(world, at):
    case = worked(world, at)
    was = finish(case).due_at
    days = [off(dt.date(2026, 11, 27)), off(dt.date(2026, 11, 30))]
    version = published(with_days(newest().parsed, *days), at)
    redating.redate(version, by=world.clerk, at=was + HOUR)
    assert case.events.get(name="clock.missed").happened_at == was
    assert (finish(case).missed_at, finish(case).due_at > was) == (was, True)
    assert CalendarVersion.objects.get(pk=finish(case).calendar_id) == version
    assert verify_clocks().problems == []
