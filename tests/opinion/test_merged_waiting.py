"""A duplicate waits for whoever its master waits for, until that is answered or over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from notifications.models import Notice
from opinion.models import SupervisionOrder
from opinion.pressing import press_masters
from opinion.waiting import waiting_for
from tests.factories.world import World
from workflows.errors import Cannot
from workflows.models import Case, Event, User
from workflows.relay import relay
from workflows.sweeper import sweep

DAY = timedelta(days=1)


def merged(county: World, at: datetime, state: str = "handling", **options: bool) -> tuple[Case, Case]:
    master, case = county.walk(state, at, **options), county.walk("registered", at, **options)
    county.do(case, "merge", at=at, master=master.pk)
    return master, case


def waits_for(case: Case, person: User) -> bool:
    return waiting_for(User.objects.get(pk=person.pk)).cases.filter(pk=case.pk).exists()


def counts(person: User) -> dict[str, int]:
    return {item.state: item.count for item in waiting_for(User.objects.get(pk=person.pk)).counts}


def test_duplicate_waits_for_nobody_until_its_master_is_answered(county: World, at: datetime):
    master, case = merged(county, at, "reviewed")
    assert not waits_for(case, county.dispatcher)
    assert "merged" not in counts(county.dispatcher)
    county.do(master, "reply", at=at)
    assert waits_for(case, county.dispatcher)
    assert counts(county.dispatcher)["merged"] == 1


def test_duplicate_waits_again_while_its_master_is_handled_again(county: World, at: datetime):
    master, case = merged(county, at, "replied")
    assert waits_for(case, county.dispatcher)
    county.do(master, "redo", at=at)
    assert not waits_for(case, county.dispatcher)


@pytest.mark.parametrize("ends", ["withdraw", "refer"])
def test_duplicate_of_a_master_that_ended_unanswered_is_the_desks_again(
    county: World, at: datetime, ends: str
):
    master, case = merged(county, at)
    county.do(master, ends, at=at)
    assert waits_for(case, county.dispatcher)
    with pytest.raises(Cannot, match=f"{master.number} 没有答复即已结束，请撤销并案"):
        county.do(case, "reply_merged", at=at)
    county.do(case, "unmerge", at=at)
    assert Case.objects.get(pk=case.pk).state == "registered"


def test_dispatchers_are_told_which_case_left_duplicates_unanswered(county: World, at: datetime):
    master, _ = merged(county, at)
    county.do(master, "withdraw", at=at, by=county.clerk)
    relay(at=at)
    told = Notice.objects.filter(event__case=master, event__name="message.withdrawn", channel="inbox")
    said = dict(told.values_list("user__username", "words"))
    assert set(said) == {"handler", "head", "dispatcher"}
    assert "并入的 1 件没有答复，请撤销并案，单独办理" in said["dispatcher"]


def test_nobody_is_ordered_to_answer_for_a_duplicate_that_waits(county: World, at: datetime):
    master, case = merged(county, at, "handling")
    sweep(at=at + 30 * DAY)
    assert Event.objects.filter(case=case, name="clock.missed", data__clock="resolve").exists()
    assert not SupervisionOrder.objects.filter(case=case).exists()
    assert SupervisionOrder.objects.filter(case=master).exists()


def test_desk_is_ordered_to_answer_once_the_master_is_answered(county: World, at: datetime):
    _, case = merged(county, at, "replied")
    sweep(at=at + 30 * DAY)
    assert {order.unit for order in SupervisionOrder.objects.filter(case=case)} == {county.desk}


def test_deadline_of_a_duplicate_presses_on_whoever_has_the_master(county: World, at: datetime):
    case = county.walk("registered", at - 60 * DAY)
    master = county.walk("handling", at)
    county.do(case, "merge", at=at, master=master.pk)
    sweep(at=at)
    assert press_masters(at=at) == 1
    assert press_masters(at=at) == 0
    event = Event.objects.get(case=master, name="message.pressed")
    assert event.data["duplicate"] == case.pk
    relay(at=at)
    told = Notice.objects.filter(event=event, channel="inbox")
    words = dict(told.values_list("user__username", "words"))
    assert "head" in words
    assert "请尽快答复" in words["head"]
    assert case.number not in words["head"]


def test_answered_master_is_not_pressed(county: World, at: datetime):
    case = county.walk("registered", at - 60 * DAY)
    master = county.walk("replied", at)
    county.do(case, "merge", at=at, master=master.pk)
    sweep(at=at)
    assert press_masters(at=at) == 0
