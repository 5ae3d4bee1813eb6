"""登记 of kinds that are opened on a page: what the page does with an event."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories.events import Events
from tests.factories.world import World
from tests.opinion.views.conftest import As
from workflows.models import Case

URL = ["opinion_case"]


def said(county: World, **changes: Any) -> dict[str, Any]:
    found = timezone.localtime(timezone.now() - timedelta(hours=1))
    event = {
        "token": "a" * 22, "desk": county.desk.pk, "title": "南街积水", "found_at": f"{found:%Y-%m-%dT%H:%M}",
        "channels": ["video", "forum"], "summary": "雨后积水，车辆绕行。", "questions": "何时能通车",
    }  # fmt: skip
    return {**event, **changes}


def test_page_offers_the_only_desk_and_the_other_kinds(county: World, as_: As):
    page = as_(county.clerk).get(reverse("open_case", args=URL)).content.decode()
    assert f'<option value="{county.desk.pk}" selected>网络问政办</option>' in page
    assert f'href="{reverse("register")}"' in page
    assert (
        f'href="{reverse("open_case", args=URL)}"'
        in as_(county.clerk).get(reverse("register")).content.decode()
    )


def test_registered_event_shows_what_is_known_of_it(county: World, as_: As):
    client = as_(county.clerk)
    response = client.post(reverse("open_case", args=URL), said(county), follow=True)
    page = response.content.decode()
    case = Case.objects.get()
    assert f"已登记为 {case.number}" in page
    assert case.number.startswith("YQ")
    shown = ["舆情事件", "短视频平台、论坛社区", "何时能通车", "未定级", "雨后积水，车辆绕行。", "首报"]
    assert [text for text in shown if text not in page] == []
    assert (case.opened_at - case.began_at) > timedelta(minutes=59)


def test_two_clicks_open_one_event(county: World, as_: As):
    client = as_(county.clerk)
    first = client.post(reverse("open_case", args=URL), said(county))
    second = client.post(reverse("open_case", args=URL), said(county))
    assert first.headers["Location"] == second.headers["Location"]
    assert Case.objects.count() == 1
    client.post(reverse("open_case", args=URL), said(county, token="b" * 22))
    assert Case.objects.count() == 2


@pytest.mark.parametrize("text", ["见 https://video.example/u/1", "@某某 发布", "www.example.org"])
def test_addresses_and_accounts_are_refused(county: World, as_: As, text: str):
    response = as_(county.clerk).post(reverse("open_case", args=URL), said(county, summary=text))
    page = response.content.decode()
    assert response.status_code == 422
    assert "写事件，不写网址、账号和发布人" in page
    assert text in page
    assert not Case.objects.exists()


def test_found_in_the_future_is_refused(county: World, as_: As):
    ahead = timezone.localtime(timezone.now() + timedelta(hours=2))
    response = as_(county.clerk).post(
        reverse("open_case", args=URL), said(county, found_at=f"{ahead:%Y-%m-%dT%H:%M}")
    )
    assert "“发现时间”晚于现在" in response.content.decode()


def test_found_long_ago_is_said_to_be_no_slip(county: World, as_: As):
    found = timezone.localtime(timezone.now() - timedelta(days=366))
    sent = said(county, found_at=f"{found:%Y-%m-%dT%H:%M}")
    page = as_(county.clerk).post(reverse("open_case", args=URL), sent).content.decode()
    assert "“发现时间”在 366 天前" in page
    assert re.search(r'<input[^>]*type="checkbox"[^>]*name="found_long_ago"', page)
    assert not Case.objects.exists()
    as_(county.clerk).post(
        reverse("open_case", args=URL), {**sent, "token": "b" * 22, "found_long_ago": "on"}
    )
    assert Case.objects.count() == 1


def test_restricted_event_is_out_of_the_clerks_sight(county: World, as_: As):
    response = as_(county.clerk).post(
        reverse("open_case", args=URL), said(county, barred=[county.housing.pk]), follow=True
    )
    assert "限制知悉，由专办员办理" in response.content.decode()
    case = Case.objects.get()
    assert case.restricted
    assert not Case.objects.visible_to(county.head).filter(pk=case.pk).exists()


def test_kinds_without_a_form_are_not_found(county: World, as_: As):
    client = as_(county.clerk)
    assert client.get(reverse("open_case", args=["message"])).status_code == 404
    assert client.get(reverse("open_case", args=["nothing"])).status_code == 404


def test_case_page_has_a_block_for_each_sort_of_record(county: World, earlier: datetime, as_: As):
    events = Events(county)
    case = events.walk("lessons_drawn", earlier)
    for number, unit in enumerate((county.housing, county.water), 1):
        events.do(case, "set_task", at=earlier + timedelta(minutes=10 + number), unit=unit.pk)
    events.do(case, "finish_task", at=earlier + timedelta(minutes=15), task=1)
    page = as_(county.reviewer).get(reverse("case", args=[case.number])).content.decode()
    shown = [
        "舆情快报 第 1 号", "核查报告 第 2 号", "情况通报 第 1 版", "情况通报 审定稿 第 1 版", "任务 1　住建局", "已排查并加固。",
        "复盘结论：首报及时", "较大",
    ]  # fmt: skip
    assert [text for text in shown if text not in page] == []
    assert "联系人" not in page


def test_report_prints_as_a_sheet_without_anybody_who_posted(county: World, earlier: datetime, as_: As):
    case = Events(county).walk("reported", earlier)
    page = as_(county.leader).get(reverse("report", args=[case.number, 1])).content.decode()
    rows = ["事件", "发现时间", "出现渠道", "公众关切", "已知情况", "已采取措施", "建议等级", "现定等级"]
    assert [row for row in rows if f'<th scope="row">{row}</th>' not in page] == []
    assert as_(county.leader).get(reverse("report", args=[case.number, 2])).status_code == 404
    message = county.register(earlier)
    assert as_(county.leader).get(reverse("report", args=[message.number, 1])).status_code == 404


def test_list_says_which_kind_and_filters_by_it(county: World, earlier: datetime, as_: As):
    event, message = Events(county).walk("graded", earlier), county.register(earlier)
    client = as_(county.dispatcher)
    page = client.get(reverse("case_list")).content.decode()
    assert event.number in page
    assert message.number in page
    assert page.count("舆情事件</span>") == 1
    only = client.get(reverse("case_list"), {"kind": "opinion_case", "grade": "large"}).content.decode()
    assert event.number in only
    assert message.number not in only
    assert "较大</td>" in only


def test_event_waits_for_whoever_takes_the_next_step(county: World, earlier: datetime, as_: As):
    Events(county).walk("reported", earlier)
    assert "待定级 <b>1</b>" in as_(county.leader).get(reverse("todo")).content.decode()
    assert "待定级" not in as_(county.handler).get(reverse("todo")).content.decode()


def test_regrading_shows_the_hours_that_move_before_it_does(county: World, earlier: datetime, as_: As):
    case = Events(county).walk("investigating", earlier)
    url = reverse("action", args=[case.number, "regrade"])
    given = {"grade": "major", "remark": "又有新情况", "token": "t" * 22, "rev": case.rev}
    page = as_(county.leader).post(url, given).content.decode()
    assert "尚未保存" in page
    assert "新闻发布会：未计时" in page
    assert Case.objects.get(pk=case.pk).facts["grade"] == "large"
