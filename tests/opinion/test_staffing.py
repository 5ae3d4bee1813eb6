"""Levels that too few people could sit in are named before a case gets stuck there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import opinion
from opinion.staffing import scarce_now
from tests.factories.world import World
from workflows.models import Membership, Unit, User


def join(unit: Unit, role: str, name: str) -> User:
    user = User.objects.create_user(username=name, display_name=name)
    Membership.objects.create(user=user, unit=unit, role=role)
    return user


def found(*, restricted: bool = False) -> dict[tuple[str, str], int]:
    """Place and level → how many could sit there, of those who are too few."""
    return {
        (one.place, label): one.count
        for one in scarce_now()
        if one.restricted == restricted
        for label in one.levels
    }


HEADS, DESK, PUBLICITY = "“承办单位负责人审核”", "“受理台审核”", "“宣传部门审核”"


def test_a_unit_with_one_who_could_sign_is_named(county):
    few = found()
    # A head and a deputy there, one alone here.
    assert ("住建局", HEADS) not in few
    assert few["水务局", HEADS] == 1
    join(county.water, "deputy_head", "副老杨")
    assert ("水务局", HEADS) not in found()


def test_a_desk_is_named_once_whatever_units_lead(county):
    few = found()
    assert (few["网络问政办", DESK], few["网络问政办", PUBLICITY]) == (1, 1)
    join(county.desk, "reviewer", "审二")
    join(county.county, "publicity", "宣二")
    assert not {("网络问政办", DESK), ("网络问政办", PUBLICITY)} & set(found())


def test_no_superior_of_the_desk_is_a_place_where_cases_are_handled(county):
    join(county.county, "deputy_head", "副县长")
    assert county.county.name not in {place for place, _ in found()}


def test_a_single_officer_for_restricted_cases_is_too_few(county):
    assert found(restricted=True)["网络问政办", DESK] == 1
    join(county.desk, "confidential_officer", "专二")
    assert ("网络问政办", DESK) not in found(restricted=True)
    # Who may not know of a restricted case is no help there.
    Membership.objects.filter(role="confidential_officer").delete()
    assert found(restricted=True)["网络问政办", DESK] == 0


def test_people_who_left_are_not_counted(county):
    assert ("住建局", HEADS) not in found()
    User.objects.filter(pk=county.deputy_head.pk).update(is_active=False)
    assert found()["住建局", HEADS] == 1


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("page", ["levels", "health"])
def test_the_pages_that_publish_and_watch_say_so(county: World, page: str, settings: Any):
    settings.CELERY_BROKER_URL = ""
    client = browser(county.sysadmin)
    if page == "levels":
        text = (Path(opinion.__file__).parent / "levels" / "message.yaml").read_text(encoding="utf-8")
        shown = client.post(reverse("levels"), {"text": text}).content.decode()
    else:
        shown = client.get(reverse("health")).content.decode()
    assert "处审批人手少于所需人数" in shown
    assert "水务局：" in shown
    assert "只有 1 人可以审（含代审角色）" in shown
    assert "限制知悉的案件，网络问政办：" in shown
