"""Notices nobody needs any more are settled where the truth changes, once, and need somebody again where it changes back."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import Notice
from notifications.settling import settle, settle_cases
from tests.notifications.telling import give, given
from workflows.engine import fire
from workflows.models import Case, Event, Participation, User
from workflows.relay import relay

HOUR = timedelta(hours=1)


def inbox(case: Case, **which: object) -> Notice:
    return Notice.objects.get(
        event__case=case, event__name="toy.given", channel="inbox", user__username="worker", **which
    )


def take(world, case, at):
    fire(case.pk, "take", by=world.worker, at=at)
    relay(at=at)


def test_a_notice_is_settled_by_the_event_that_makes_it_needless(world, at):
    case = given(world, at)
    assert inbox(case).settled_at is None
    assert list(Notice.objects.inbox_of(world.worker).unread()) == [inbox(case)]
    take(world, case, at + HOUR)
    assert (inbox(case).settled_at, inbox(case).read_at) == (at + HOUR, None)
    assert not Notice.objects.inbox_of(world.worker).unread().exists()


def test_what_was_read_is_left_alone(world, at):
    case = given(world, at)
    Notice.objects.update(read_at=at)
    take(world, case, at + HOUR)
    assert inbox(case).settled_at is None


def test_events_handed_on_twice_change_nothing_more(world, at):
    case = given(world, at)
    take(world, case, at + HOUR)
    before = list(Notice.objects.order_by("pk").values())
    Event.objects.update(relayed_at=None)
    relay(at=at + 2 * HOUR)
    settle(list(Event.objects.select_related("case")), at + 3 * HOUR)
    assert list(Notice.objects.order_by("pk").values()) == before


def test_a_notice_planned_too_late_is_settled_at_once(world, at):
    case = give(world, at)
    fire(case.pk, "take", by=world.worker, at=at)
    relay(at=at + HOUR)
    assert inbox(case).settled_at == at + HOUR


def test_what_is_needed_anew_is_unread_again(world, at):
    case = given(world, at)
    take(world, case, at + HOUR)
    Case.objects.filter(pk=case.pk).update(state="given")
    assert settle_cases([case.number], at=at + 2 * HOUR) == 1
    assert inbox(case).settled_at is None
    assert Notice.objects.inbox_of(world.worker).unread().count() == 1
    assert settle_cases([case.number], at=at + 2 * HOUR) == 0


def test_what_is_told_anew_is_unread_once(world, at):
    case = given(world, at)
    first = inbox(case)
    fire(case.pk, "refuse", by=world.worker, at=at + HOUR)
    relay(at=at + HOUR)
    fire(case.pk, "give", by=world.clerk, at=at + 2 * HOUR, data={"lead": world.office.pk})
    relay(at=at + 2 * HOUR)
    assert inbox(case, pk=first.pk).settled_at == at + HOUR
    assert [n.event_id > first.event_id for n in Notice.objects.inbox_of(world.worker).unread()] == [True]


def test_whoever_may_not_know_the_case_any_more_need_not_read_of_it(world, at):
    case = given(world, at)
    Participation.objects.filter(case=case, unit=world.office).update(ended_at=at)
    settle_cases([case.number], at=at + HOUR)
    assert inbox(case).settled_at == at + HOUR


def test_what_only_tells_what_happened_stays_unread(world, at):
    case = given(world, at)
    fire(case.pk, "remark", by=world.worker, at=at)
    relay(at=at)
    take(world, case, at + HOUR)
    said = Notice.objects.get(event__name="toy.remarked", channel="inbox")
    assert (said.settled_at, said.read_at) == (None, None)


def test_other_cases_and_mails_are_not_touched(world, at):
    case, other = given(world, at), given(world, at)
    take(world, case, at + HOUR)
    assert inbox(other).settled_at is None
    assert not Notice.objects.filter(channel="mail").exclude(settled_at=None).exists()


def test_statements_follow_people_and_names_and_not_notices(world, at):
    def statements(count: int) -> int:
        cases = [given(world, at) for _ in range(count)]
        for case in cases:
            fire(case.pk, "take", by=world.worker, at=at)
        events = list(Event.objects.filter(relayed_at=None).select_related("case"))
        with CaptureQueriesContext(connection) as seen:
            settle(events, at)
        relay(at=at)
        return len([query for query in seen if "SAVEPOINT" not in query["sql"]])

    assert (statements(1), statements(20)) == (statements(2), statements(3))


def test_events_of_cases_nobody_was_told_of_cost_one_statement(world, at, django_assert_num_queries):
    world.case(at)
    events = list(Event.objects.select_related("case"))
    with CaptureQueriesContext(connection) as seen:
        settle(events, at)
    assert len([query for query in seen if "SAVEPOINT" not in query["sql"]]) == 1


def test_the_inbox_shows_it_greyed_and_the_badge_does_not_count_it(world, at, client):
    case, other = given(world, at), given(world, at)
    take(world, case, at + HOUR)
    client.force_login(world.worker)
    page = client.get(reverse("notices")).content.decode()
    row = page.split('<tr class="is-settled">')[1].split("</tr>")[0]
    assert case.number in row
    assert "已无需处理" in row
    assert page.count("已无需处理") == 1
    assert '<b class="bell-count">1<span class="unseen"> 条未读</span></b>' in page
    only = client.get(reverse("notices"), {"only": "unread"}).content.decode()
    assert (case.number in only, other.number in only) == (False, True)
    client.post(reverse("notices_read"), {"upto": Notice.objects.latest("pk").pk})
    assert (inbox(case).read_at, inbox(other).read_at is None) == (None, False)


def test_an_upgrade_looks_at_everything_once(world, at):
    case = given(world, at)
    Case.objects.filter(pk=case.pk).update(state="taken")
    out = StringIO()
    call_command("settle_notices", stdout=out)
    assert out.getvalue() == "已重新核对，1 条的状态有变。\n"
    assert inbox(case).settled_at is not None
    call_command("settle_notices", stdout=out)
    assert out.getvalue().endswith("0 条的状态有变。\n")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_look_at_once_the_later_has_the_last_word(world, at):
    """Readers click while events are handed on: nobody waits for ever, and the mark says what is true at the end."""
    cases = [given(world, at) for _ in range(20)]
    for case in cases[:10]:
        fire(case.pk, "take", by=world.worker, at=at)
    start = Barrier(3)
    failures: list[BaseException] = []

    def run(work) -> None:
        try:
            start.wait()
            for _ in range(10):
                work()
        except BaseException as error:  # noqa: BLE001  # reported by the test
            failures.append(error)
        finally:
            connections.close_all()

    numbers = [case.number for case in cases]
    upto = Notice.objects.latest("pk").pk
    client = Client()
    client.force_login(User.objects.get(pk=world.worker.pk))
    jobs = [
        lambda: settle_cases(numbers, at=at),
        lambda: settle_cases(list(reversed(numbers)), at=at),
        lambda: client.post(reverse("notices_read"), {"upto": upto}),
    ]
    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert not Notice.objects.inbox_of(world.worker).unread().exists()
