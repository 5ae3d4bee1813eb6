"""Moves through their pages: forms, double clicks, and the three refusals."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.world import PERSON, World
from tests.opinion.views.conftest import As
from workflows.models import Case, Clock
from workflows.sweeper import sweep


def form_of(client: Client, case: Case, name: str) -> dict[str, str]:
    """The hidden fields of a move's page."""
    page = client.get(reverse("action", args=[case.number, name])).content.decode()
    return dict(re.findall(r'<input type="hidden" name="(token|rev|wording)" value="([^"]+)">', page))


def send(client: Client, case: Case, name: str, **data: Any) -> Any:
    return client.post(reverse("action", args=[case.number, name]), data)


def test_move_goes_through_and_back_to_the_case(county: World, earlier: datetime, as_: As):
    case, client = county.register(earlier), as_(county.dispatcher)
    hidden = form_of(client, case, "assign")
    response = send(client, case, "assign", **hidden, lead=county.housing.pk, requirement="请尽快")
    assert response.headers["Location"] == reverse("case", args=[case.number])
    case.refresh_from_db()
    assert (case.state, case.lead_id) == ("assigned", county.housing.pk)
    assert f"{case.number} 已办理“交办”" in client.get(response.headers["Location"]).content.decode()


def test_two_clicks_do_one_thing(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    hidden = form_of(client, case, "comment")
    first = send(client, case, "comment", **hidden, comment="已到场")
    second = send(client, case, "comment", **hidden, comment="已到场")
    assert (first.status_code, second.status_code) == (302, 302)
    assert case.events.filter(transition="comment").count() == 1


def test_a_draft_changed_after_going_back_is_saved_too(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    hidden = form_of(client, case, "save_draft")
    for text in ("甲稿", "甲稿", "乙稿", "乙稿", "甲稿", "甲稿"):
        assert send(client, case, "save_draft", **hidden, text=text, result="").status_code == 302
    drafts = case.replies.filter(kind="draft").order_by("version")
    assert list(drafts.values_list("version", "text")) == [(1, "甲稿"), (2, "乙稿"), (3, "甲稿")]
    county.do(case, "save_draft", at=earlier + timedelta(minutes=9), by=county.head, text="负责人的稿")
    late = send(client, case, "save_draft", **hidden, text="丙稿", result="")
    assert late.status_code == 409
    assert "丙稿</textarea>" in late.content.decode()


def test_a_signature_changed_after_going_back_is_refused_and_keeps_the_text(
    county: World, earlier: datetime, as_: As
):
    case, client = county.walk("drafted", earlier), as_(county.head)
    hidden = form_of(client, case, "sign_reply")
    for _ in range(2):
        signed = send(client, case, "sign_reply", **hidden, text="已清理。", public_text="", remark="同意")
        assert signed.status_code == 302
    changed = send(client, case, "sign_reply", **hidden, text="已清理完毕。", public_text="", remark="同意")
    assert changed.status_code == 409
    assert "已清理完毕。" in changed.content.decode()
    assert case.events.filter(transition="sign_reply").count() == 1


def test_key_of_one_person_is_no_key_of_another(county: World, earlier: datetime, as_: As):
    case = county.walk("handling", earlier)
    hidden = form_of(as_(county.handler), case, "comment")
    send(as_(county.handler), case, "comment", **hidden, comment="甲")
    response = send(as_(county.head), case, "comment", **hidden, comment="甲")
    assert response.status_code == 302
    assert case.events.filter(transition="comment").count() == 2


def test_form_with_errors_keeps_what_was_typed(county: World, earlier: datetime, as_: As):
    case, client = county.walk("assigned", earlier), as_(county.handler)
    response = send(
        client, case, "request_decline", **form_of(client, case, "request_decline"), basis="不属本单位职责"
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "请选择“退单理由”" in page
    assert "不属本单位职责</textarea>" in page


def test_an_error_in_the_form_does_not_hide_what_somebody_else_did(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    hidden = form_of(client, case, "save_draft")
    county.do(case, "save_draft", at=earlier + timedelta(minutes=9), by=county.head, text="负责人的稿")
    wrong = send(client, case, "save_draft", **hidden, text="长" * 20000, result="")
    assert wrong.status_code == 409
    assert "负老褚 已于" in wrong.content.decode()
    # It has been read: what is sent from here on is sent on with it.
    now = re.findall(r'name="rev" value="([^"]+)"', wrong.content.decode())
    assert now == [str(Case.objects.get(pk=case.pk).rev)]


def test_an_error_in_the_form_keeps_the_version_it_was_opened_with(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    hidden = form_of(client, case, "save_draft")
    wrong = send(client, case, "save_draft", **hidden, text="长" * 20000, result="")
    assert wrong.status_code == 422
    kept = dict(re.findall(r'name="(token|rev)" value="([^"]+)"', wrong.content.decode()))
    assert kept["rev"] == hidden["rev"]
    county.do(case, "save_draft", at=earlier + timedelta(minutes=9), by=county.head, text="负责人的稿")
    assert send(client, case, "save_draft", **kept, text="我的稿", result="").status_code == 409


def test_who_finds_the_choice_gone_reads_who_took_it(county: World, earlier: datetime, as_: As):
    case = county.walk("handling", earlier)
    county.do(case, "ask_co_handling", at=earlier + timedelta(minutes=9))
    task, client = case.co_tasks.get(), as_(county.other_handler)
    hidden = form_of(client, case, "accept_co_task")
    county.do(case, "accept_co_task", at=earlier + timedelta(minutes=10), by=county.other_head)
    late = send(client, case, "accept_co_task", **hidden, task=task.number)
    assert late.status_code == 409
    assert "负老沈 已于" in late.content.decode()


def test_the_second_click_is_done_though_the_first_took_the_choice_away(
    county: World, earlier: datetime, as_: As
):
    case = county.walk("handling", earlier)
    county.do(case, "ask_co_handling", at=earlier + timedelta(minutes=9))
    client = as_(county.other_handler)
    hidden = {**form_of(client, case, "accept_co_task"), "task": case.co_tasks.get().number}
    answers = [send(client, case, "accept_co_task", **hidden).status_code for _ in range(2)]
    assert answers == [302, 302]
    assert case.events.filter(transition="accept_co_task").count() == 1


def test_words_said_and_reminders_make_no_page_out_of_date(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    hidden = form_of(client, case, "save_draft")
    county.do(case, "comment", at=earlier + timedelta(minutes=9), by=county.head, comment="请抓紧")
    reminder = Clock.objects.get(case=case, kind="resolve").next_at
    assert reminder is not None
    sweep(at=reminder)
    assert case.events.latest("seq").name.startswith("clock.")
    assert send(client, case, "save_draft", **hidden, text="我的稿", result="").status_code == 302


def test_what_was_signed_is_what_was_read(county: World, earlier: datetime, as_: As):
    """The drafter takes it back, words it better and puts it up again while the signer reads the first."""
    case, client = county.walk("drafted", earlier), as_(county.head)
    hidden = form_of(client, case, "sign_reply")
    county.do(case, "retract_draft", at=earlier + timedelta(minutes=9))
    county.do(case, "draft_reply", at=earlier + timedelta(minutes=10), text="更正后的第二稿。")
    late = send(client, case, "sign_reply", **hidden, text="我改过的第一稿。", public_text="", remark="同意")
    page = late.content.decode()
    assert late.status_code == 409
    assert "办理“拟稿送审”" in page
    assert "更正后的第二稿。</textarea>" in page
    assert "您先前填写的“审定稿”" in page
    assert "我改过的第一稿。" in page
    assert "同意</textarea>" in page


def test_move_made_meanwhile_answers_who_made_it_and_keeps_the_text(
    county: World, earlier: datetime, as_: As
):
    case, client = county.walk("assigned", earlier), as_(county.handler)
    hidden = form_of(client, case, "request_decline")
    county.do(case, "accept", at=earlier + timedelta(minutes=5), by=county.head)
    response = send(client, case, "request_decline", **hidden, reason="r1", basis="不属本单位职责")
    page = response.content.decode()
    assert response.status_code == 409
    assert "负老褚 已于" in page
    assert "办理“签收”" in page
    assert "不属本单位职责</textarea>" in page
    assert '<button class="button button-danger"' not in page


def test_form_can_be_sent_again_after_an_unrelated_change(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.handler)
    hidden = form_of(client, case, "draft_reply")
    county.do(case, "instruct", at=earlier + timedelta(minutes=5))
    refused = send(client, case, "draft_reply", **hidden, text="已修复", result="solved")
    assert refused.status_code == 409
    again = dict(re.findall(r'name="(token|rev)" value="([^"]+)"', refused.content.decode()))
    assert send(client, case, "draft_reply", **again, text="已修复", result="solved").status_code == 302
    case.refresh_from_db()
    assert case.state == "drafted"


def test_move_of_somebody_else_is_refused_in_words(county: World, earlier: datetime, as_: As):
    case, client = county.register(earlier), as_(county.reviewer)
    for response in (
        client.get(reverse("action", args=[case.number, "assign"])),
        send(client, case, "assign", token="t" * 22, rev=case.rev, lead=county.housing.pk),
    ):
        assert response.status_code == 403
        assert f"您没有对 {case.number} 办理“交办”的权限" in response.content.decode()
    case.refresh_from_db()
    assert case.state == "registered"


def test_unknown_hidden_or_unseen_moves_are_not_found(county: World, earlier: datetime, as_: As):
    case = county.walk("assigned", earlier)
    for user, name in (
        (county.handler, "fly"), (county.handler, "deem_accepted"), (county.other_handler, "accept"),
    ):  # fmt: skip
        assert as_(user).get(reverse("action", args=[case.number, name])).status_code == 404


def test_move_without_token_or_version_is_a_bad_request(county: World, earlier: datetime, as_: As):
    case, client = county.walk("assigned", earlier), as_(county.handler)
    assert send(client, case, "accept", rev=case.rev).status_code == 400
    assert send(client, case, "accept", token="t" * 22).status_code == 400
    assert send(client, case, "accept", token="<script>", rev=case.rev).status_code == 400


def test_move_asks_for_confirmation_where_the_lifecycle_says_so(county: World, earlier: datetime, as_: As):
    case = county.walk("reviewed", earlier)
    page = as_(county.reviewer).get(reverse("action", args=[case.number, "reply"])).content.decode()
    assert "答复将送达留言人，确定答复？" in page


def test_case_given_to_another_office_is_out_of_sight(county: World, earlier: datetime, as_: As):
    case, client = county.walk("assigned", earlier), as_(county.handler)
    county.do(case, "accept", at=earlier + timedelta(minutes=5))
    hidden = form_of(as_(county.dispatcher), case, "transfer")
    response = send(
        as_(county.dispatcher), case, "transfer", **hidden, lead=county.water.pk, requirement="属供水管网"
    )
    assert response.headers["Location"] == reverse("case", args=[case.number])
    assert client.get(response.headers["Location"]).status_code == 404


def test_move_that_closes_the_case_to_its_maker_leads_to_the_work_to_do(
    county: World, earlier: datetime, as_: As
):
    case, client = county.register(earlier), as_(county.clerk)
    hidden = form_of(client, case, "bar_unit")
    first = send(client, case, "bar_unit", **hidden, unit=county.water.pk)
    second = send(client, case, "bar_unit", **hidden, unit=county.water.pk)
    assert first.headers["Location"] == second.headers["Location"] == reverse("todo")
    assert f"{case.number} 已办理“列为被反映单位”" in client.get(reverse("todo")).content.decode()
    other = send(as_(county.dispatcher), case, "bar_unit", **hidden, unit=county.water.pk)
    assert other.status_code == 404
    assert case.events.filter(transition="bar_unit").count() == 1


def test_old_page_of_a_reveal_sent_again_shows_nothing(
    county: World, earlier: datetime, as_: As, monkeypatch: pytest.MonkeyPatch
):
    case, client = county.walk("handling", earlier), as_(county.handler)
    hidden = form_of(client, case, "reveal_contact")
    shown = send(client, case, "reveal_contact", **hidden, reason="核实")
    twice = send(client, case, "reveal_contact", **hidden, reason="核实")
    assert PERSON.phone in shown.content.decode()
    assert PERSON.phone in twice.content.decode()
    monkeypatch.setattr("opinion.views.contact.REPEAT", timedelta(0))
    late = send(client, case, "reveal_contact", **hidden, reason="核实")
    assert late.headers["Location"] == reverse("case", args=[case.number])
    assert "已显示过" in client.get(late.headers["Location"]).content.decode()
    assert case.events.filter(name="contact.revealed").count() == 1


def test_reclassing_shows_which_deadlines_move_before_it_saves(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.dispatcher)
    was = case.clocks.get(kind="resolve").due_at
    said = {
        "type": "help",
        "domain": "",
        "urgency": "",
        "complexity": "complex",
        "remark": "局长批准，需鉴定",
    }
    response = send(client, case, "classify", **form_of(client, case, "classify"), **said)
    page = response.content.decode()
    assert response.status_code == 200
    assert "尚未保存" in page
    assert "<li>办结：" in page
    assert "确认" in page
    assert "局长批准，需鉴定</textarea>" in page
    assert case.events.filter(transition="classify").count() == 0
    hidden = dict(re.findall(r'<input type="hidden" name="(token|rev|seen)" value="([^"]+)">', page))
    # Something else than what was shown is shown first, too.
    other = send(client, case, "classify", **hidden, **said | {"urgency": "urgent"})
    assert other.status_code == 200
    assert case.events.filter(transition="classify").count() == 0
    response = send(client, case, "classify", **hidden, **said)
    assert response.status_code == 302
    event = case.events.get(transition="classify")
    assert [datetime.fromisoformat(event.data["clocks"]["resolve"][0])] == [was]


def test_reclassing_that_moves_no_deadline_asks_nothing_more(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.dispatcher)
    said = {"type": "help", "domain": "housing", "urgency": "", "complexity": "", "remark": ""}
    response = send(client, case, "classify", **form_of(client, case, "classify"), **said)
    assert response.status_code == 302
    assert case.events.filter(transition="classify").count() == 1


def test_a_case_that_moved_before_the_deadlines_were_seen_is_told(county: World, earlier: datetime, as_: As):
    case, client = county.walk("handling", earlier), as_(county.dispatcher)
    hidden = form_of(client, case, "classify")
    county.do(case, "instruct", at=earlier + timedelta(minutes=9))
    said = {"type": "help", "domain": "", "urgency": "urgent", "complexity": "", "remark": "停水"}
    response = send(client, case, "classify", **hidden, **said)
    assert response.status_code == 409
    assert "停水</textarea>" in response.content.decode()
