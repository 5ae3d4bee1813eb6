"""Many at once, on rows that are committed: real processes against a real server."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests.workflows.racing import (
    Runner,
    claim_all,
    fire_in_batches,
    fire_keyed,
    fire_singly,
    half_a_batch,
    lock_with_key,
    open_batches,
    race,
    sweep_often,
)
from tests.workflows.toy.world import make_world
from tests.workflows.walking import everything
from workflows.chain import digest_of
from workflows.engine import Draft, fire, fire_many, open_many
from workflows.models import Case, Clock, Event, Membership, User
from workflows.seeding import seed

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

PROCESSES = 8


@pytest.fixture
def world(at):
    """Committed. Earlier transactional tests may have flushed what `migrate` had seeded."""
    seed()
    return make_world(at)


def cases_given(world, at, count: int) -> list[int]:
    """Cases waiting to be taken by the office."""
    drafts = [Draft(title="一件事", desk_id=world.desk.pk, at=at) for _ in range(count)]
    ids = [case.pk for case in open_many("toy", drafts, by=world.clerk)]
    fire_many(ids, "give", by=world.clerk, at=at, data={"lead": world.office.pk})
    return ids


def workers(world, count: int) -> list[User]:
    people = [User.objects.create_user(username=f"w{n}", display_name=f"承办人{n}") for n in range(count)]
    Membership.objects.bulk_create(Membership(user=p, unit=world.office, role="toy_worker") for p in people)
    return people


def assert_logs_whole(case_ids: list[int]) -> None:
    for case in Case.objects.filter(pk__in=case_ids):
        events = list(Event.objects.filter(case=case).order_by("seq"))
        assert [event.seq for event in events] == list(range(1, case.rev + 1))
        head = ""
        for event in events:
            head = digest_of(event, head, "sha256")
            assert event.digest == head
        assert case.head == head


def test_eight_processes_claiming_500_cases_make_500_winners(world, at):
    ids = cases_given(world, at, 500)
    people = workers(world, PROCESSES)
    found = race([(claim_all, (ids, "take", person.pk, at)) for person in people])
    for number, case_id in enumerate(ids):
        outcomes = [answer[number] for answer in found]
        assert Counter(kind for kind, _ in outcomes) == {"Event": 1, "Already": PROCESSES - 1}
        winner = people[[kind for kind, _ in outcomes].index("Event")]
        case = Case.objects.get(pk=case_id)
        assert (case.state, case.user, case.rev) == ("working", winner, 3)
        said = {sentence for kind, sentence in outcomes if kind == "Already"}
        assert said == {f"{winner} 已于 2026-11-24 09:30 办理“领办”，{case.number} 现为“办理中”"}
    assert_logs_whole(ids)


@pytest.mark.parametrize(
    ("first", "second", "state", "labels"),
    [
        ("take", "refuse", "given", {"take": "领办", "refuse": "退回"}),
        ("finish", "wait", "working", {"finish": "办结", "wait": "暂停"}),
    ],
)
def test_contradictory_moves_have_one_winner_and_the_other_hears_of_it(
    world, at, first, second, state, labels
):
    ids = cases_given(world, at, 60)
    if state == "working":
        fire_many(ids, "take", by=world.worker, at=at)
    one, two = workers(world, 2)
    runners = [(claim_all, (ids, first, one.pk, at)), (claim_all, (ids, second, two.pk, at))]
    for number, outcomes in enumerate(zip(*race(runners), strict=True)):
        assert sorted(kind for kind, _ in outcomes) == ["Already", "Event"]
        won, winner = (first, one) if outcomes[0][0] == "Event" else (second, two)
        sentence = outcomes[1 if won == first else 0][1]
        assert sentence.startswith(f"{winner} 已于 2026-11-24 09:30 办理“{labels[won]}”")
        last = Event.objects.filter(case=ids[number]).latest("seq")
        assert (last.transition, last.actor) == (won, winner)
    assert_logs_whole(ids)


def test_same_key_from_eight_processes_is_one_event(world, at):
    ids = cases_given(world, at, 60)
    found = race([(fire_keyed, (ids, "take", world.worker.pk, at))] * PROCESSES)
    assert [set(answers) for answers in zip(*found, strict=True)] == [{event} for event in found[0]]
    assert Event.objects.filter(case__in=ids, transition="take").count() == len(ids)


def test_key_is_found_by_whoever_waited_for_the_lock(world, at):
    """Its sub-selects are as old as its statement, so `lock` has to look again."""
    [case_id] = cases_given(world, at, 1)
    waiting = Runner(lock_with_key, case_id, "k")
    assert waiting.hear() == "ready"
    with transaction.atomic():
        event = fire(case_id, "take", by=world.worker, at=at, key="k")
        waiting.start()
        _wait_until_somebody_waits()
    assert waiting.hear() == ("working", event.pk)


def _wait_until_somebody_waits() -> None:
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute(
                "SELECT count(*), pg_sleep(0.02) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_stat_clear_snapshot()")
    raise AssertionError("nobody waits for the lock")


def test_single_moves_batches_and_sweeps_lose_nothing_and_never_deadlock(world, at):
    """Batches go up the ids, single moves down, sweeps by deadline: one lock order, or PostgreSQL would abort one."""
    ids = cases_given(world, at, 40)
    fire_many(ids, "take", by=world.worker, at=at)
    late = at + timedelta(days=30)
    rounds = 4
    single, batch, other_batch, *misses = race(
        [
            (fire_singly, (ids, "remark", world.worker.pk, late, rounds)),
            (fire_in_batches, (ids, "remark", world.worker.pk, late, rounds)),
            (fire_in_batches, (ids[::-1], "remark", world.worker.pk, late, rounds)),
            (sweep_often, (late, 10)),
            (sweep_often, (late, 10)),
        ]
    )
    assert single == batch == other_batch == rounds * len(ids)
    assert sum(misses) <= len(ids)
    last = race([(sweep_often, (late, 1))])
    assert sum(misses) + sum(last) == len(ids)
    assert Event.objects.filter(case__in=ids, transition="remark").count() == 3 * rounds * len(ids)
    assert Event.objects.filter(case__in=ids, name="clock.missed").count() == len(ids)
    assert Clock.objects.filter(case__in=ids, kind="finish", missed_at__isnull=False).count() == len(ids)
    assert_logs_whole(ids)


def test_numbers_are_unique_and_without_gaps_under_parallel_opening(world, at):
    found = race([(open_batches, (world.desk.pk, world.clerk.pk, at, 5, 12))] * 6)
    numbers = sorted(number for answer in found for number in answer)
    assert numbers == [f"TY2026-{n:06d}" for n in range(1, 6 * 5 * 12 + 1)]


def test_batch_killed_before_its_end_leaves_nothing(world, at):
    ids = cases_given(world, at, 60)
    before = [everything(case) for case in Case.objects.filter(pk__in=ids).order_by("pk")]
    doomed = Runner(half_a_batch, ids, "take", world.worker.pk, at)
    assert doomed.hear() == "ready"
    doomed.start()
    assert doomed.ended() == -signal.SIGKILL
    assert [everything(case) for case in Case.objects.filter(pk__in=ids).order_by("pk")] == before
    assert_logs_whole(ids)
    outcome = fire_many(ids, "take", by=world.worker, at=at)
    assert all(isinstance(one, Event) for one in outcome)
    assert_logs_whole(ids)
