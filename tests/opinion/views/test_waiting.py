"""What 待办 may leave unread: states whose next step none of somebody's roles can take."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opinion.waiting import waiting_for
from tests.factories.world import World
from workflows.models import Case, Membership, User
from workflows.registry import ROLES

NOT_GIVEN = {"system", "approver", "approval", "assisting_unit"}


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("name", sorted(set(ROLES) - NOT_GIVEN))
def test_nobody_may_act_in_a_role_they_do_not_hold(county: World, name: str, restricted: bool):
    """Otherwise a case could wait for somebody whose 待办 never looks at its state."""
    place = Case(desk=county.desk, lead=county.housing, unit=county.housing, restricted=restricted)
    without = User.objects.exclude(memberships__role=name)
    assert without.count() > 1
    assert not [user for user in without if ROLES[name].may(place, user)]


@pytest.mark.parametrize("name", sorted(NOT_GIVEN))
def test_roles_that_follow_from_something_else_ask_nothing_of_a_place(county: World, name: str):
    place = Case(desk=county.desk, lead=county.housing, unit=county.housing)
    people = [user for user in User.objects.all() if not user.is_system]
    assert not [user for user in people if ROLES[name].may(place, user)]


def test_who_only_signs_reads_no_cases_but_those_to_sign(county: World, earlier: datetime):
    county.register(earlier)
    publicity = User.objects.get(pk=county.publicity.pk)
    with CaptureQueriesContext(connection) as asked:
        waiting = waiting_for(publicity)
        assert not waiting.cases.exists()
    assert waiting.total == 0
    read = [query["sql"] for query in asked if 'FROM "workflows_case"' in query["sql"]]
    assert len(read) == 1
    assert 'FROM "workflows_approvaltask"' in read[0]


def test_of_those_seen_in_one_state_only_the_own_units_wait(county: World, earlier: datetime):
    """Somebody who looks at the whole county and also handles in one office."""
    own, other = county.walk("accepted", earlier), county.walk("accepted", earlier)
    Case.objects.filter(pk=other.pk).update(lead=county.water, unit=county.water)
    Membership.objects.create(user=county.supervisor, unit=county.housing, role="unit_handler")
    waiting = waiting_for(User.objects.get(pk=county.supervisor.pk))
    assert Case.objects.visible_to(county.supervisor).filter(pk=other.pk).exists()
    assert list(waiting.cases) == [own]
    assert [(item.state, item.count) for item in waiting.counts] == [("accepted", 1)]


def test_what_waits_whoever_leads_is_found_without_naming_who_leads(county: World, earlier: datetime):
    walked = [county.walk("reviewed", earlier) for _ in range(2)]
    Case.objects.filter(pk=walked[1].pk).update(lead=county.water)
    waiting = waiting_for(User.objects.get(pk=county.reviewer.pk))
    assert list(waiting.cases.order_by("pk")) == walked
    with CaptureQueriesContext(connection) as asked:
        assert waiting.cases.count() == 2
    assert '"workflows_case"."lead_id"' not in asked[0]["sql"]
