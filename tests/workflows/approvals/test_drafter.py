"""Whoever drafts never approves, by whatever way."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from tests.workflows.approvals.scene import CHIEFS, decisions, state, waiting
from workflows.errors import Already, Cannot, MayNot
from workflows.models import ApprovalTask, User


@pytest.fixture
def drafter(office):
    """Drafts, holds the role that signs, the one that stands in for it, and the last resort."""
    return office.person("双", "toy_clerk", "toy_chief", "toy_deputy", "toy_watcher")


@pytest.fixture
def chief(office):
    return office.person("甲", "toy_chief")


@pytest.mark.parametrize("agree", ["any", "all", "sequence", 1])
def test_holding_the_role_gives_no_seat(office, drafter, chief, agree):
    case = office.asked({**CHIEFS, "agree": agree}, by=drafter)
    assert waiting(case) == ["甲"]
    for name in ("agree", "give_back"):
        with pytest.raises(MayNot):
            office.do(case, name, drafter)


def test_being_named_gives_no_seat(office, drafter, chief):
    assert waiting(office.asked({**CHIEFS, "people": ["双"]}, by=drafter)) == ["甲"]


def test_standing_in_and_being_the_last_resort_give_no_seat(office, drafter):
    assert waiting(office.asked(CHIEFS, by=drafter)) == ["督"]


def test_nobody_can_hand_or_add_the_drafter(office, drafter, chief):
    case = office.asked(CHIEFS, by=drafter)
    for name in ("hand", "add"):
        with pytest.raises(Cannot, match="不是申请人的人"):
            office.do(case, name, chief, person=drafter.pk)


def test_an_earlier_seat_of_the_drafter_opens_nothing(office, drafter, chief):
    """Once asked for another's plan, the drafter has the role of those who sign."""
    case = office.asked(CHIEFS)
    assert waiting(case) == ["双", "甲"]
    office.do(case, "give_back", drafter)
    office.do(case, "ask", drafter)
    assert waiting(case) == ["甲"]
    with pytest.raises(Already, match="您已于 2026-11-24 09:30 表态“退回”"):
        office.do(case, "agree", drafter)
    assert state(case) == "asked"


@pytest.mark.parametrize("who", ["clerk", "drafter", "chief", "watcher", "system"])
def test_nobody_makes_the_granted_move_directly(office, drafter, chief, who):
    case = office.asked(CHIEFS, by=drafter)
    people = {"clerk": office.clerk, "drafter": drafter, "chief": chief, "watcher": office.watcher}
    with pytest.raises(MayNot):
        office.do(case, "let_pass", people.get(who) or User.objects.system())
    assert state(case) == "asked"


def test_the_database_refuses_a_seat_for_the_requester(office, drafter, chief):
    case = office.asked(CHIEFS, by=drafter)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalTask.objects.filter(case=case).update(owner=drafter)
    assert decisions(case) == [("甲", "none", "ASSIGNED")]
