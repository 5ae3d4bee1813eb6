"""线下办理：逐项列明诉求，到场后补记，照片随记录，约定日期再来；何时发生与何时填写分明，人只记身份，不记姓名。"""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from opinion import follow_ups
from opinion.models import Attachment, Visit
from tests.factories.world import World
from tests.opinion.attachments.making import GPS, geotagged
from workflows.models import Case, Clock, User
from workflows.sweeper import sweep
from workflows.verifying import verify
from workflows.verifying_clocks import verify_clocks

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def own_storage(settings: Any, tmp_path: Path) -> None:
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}


def browser(user: User) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def typed(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def submit(client: Client, case: Case, move: str, number: int, **said: Any) -> Any:
    """One form, sent as a browser without JavaScript does."""
    rev = Case.objects.get(pk=case.pk).rev
    token = f"{number:022d}"
    return client.post(reverse("action", args=[case.number, move]), {"token": token, "rev": rev, **said})


def test_from_the_claims_to_the_follow_up(county: World):
    now = timezone.now()
    case = county.walk("handling", now - 3 * HOUR)
    handler = browser(county.handler)

    # 承办人逐项列明诉求。
    sent = submit(handler, case, "list_claims", 1, claims="清理楼道积水\n查明原因并修复\n答复物业责任")
    assert sent.status_code == 302

    # 现场先传一张照片，情况还没写完；漏写情况记录不丢照片。
    photo = SimpleUploadedFile("何晓枫家门口.jpg", geotagged())
    ahead = submit(handler, case, "record_visit", 2, action="survey", photos=[photo], upload="1")
    assert ahead.status_code == 200
    assert "何**家门口.jpg" in ahead.content.decode()
    visit = {
        "action": "survey", "happened_at": typed(now - HOUR), "place": "三号楼", "present_staff": "2", "present_person": "1",
        "present_property": "1", "outcomes_1": "solved", "outcomes_2": "under_way", "view": "agrees",
        "view_words": "水退了，等修管子", "follow_up_on": timezone.localtime(now + 5 * DAY).date(),
    }  # fmt: skip
    kept = ahead.context["form"]["kept"].value()
    wrong = submit(handler, case, "record_visit", 3, **visit, kept=kept)
    assert wrong.status_code == 422
    assert "请填写“情况记录”" in wrong.content.decode()
    assert "何**家门口.jpg" in wrong.content.decode()
    done = submit(handler, case, "record_visit", 4, **visit, kept=kept, outcome="水已抽干，水管接口渗漏")
    assert done.status_code == 302

    # 发生与填写两个时间都在；照片没有拍摄地点，只给看得到案件的人。
    record = Visit.objects.get(case=case, action="survey")
    assert typed(record.happened_at) == typed(now - HOUR)
    assert record.written_at >= now
    url = reverse("attachment", args=[case.number, Attachment.objects.get(case=case).number])
    with Image.open(io.BytesIO(b"".join(browser(county.dispatcher).get(url)))) as picture:
        assert not picture.getexif().get_ifd(GPS)
    assert browser(county.other_handler).get(url).status_code == 404
    page = browser(county.head).get(reverse("case", args=[case.number])).content.decode()
    shown = ("承办人员 2 人、留言人 1 人、物业 1 人", "本人认可", "水退了，等修管子", "前跟进")
    assert [words for words in shown if words not in page] == []
    assert county.handler.display_name in page
    report = handler.get(reverse("handling", args=[case.number])).content.decode()
    shown = ("清理楼道积水：已解决", "查明原因并修复：正在处理", "答复物业责任：尚无处理记录", "sha256:")
    assert [words for words in shown if words not in report] == []

    # 答复不等于不来：约定仍在计时，到期未来记逾期，再来即为做到。
    promised = follow_ups.standing(case)
    assert promised is not None
    county.do(case, "draft_reply", at=timezone.now(), answers=answers_to(case))
    for minute, name in enumerate(("approve", "reply"), 1):
        county.do(case, name, at=timezone.now() + minute * MINUTE)
    late = promised.due_at + MINUTE
    sweep(at=late)
    assert case.events.filter(name="clock.missed", data__clock="follow_up").count() == 1
    county.do(
        case, "record_visit", at=late + HOUR, action="repair", outcomes={2: "solved"}, outcome="水管已换"
    )
    promised.refresh_from_db()
    assert promised.state == Clock.State.MISSED
    assert follow_ups.standing(case) is None

    # 照片里误拍了别人：负责人撤下，内容删除，摘要仍在日志里。
    digest = Attachment.objects.get(case=case).digest
    county.do(case, "withdraw_file", at=late + 2 * HOUR, file=1, remark="误拍到邻居")
    assert handler.get(url).status_code == 404
    assert case.events.get(name="file.withdrawn").data["withdrawn"] == digest

    assert verify(as_of=late + DAY).problems == []
    assert verify_clocks().problems == []


def answers_to(case: Case) -> list[dict[str, object]]:
    """Each claim answered in the draft's own words."""
    return [
        {"claim": claim.pk, "result": "solved", "words": "已清理排水管"}
        for claim in case.claims.filter(ended_at=None)
    ]
