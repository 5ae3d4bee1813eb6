"""An officer on the spot writes an offline record with a photo, on a phone, with one thumb."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from opinion.models import Attachment, Visit
from tests.browser.walking import Walker
from tests.factories.world import World, photo

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
]

WIDTH, HEIGHT = 390, 844
THUMB = 44
# What a thumb aims at: a box or a circle to tick is pressed by its label too. Everything folded is unfolded first.
# Scrolled to the middle, each must be what lies under the thumb there, as wide and high as it, inside the window.
OUT_OF_REACH = """thumb => {
  const form = document.querySelector("main form.form");
  form.querySelectorAll("details").forEach(folded => { folded.open = true; });
  const wrong = [];
  for (const control of form.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")) {
    const ticked = ["checkbox", "radio"].includes(control.type);
    const target = ticked ? (control.closest("label") ?? control.labels[0]) : control;
    const picks = control.type === "file" ? parseFloat(getComputedStyle(control, "::file-selector-button").minHeight) : thumb;
    const name = control.id || control.name || control.textContent.trim();
    target.scrollIntoView({block: "center"});
    const box = target.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const hit = document.elementFromPoint(x, y);
    if (Math.round(box.width) < thumb || Math.round(box.height) < thumb)
      wrong.push(`${name}: ${Math.round(box.width)} x ${Math.round(box.height)}`);
    if (!(picks >= thumb)) wrong.push(`${name}: its own button is ${picks} px high`);
    if (box.left < 0 || box.right > window.innerWidth) wrong.push(`${name}: outside`);
    if (!hit || !(target.contains(hit) || hit.contains(target))) wrong.push(`${name}: covered`);
  }
  return wrong;
}"""


@pytest.fixture(autouse=True)
def own_storage(settings: Any, tmp_path: Path) -> None:
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}


def test_record_with_a_photo_is_made_with_one_thumb(
    county: World, browser: Browser, live_server: LiveServer, tmp_path: Path
):
    case = county.walk("handling", timezone.now() - timedelta(hours=3))
    county.do(case, "list_claims", at=timezone.now() - timedelta(hours=1))
    shots = Path(os.environ.get("HUIYIN_SCREENSHOTS", tmp_path)) / "thumb"
    shots.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN", has_touch=True, is_mobile=True
    )
    walker = Walker(context, live_server, shots)
    page = walker.page
    walker.enter("handler")
    page.goto(f"{live_server.url}/cases/{case.number}/")
    walker.shoot("case")
    page.get_by_role("main").get_by_role("link", name="线下办理记录", exact=True).tap()
    walker.shoot("record-empty")
    assert page.evaluate(OUT_OF_REACH, THUMB) == []

    # The photo goes first; what is written meanwhile stays.
    page.get_by_label("办理方式").select_option(label="现场勘查")
    page.get_by_label("情况记录").fill("已到现场，水已抽干")
    taken = tmp_path / "现场.jpg"
    taken.write_bytes(photo((1200, 900)))
    page.get_by_label("拍照").set_input_files(taken)
    page.get_by_role("button", name="先上传，接着填").tap()
    assert page.get_by_label("情况记录").input_value() == "已到现场，水已抽干"
    assert page.get_by_label("现场.jpg").is_checked()
    walker.shoot("record-with-photo")
    assert page.evaluate(OUT_OF_REACH, THUMB) == []

    page.get_by_role("button", name="线下办理记录", exact=True).tap()
    page.get_by_text(f"{case.number} 已办理“线下办理记录”").wait_for()
    assert page.get_by_alt_text("现场.jpg").count() == 1
    walker.shoot("recorded")
    assert Visit.objects.get(case=case, action="survey").outcome == "已到现场，水已抽干"
    assert Attachment.objects.get(case=case).kind == "jpeg"
    assert walker.complaints == []
    context.close()
