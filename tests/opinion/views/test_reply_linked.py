"""The page that answers everybody whose message was merged into a case."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from opinion.models import Reply
from tests.factories.world import World
from tests.opinion.test_linked_replies import merged
from tests.opinion.views.conftest import As
from workflows.models import Case, Event


def url(master: Case) -> str:
    return reverse("reply_linked", args=[master.number])


def filled(client: Client, master: Case, **said: Any) -> dict[str, Any]:
    """The form as opened, all cases ticked."""
    shown = client.get(url(master)).content.decode()
    token = re.findall(r'name="token" value="([^"]*)"', shown)[0]
    cases = re.findall(r'name="cases" value="(\d+)"[^>]*checked', shown)
    return {"token": token, "cases": cases, "text": "您反映的${编号}已办结。", **said}


def test_all_are_answered_and_the_page_says_so(county: World, earlier: datetime, as_: As):
    master, cases = merged(county, earlier)
    client = as_(county.dispatcher)
    assert url(master) in client.get(reverse("case", args=[master.number])).content.decode()
    assert url(master) not in as_(county.handler).get(reverse("case", args=[master.number])).content.decode()
    said = filled(client, master)
    assert said["cases"] == [str(case.pk) for case in cases]
    answered = client.post(url(master), said, follow=True).content.decode()
    assert f"已答复并入 {master.number} 的 3 件，各有一份" in answered
    assert "并入的案件都已答复" in answered
    again = client.post(url(master), said, follow=True)
    assert f"已答复并入 {master.number} 的 3 件" in again.content.decode()
    assert Event.objects.filter(transition="reply_merged").count() == 3


def test_refused_cases_are_listed_with_reasons_and_the_text_stays(county: World, earlier: datetime, as_: As):
    master, cases = merged(county, earlier, said="苗青禾您好，您反映的{}已办结。")
    client = as_(county.reviewer)
    refused = client.post(url(master), filled(client, master, text="苗青禾您好，${编号}已办结。"))
    shown = refused.content.decode()
    assert refused.status_code == 409
    assert "1 件已答复，2 件没有答复" in shown
    assert f"{cases[0].number}</a>：答复第 1 句有并案中他人的姓名（苗**）" in shown
    assert "苗青禾您好，${编号}已办结。</textarea>" in shown
    assert "待答复 2 件，共 3 件" in shown
    assert re.findall(r'name="cases" value="(\d+)"', shown) == [str(cases[0].pk), str(cases[2].pk)]


def test_only_the_ticked_are_answered(county: World, earlier: datetime, as_: As):
    master, cases = merged(county, earlier)
    client = as_(county.dispatcher)
    client.post(url(master), filled(client, master, cases=[str(cases[0].pk)]))
    assert list(Reply.objects.filter(case__in=cases).values_list("case", flat=True)) == [cases[0].pk]
    assert (
        "请选择“答复下列案件”" in client.post(url(master), filled(client, master, cases=[])).content.decode()
    )


def test_cases_of_others_cannot_be_smuggled_in(county: World, earlier: datetime, as_: As):
    master, _ = merged(county, earlier)
    stranger = county.walk("merged", earlier)
    client = as_(county.dispatcher)
    client.post(url(master), filled(client, master, cases=[str(stranger.pk), "0"]))
    assert not Reply.objects.filter(case=stranger).exists()


def test_what_looks_like_somebodys_is_confirmed_once_for_all(county: World, earlier: datetime, as_: As):
    text = "您反映的{}已办结，可拨打电话13911112222。"
    master, cases = merged(county, earlier, said=text, public_text=text)
    client = as_(county.dispatcher)
    said = filled(client, master, text="${编号}已办结，电话13911112222。", public="on")
    refused = client.post(url(master), said)
    assert "公开文本中有手机号码，请删去" in refused.content.decode()
    client.post(url(master), {**said, "stands": "mobile", "stands_because": "official"})
    events = Event.objects.filter(transition="reply_merged")
    assert [(e.data["stands"], e.data["stands_because"]) for e in events] == [(["mobile"], "official")] * 3
    assert Reply.objects.filter(case__in=cases, kind="published").count() == 3


def test_before_the_master_is_answered_the_page_says_what_comes_first(
    county: World, earlier: datetime, as_: As
):
    master, _ = merged(county, earlier, "handling")
    shown = as_(county.dispatcher).get(url(master)).content.decode()
    assert "尚未答复，请先答复主案件" in shown
    assert 'name="text"' not in shown
    alone = county.walk("handling", earlier)
    assert "没有案件并入" in as_(county.dispatcher).get(url(alone)).content.decode()


def test_while_the_master_is_handled_again_its_old_answer_is_offered_to_nobody(
    county: World, earlier: datetime, as_: As
):
    master, cases = merged(county, earlier)
    county.do(master, "redo", at=earlier + timedelta(minutes=11))
    shown = as_(county.dispatcher).get(url(master)).content.decode()
    assert f"主案件 {master.number} 正在重新办理，原答复不再适用" in shown
    assert 'name="text"' not in shown
    page = as_(county.dispatcher).get(reverse("action", args=[cases[0].number, "reply_merged"]))
    assert page.status_code == 409
    assert "已由住建局办结" not in page.content.decode()


def test_page_tells_nothing_of_a_master_one_may_not_see(county: World, earlier: datetime, as_: As):
    master, cases = merged(county, earlier)
    county.do(master, "bar_unit", at=earlier + timedelta(minutes=11), unit=county.water.pk)
    client = as_(county.dispatcher)
    for name in ("case", "action"):
        args = [cases[0].number, *(["reply_merged"] if name == "action" else [])]
        shown = client.get(reverse(name, args=args)).content.decode()
        assert master.number not in shown
        assert "已由住建局办结" not in shown
    assert client.get(url(master)).status_code == 404
