"""登记: what the page does with a message."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from tests.factories.world import World
from tests.opinion.views.conftest import As
from workflows.models import Case


def said(county: World, **changes: Any) -> dict[str, Any]:
    message = {
        "token": "a" * 22, "desk": county.desk.pk, "source": "12345", "external_number": "GD-1", "subject": "路灯不亮",
        "body": "南街路灯不亮。",
    }  # fmt: skip
    return {**message, **changes}


def test_page_offers_the_only_desk(county: World, as_: As):
    page = as_(county.clerk).get(reverse("register")).content.decode()
    assert f'<option value="{county.desk.pk}" selected>网络问政办</option>' in page


def test_two_clicks_register_one_message(county: World, as_: As):
    client = as_(county.clerk)
    first = client.post(reverse("register"), said(county))
    second = client.post(reverse("register"), said(county))
    case = Case.objects.get()
    assert first.headers["Location"] == second.headers["Location"] == reverse("case", args=[case.number])


def test_two_clicks_without_a_number_register_one_message(county: World, as_: As):
    client = as_(county.clerk)
    client.post(reverse("register"), said(county, external_number=""))
    client.post(reverse("register"), said(county, external_number=""))
    assert Case.objects.count() == 1


def test_known_number_is_refused_with_the_earlier_case(county: World, as_: As):
    client = as_(county.clerk)
    client.post(reverse("register"), said(county))
    response = client.post(reverse("register"), said(county, token="b" * 22))
    page = response.content.decode()
    assert response.status_code == 422
    assert f"已登记过，见 {Case.objects.get().number}" in page
    assert "南街路灯不亮。</textarea>" in page


def test_known_number_of_a_hidden_case_names_no_case(county: World, as_: As):
    client = as_(county.clerk)
    client.post(reverse("register"), said(county, restricted="yes"))
    response = client.post(reverse("register"), said(county, token="b" * 22))
    assert response.status_code == 422
    assert (
        Case.objects.get().number
        not in response.content.decode().partition('<main id="main"')[2].partition("<form")[2]
    )


def test_same_words_are_hinted_at_after_saving(county: World, earlier: datetime, as_: As):
    first = county.register(earlier, body="南街路灯不亮。")
    client = as_(county.clerk)
    response = client.post(reverse("register"), said(county, body="南街路灯不亮。"), follow=True)
    page = response.content.decode()
    assert "可能是重复留言" in page
    assert f'<a href="{reverse("case", args=[first.number])}">{first.number}</a>' in page


def test_restricted_message_is_registered_and_out_of_the_clerks_sight(county: World, as_: As):
    response = as_(county.clerk).post(reverse("register"), said(county, type="report"), follow=True)
    case = Case.objects.get()
    assert case.restricted
    assert response.redirect_chain == [(reverse("register"), 302)]
    assert f"已登记为 {case.number}，限制知悉" in response.content.decode()


def test_officer_may_register_restricted_messages_alone(county: World, as_: As):
    client = as_(county.officer)
    assert client.post(reverse("register"), said(county)).status_code == 422
    assert client.post(reverse("register"), said(county, restricted="yes")).status_code == 302


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("external_number", 422),
        ("source", 422),
        ("subject", 422),
        ("body", 422),
        ("sequel_to", 404),
        ("token", 400),
    ],
)
def test_a_null_character_is_refused_beside_its_field(county: World, as_: As, name: str, status: int):
    answer = as_(county.clerk).post(reverse("register"), said(county, **{name: "灯\0"}))
    assert answer.status_code == status
    assert Case.objects.count() == 0
