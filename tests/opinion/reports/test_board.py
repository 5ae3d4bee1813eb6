"""Every number of the board and the statistics is the count of the list it links to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opinion.exports.records import check
from opinion.models import ActSum, CaseFigure, ExportRecord, MonthSum, OpenCase
from opinion.reports.area import Area
from opinion.reports.months import Spread, month_table
from opinion.reports.spans import month_of
from tests.factories.world import PERSON, World
from tests.opinion.reports.test_keeping import live
from workflows.models import Case, User
from workflows.relay import relay
from workflows.sweeper import sweep

NUMBER = re.compile(r'<a class="number" href="([^"]+)">(\d+)</a>')
COUNTED = re.compile(r'data-counted="(\d+)"')


@pytest.fixture
def busy(county: World) -> World:
    """Two months of cases, late and in time, handed on to the figures."""
    now = timezone.now()
    live(county, now - timedelta(days=50))
    live(county, now - timedelta(days=3))
    sweep(at=now)
    Case.objects.filter(pk=Case.objects.earliest("pk").pk).update(rung=3)
    relay(at=now)
    return county


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def numbers(client: Client, url: str) -> Iterator[tuple[str, int]]:
    response = client.get(url)
    assert response.status_code == 200
    for href, count in NUMBER.findall(response.content.decode()):
        yield unescape(href), int(count)


def pages(at: datetime, unit: int) -> list[str]:
    before = month_of(at).replace(day=1) - timedelta(days=1)
    months = [f"{month_of(at):%Y-%m}", f"{before:%Y-%m}"]
    return [f"/{page}/?month={month}{more}" for page in ("board", "figures") for month in months
            for more in ("", f"&unit={unit}")]  # fmt: skip


def test_every_number_is_the_count_of_its_list(busy: World):
    client = browser(busy.supervisor)
    seen: dict[str, int] = {}
    for url in pages(timezone.now(), busy.housing.pk):
        seen.update(numbers(client, url))
    assert {href.partition("what=")[2].partition("&")[0] for href in seen} >= {
        "open", "overdue", "held", "declined", "redone", "on_time", "counted", "rated", "satisfied", "closed",
    }  # fmt: skip
    wrong = {}
    for href, count in seen.items():
        response = client.get(href)
        page = response.content.decode()
        counted = int(COUNTED.search(page).group(1))
        if counted != count or response.context["unseen"] or response.context["distinct"] > counted:
            wrong[href] = (count, counted, response.context["unseen"])
    assert wrong == {}


def test_restricted_cases_are_in_no_number_and_no_list(busy: World):
    restricted = set(Case.objects.filter(restricted=True).values_list("pk", flat=True))
    assert restricted
    assert not OpenCase.objects.filter(case__in=restricted).exists()
    response = browser(busy.supervisor).get("/board/cases/?what=open")
    listed = Case.objects.visible_to(busy.supervisor).open().count()
    assert response.context["counted"] == listed == Case.objects.open().filter(restricted=False).count()


@pytest.mark.parametrize("who", ["clerk", "handler", "head", "auditadmin", "officer"])
def test_board_and_statistics_are_for_supervisors_and_leaders(county: World, who: str):
    client = browser(getattr(county, who))
    for url in ("/board/", "/board/cases/?what=open", "/figures/"):
        assert client.get(url).status_code == 403
    assert client.post("/figures/file/", {"month": "2026-11", "format": "csv"}).status_code == 403


def test_a_supervisor_of_one_office_is_shown_that_office_alone(busy: World):
    from workflows.models import Membership

    chief = User.objects.create_user(username="chief")
    Membership.objects.create(user=chief, unit=busy.housing, role="supervisor")
    client = browser(chief)
    response = client.get("/board/")
    assert [line.unit for line in response.context["board"].lines] == [busy.housing]
    assert client.get(f"/board/?unit={busy.water.pk}").status_code == 404
    assert client.get(f"/board/cases/?what=open&unit={busy.water.pk}").status_code == 404
    for href, count in numbers(client, "/board/"):
        page = client.get(href)
        assert page.context["counted"] == count


@pytest.mark.parametrize(
    "asked",
    ["", "what=everything", "what=open&month=2026-11", "what=on_time", "what=open&level=9", "what=held&month=2026-13",
     "what=open&unit=x", "what=late&month=2026-11&basis=mine"],
)  # fmt: skip
def test_a_question_no_number_asks_is_not_found(county: World, asked: str):
    assert browser(county.supervisor).get(f"/board/cases/?{asked}").status_code == 404


def test_few_cases_get_no_rate_and_no_median(county: World, at: datetime, settings: Any):
    for second in range(3):
        county.walk("closed", at + timedelta(seconds=second))
    relay(at=at)
    month = month_of(OpenAt.due(county))
    settings.HUIYIN_FIGURES_MINIMUM = 4
    line = month_table(Area.of(county.supervisor), month, at=at)[0].lines[0]
    assert (line.on_time.part.count, line.on_time.whole.count, line.on_time.text) == (3, 3, "样本不足")
    assert line.spreads["resolve"].text == "样本不足"
    settings.HUIYIN_FIGURES_MINIMUM = 3
    line = month_table(Area.of(county.supervisor), month, at=at)[0].lines[0]
    assert (line.on_time.text, line.satisfied.text, line.spreads["resolve"]) == (
        "100.0%",
        "100.0%",
        Spread(3, 360, 360),
    )


class OpenAt:
    """When the cases of a test are due."""

    @staticmethod
    def due(county: World) -> datetime:
        found: datetime = Case.objects.latest("pk").clocks.get(kind="resolve").due_at
        return found


def test_an_open_overdue_case_lowers_the_rate(county: World, at: datetime, settings: Any):
    settings.HUIYIN_FIGURES_MINIMUM = 1
    county.walk("closed", at)
    county.walk("handling", at)
    relay(at=at)
    month, area = month_of(OpenAt.due(county)), Area.of(county.supervisor)
    early = month_table(area, month, at=at)[0].lines[0].on_time
    later = OpenAt.due(county) + timedelta(hours=1)
    late = month_table(area, month, at=later)[0].lines[0].on_time
    assert (early.text, late.text) == ("100.0%", "50.0%")
    assert month_table(area, month, at=later + timedelta(days=90))[0].lines[0].on_time.text == "50.0%"


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_table_as_a_file_is_recorded_and_safe_to_open(busy: World, file_format: str):
    busy.housing.name = "=HYPERLINK(1)"
    busy.housing.save()
    month = f"{timezone.now():%Y-%m}"
    response = browser(busy.supervisor).post("/figures/file/", {"month": month, "format": file_format})
    assert response.status_code == 200
    kept = ExportRecord.objects.get()
    assert (kept.user, kept.what, kept.filters, check().problem) == (
        busy.supervisor,
        "figures",
        {"month": month},
        "",
    )
    if file_format == "csv":
        text = response.content.decode("utf-8-sig")
        assert "'=HYPERLINK(1)" in text
        assert len(text.splitlines()) == kept.row_count + 1


def test_audit_page_tells_all_but_the_person(busy: World):
    case = busy.walk("archived", timezone.now() - timedelta(days=2))
    page = browser(busy.supervisor).get(f"/cases/{case.number}/audit/").content.decode()
    assert "日志链已核对" in page
    assert all(f">{label}</b>" in page for label in ("登记", "交办", "签收", "答复", "归档"))
    assert not any(part in page for part in (PERSON.name, PERSON.phone, PERSON.address))
    assert browser(busy.other_handler).get(f"/cases/{case.number}/audit/").status_code == 404


def test_explain_page_counts_to_the_deadline_the_clock_has(busy: World):
    case = busy.walk("suspended", timezone.now() - timedelta(days=9))
    busy.do(case, "resume", at=timezone.now() - timedelta(days=1))
    client, checked = browser(busy.supervisor), 0
    for clock in case.clocks.all():
        told = client.get(f"/cases/{case.number}/clocks/{clock.kind}/{clock.cycle}/").context["told"]
        assert told.agrees, clock
        assert told.rule is not None
        checked += len(told.parts[0].lines)
    assert checked > 10
    assert client.get(f"/cases/{case.number}/clocks/resolve/9/").status_code == 404


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2026-13", "十月"])
def test_a_month_nobody_asks_for_is_not_found(county: World, month: str):
    client = browser(county.supervisor)
    for page in ("board", "figures"):
        assert client.get(reverse(page), {"month": month}).status_code == 404


def figures_page(county: World, **asked: str) -> str:
    return browser(county.supervisor).get("/figures/", asked).content.decode()


def test_a_month_with_nothing_says_so_instead_of_zeros(county: World, at: datetime):
    month = f"{timezone.localtime(at):%Y-%m}"
    page = figures_page(county, month=month)
    assert ("本月没有可统计的案件" in page, "近十二个月没有可统计的案件" in page, "<table" in page) == (
        True,
        True,
        False,
    )
    answer = browser(county.supervisor).post("/figures/file/", {"month": month, "format": "csv"})
    assert (answer.status_code, "按时率（原定期限）" in answer.content.decode("utf-8-sig")) == (200, True)


def test_a_month_with_acts_alone_has_no_table_of_zero_deadlines(county: World, at: datetime):
    county.walk("assigned", at)
    relay(at=at)
    ActSum.objects.exclude(kind="assigned").delete()
    MonthSum.objects.all().delete()
    month = month_of(at)
    CaseFigure.objects.all().delete()
    page = figures_page(county, month=f"{month:%Y-%m}")
    assert "本月没有到期、退单或重办的案件" in page
    assert "退单、转办、重办与回访</caption>" in page
    assert "近十二个月</caption>" in page
