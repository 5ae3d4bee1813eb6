"""What 待办 may leave unread: states whose next step none of somebody's roles can take."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opinion.waiting import waiting_for
from tests.factories.world import World
from workflows.models import Case, User
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


def test_who_only_signs_reads_no_cases(county: World, earlier: datetime):
    county.register(earlier)
    publicity = User.objects.get(pk=county.publicity.pk)
    with CaptureQueriesContext(connection) as asked:
        waiting = waiting_for(publicity)
        assert not waiting.cases.exists()
    assert waiting.total == 0
    assert not [query["sql"] for query in asked if 'FROM "workflows_case"' in query["sql"]]
