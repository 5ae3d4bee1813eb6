"""The case list: filters, pages by position, and a fixed number of statements."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories.world import World
from tests.opinion.views.conftest import As
from workflows.models import Case

LIST_STATEMENTS = 18


def numbers(page: str) -> list[str]:
    return re.findall(r'<span class="number">(LY\d{4}-\d{6})</span>', page)


def listed(as_: As, county: World, **asked: str) -> list[str]:
    response = as_(county.dispatcher).get(reverse("case_list"), asked)
    assert response.status_code == 200
    return numbers(response.content.decode())


def test_list_finds_two_character_words_in_titles(county: World, earlier: datetime, as_: As):
    wanted = county.register(earlier, subject="南街路灯不亮")
    county.register(earlier, subject="楼道积水")
    assert listed(as_, county, q="路灯") == [wanted.number]
    assert listed(as_, county, q="南街 不亮") == [wanted.number]
    assert listed(as_, county, q=wanted.number[-6:]) == [wanted.number]
    assert listed(as_, county, q="路灯 积水") == []


def test_list_filters_by_state_source_type_and_phase(county: World, earlier: datetime, as_: As):
    registered = county.register(earlier, source="letter", type="complaint")
    assigned = county.walk("assigned", earlier)
    archived = county.walk("archived", earlier)
    assert sorted(listed(as_, county)) == [registered.number, assigned.number]
    assert listed(as_, county, state="assigned", phase="open") == [assigned.number]
    assert listed(as_, county, source="letter") == [registered.number]
    assert listed(as_, county, type="complaint") == [registered.number]
    assert listed(as_, county, unit=str(county.housing.pk)) == [assigned.number]
    assert listed(as_, county, phase="archived") == [archived.number]
    assert listed(as_, county, phase="open", state="archived") == [archived.number]
    assert sorted(listed(as_, county, phase="all")) == [registered.number, assigned.number, archived.number]


def test_list_shows_overdue_cases_alone_when_asked(county: World, earlier: datetime, as_: As):
    late = county.register(earlier - timedelta(days=30))
    county.register(earlier)
    assert listed(as_, county, overdue="on") == [late.number]


def test_list_narrows_to_what_falls_due_by_a_day(county: World, earlier: datetime, as_: As):
    soon = county.register(earlier - timedelta(days=30))
    county.register(earlier)
    assert listed(as_, county, due_before=f"{earlier - timedelta(days=5):%Y-%m-%d}") == [soon.number]


def test_list_keeps_what_cannot_be_understood_and_says_so(county: World, as_: As):
    response = as_(county.dispatcher).get(reverse("case_list"), {"due_before": "某天", "q": "路灯"})
    page = response.content.decode()
    assert response.status_code == 400
    assert 'value="某天"' in page
    assert 'value="路灯"' in page
    assert "有 1 个条件看不懂" in page


def test_list_never_shows_a_restricted_case_to_the_desk(county: World, earlier: datetime, as_: As):
    hidden = county.register(earlier, restricted=True, subject="反映执法不公")
    assert listed(as_, county, q="反映") == []
    page = as_(county.officer).get(reverse("case_list")).content.decode()
    assert numbers(page) == [hidden.number]


@pytest.mark.parametrize("asked", [{}, {"phase": "all"}])
def test_pages_lead_forward_and_back_over_the_same_cases(
    county: World, earlier: datetime, as_: As, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
):
    monkeypatch.setattr("opinion.views.pages.PAGE_SIZE", 2)
    made = [county.register(earlier - timedelta(days=day // 2)).number for day in range(5)]
    client = as_(county.dispatcher)
    forward, url = [], reverse("case_list") + "?" + "&".join(f"{k}={v}" for k, v in asked.items())
    while url:
        page = client.get(url).content.decode()
        forward.append((url, numbers(page)))
        url = _link(page, "next")
    assert sorted(number for _, found in forward for number in found) == sorted(made)
    assert [len(found) for _, found in forward] == [2, 2, 1]
    back = _link(page, "prev")
    page = client.get(back).content.decode()
    assert numbers(page) == forward[1][1]
    page = client.get(_link(page, "prev")).content.decode()
    assert numbers(page) == forward[0][1]
    assert _link(page, "prev") == ""


def test_pages_put_cases_without_a_deadline_last(
    county: World, earlier: datetime, as_: As, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("opinion.views.pages.PAGE_SIZE", 2)
    made = [county.register(earlier).number for _ in range(5)]
    Case.objects.filter(number__in=made[:3]).update(due_at=None)
    client = as_(county.dispatcher)
    first = client.get(reverse("case_list")).content.decode()
    second = client.get(_link(first, "next")).content.decode()
    third = client.get(_link(second, "next")).content.decode()
    assert numbers(first) + numbers(second) + numbers(third) == [*made[3:], *made[:3]]
    assert numbers(client.get(_link(third, "prev")).content.decode()) == made[:2]
    assert numbers(client.get(_link(second, "prev")).content.decode()) == made[3:]


@pytest.mark.parametrize("position", ["x", "1.", ".x", "99999999999999999999.1", "1.2.3"])
def test_page_nobody_handed_out_is_not_found(county: World, as_: As, position: str):
    assert as_(county.dispatcher).get(reverse("case_list"), {"after": position}).status_code == 404


@pytest.mark.parametrize("cases", [1, 3])
def test_list_takes_as_many_statements_for_three_cases_as_for_one(
    county: World, earlier: datetime, as_: As, cases: int
):
    for _ in range(cases):
        county.register(earlier)
    client = as_(county.dispatcher)
    client.get(reverse("case_list"))
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("case_list"))
    assert len(asked) == LIST_STATEMENTS, [query["sql"] for query in asked]


def _link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page)
    return reverse("case_list") + found[1].replace("&amp;", "&") if found else ""
