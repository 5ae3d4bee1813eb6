"""One message from the register page to the archive, through the real buttons, at desk and phone width."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browser.walking import Walker
from tests.factories.world import World
from workflows.models import Case

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
]

WIDTHS = {"desk": (1366, 768), "phone": (390, 844)}


@pytest.fixture(params=WIDTHS)
def walker(
    request: pytest.FixtureRequest, browser: Browser, live_server: LiveServer, tmp_path: Path
) -> Iterator[Walker]:
    width, height = WIDTHS[request.param]
    shots = Path(os.environ.get("HUIYIN_SCREENSHOTS", tmp_path)) / request.param
    shots.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    yield Walker(context, live_server, shots)
    context.close()


def test_message_goes_from_register_to_archive_through_its_buttons(county: World, walker: Walker):
    page = walker.page
    page.goto(f"{walker.server.url}/")
    walker.shoot("login")
    walker.enter("clerk")
    walker.shoot("todo-empty")
    page.get_by_role("link", name="登记", exact=True).click()
    page.get_by_label("来源", exact=True).select_option(label="来信")
    page.get_by_label("主题", exact=False).fill("南街路灯不亮")
    page.locator("#id_body").fill("南街与东环路口的路灯坏了一周，夜里看不清路。")
    page.get_by_label("姓名").fill("何晓枫")
    page.get_by_label("电话", exact=False).first.fill("13800005678")
    walker.shoot("register")
    page.get_by_role("button", name="登记").click()
    case = Case.objects.get()
    assert f"已登记为 {case.number}" in page.inner_text("main")
    assert "138****5678" in page.inner_text("main")
    walker.shoot("registered")
    walker.leave()

    now = timezone.localtime(timezone.now() + timedelta(seconds=0)).strftime("%Y-%m-%dT%H:%M")
    walker.move(case, "dispatcher", "交办", 主办单位="住建局", 办理要求="请尽快修复")
    walker.move(case, "handler", "签收")
    walker.move(case, "handler", "首次联系", 办理方式="电话联系", 时间=now, 情况记录="已与本人核实位置")
    walker.move(case, "handler", "线下办理记录", 办理方式="整改维修", 时间=now, 情况记录="已更换灯具")
    walker.move(case, "handler", "拟稿送审", 答复内容="路灯已于今日修复。", 办理结果="已解决")
    walker.enter("head")
    page.get_by_role("link", name="待我审批 1 项").click()
    walker.shoot("signing")
    walker.leave()
    walker.move(case, "head", "审核同意", 审核意见="情况属实")
    walker.move(case, "reviewer", "审核同意", 审定稿="您反映的路灯已修复，感谢监督。")
    walker.move(case, "reviewer", "答复")
    now = timezone.localtime().strftime("%Y-%m-%dT%H:%M")  # the minute of the reply, or a later one
    walker.move(case, "caller", "回访", 时间=now, 回访记录="本人确认已亮")
    walker.move(case, "caller", "评价满意", 满意度="满意")
    walker.move(case, "clerk", "归档")

    case.refresh_from_db()
    assert case.state == "archived"
    walker.enter("supervisor")
    page.goto(f"{walker.server.url}/cases/{case.number}/")
    walker.shoot("archived")
    page.get_by_role("link", name="答复审批", exact=True).click()
    walker.shoot("approval")
    page.go_back()
    page.get_by_role("link", name="在流程图中查看").click()
    walker.shoot("lifecycle")
    page.get_by_role("link", name="案件", exact=True).click()
    walker.shoot("cases")
    assert walker.complaints == []


def test_reveal_shows_the_person_once(county: World, walker: Walker):
    case = county.walk("handling", timezone.now() - timedelta(minutes=30))
    walker.enter("handler")
    page = walker.page
    page.goto(f"{walker.server.url}/cases/{case.number}/")
    assert "13800005678" not in page.content()
    page.get_by_role("link", name="查看完整联系方式").click()
    page.get_by_label("查看理由").fill("核实位置")
    page.get_by_role("button", name="查看联系方式").click()
    assert "13800005678" in page.inner_text("main")
    walker.shoot("contact")
    page.get_by_role("link", name="返回案件").click()
    assert "13800005678" not in page.content()
    assert "核实位置" in page.inner_text("main")
    assert walker.complaints == []


def test_error_pages_look_like_the_rest(county: World, walker: Walker):
    case = county.walk("assigned", timezone.now() - timedelta(minutes=30))
    walker.enter("handler")
    for name, path in (
        ("not-found", "/cases/LY1999-000001/"),
        ("refused", f"/cases/{case.number}/do/assign/"),
    ):
        walker.page.goto(f"{walker.server.url}{path}")
        walker.shoot(name)
        assert walker.page.locator("header.masthead").count() == 1
