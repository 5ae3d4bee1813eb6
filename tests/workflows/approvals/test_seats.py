"""Changing who sits in a level: added, taken away again, handed over; and telling others."""

from __future__ import annotations

import pytest

from tests.workflows.approvals.scene import BOSSES, CHIEFS, decisions, names, state, waiting
from workflows.errors import Already, Cannot, MayNot
from workflows.models import ApprovalTask, Case, Membership, Unit, User


@pytest.fixture
def chief(office):
    return office.person("甲", "toy_chief")


@pytest.fixture
def second(office, chief):
    return office.person("乙", "toy_chief")


@pytest.fixture
def boss(office):
    return office.person("首", "toy_boss")


NOBODY = "所选的人不能审批本案：须是在岗、可知悉本案且不是申请人的人，请另选"


# ---- added, and taken away


def test_somebody_added_has_to_agree_too(office, chief, boss):
    case = office.asked(CHIEFS)
    event = office.do(case, "add", chief, person=boss.pk)
    assert event.data == {
        "approval": "plan", "round": 1, "level": "chiefs", "person": boss.pk, "asked": [boss.pk],
    }  # fmt: skip
    office.do(case, "agree", chief)
    assert (state(case), waiting(case)) == ("asked", ["首"])
    office.do(case, "agree", boss)
    assert state(case) == "passed"


@pytest.mark.parametrize("agree", ["any", "all", "sequence", 1])
def test_somebody_added_does_not_agree_for_the_others(office, chief, boss, agree):
    case = office.asked({**CHIEFS, "agree": agree})
    office.do(case, "add", chief, person=boss.pk)
    office.do(case, "agree", boss)
    assert (state(case), waiting(case)) == ("asked", ["甲"])
    office.do(case, "agree", chief)
    assert state(case) == "passed"


def test_somebody_added_may_give_it_back_alone(office, chief, boss):
    case = office.asked(CHIEFS)
    office.do(case, "add", chief, person=boss.pk)
    office.do(case, "give_back", boss)
    assert (state(case), waiting(case)) == ("working", [])


def test_only_who_added_takes_away_and_only_before_they_spoke(office, chief, second, boss):
    case = office.asked({**CHIEFS, "agree": "all"})
    office.do(case, "add", chief, person=boss.pk)
    with pytest.raises(Cannot, match="没有可以减去的加签人"):
        office.do(case, "remove", second, person=boss.pk)
    office.do(case, "add", second, person=office.watcher.pk)
    with pytest.raises(Cannot, match="只能减去自己加签而尚未表态的人，请另选"):
        office.do(case, "remove", second, person=boss.pk)
    with pytest.raises(Cannot, match="只能减去自己加签而尚未表态的人，请另选"):
        office.do(case, "remove", second, person=chief.pk)
    office.do(case, "remove", chief, person=boss.pk)
    with pytest.raises(Already, match="甲 已于 2026-11-24 09:30 将您减签，不必再表态"):
        office.do(case, "agree", boss)
    office.do(case, "agree", office.watcher)
    with pytest.raises(Cannot, match="没有可以减去的加签人"):
        office.do(case, "remove", second, person=office.watcher.pk)
    assert decisions(case)[2:] == [("首", "removed", "CANCELED"), ("督", "agreed", "DONE")]


def test_taking_away_the_last_who_is_waited_for_ends_the_level(office, chief, second, boss):
    case = office.asked({**CHIEFS, "agree": 2})
    for person in (chief, second):
        office.do(case, "add", chief, person=boss.pk) if person == chief else None
        office.do(case, "agree", person)
    assert waiting(case) == ["首"]
    office.do(case, "remove", chief, person=boss.pk)
    assert (state(case), waiting(case)) == ("passed", [])


def test_a_seat_added_and_handed_on_stays_with_who_added_it(office, chief, boss):
    """Else whoever was added could hand it on, take it away, and nobody extra would sign."""
    case = office.asked(CHIEFS)
    other = office.person("次", "toy_boss")
    office.do(case, "add", chief, person=boss.pk)
    office.do(case, "hand", boss, person=other.pk)
    with pytest.raises(Cannot, match="没有可以减去的加签人"):
        office.do(case, "remove", boss, person=other.pk)
    office.do(case, "remove", chief, person=other.pk)
    assert waiting(case) == ["甲"]


def test_the_requester_does_not_choose_the_signers(office, boss):
    """Asked for something himself at another time, he has the role that may add."""
    both = office.person("双", "toy_clerk", "toy_chief")
    case = office.asked({**CHIEFS, "agree": "all"}, by=both)
    for actor in (both, office.clerk):
        if actor == both:
            with pytest.raises(Cannot, match="申请人和拟稿人不能为自己的申请加签"):
                office.do(case, "add", actor, person=boss.pk)
        else:
            office.do(case, "add", actor, person=boss.pk)
    assert waiting(case) == ["督", "首"]


def test_whoever_left_holds_up_nobody_who_was_added(office, chief, boss):
    case = office.asked(CHIEFS)
    User.objects.filter(pk=chief.pk).update(is_active=False)
    office.do(case, "add", office.watcher, person=boss.pk)
    office.do(case, "agree", boss)
    assert (state(case), decisions(case)[0]) == ("passed", ("甲", "none", "CANCELED"))


# ---- handed over


def test_a_seat_handed_over_is_the_others(office, chief, boss):
    case = office.asked(CHIEFS)
    office.do(case, "hand", chief, person=boss.pk, remark="我在开会")
    assert waiting(case) == ["首"]
    with pytest.raises(Already, match="您已将此项审批委派他人，请由受托人表态"):
        office.do(case, "agree", chief)
    office.do(case, "agree", boss)
    assert state(case) == "passed"
    assert decisions(case) == [("甲", "handed", "CANCELED"), ("首", "agreed", "DONE")]
    seat = ApprovalTask.objects.get(owner=boss)
    assert (seat.handed_by, seat.extra) == (chief, False)


def test_what_was_handed_over_may_come_back(office, chief, boss):
    case = office.asked(CHIEFS)
    office.do(case, "hand", chief, person=boss.pk)
    office.do(case, "hand", boss, person=chief.pk)
    office.do(case, "agree", chief)
    assert state(case) == "passed"


def test_handing_over_in_a_level_of_all_needs_the_other_instead(office, chief, second, boss):
    case = office.asked({**CHIEFS, "agree": "all"})
    office.do(case, "hand", chief, person=boss.pk)
    office.do(case, "agree", second)
    assert (state(case), waiting(case)) == ("asked", ["首"])
    office.do(case, "agree", boss)
    assert state(case) == "passed"


def test_whoever_got_it_before_their_own_turn_signs_once(office, chief, second):
    case = office.asked({**CHIEFS, "agree": "sequence"})
    office.do(case, "hand", chief, person=second.pk)
    office.do(case, "agree", second)
    assert (state(case), len(decisions(case))) == ("passed", 2)


@pytest.mark.parametrize("move", ["hand", "add"])
def test_only_somebody_who_may_sign_can_be_picked(office, chief, second, move):
    elsewhere = Unit.objects.create(code="other", name="乙办", parent=office.root)
    outsider = office.person("外", "toy_chief", unit=elsewhere)
    gone = office.person("离", "toy_boss", is_active=False)
    case = office.asked(CHIEFS)
    for person in (office.clerk.pk, outsider.pk, gone.pk, 10**6):
        with pytest.raises(Cannot, match=NOBODY):
            office.do(case, move, chief, person=person)
    with pytest.raises(Cannot, match="乙 已在本级审批中，请另选"):
        office.do(case, move, chief, person=second.pk)
    assert names(case)[2:] == []


@pytest.mark.parametrize("move", ["hand", "add", "copy"])
def test_nobody_barred_from_a_restricted_case_can_be_picked(office, move):
    trusted, boss = office.person("密", "toy_watcher"), office.person("首", "toy_boss")
    case = office.asked({**CHIEFS, "by": "toy_watcher"}, by=office.trusted(), restricted=True)
    said = {"people": [boss.pk]} if move == "copy" else {"person": boss.pk}
    with pytest.raises(Cannot, match="可知悉本案"):
        office.do(case, move, trusted, **said)


def test_whoever_was_never_asked_decides_and_hands_over_nothing(office, chief, boss):
    case = office.asked(CHIEFS)
    for name in ("agree", "give_back", "hand"):
        with pytest.raises(MayNot):
            office.do(case, name, boss, person=boss.pk)


def test_an_approval_the_lifecycle_does_not_have_cannot_be_reseated(office, chief, boss):
    case = office.asked(CHIEFS)
    with pytest.raises(Cannot, match="没有这项审批，请刷新后再办理"):
        office.do(case, "add", chief, person=boss.pk, approval="unheard_of")
    with pytest.raises(Cannot, match="的这项审批已经结束，请刷新后再办理"):
        office.do(case, "add", chief, person=boss.pk, approval="leave")


def test_two_approvals_at_once_are_kept_apart(office, chief, boss):
    other = office.person("次", "toy_deputy")
    case = office.asked(CHIEFS)
    office.do(case, "ask_leave", office.clerk)
    assert (waiting(case), waiting(case, "leave")) == (["甲"], ["首"])
    office.do(case, "hand", boss, person=other.pk)
    assert (waiting(case), waiting(case, "leave")) == (["甲"], ["次"])
    office.do(case, "agree_leave", other)
    assert (state(case), waiting(case)) == ("asked", ["甲"])
    with pytest.raises(Cannot, match="没有正在进行"):
        office.do(office.case(), "add", office.clerk, person=boss.pk)


# ---- told


def test_a_copy_tells_and_asks_nothing(office, chief, boss):
    case = office.asked(CHIEFS)
    event = office.do(case, "copy", chief, people=[boss.pk, office.watcher.pk], remark="请阅")
    assert event.data["copied"] == [boss.pk, office.watcher.pk]
    assert waiting(case) == ["甲"]
    with pytest.raises(MayNot):
        office.do(case, "agree", boss)
    gone = office.person("离", "toy_boss", is_active=False)
    with pytest.raises(Cannot, match="已不在岗"):
        office.do(case, "copy", chief, people=[gone.pk])


def test_a_copy_of_a_restricted_case_goes_only_to_who_may_know(office):
    office.person("首", "toy_boss")
    level = {**BOSSES, "by": "toy_watcher", "copy_to": ["toy_boss", "toy_watcher"]}
    trusted = office.trusted()
    case = office.asked(level, by=trusted, restricted=True)
    assert case.events.get(name="signed.asked").data["copied"] == [office.watcher.pk, trusted.pk]


def test_a_seat_goes_to_the_levels_own_or_a_colleague_and_to_nobody_who_signed_below(office, chief, boss):
    elsewhere = office.person("远", "toy_watcher", unit=office.root)
    case = office.asked(CHIEFS, BOSSES)
    with pytest.raises(Cannot, match="不是本级的审批岗位，也不是您同单位的同事"):
        office.do(case, "hand", chief, person=elsewhere.pk)
    office.do(case, "agree", chief)
    with pytest.raises(Cannot, match="甲 已在此次审批的其他级表态"):
        office.do(case, "hand", boss, person=chief.pk)


def test_somebody_away_is_not_picked_and_the_deputy_is_named(office, chief, second, boss):
    office.away(boss, second)
    case = office.asked({**CHIEFS, "by": (), "people": [chief.username]})
    with pytest.raises(Cannot, match="首 此间外出，由 乙 代审，请改选"):
        office.do(case, "add", chief, person=boss.pk)


def test_the_requester_may_add_somebody_where_nobody_was_found(office, boss):
    office.levels(CHIEFS)
    office.watcher.memberships.all().delete()
    case = office.asked()
    assert waiting(case) == []
    office.do(case, "add", office.clerk, person=boss.pk)
    assert waiting(case) == ["首"]


# ---- who holds the case


def holder(case):
    return Case.objects.get(pk=case.pk).unit


@pytest.fixture
def above(office):
    """Somebody who signs in the office above."""
    return office.person("领", "toy_boss", unit=office.root)


def test_the_case_goes_with_a_seat_that_is_handed_over(office, chief, above):
    case = office.asked({**CHIEFS, "agree": "sequence", "by": ["toy_chief", "toy_boss"]})
    assert holder(case) == office.desk
    office.do(case, "hand", chief, person=office.person("首", "toy_boss", unit=office.root).pk)
    assert holder(case) == office.root


def test_the_case_goes_from_turn_to_turn(office, chief, above):
    case = office.asked({**CHIEFS, "agree": "sequence", "by": ["toy_chief", "toy_boss"]})
    office.do(case, "agree", chief)
    assert (waiting(case), holder(case)) == (["领"], office.root)


def test_a_colleague_asked_in_place_keeps_the_case_where_it_is(office, chief, second):
    Membership.objects.create(user=second, unit=office.root, role="toy_boss")
    case = office.asked({**CHIEFS, "by": (), "people": ["甲"]})
    office.do(case, "hand", chief, person=second.pk)
    assert holder(case) == office.desk
