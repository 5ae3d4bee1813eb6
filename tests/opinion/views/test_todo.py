"""待办: a case waits for whoever takes the next step, and for nobody else."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from opinion.waiting import waiting_for
from tests.factories.world import PATHS, World
from tests.opinion.views.conftest import As
from workflows.models import User

TODO_STATEMENTS = 17

# state → for whom a case in it waits.
WAITS_FOR = {
    "registered": {"dispatcher"},
    "assigned": {"handler", "head"},
    "designated": {"handler", "head"},
    "declined": {"dispatcher"},
    "disputed": {"arbiter"},
    "accepted": {"handler", "head"},
    "handling": {"handler", "head"},
    "drafted": set(),  # those who are asked to sign have a list of their own
    "reviewed": {"reviewer"},
    "replied": {"caller"},
    "called_back": {"caller"},
    "contested": {"dispatcher"},
    "final_drafted": set(),
    "redo": {"handler", "head"},
    "suspended": {"head"},
    "merged": set(),  # whoever has the master has it, too
    "closed": set(),
    "referred": set(),
    "withdrawn": set(),
    "archived": set(),
}
PEOPLE = (
    "clerk", "dispatcher", "reviewer", "caller", "officer", "leader", "arbiter", "supervisor", "exporter", "sysadmin", "handler",
    "head", "office_handler", "other_handler",
)  # fmt: skip


def test_expectations_name_every_state():
    assert set(WAITS_FOR) == set(PATHS)


@pytest.mark.parametrize("state", PATHS)
def test_case_waits_for_whoever_takes_the_next_step(county: World, earlier: datetime, state: str):
    case = county.walk(state, earlier)
    waiting = {
        name
        for name in PEOPLE
        if waiting_for(User.objects.get(pk=getattr(county, name).pk)).cases.filter(pk=case.pk).exists()
    }
    assert waiting == WAITS_FOR[state]


def test_restricted_case_waits_for_the_officer_at_the_desk(county: World, earlier: datetime):
    case = county.register(earlier, restricted=True)
    assert list(waiting_for(county.officer).cases) == [case]
    assert list(waiting_for(county.dispatcher).cases) == []


def test_counts_and_order_say_what_is_most_urgent(county: World, earlier: datetime, as_: As):
    late = county.register(earlier - timedelta(days=30))
    county.register(earlier)
    county.walk("declined", earlier)
    page = as_(county.dispatcher).get(reverse("todo")).content.decode()
    assert re.findall(r'<span class="number">(LY[\d-]+)</span>', page)[0] == late.number
    assert "共 3 件等您办理" in page
    assert "1 件已逾期" in page
    assert re.findall(r"(待交办|退单待定) <b>(\d+)</b>", page) == [("待交办", "2"), ("退单待定", "1")]


def test_state_narrows_the_list(county: World, earlier: datetime, as_: As):
    county.register(earlier)
    declined = county.walk("declined", earlier)
    page = as_(county.dispatcher).get(reverse("todo"), {"state": "declined"}).content.decode()
    assert re.findall(r'<span class="number">(LY[\d-]+)</span>', page) == [declined.number]


def test_empty_list_says_so(county: World, as_: As):
    assert "现在没有等您办理的案件" in as_(county.dispatcher).get(reverse("todo")).content.decode()
    assert "您的岗位不接触案件内容" in as_(county.sysadmin).get(reverse("todo")).content.decode()


@pytest.mark.parametrize("cases", [1, 3])
def test_todo_takes_as_many_statements_for_three_cases_as_for_one(
    county: World, earlier: datetime, as_: As, cases: int
):
    for _ in range(cases):
        county.register(earlier)
    client = as_(county.dispatcher)
    client.get(reverse("todo"))
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("todo"))
    assert len(asked) == TODO_STATEMENTS, [query["sql"] for query in asked]
