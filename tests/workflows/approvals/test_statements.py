"""What one decision costs the database, word for word."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.workflows.approvals.scene import BOSSES, CHIEFS, state
from workflows.engine import fire
from workflows.models import User


@pytest.fixture
def people(office):
    return office.person("甲", "toy_chief"), office.person("乙", "toy_chief"), office.person("首", "toy_boss")


def statements(case, name, by, at, **data):
    """The first word of each statement, with roles and documents read before, as in a request."""
    actor = User.objects.get(pk=by.pk)
    assert actor.standing.roles
    with CaptureQueriesContext(connection) as seen:
        fire(case.pk, name, by=actor, at=at, data=data)
    texts = (re.sub(r"^\d+ times: ", "", q["sql"]) for q in seen if "SAVEPOINT" not in q["sql"])
    return " ".join(text.split()[0] for text in texts)


def expected(sqlite, postgresql):
    return {"sqlite": sqlite, "postgresql": postgresql}[connection.vendor]


def test_one_agreement_of_several(office, people):
    """Case, approval with its seats; then seat, event, case."""
    case = office.asked({**CHIEFS, "agree": "all"}, BOSSES)
    found = statements(case, "agree", people[0], office.at)
    assert (state(case), found) == (
        "asked",
        expected("SELECT SELECT UPDATE INSERT UPDATE", "SELECT SELECT WITH"),
    )


def test_the_last_agreement_of_a_level(office, people):
    """Besides: holders of the role with their posts and whether they are away, the units below the one there is, clocks."""
    case = office.asked(CHIEFS, BOSSES)
    found = statements(case, "agree", people[0], office.at)
    asking = "SELECT WITH SELECT"
    writing = expected(
        "UPDATE UPDATE INSERT UPDATE UPDATE INSERT INSERT INSERT UPDATE",
        "WITH WITH",
    )
    assert found == f"SELECT SELECT {asking} {writing}"


def test_the_last_agreement_of_all(office, people):
    """Besides what was noted when it was asked for, and clocks; then the move that is granted."""
    case = office.asked(BOSSES)
    found = statements(case, "agree", people[2], office.at)
    assert state(case) == "passed"
    signing = expected("UPDATE UPDATE UPDATE UPDATE INSERT UPDATE", "WITH")
    granted = expected("SELECT SELECT SELECT INSERT UPDATE", "SELECT SELECT SELECT WITH")
    assert found == f"SELECT SELECT SELECT SELECT {signing} {granted}"


def test_asking_two(office, people):
    """What is running, the newest levels (two), holders with their posts and whether they are away, units below them, clocks."""
    office.levels(CHIEFS)
    case = office.case()
    found = statements(case, "ask", office.clerk, office.at)
    reading = "SELECT SELECT SELECT SELECT SELECT WITH SELECT"
    assert found == f"{reading} {expected('INSERT INSERT INSERT INSERT INSERT UPDATE', 'WITH')}"
