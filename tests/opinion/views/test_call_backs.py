"""回访: whom a caller sees, with a masked phone and when to try again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories.world import PERSON, World
from tests.opinion.views.conftest import As
from workflows.models import Membership, Participation, User

STATEMENTS = 17


def page_of(as_: As, user: User, query: str = "") -> str:
    response = as_(user).get(reverse("call_backs") + query)
    assert response.status_code == 200
    page: str = response.content.decode()
    return page


def test_caller_sees_what_was_drawn_with_a_masked_phone(county: World, earlier: datetime, as_: As):
    case = county.walk("replied", earlier)
    over = county.walk("called_back", earlier)
    page = page_of(as_, county.caller)
    assert case.number in page
    assert over.number not in page
    assert PERSON.phone not in page
    assert "138****5678" in page
    assert reverse("action", args=[case.number, "reveal_contact"]) in page


def test_attempts_say_when_the_next_one_counts(county: World, earlier: datetime, as_: As):
    case = county.walk("replied", earlier - timedelta(days=9))
    county.do(case, "record_unreached", at=earlier - timedelta(days=8))
    county.do(case, "record_unreached", at=earlier)
    page = page_of(as_, county.caller)
    assert "2 次" in page
    assert "计 2／3 次" in page
    assert "之前再拨不另计次" in page
    assert "现在可拨" not in page
    assert page_of(as_, county.caller, "?overdue=1").count(case.number) > 0


def test_nobody_of_a_handling_unit_has_it_on_the_list(county: World, earlier: datetime, as_: As):
    case = county.walk("replied", earlier)
    Participation.objects.create(case=case, unit=county.water, role="assisting", started_at=earlier)
    Membership.objects.create(user=county.caller, unit=county.water, role="unit_handler")
    assert case.number not in page_of(as_, county.caller)


def test_an_empty_list_says_why(county: World, as_: As):
    assert "现在没有待回访的案件" in page_of(as_, county.caller)


@pytest.mark.parametrize("cases", [1, 3])
def test_statements_do_not_grow_with_cases(county: World, earlier: datetime, as_: As, cases: int):
    for number in range(cases):
        county.walk("replied", earlier - timedelta(minutes=number))
    client = as_(county.caller)
    client.get(reverse("call_backs"))
    with CaptureQueriesContext(
        connection,
    ) as seen:
        client.get(reverse("call_backs"))
    assert len(seen) == STATEMENTS
