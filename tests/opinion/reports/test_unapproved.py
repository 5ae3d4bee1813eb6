"""未经审批的处置: what one person did at once, for who checks it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from opinion.exports.records import check
from opinion.models import ExportRecord
from opinion.reports.area import Area
from opinion.reports.spans import month_of
from opinion.reports.unapproved import disposals, made_at_once, unapproved
from tests.factories.world import World
from tests.opinion.reports.test_board import browser
from workflows.models import Case, User

URL = "/unapproved/"


def found(
    county: World, at: datetime, *, unit: int | None = None, viewer: User | None = None
) -> set[tuple[str, str, str]]:
    viewer = viewer or county.supervisor
    area = Area.of(county.supervisor).narrowed(unit)
    rows = disposals(unapproved(viewer, area, month_of(at)))
    return {(row.event.case.number, row.label, row.unit) for row in rows}


def test_moves_an_approval_may_grant_and_somebody_may_make_are_read_from_the_lifecycles(county):
    assert {"decline", "suspend"} <= made_at_once()
    assert not {"approve", "close_unanswered", "dispatch_order", "allow_private"} & made_at_once()


def test_what_one_person_did_at_once_is_listed_with_who_held_the_case(county, at):
    declined = county.walk("declined", at)
    suspended = county.walk("suspended", at)
    ordered = county.walk("handling", at)
    county.do(ordered, "issue_order", at=at)
    private = county.walk("reviewed", at, source="lb", asked_confidential=True)
    county.do(private, "reply", at=at)
    promised = county.walk("reviewed", at, source="mailbox", public=True)
    county.do(promised, "reply", at=at, public=False)
    master, told = county.walk("replied", at), county.walk("registered", at, source="lb")
    county.do(told, "merge", at=at, master=master.pk)
    county.do(told, "reply_merged", at=at, public=False)
    assert found(county, at) == {
        (told.number, "只答复本人（未经领导同意）", "网络问政办"),
        (promised.number, "只答复本人（未经领导同意）", "网络问政办"),
        (declined.number, "退单", "住建局"),
        (suspended.number, "暂停", "住建局"),
        (ordered.number, "签发督办单", "住建局"),
        (private.number, "只答复本人（未经领导同意）", "网络问政办"),
    }
    assert {number for number, _, _ in found(county, at, unit=county.desk.pk)} == {
        private.number,
        promised.number,
        told.number,
    }
    assert found(county, at, unit=county.water.pk) == set()
    assert found(county, at - timedelta(days=40)) == set()


def test_what_was_approved_or_needs_no_approval_is_not_listed(county, at):
    case = county.walk("assigned", at)
    county.do(case, "request_decline", at=at)
    county.do(case, "sign_decline", at=at)
    told = county.walk("reviewed", at, source="mailbox", public=False)
    county.do(told, "reply", at=at, public=False)
    asked = county.walk("handling", at)
    county.do(asked, "request_suspension", at=at)
    while county.seat(asked, "suspension"):
        county.do(asked, "sign_suspension", at=at)
    proposed = county.walk("handling", at)
    county.do(proposed, "propose_order", at=at)
    county.do(proposed, "dispatch_order", at=at)
    allowed = county.walk("reviewed", at, source="lb")
    county.do(allowed, "ask_private", at=at)
    county.do(allowed, "allow_private", at=at)
    county.do(allowed, "reply", at=at, public=False)
    by_the_ladder = county.walk("handling", at)
    county.do(by_the_ladder, "issue_order", at=at, by=User.objects.system())
    county.walk("replied", at)
    assert [Case.objects.get(pk=one.pk).state for one in (case, asked)] == ["declined", "suspended"]
    assert found(county, at) == set()


def test_a_restricted_case_is_listed_for_nobody_who_may_not_know_of_it(county, at):
    case = county.walk("declined", at, restricted=True)
    assert found(county, at) == set()
    assert {number for number, _, _ in found(county, at, viewer=county.officer)} == {case.number}


def test_page_links_to_the_case_and_says_where_there_is_none(county):
    now = timezone.now()
    client = browser(county.supervisor)
    assert "没有未经审批的处置" in client.get(URL).content.decode()
    case = county.walk("declined", now - timedelta(minutes=10))
    shown = client.get(URL).content.decode()
    assert f'href="/cases/{case.number}/"' in shown
    assert "共 1 次" in shown
    assert "没有未经审批的处置" in client.get(f"{URL}?unit={county.water.pk}").content.decode()
    for odd in ("month=2026-13", "unit=999999", "before=x", "before=7", "month=2049-01"):
        assert client.get(f"{URL}?{odd}").status_code == 404
    assert browser(county.handler).get(URL).status_code == 403


def test_pages_follow_each_other(county, monkeypatch):
    monkeypatch.setattr("opinion.views.unapproved.A_PAGE", 1)
    now = timezone.now() - timedelta(minutes=10)
    # Entered first, and made last.
    second, first = county.walk("declined", now), county.walk("declined", now - timedelta(minutes=20))
    client = browser(county.supervisor)
    shown = client.get(URL).content.decode()
    assert (second.number in shown, first.number in shown) == (True, False)
    before = unapproved(county.supervisor, Area.of(county.supervisor), month_of(now))[0].pk
    assert f"before={before}" in shown
    older = client.get(f"{URL}?before={before}").content.decode()
    assert (second.number in older, first.number in older) == (False, True)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_list_as_a_file_is_recorded(county, file_format):
    now = timezone.now()
    case = county.walk("declined", now - timedelta(minutes=10))
    month = f"{now:%Y-%m}"
    response = browser(county.supervisor).post(f"{URL}file/", {"month": month, "format": file_format})
    assert response.status_code == 200
    kept = ExportRecord.objects.get()
    assert (kept.what, kept.filters, kept.row_count, check().problem) == (
        "unapproved",
        {"month": month},
        1,
        "",
    )
    if file_format == "csv":
        assert case.number in response.content.decode("utf-8-sig")
    assert browser(county.supervisor).post(f"{URL}file/", {"month": "x"}).status_code == 400
