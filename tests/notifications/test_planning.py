"""Planning: who gets a notice of what."""

import logging

import pytest
from django.db import IntegrityError, transaction

from notifications.models import Alert, Notice, Preference
from notifications.planning import plan
from notifications.registry import CATALOGUE
from tests.notifications.telling import give, given
from workflows.engine import fire
from workflows.models import Case, Event, Membership, Participation, User
from workflows.relay import relay


def _planned(case):
    found = Notice.objects.filter(event__case=case).order_by("user__username", "channel")
    return list(found.values_list("user__username", "channel", "state"))


def test_notice_is_planned_per_channel_and_lands_in_the_inbox_at_once(world, at):
    case = given(world, at)
    assert _planned(case) == [("worker", "inbox", "sent"), ("worker", "mail", "planned")]
    notice = Notice.objects.get(channel="inbox")
    assert (notice.words, notice.sent_at, notice.urgency) == (f"{case.number} 待领办", at, 2)


def test_doubled_relay_plans_once(world, at):
    given(world, at)
    before = Notice.objects.count()
    Event.objects.update(relayed_at=None)
    relay(at=at)
    assert Notice.objects.count() == before == 2


def test_same_event_person_and_channel_cannot_be_stored_twice(world, at):
    given(world, at)
    notice = Notice.objects.get(channel="mail")
    notice.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        notice.save(force_insert=True)


def test_actor_is_not_told_and_that_is_no_alarm(world, at):
    case = give(world, at)
    fire(case.pk, "remark", by=world.clerk, at=at, data={"remark": "已转告"})
    relay(at=at)
    assert not Notice.objects.filter(user=world.clerk).exists()
    assert not Alert.objects.exists()


def test_nobody_there_falls_back_in_turn(world, at):
    Membership.objects.filter(user=world.worker).delete()
    case = give(world, at)
    fire(case.pk, "remark", by=world.clerk, at=at, data={"remark": "补充"})
    relay(at=at)
    # The clerk is the first fallback, made the move, and so knows of it.
    assert not Notice.objects.exists()
    assert not Alert.objects.exists()
    Membership.objects.filter(user=world.clerk).delete()
    Event.objects.update(relayed_at=None)
    relay(at=at)
    assert {name for name, *_ in _planned(case)} == {"watcher"}


def test_nobody_at_all_raises_one_alert_a_unit(world, at, caplog):
    cases = [give(world, at) for _ in range(3)]
    Membership.objects.all().delete()
    with caplog.at_level(logging.ERROR, "huiyin.notices"):
        relay(at=at)
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.unit, alert.count) == ("nobody", "toy.given", world.office, 3)
    assert alert.case_number in {case.number for case in cases}
    assert "无人可告知" in caplog.text
    Event.objects.update(relayed_at=None)
    relay(at=at)
    assert Alert.objects.get().count == 6


def test_undeclared_event_raises_an_alert_and_holds_up_no_other(world, at):
    assert "toy.regraded" not in CATALOGUE
    case = give(world, at)
    fire(case.pk, "regrade", by=world.clerk, at=at, data={"grade": "hard"})
    relay(at=at)
    assert not Event.objects.filter(relayed_at=None).exists()
    assert Notice.objects.filter(user=world.worker).exists()
    assert [(alert.kind, alert.subject) for alert in Alert.objects.all()] == [("undeclared", "toy.regraded")]


def test_whoever_may_not_see_a_restricted_case_is_not_told(world, at):
    case = give(world, at)
    Case.objects.filter(pk=case.pk).update(restricted=True)
    Participation.objects.create(case=case, unit=world.office, role="barred", started_at=at)
    relay(at=at)
    assert {name for name, *_ in _planned(case)} == {"watcher"}


def test_inactive_and_system_users_are_not_told(world, at):
    User.objects.filter(pk=world.worker.pk).update(is_active=False)
    case = given(world, at)
    assert "worker" not in {name for name, *_ in _planned(case)}


def test_muted_channel_and_missing_address_leave_the_inbox(world, at, settings):
    Preference.objects.create(user=world.worker, muted=["mail:2", "inbox:2"])
    assert _planned(given(world, at)) == [("worker", "inbox", "sent")]
    Preference.objects.all().delete()
    User.objects.filter(pk=world.worker.pk).update(email="")
    assert _planned(given(world, at)) == [("worker", "inbox", "sent")]
    User.objects.filter(pk=world.worker.pk).update(email="worker@offices.example")
    settings.HUIYIN_MAIL = False
    assert _planned(given(world, at)) == [("worker", "inbox", "sent")]


def test_urgency_follows_the_case(world, at):
    given(world, at, hard=True)
    assert set(Notice.objects.values_list("urgency", flat=True)) == {3}


@pytest.mark.parametrize("count", [1, 20])
def test_statements_follow_people_and_not_events(world, at, count, django_assert_num_queries):
    for _ in range(count):
        give(world, at)
    events = list(Event.objects.order_by("id").select_related("case", "unit", "actor"))
    # Who holds the posts; the worker's memberships, units above, and sight of the cases; wishes; one insert.
    with django_assert_num_queries(6):
        plan(events, at)


def test_alerts_of_one_kind_open_at_a_time_are_one(world, at):
    sound = Alert.objects.sound
    sound("undelivered", "mail connect", at=at, times=2)
    sound("undelivered", "mail connect", at=at, times=3)
    assert Alert.objects.get().count == 5
    Alert.objects.update(closed_at=at)
    sound("undelivered", "mail connect", at=at)
    assert sorted(Alert.objects.values_list("count", flat=True)) == [1, 5]
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.create(kind="undelivered", subject="mail connect", first_at=at, last_at=at)
