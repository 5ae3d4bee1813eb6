"""Pages of a case that others wait for, and of one that waits."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from opinion.merged_waiting import joined_to
from tests.factories.world import World
from tests.opinion.test_merged_waiting import DAY, merged
from tests.opinion.views.conftest import As
from workflows.models import Case


def test_master_says_how_many_wait_for_it_and_until_when(county: World, at: datetime, as_: As):
    early = county.walk("registered", at - 3 * DAY)
    master, late = merged(county, at)
    county.do(early, "merge", at=at, master=master.pk)
    due_at = Case.objects.get(pk=early.pk).due_at
    joined = joined_to([Case.objects.get(pk=master.pk)])[master.pk]
    assert (joined.count, joined.due_at) == (2, due_at)
    assert due_at < Case.objects.get(pk=late.pk).due_at
    handler = as_(county.handler)
    page = handler.get(reverse("case", args=[master.number])).content.decode()
    rows = handler.get(reverse("todo")).content.decode()
    assert "另有 2 件等此件，最早 " in page
    assert "另有 2 件等此件，最早 " in rows
    assert early.number not in page + rows


def test_duplicate_says_which_case_it_waits_for(county: World, at: datetime, as_: As):
    master, case = merged(county, at, "reviewed")
    page = reverse("case", args=[case.number])
    assert f"等主案件 {master.number} 答复" in as_(county.dispatcher).get(page).content.decode()
    county.do(master, "reply", at=at)
    assert "等主案件" not in as_(county.dispatcher).get(page).content.decode()
