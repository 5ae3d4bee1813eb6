"""退单：一单位一次、一件三次，满三次指定承办；驳回后可提请裁定一次，由任命的领导定，为最终决定。"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from notifications.directory import Directory
from opinion.audiences import arbiters
from tests.factories.world import World
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Case, Event, User
from workflows.permits import available
from workflows.sweeper import sweep

DAY = timedelta(days=1)


def now(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def offered(case: Case, person: User, at: datetime) -> set[str]:
    return {move.name for move in available(now(case), User.objects.get(pk=person.pk), at=at)}


def declined_thrice(county: World, at: datetime) -> Case:
    case = county.along(("assign", "decline"), at)
    for unit in (county.water, county.street):
        county.do(case, "reassign", at=at, lead=unit.pk)
        county.do(case, "decline", at=at)
    return now(case)


def test_three_declines_end_in_designation(county: World, at: datetime):
    case = declined_thrice(county, at)
    due = case.clocks.get(kind="resolve").due_at
    assert offered(case, county.dispatcher, at) & {"reassign", "designate", "refer_dispute"} == {
        "designate", "refer_dispute",
    }  # fmt: skip
    county.do(case, "designate", at=at, lead=county.water.pk)
    assert (now(case).state, now(case).lead) == ("designated", county.water)
    assert not offered(case, county.other_handler, at) & {"decline", "request_decline"}
    assert not offered(case, county.other_head, at) & {"decline", "raise_dispute"}
    with pytest.raises(Cannot, match="没有被驳回"):
        county.do(case, "raise_dispute", at=at, by=county.other_head)
    # 案件时限始终在走，退单、改派、指定都不重置。
    assert now(case).clocks.get(kind="resolve").due_at == due


def test_a_third_dispute_goes_to_the_leader_instead(county: World, at: datetime):
    case = declined_thrice(county, at)
    county.do(case, "refer_dispute", at=at, suggested=county.street.pk)
    assert (now(case).state, now(case).unit) == ("disputed", county.desk)
    assert now(case).clocks.get(kind="arbitrate").limit == "1wd"
    event = Event.objects.filter(case=case, name="message.disputed").latest("seq")
    assert [user for _, user in arbiters([event], Directory())] == [county.arbiter]
    with pytest.raises(MayNot):
        county.do(case, "arbitrate", at=at, by=county.leader)
    county.do(case, "arbitrate", at=at, lead=county.street.pk)
    assert (now(case).state, now(case).lead) == ("designated", county.street)
    assert now(case).clocks.get(kind="arbitrate").state == "met"


def test_a_refused_unit_asks_the_leader_once(county: World, at: datetime):
    case = county.along(("assign", "decline", "reject_decline"), at)
    # 只有负责人可以提请，经办人不行。
    assert "raise_dispute" in offered(case, county.head, at)
    with pytest.raises(MayNot):
        county.do(case, "raise_dispute", at=at, by=county.handler)
    county.do(case, "raise_dispute", at=at, suggested=county.water.pk)
    county.do(case, "arbitrate", at=at, lead=county.housing.pk)
    assert (now(case).state, now(case).lead) == ("designated", county.housing)
    with pytest.raises((Cannot, Already), match=r"没有被驳回|最终决定"):
        county.do(case, "raise_dispute", at=at)
    with pytest.raises((Cannot, Already)):
        county.do(case, "decline", at=at)
    # 沉默即签收。
    sweep(at=at + 3 * DAY)
    assert now(case).state == "accepted"


def test_a_dispute_comes_before_silence_has_accepted(county: World, at: datetime):
    case = county.along(("assign", "decline", "reject_decline"), at)
    due = case.clocks.filter(kind="accept").latest("cycle").due_at
    with pytest.raises(Cannot, match="视为签收，不能再提请裁定"):
        county.do(case, "raise_dispute", at=due + timedelta(minutes=1))


def test_a_leader_who_is_late_is_on_record(county: World, at: datetime):
    case = county.walk("disputed", at)
    due = case.clocks.get(kind="arbitrate").due_at
    sweep(at=due + DAY)
    missed = [e for e in now(case).events.filter(name="clock.missed") if e.data["clock"] == "arbitrate"]
    assert [(event.happened_at, event.unit) for event in missed] == [(due, county.desk)]


def test_the_sender_takes_back_only_what_nobody_has_taken_up(county: World, at: datetime):
    case = county.walk("designated", at)
    county.do(case, "claim", at=at)
    assert "recall" not in offered(case, county.dispatcher, at)
    county.do(case, "release", at=at)
    county.do(case, "recall", at=at)
    assert (now(case).state, now(case).lead) == ("registered", None)
