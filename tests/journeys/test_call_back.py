"""回访与评价：抽取、三次未接通、不满意重办、再次重办提级换人、仍不满意作最终答复、登记后续案件。"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opinion.models import Link, Rating, Reply
from tests.factories.world import World
from workflows.errors import Cannot, MayNot
from workflows.models import Case, Event, Membership, Participation, User
from workflows.permits import available
from workflows.sweeper import sweep

DAY = timedelta(days=1)


def now(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def offered(case: Case, person: User, at: datetime) -> set[str]:
    return {move.name for move in available(now(case), User.objects.get(pk=person.pk), at=at)}


def signed(county: World, case: Case, at: datetime) -> list[User]:
    """Everybody asked agrees; who they were, in order."""
    people = []
    while seat := county.seat(case, "reply"):
        county.do(case, "sign_reply", at=at, text="")
        people.append(seat.owner)
    return people


def test_unreachable_only_after_attempts_at_different_times(county: World, at: datetime):
    case = county.walk("replied", at)
    at = case.state_since
    for minutes in (0, 5, 10):
        county.do(case, "record_unreached", at=at + timedelta(minutes=minutes))
    with pytest.raises(Cannot, match="现计 1 次"):
        county.do(case, "record_unreachable", at=at + timedelta(minutes=11))
    for days in (1, 2):
        county.do(case, "record_unreached", at=at + days * DAY)
    event = county.do(case, "record_unreachable", at=at + 2 * DAY)
    assert event.data == {"attempts": 5, "satisfaction": "unreachable"}
    assert (now(case).state, now(case).clocks.get(kind="call_back").state) == ("called_back", "missed")
    sweep(at=at + 40 * DAY)
    assert now(case).state == "closed"
    assert list(Rating.objects.filter(case=case).values_list("satisfaction", "automatic")) == [
        ("unreachable", True)
    ]


def test_attempts_before_the_last_reply_count_for_nothing(county: World, at: datetime):
    case = county.walk("replied", at)
    for days in (1, 2, 3):
        county.do(case, "record_unreached", at=at + days * DAY)
    for number, name in enumerate(("redo", "draft_reply", "approve", "reply")):
        county.do(case, name, at=at + 4 * DAY + timedelta(minutes=number))
    with pytest.raises(Cannot, match="现计 0 次"):
        county.do(case, "record_unreachable", at=at + 5 * DAY)
    with pytest.raises(Cannot, match="回访时间早于答复"):
        county.do(case, "call_back", at=at + 5 * DAY, happened_at=at + DAY)


@pytest.mark.parametrize("where", ["housing", "housing_office", "water"])
def test_the_caller_is_of_no_unit_that_handled_it(county: World, at: datetime, where: str):
    """Not of the lead unit, nor below it, nor of an assisting one: by buttons, and by the door itself."""
    case = county.walk("replied", at)
    Participation.objects.create(
        case=case, unit=county.water, role=Participation.Role.ASSISTING, started_at=at
    )
    Membership.objects.create(user=county.caller, unit=getattr(county, where), role="unit_handler")
    at = case.state_since
    caller = User.objects.get(pk=county.caller.pk)
    assert not offered(case, caller, at) & {"call_back", "record_unreached", "rate", "redo"}
    for name in ("call_back", "record_unreached", "rate", "redo"):
        with pytest.raises((Cannot, MayNot), match=r"承办或协办过本案|权限"):
            county.do(case, name, at=at, by=caller)


def test_dissatisfied_again_and_again_ends_in_a_final_answer(county: World, at: datetime):
    case = county.walk("called_back", at)
    first = list(Reply.objects.filter(case=case).values())

    # 第一次不满意：重办，期限更短。
    county.do(case, "redo", at=at)
    assert (now(case).facts["redo"], now(case).clocks.get(kind="redo", cycle=1).limit) == ("once", "3wd")
    county.do(case, "draft_reply", at=at)
    assert signed(county, case, at) == [county.head, county.reviewer]
    county.do(case, "reply", at=at)

    # 第二次不满意：再次重办，提高一级、换人审定。
    county.do(case, "redo", at=at)
    assert (now(case).facts["redo"], now(case).clocks.get(kind="redo", cycle=2).limit) == ("again", "2wd")
    county.do(case, "draft_reply", at=at)
    assert signed(county, case, at) == [county.head, county.reviewer, county.leader]
    county.do(case, "reply", at=at)

    # 第三次不满意：不再循环。
    assert {"redo", "contest"} & offered(case, county.caller, at) == {"contest"}
    with pytest.raises(Cannot, match="已重办两次，不再重办"):
        county.do(case, "redo", at=at)
    county.do(case, "contest", at=at)
    county.do(case, "ask_final", at=at)
    county.do(case, "return_final", at=at)
    county.do(case, "ask_final", at=at, text="三次核实，已列入改造计划。")
    county.do(case, "approve_final", at=at)
    assert now(case).state == "closed"
    assert Event.objects.get(case=case, transition="approve_final").data["reason"] == "c7"
    assert (
        Reply.objects.filter(case=case, kind="final").order_by("-version")[0].text
        == "三次核实，已列入改造计划。"
    )
    with pytest.raises(Cannot, match="请登记后续案件"):
        county.do(case, "reopen", at=at)

    # 每一次评价都留着，先前的答复一字未动。
    said = Rating.objects.filter(case=case).order_by("id").values_list("satisfaction", "automatic")
    assert list(said) == [("bad", False), ("bad", False), ("very_bad", False)]
    assert list(Reply.objects.filter(case=case, pk__in=[row["id"] for row in first]).values()) == first


def test_whoever_writes_the_final_answer_does_not_approve_it(county: World, at: datetime):
    """Only the officer may know a restricted case at the desk: the missing second one is seen, and can be added."""
    case = county.walk("final_drafted", at, restricted=True)
    assert county.seat(case, "final") is None
    assert Event.objects.filter(case=case, name="approval.unmanned", data__approval="final").count() == 1
    second = User.objects.create_user(username="officer2")
    Membership.objects.create(user=second, unit=county.desk, role="confidential_officer")
    county.do(case, "add_signer", at=at, by=second, person=second.pk)
    county.do(case, "sign_final", at=at)
    assert now(case).state == "closed"


def test_a_case_that_is_over_goes_on_as_a_linked_one(county: World, at: datetime):
    """The new case is tied to the old; the person's details come along only where it is the same person."""
    over = county.walk("closed", at)
    alone = county.register(at, subject="又积水了", sequel_to=over.pk)
    same = county.register(at, subject="还在积水", sequel_to=over.pk)
    ties = Link.objects.filter(kind=Link.Kind.SEQUEL).order_by("id")
    assert list(ties.values_list("from_case", "to_case")) == [(alone.pk, over.pk), (same.pk, over.pk)]
