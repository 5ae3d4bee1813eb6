"""Approvers who left while they were asked."""

from __future__ import annotations

import pytest

from tests.workflows.approvals.scene import BOSSES, CHIEFS, decisions, names, state, waiting
from workflows.approvals.departed import replace_departed


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


def test_nobody_left_is_the_usual_and_costs_one_statement(office, chief, django_assert_num_queries):
    office.asked(CHIEFS)
    with django_assert_num_queries(1):
        assert replace_departed(at=office.at) == 0
