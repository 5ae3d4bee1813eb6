"""The page of reply templates, and a draft begun from one."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from django.db import IntegrityError
from django.urls import reverse

from opinion.models import ReplyTemplate
from tests.factories.world import World
from tests.opinion.views.conftest import As
from tests.opinion.views.test_replies import page
from workflows.models import Unit, User

LIST, NEW = "reply_templates", "reply_template_new"


def made(name: str, text: str, *, by: User, at: datetime, unit: Unit | None = None) -> ReplyTemplate:
    return ReplyTemplate.objects.create(name=name, text=text, unit=unit, edited_by=by, edited_at=at)


def test_desk_adds_for_the_county_and_a_head_for_the_own_unit(county: World, as_: As):
    said = {"name": "开头", "text": "您好，${编号}收悉。"}
    assert as_(county.reviewer).post(reverse(NEW), {**said, "scope": "county"}).status_code == 302
    assert as_(county.head).post(reverse(NEW), {**said, "scope": county.housing.pk}).status_code == 302
    assert as_(county.head).post(reverse(NEW), {**said, "scope": "county"}).status_code == 422
    assert as_(county.head).post(reverse(NEW), {**said, "scope": county.water.pk}).status_code == 422
    assert set(ReplyTemplate.objects.values_list("unit", flat=True)) == {None, county.housing.pk}
    listed = as_(county.head).get(reverse(LIST)).content.decode()
    assert ("全县通用" in listed, "住建局" in listed) == (True, True)
    assert "住建局" not in as_(county.other_head).get(reverse(LIST)).content.decode().partition("<main")[2]


def test_a_wrong_placeholder_is_named_and_nothing_is_lost(county: World, as_: As):
    said = {"scope": "county", "name": "开头", "text": "尊敬的${姓名}："}
    refused = as_(county.reviewer).post(reverse(NEW), said)
    assert refused.status_code == 422
    shown = refused.content.decode()
    assert "没有“${姓名}”这个占位符，可以用的有：${编号}" in shown
    assert "尊敬的${姓名}：</textarea>" in shown


def test_preview_saves_nothing(county: World, as_: As):
    said = {"scope": "county", "name": "开头", "text": "您好，${编号}收悉。", "preview": "1"}
    shown = as_(county.reviewer).post(reverse(NEW), said).content.decode()
    assert "您好，LY2026-000123收悉。" in shown
    assert not ReplyTemplate.objects.exists()


def test_a_name_is_taken_once_per_scope(county: World, earlier: datetime, as_: As):
    made("开头", "您好", by=county.reviewer, at=earlier)
    said = {"name": "开头", "text": "您好", "scope": "county"}
    refused = as_(county.reviewer).post(reverse(NEW), said)
    assert "“名称”已有同名模板，请换一个" in refused.content.decode()
    assert as_(county.head).post(reverse(NEW), {**said, "scope": county.housing.pk}).status_code == 302
    with pytest.raises(IntegrityError):
        made("开头", "您好", by=county.reviewer, at=earlier)


def test_two_people_changing_one_template_do_not_run_over_each_other(
    county: World, earlier: datetime, as_: As
):
    found = made("开头", "您好", by=county.clerk, at=earlier)
    url = reverse("reply_template", args=[found.pk])
    assert as_(county.reviewer).post(url, {"name": "开头", "text": "甲", "version": "1"}).status_code == 302
    late = as_(county.clerk).post(url, {"name": "开头", "text": "乙", "version": "1"})
    assert late.status_code == 409
    assert "审小刚 已修改过这个模板" in late.content.decode()
    assert "乙</textarea>" in late.content.decode()
    found.refresh_from_db()
    assert (found.text, found.version, found.edited_by) == ("甲", 2, county.reviewer)


def test_a_retired_template_is_not_offered_and_comes_back(county: World, earlier: datetime, as_: As):
    found = made("开头", "您好", by=county.clerk, at=earlier)
    case = county.walk("handling", earlier)
    url, said = reverse("reply_template", args=[found.pk]), {"name": "开头", "text": "您好"}
    assert "套用模板" in page(as_(county.handler), case, "draft_reply")
    as_(county.clerk).post(url, {**said, "version": "1", "retire": "1"})
    assert "套用模板" not in page(as_(county.handler), case, "draft_reply")
    assert "已停用" in as_(county.clerk).get(reverse(LIST)).content.decode()
    as_(county.clerk).post(url, {**said, "version": "2", "bring_back": "1"})
    assert "套用模板" in page(as_(county.handler), case, "draft_reply")


def test_a_template_is_filled_in_behind_what_was_typed(county: World, earlier: datetime, as_: As):
    found = made("开头", "您${登记日期}反映的${编号}收悉。", by=county.clerk, at=earlier)
    made("他单位", "水务局专用", by=county.other_head, at=earlier, unit=county.water)
    case, client = county.walk("handling", earlier), as_(county.handler)
    opened = page(client, case, "draft_reply")
    assert "他单位" not in opened
    hidden = dict(re.findall(r'<input type="hidden" name="(token|rev)" value="([^"]*)"', opened))
    said = {**hidden, "text": "已写的开头。", "result": "planned", "template": found.pk, "use_template": "1"}
    shown = client.post(reverse("action", args=[case.number, "draft_reply"]), said).content.decode()
    assert f"反映的{case.number}收悉。</textarea>" in shown
    assert "已写的开头。" in shown
    assert '<option value="planned" selected>' in shown
    none = client.post(reverse("action", args=[case.number, "draft_reply"]), {**said, "template": ""})
    assert "请先选择“答复模板”" in none.content.decode()
    assert "已写的开头。" in none.content.decode()
    foreign = client.post(reverse("action", args=[case.number, "draft_reply"]), {**said, "template": "99999"})
    assert "请先选择“答复模板”" in foreign.content.decode()


def test_what_a_template_left_open_keeps_the_draft_from_review(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    opened = page(client, case, "draft_reply")
    hidden = dict(re.findall(r'<input type="hidden" name="(token|rev)" value="([^"]*)"', opened))
    said = {**hidden, "text": "将于（请填写：办理期限）前完成。", "result": "planned"}
    refused = client.post(reverse("action", args=[case.number, "draft_reply"]), said)
    assert "文中还有待填写的“办理期限”，请填写或删去" in refused.content.decode()
    saved = client.post(reverse("action", args=[case.number, "save_draft"]), said)
    assert saved.status_code == 302


def test_empty_list_says_what_templates_are_for(county: World, as_: As):
    assert "还没有模板" in as_(county.dispatcher).get(reverse(LIST)).content.decode()
