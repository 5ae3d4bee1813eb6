"""Writing, comparing and approving replies on pages."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from opinion.claims import standing
from opinion.contacts.book import Person
from opinion.models import Reply
from tests.factories.world import PERSON, World
from tests.opinion.views.conftest import As
from workflows.models import Case

TEXT = "您好。楼道积水已于今日清理。"


def page(client: Client, case: Case, move: str) -> str:
    response = client.get(reverse("action", args=[case.number, move]))
    assert response.status_code == 200
    content: str = response.content.decode()
    return content


def send(client: Client, case: Case, move: str, **said: object) -> Any:
    opened = page(client, case, move)
    hidden = dict(re.findall(r'<input type="hidden" name="(token|rev)" value="([^"]*)"', opened))
    return client.post(reverse("action", args=[case.number, move]), {**hidden, **said})


def test_draft_form_saves_without_sending_on(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    opened = page(client, case, "draft_reply")
    saving = reverse("action", args=[case.number, "save_draft"])
    assert f'formaction="{saving}"' in opened
    hidden = dict(re.findall(r'<input type="hidden" name="(token|rev)" value="([^"]*)"', opened))
    response = client.post(saving, {**hidden, "text": TEXT, "result": ""}, follow=True)
    assert response.redirect_chain == [(reverse("action", args=[case.number, "draft_reply"]), 302)]
    shown = response.content.decode()
    assert "已保存为拟稿第 1 稿，尚未送审" in shown
    assert TEXT in shown
    assert client.post(saving, {**hidden, "text": TEXT, "result": ""}).status_code == 302
    assert Reply.objects.filter(case=case).count() == 1


def test_a_draft_saved_while_help_is_awaited_comes_back_to_an_editor(
    county: World, earlier: datetime, as_: As
):
    case, client = county.walk("handling", earlier), as_(county.handler)
    county.do(case, "ask_co_handling", at=earlier)
    opened = page(client, case, "save_draft")
    hidden = dict(re.findall(r'<input type="hidden" name="(token|rev)" value="([^"]*)"', opened))
    saving = reverse("action", args=[case.number, "save_draft"])
    response = client.post(saving, {**hidden, "text": TEXT}, follow=True)
    assert (response.status_code, response.redirect_chain) == (200, [(saving, 302)])
    shown = response.content.decode()
    assert "已保存为拟稿第 1 稿，尚未送审" in shown
    assert "现在还不能送审：必须办结的协办任务尚未完成：水务局（待签收）" in shown
    assert f"{TEXT}</textarea>" in shown
    assert "notice-error" not in shown
    county.do(case, "waive_co_task", at=earlier)
    assert send(client, case, "save_draft", text="再稿").url == reverse(
        "action", args=[case.number, "draft_reply"]
    )


def test_two_people_drafting_at_once_lose_nothing(county: World, earlier: datetime, as_: As):
    case = county.walk("handling", earlier)
    handler, head = as_(county.handler), as_(county.head)
    opened = page(handler, case, "draft_reply")
    hidden = dict(re.findall(r'<input type="hidden" name="(token|rev)" value="([^"]*)"', opened))
    assert send(head, case, "save_draft", text="负责人的稿").status_code == 302
    late = handler.post(
        reverse("action", args=[case.number, "draft_reply"]),
        {**hidden, "text": "承办人的稿", "result": "solved"},
    )
    assert late.status_code == 409
    assert "承办人的稿" in late.content.decode()
    assert "负老褚" in late.content.decode()


def test_draft_form_asks_for_each_claim_and_says_which_is_missing(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    county.do(case, "list_claims", at=earlier)
    said = {"text": TEXT, "result": "solved", "result_1": "solved", "words_1": "积水已于今日"}
    refused = send(client, case, "draft_reply", **said)
    assert refused.status_code == 422
    shown = refused.content.decode()
    assert "第 2 项诉求（查明积水原因并修复）还没有回应" in shown
    assert "第 1 项诉求" not in shown
    assert "积水已于今日</textarea>" in shown
    sent = send(client, case, "draft_reply", **said, result_2="separately", words_2="待检测结论")
    assert sent.status_code == 302
    approving = page(as_(county.head), case, "sign_reply")
    assert "楼道积水已于今日清理。" in approving
    assert "另行答复的理由：待检测结论" in approving


def test_saved_answers_come_back(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    county.do(case, "list_claims", at=earlier)
    send(client, case, "save_draft", text=TEXT, result_2="planned", words_2="写到一半")
    opened = page(client, case, "draft_reply")
    assert "写到一半</textarea>" in opened
    assert '<option value="planned" selected>' in opened


def test_a_new_draft_begins_with_what_reviewers_made_of_the_last(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    county.do(case, "list_claims", at=earlier)
    claims = [claim.pk for claim in standing(case)]
    said = [
        {"claim": claims[0], "result": "solved", "words": "积水已于今日"},
        {"claim": claims[1], "result": "solved", "words": PERSON.phone},
    ]
    county.do(case, "draft_reply", at=earlier, text=f"{PERSON.name}{PERSON.phone}，{TEXT}", answers=said)
    county.do(case, "sign_reply", at=earlier, text=TEXT)
    county.do(case, "send_back", at=earlier)
    sent_back = page(client, case, "draft_reply")
    county.do(case, "draft_reply", at=earlier, text=f"{PERSON.name}{PERSON.phone}，{TEXT}", answers=said)
    county.do(case, "approve", at=earlier, text=TEXT)
    county.do(case, "reply", at=earlier)
    county.do(case, "redo", at=earlier)
    redone = page(client, case, "draft_reply")
    for shown in (sent_back, redone):
        assert f"\n{TEXT}</textarea>" in shown
        assert "积水已于今日</textarea>" in shown
        assert (PERSON.phone in shown, PERSON.name in shown) == (False, False)
    send(client, case, "save_draft", text="重办后的一稿")
    assert "\n重办后的一稿</textarea>" in page(client, case, "draft_reply")


def test_draft_form_warns_of_identities_and_lets_go_on(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    send(client, case, "save_draft", text=f"{PERSON.name}您好，电话13911112222。")
    shown = page(client, case, "draft_reply")
    assert "第 1 句有留言人姓名（何**）" in shown
    assert "第 1 句有手机号码（139****2222）" in shown
    assert send(client, case, "draft_reply", text=f"{PERSON.name}您好", result="solved").status_code == 302


def test_approval_shows_what_must_go_and_what_may_stand(county: World, earlier: datetime, as_: As):
    case, client = county.walk("drafted", earlier, public=True), as_(county.reviewer)
    county.do(case, "sign_reply", at=earlier, text="", by=county.head)
    refused = send(client, case, "sign_reply", text=TEXT, public_text=f"{PERSON.name}您好，电话13911112222。")
    assert refused.status_code == 422
    shown = refused.content.decode()
    assert "第 1 句有留言人姓名（何**），请删去" in shown
    assert "公开文本中有手机号码，请删去；确需保留的请勾选" in shown
    assert 'name="stands" value="mobile"' in shown
    public = "您好，电话13911112222。"
    unreasoned = send(client, case, "sign_reply", text=TEXT, public_text=public, stands="mobile")
    assert "请选择“保留理由”" in unreasoned.content.decode()
    said = {"text": TEXT, "public_text": public, "stands": "mobile", "stands_because": "official"}
    assert send(client, case, "sign_reply", **said).status_code == 302
    assert send(as_(county.publicity), case, "sign_reply", **said).status_code == 302
    assert send(client, case, "reply", public="on").status_code == 302
    assert Reply.objects.get(case=case, kind="published").text == public
    timeline = client.get(reverse("case", args=[case.number])).content.decode()
    assert "公开理由：单位公务信息" in timeline
    assert "公开文本中保留：手机号码" in timeline


def test_reply_form_says_before_it_is_sent_what_keeps_it_private(county: World, earlier: datetime, as_: As):
    case, client = county.walk("drafted", earlier, public=True), as_(county.reviewer)
    county.do(case, "approve", at=earlier, text="苗青禾反映的积水已清理。")
    other = county.walk("registered", earlier, person=Person("苗青禾", "13600002222"))
    county.do(other, "merge", at=earlier, master=case.pk)
    assert "第 1 句有并案中他人的姓名（苗**）" in page(client, case, "reply")
    refused = send(client, case, "reply", public="on")
    assert refused.status_code == 422
    assert "第 1 句有并案中他人的姓名（苗**）" in refused.content.decode()


def test_a_signer_reads_what_is_found_in_the_text_to_be_published(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.head)
    county.do(case, "draft_reply", at=earlier, text=f"{PERSON.name}您好，电话13911112222。", public=True)
    shown = page(client, case, "sign_reply")
    assert "拟公开的文字透露了留言人自己的身份，不能公开" in shown
    # Each is said once: what may stand, where it is confirmed.
    assert shown.count("第 1 句有留言人姓名（何**）") == 1
    assert shown.count("第 1 句有手机号码（139****2222）") == 1
    assert "文中可能透露个人身份" not in shown
    assert f'href="{reverse("action", args=[case.number, "send_back"])}"' in shown
    refused = send(
        client, case, "sign_reply", text=f"{PERSON.name}您好，电话13911112222。", remark="同意发布"
    )
    assert refused.status_code == 422
    assert "同意发布" in refused.content.decode()
    kept = {"public_text": "您好，电话13911112222。", "stands": "mobile", "stands_because": "official"}
    assert send(client, case, "sign_reply", text=f"{PERSON.name}您好。", **kept).status_code == 302
    # The next signer reads of the person's own text, which differs, what is not settled with the public's.
    assert "拟公开的文字" not in page(as_(county.reviewer), case, "sign_reply")


def test_what_only_may_tell_something_is_headed_so(county: World, earlier: datetime, as_: As):
    case = county.walk("handling", earlier)
    county.do(case, "draft_reply", at=earlier, text="请拨打13911112222。", public=True)
    shown = page(as_(county.head), case, "sign_reply")
    assert "拟公开的文字可能透露个人信息，请在下面逐项核对" in shown
    assert shown.count("第 1 句有手机号码（139****2222）") == 1
    private = county.walk("handling", earlier)
    county.do(private, "draft_reply", at=earlier, text="请拨打13911112222。")
    shown = page(as_(county.head), private, "sign_reply")
    assert ("拟公开的文字" in shown, shown.count("第 1 句有手机号码（139****2222）")) == (False, 1)


def test_any_two_versions_are_compared(county: World, earlier: datetime, as_: As):
    case = county.walk("drafted", earlier)
    county.do(case, "approve", at=earlier, text="已清理排水管，三号楼积水已退。")
    client, url = as_(county.handler), reverse("replies", args=[case.number])
    shown = client.get(url).content.decode()
    added = r"<ins><span class=\"unseen\">【增加：</span>三号楼<span"
    assert re.search(added, shown)
    assert "审定稿 第 1 稿" in shown
    back = client.get(url, {"before": "approved-1", "after": "draft-1"}).content.decode()
    assert re.search(r"<del><span class=\"unseen\">【删去：</span>三号楼<span", back)
    assert "两稿文字相同" in client.get(url, {"before": "draft-1", "after": "draft-1"}).content.decode()
    wrong = client.get(url, {"before": "draft-9"})
    assert wrong.status_code == 400
    assert "没有这一稿" in wrong.content.decode()
    assert url in client.get(reverse("case", args=[case.number])).content.decode()


def test_case_without_drafts_says_where_they_will_be(county: World, earlier: datetime, as_: As):
    case = county.walk("handling", earlier)
    assert "还没有拟稿" in as_(county.handler).get(reverse("replies", args=[case.number])).content.decode()


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "</ins><img src=x>"])
def test_compared_texts_are_escaped(county: World, earlier: datetime, as_: As, text: str):
    case = county.walk("drafted", earlier)
    county.do(case, "approve", at=earlier, text=f"已清理排水管。{text}")
    shown = as_(county.handler).get(reverse("replies", args=[case.number])).content.decode()
    assert text not in shown
    assert escape(text) in shown
