"""Approvers who left while they were asked."""

from __future__ import annotations

import pytest

from tests.workflows.approvals.scene import BOSSES, CHIEFS, decisions, names, state, waiting
from workflows.approvals.departed import replace_departed
from workflows.errors import MayNot
from workflows.models import Case, Participation, Unit


@pytest.fixture
def chief(office):
    return office.person("甲", "toy_chief")


def leaves(user, *, posts=False):
    if posts:
        user.memberships.all().delete()
    else:
        user.is_active = False
        user.save(update_fields=["is_active"])


@pytest.mark.parametrize("posts", [True, False])
def test_a_stand_in_is_asked_in_the_place_of_who_left(office, chief, posts):
    case = office.asked(CHIEFS, BOSSES)
    office.person("副", "toy_deputy")
    leaves(chief, posts=posts)
    assert replace_departed(at=office.at) == 1
    assert waiting(case) == ["副"]
    event = case.events.get(name="approval.reseated")
    assert (event.data["left"], event.data["level"], event.actor.is_system) == ([chief.pk], "chiefs", True)
    assert replace_departed(at=office.at) == 0


def test_others_of_the_level_go_on_alone(office, chief):
    other = office.person("乙", "toy_chief")
    case = office.asked({**CHIEFS, "agree": "all"})
    leaves(chief)
    assert replace_departed(at=office.at) == 1
    assert waiting(case) == ["乙"]
    office.do(case, "agree", other)
    assert state(case) == "passed"


def test_nobody_left_goes_to_the_last_resort_with_an_alert(office, chief):
    case = office.asked(CHIEFS)
    leaves(chief)
    replace_departed(at=office.at)
    assert waiting(case) == ["督"]
    assert names(case)[-2:] == ["approval.reseated", "approval.unmanned"]
    office.do(case, "agree", office.watcher)
    assert state(case) == "passed"


def test_who_has_agreed_in_the_level_is_not_asked_again(office, chief):
    other = office.person("乙", "toy_chief")
    case = office.asked({**CHIEFS, "agree": 2})
    office.do(case, "agree", chief)
    leaves(other)
    replace_departed(at=office.at)
    assert waiting(case) == ["督"]
    assert [decision for name, decision, _ in decisions(case) if name == "甲"] == ["agreed"]


def moves(user, *, to=None, role="toy_chief"):
    """To another post, of the same role elsewhere or of another role here."""
    user.memberships.update(role=role, **({"unit": to} if to else {}))


def restricts(case, unit):
    """As a complaint about a unit does: nobody below it may know of the case any more."""
    Case.objects.filter(pk=case.pk).update(restricted=True)
    Participation.objects.create(
        case=case, unit=unit, role=Participation.Role.BARRED, started_at=case.opened_at
    )


def test_who_went_to_another_office_is_not_asked_any_more(office, chief):
    case = office.asked(CHIEFS)
    office.person("副", "toy_deputy")
    moves(chief, to=Unit.objects.create(code="elsewhere", name="乙办", parent=office.root))
    with pytest.raises(MayNot):
        office.do(case, "agree", chief)
    assert replace_departed(at=office.at) == 1
    assert waiting(case) == ["副"]


def test_who_lost_the_post_gives_way_to_its_new_holder(office, chief):
    case = office.asked(CHIEFS)
    moves(chief, role="toy_clerk")
    office.person("新", "toy_chief")
    assert replace_departed(at=office.at) == 1
    assert waiting(case) == ["新"]
    assert replace_departed(at=office.at) == 0


def test_who_was_chosen_by_a_person_needs_no_post_of_the_level(office, chief):
    case = office.asked(CHIEFS)
    office.do(case, "hand", chief, person=office.person("同", "toy_clerk").pk)
    assert replace_departed(at=office.at) == 0
    assert waiting(case) == ["同"]


def test_who_may_know_the_case_no_more_is_replaced_by_somebody_who_may(office, chief):
    case = office.asked(CHIEFS)
    restricts(case, office.desk)
    with pytest.raises(MayNot):
        office.do(case, "agree", chief)
    assert replace_departed(at=office.at) == 1
    assert waiting(case) == ["督"]


def test_somebody_added_does_not_wait_for_who_may_know_the_case_no_more(office, chief):
    case = office.asked(CHIEFS)
    office.do(case, "add", chief, person=office.watcher.pk)
    restricts(case, office.desk)
    office.do(case, "agree", office.watcher)
    assert state(case) == "passed"


def test_nobody_left_is_the_usual_and_costs_no_more_for_many_cases(
    office, chief, django_assert_max_num_queries
):
    office.asked(CHIEFS)
    with django_assert_max_num_queries(10) as few:
        assert replace_departed(at=office.at) == 0
    for _ in range(3):
        office.asked()
    with django_assert_max_num_queries(len(few)):
        assert replace_departed(at=office.at) == 0
