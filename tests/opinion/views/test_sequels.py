"""登记后续案件: prefilled with the matter and never with the person."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from opinion.contacts.book import opened
from opinion.models import Contact, Link
from tests.factories.world import PERSON, World
from tests.opinion.views.conftest import As
from tests.opinion.views.test_register import said
from workflows.models import Case, Event


def test_form_has_the_matter_and_not_the_person(county: World, earlier: datetime, as_: As):
    old = county.walk("closed", earlier)
    page = as_(county.clerk).get(reverse("register"), {"sequel_to": old.number}).content.decode()
    assert f'value="{old.title}"' in page
    assert old.number in page
    assert not any(text in page for text in (PERSON.name, PERSON.phone, PERSON.address, PERSON.email))


@pytest.mark.parametrize("same", [True, False])
def test_person_comes_along_only_when_it_is_the_same(county: World, earlier: datetime, as_: As, same: bool):
    old = county.walk("closed", earlier)
    sent = said(county, sequel_to=old.number, **({"same_person": "on"} if same else {}))
    assert as_(county.clerk).post(reverse("register"), sent).status_code == 302
    case = Case.objects.latest("pk")
    assert Link.objects.get(kind=Link.Kind.SEQUEL, from_case=case).to_case == old
    contact = Contact.objects.filter(case=case).first()
    assert (opened(contact) if contact else None) == (PERSON if same else None)
    first = Event.objects.get(case=case, seq=1)
    assert (first.data["sequel_to"], first.data["same_person"]) == (old.pk, same)
    page = as_(county.clerk).get(reverse("case", args=[case.number])).content.decode()
    assert "本件接续" in page


def test_same_person_and_another_name_do_not_go_together(county: World, earlier: datetime, as_: As):
    old = county.walk("closed", earlier)
    sent = said(county, sequel_to=old.number, same_person="on", name="别人")
    response = as_(county.clerk).post(reverse("register"), sent)
    assert response.status_code == 422
    assert "已选沿用原案件的联系方式" in response.content.decode()


def test_a_person_whose_key_is_gone_is_asked_for_again(
    county: World, earlier: datetime, as_: As, settings: Any
):
    old = county.walk("closed", earlier)
    settings.HUIYIN_CONTACT_KEYS = "other:" + base64.b64encode(b"2" * 32).decode()
    sent = said(county, sequel_to=old.number, same_person="on")
    response = as_(county.clerk).post(reverse("register"), sent)
    assert response.status_code == 422
    assert "原案件的联系方式打不开，不能沿用" in response.content.decode()
    assert as_(county.clerk).post(reverse("register"), said(county, sequel_to=old.number)).status_code == 302


def test_a_sequel_is_as_closed_as_the_case_before(county: World, earlier: datetime, as_: As):
    old = county.walk("closed", earlier, restricted=True, barred=[county.street.pk])
    sent = said(county, sequel_to=old.number, restricted="no")
    as_(county.officer).post(reverse("register"), sent)
    case = Case.objects.latest("pk")
    assert case.restricted
    assert list(case.participations.filter(role="barred").values_list("unit", flat=True)) == [
        county.street.pk
    ]


@pytest.mark.parametrize("state", ["handling", "replied"])
def test_a_case_under_way_has_no_sequel(county: World, earlier: datetime, as_: As, state: str):
    old = county.walk(state, earlier)
    assert as_(county.clerk).get(reverse("register"), {"sequel_to": old.number}).status_code == 404
    assert "登记后续案件" not in as_(county.clerk).get(reverse("case", args=[old.number])).content.decode()


def test_a_case_out_of_sight_has_no_sequel(county: World, earlier: datetime, as_: As):
    old = county.walk("closed", earlier, restricted=True)
    assert as_(county.clerk).get(reverse("register"), {"sequel_to": old.number}).status_code == 404


def test_page_counts_what_happened(county: World, earlier: datetime, as_: As):
    case = county.along(("assign", "decline", "reassign"), earlier)
    county.do(case, "accept", at=earlier, by=county.other_handler)
    county.do(case, "transfer", at=earlier, lead=county.street.pk)
    page = as_(county.dispatcher).get(reverse("case", args=[case.number])).content.decode()
    assert "<dt>退单</dt><dd>1／3 次</dd>" in page
    assert "<dt>转办</dt><dd>1 次</dd>" in page
