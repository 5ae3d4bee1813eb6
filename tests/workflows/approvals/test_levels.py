"""Levels: who is asked, how many have to agree, and where it goes when there are too few."""

from __future__ import annotations

import pytest

from tests.workflows.approvals.scene import (
    BOSSES,
    CHIEFS,
    decisions,
    names,
    outcomes,
    state,
    waiting,
)
from workflows.errors import Already, Cannot
from workflows.models import Approval, ApprovalRules, Case, Event, Unit, User


@pytest.fixture
def chiefs(office):
    """Three who may sign at the first level."""
    return [office.person(name, "toy_chief") for name in ("甲", "乙", "丙")]


def test_any_ends_with_the_first_agreement(office, chiefs):
    case = office.asked(CHIEFS)
    assert waiting(case) == ["甲", "乙", "丙"]
    office.do(case, "agree", chiefs[1])
    assert (state(case), waiting(case), outcomes(case)) == ("passed", [], [(1, "granted")])
    assert decisions(case) == [
        ("甲", "none", "CANCELED"),
        ("乙", "agreed", "DONE"),
        ("丙", "none", "CANCELED"),
    ]
    assert names(case) == ["signed.opened", "signed.asked", "signed.agreed", "signed.passed"]
    with pytest.raises(Already, match="乙 已于 2026-11-24 09:30 办理“通过”"):
        office.do(case, "agree", chiefs[0])


def test_all_waits_for_everybody(office, chiefs):
    case = office.asked({**CHIEFS, "agree": "all"})
    office.do(case, "agree", chiefs[2])
    office.do(case, "agree", chiefs[0])
    assert (state(case), waiting(case)) == ("asked", ["乙"])
    with pytest.raises(Already, match="您已于 2026-11-24 09:30 表态“同意”，不必再次办理"):
        office.do(case, "agree", chiefs[0])
    office.do(case, "agree", chiefs[1])
    assert state(case) == "passed"


def test_at_least_two_of_three(office, chiefs):
    case = office.asked({**CHIEFS, "agree": 2})
    office.do(case, "agree", chiefs[0])
    assert (state(case), waiting(case)) == ("asked", ["乙", "丙"])
    office.do(case, "agree", chiefs[2])
    assert (state(case), decisions(case)[1]) == ("passed", ("乙", "none", "CANCELED"))


def test_sequence_asks_one_after_the_other_by_role_and_name(office, chiefs):
    office.person("首", "toy_boss", unit=office.root)
    case = office.asked({**CHIEFS, "by": ["toy_boss", "toy_chief"], "people": ["乙"], "agree": "sequence"})
    asked = []
    while state(case) == "asked":
        [now] = waiting(case)
        asked.append(now)
        office.do(case, "agree", User.objects.get(username=now))
    assert asked == ["乙", "首", "甲", "丙"]


def test_levels_follow_each_other_and_the_case_is_with_whoever_is_asked(office, chiefs):
    boss = office.person("首", "toy_boss", unit=office.root)
    case = office.asked(CHIEFS, BOSSES)
    assert Case.objects.get(pk=case.pk).unit == office.desk
    event = office.do(case, "agree", chiefs[0])
    assert event.data == {
        "approval": "plan", "round": 1, "level": "chiefs", "next": "bosses", "asked": [boss.pk],
    }  # fmt: skip
    assert (waiting(case), Case.objects.get(pk=case.pk).unit) == (["首"], office.root)
    office.do(case, "agree", boss)
    assert (state(case), Case.objects.get(pk=case.pk).unit) == ("passed", office.desk)


def test_same_person_named_at_two_levels_is_asked_at_each(office, chiefs):
    case = office.asked({**CHIEFS, "by": (), "people": ["甲"]}, {**BOSSES, "by": (), "people": ["甲"]})
    office.do(case, "agree", chiefs[0])
    assert (state(case), waiting(case)) == ("asked", ["甲"])
    office.do(case, "agree", chiefs[0])
    assert state(case) == "passed"


def test_whoever_signed_below_does_not_sit_above_where_others_can(office):
    both, boss = office.person("双", "toy_chief", "toy_boss"), office.person("首", "toy_boss")
    case = office.asked(CHIEFS, BOSSES)
    office.do(case, "agree", both)
    assert waiting(case) == ["首"]
    office.do(case, "agree", boss)
    assert state(case) == "passed"


def test_no_levels_grant_at_once(office):
    office.levels()
    case = office.case()
    office.do(case, "ask", office.clerk, remark="按惯例")
    assert (state(case), outcomes(case), decisions(case)) == ("passed", [(1, "granted")], [])
    assert names(case) == ["signed.opened", "signed.asked", "signed.passed"]
    assert Approval.objects.get(case=case).status == "DONE"
    assert Event.objects.get(case=case, name="signed.passed").key == "approval:plan:1"


# ---- too few


def test_a_role_without_holder_goes_to_its_stand_in_without_alarm(office):
    deputy = office.person("副", "toy_deputy")
    case = office.asked(CHIEFS)
    assert (waiting(case), "approval.unmanned" in names(case)) == (["副"], False)
    office.do(case, "agree", deputy)
    assert state(case) == "passed"


def test_too_few_for_at_least_two_are_joined_by_their_stand_ins(office):
    office.person("甲", "toy_chief")
    office.person("副", "toy_deputy")
    case = office.asked({**CHIEFS, "agree": 2})
    assert (waiting(case), "approval.unmanned" in names(case)) == (["甲", "副"], False)


def test_nobody_at_all_goes_to_the_fallback_and_says_so(office):
    case = office.asked(CHIEFS)
    assert waiting(case) == ["督"]
    unmanned = Event.objects.get(case=case, name="approval.unmanned")
    assert unmanned.data == {"approval": "plan", "round": 1, "level": "chiefs"}
    assert (unmanned.actor, unmanned.seq, unmanned.key) == (User.objects.system(), 3, "unmanned:plan:1:1")


def test_a_later_level_with_nobody_says_so_when_it_begins(office, chiefs):
    case = office.asked(CHIEFS, BOSSES)
    assert "approval.unmanned" not in names(case)
    office.do(case, "agree", chiefs[0])
    assert Event.objects.get(case=case, name="approval.unmanned").data["level"] == "bosses"


def test_nobody_anywhere_waits_for_somebody_to_be_added(office):
    helper = office.person("援", "toy_boss")
    office.levels(CHIEFS)
    office.watcher.memberships.all().delete()
    case = office.asked()
    assert (state(case), waiting(case)) == ("asked", [])
    assert "approval.unmanned" in names(case)
    office.watcher.memberships.create(unit=office.root, role="toy_watcher")
    office.do(case, "add", office.watcher, person=helper.pk)
    office.do(case, "agree", helper)
    assert (state(case), decisions(case)) == ("passed", [("援", "agreed", "DONE")])


def test_too_few_for_two_everywhere_passes_once_somebody_is_added(office):
    chief, helper = office.person("甲", "toy_chief"), office.person("援", "toy_boss")
    office.levels({**CHIEFS, "agree": 2})
    office.watcher.memberships.all().delete()
    case = office.asked()
    office.do(case, "agree", chief)
    assert state(case) == "asked"
    office.watcher.memberships.create(unit=office.root, role="toy_watcher")
    office.do(case, "add", office.watcher, person=helper.pk)
    office.do(case, "agree", helper)
    assert state(case) == "passed"


def test_whoever_has_left_is_not_asked(office, chiefs):
    User.objects.filter(username="甲").update(is_active=False)
    case = office.asked({**CHIEFS, "agree": "all"})
    assert waiting(case) == ["乙", "丙"]


def test_a_person_named_who_has_left_since_goes_to_the_fallback(office, chiefs):
    office.levels({**CHIEFS, "by": (), "people": ["甲"]})
    User.objects.filter(username="甲").update(is_active=False)
    assert waiting(office.asked()) == ["督"]


def test_whoever_leaves_before_their_turn_is_passed_over(office, chiefs):
    case = office.asked({**CHIEFS, "agree": "sequence"})
    User.objects.filter(username="乙").update(is_active=False)
    office.do(case, "agree", chiefs[0])
    assert waiting(case) == ["丙"]
    User.objects.filter(username="丙").update(is_active=False)
    case = office.asked({**CHIEFS, "agree": "sequence"}, BOSSES)
    assert waiting(case) == ["甲"]


def test_the_last_in_turn_leaving_ends_the_level_with_the_one_before(office, chiefs):
    boss = office.person("首", "toy_boss")
    case = office.asked({**CHIEFS, "agree": "sequence"}, BOSSES)
    office.do(case, "agree", chiefs[0])
    User.objects.filter(username="丙").update(is_active=False)
    office.do(case, "agree", chiefs[1])
    assert waiting(case) == ["首"]
    clocks = list(case.clocks.filter(kind="review").order_by("cycle").values_list("state", flat=True))
    assert clocks == ["met", "running"]
    office.do(case, "agree", boss)
    assert state(case) == "passed"


def test_nobody_in_another_office_is_asked_though_the_role_is_held(office, chiefs):
    other = Unit.objects.create(code="other", name="乙办", parent=office.root)
    office.person("外", "toy_chief", unit=other)
    assert waiting(office.asked(CHIEFS)) == ["甲", "乙", "丙"]


def test_a_person_named_who_cannot_open_the_case_is_not_asked(office, chiefs):
    other = Unit.objects.create(code="other", name="乙办", parent=office.root)
    office.person("外", "toy_chief", unit=other)
    case = office.asked({**CHIEFS, "by": (), "people": ["外"]})
    assert waiting(case) == ["督"]


# ---- fresh, copies, versions


def test_fresh_leaves_out_who_decided_before(office, chiefs):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, {**BOSSES, "fresh": True})
    office.do(case, "agree", chiefs[0])
    office.do(case, "give_back", boss)
    office.do(case, "ask", office.clerk)
    # The other level may be the same people again.
    assert waiting(case) == ["甲", "乙", "丙"]
    office.do(case, "agree", chiefs[0])
    assert waiting(case) == ["督"]


def test_fresh_takes_another_holder_without_alarm(office, chiefs):
    first = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, {**BOSSES, "fresh": True})
    office.do(case, "agree", chiefs[0])
    office.do(case, "give_back", first)
    office.person("次", "toy_boss")
    office.do(case, "ask", office.clerk)
    office.do(case, "agree", chiefs[0])
    assert (waiting(case), "approval.unmanned" in names(case)) == (["次"], False)


def test_fresh_is_kept_when_a_seat_is_handed_on(office, chiefs):
    first = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, {**BOSSES, "fresh": True})
    office.do(case, "agree", chiefs[0])
    office.do(case, "give_back", first)
    second = office.person("次", "toy_boss")
    office.do(case, "ask", office.clerk)
    office.do(case, "agree", chiefs[0])
    with pytest.raises(Cannot, match="首 已审过前几轮，本级须换人审，请另选"):
        office.do(case, "hand", second, person=first.pk)


def test_fresh_is_kept_when_a_turn_passes_to_a_deputy(office, chiefs):
    first = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, {**BOSSES, "fresh": True, "agree": "sequence"})
    office.do(case, "agree", chiefs[0])
    office.do(case, "give_back", first)
    second, third = office.person("次", "toy_boss"), office.person("丁", "toy_boss")
    office.do(case, "ask", office.clerk)
    office.do(case, "agree", chiefs[0])
    office.away(third, first)
    office.do(case, "agree", second)
    assert waiting(case) == []
    assert state(case) == "passed"


def test_copies_go_to_the_holders_and_ask_nothing(office, chiefs):
    boss = office.person("首", "toy_boss")
    case = office.asked({**CHIEFS, "copy_to": "toy_boss"})
    event = Event.objects.get(case=case, name="signed.asked")
    assert (event.data["copied"], event.data["asked"]) == ([boss.pk], [chief.pk for chief in chiefs])
    assert "首" not in waiting(case)


def test_a_later_version_changes_nothing_that_runs(office, chiefs):
    boss = office.person("首", "toy_boss")
    case = office.asked(CHIEFS, BOSSES)
    office.levels()
    office.do(case, "agree", chiefs[0])
    assert waiting(case) == ["首"]
    office.do(case, "give_back", boss)
    office.do(case, "ask", office.clerk)
    assert state(case) == "passed"
    versions = Approval.objects.filter(case=case).order_by("round").values_list("rules__version", "rule")
    newest = ApprovalRules.objects.latest_of("signed").version
    assert list(versions) == [(newest - 1, "plan"), (newest, "plan")]
