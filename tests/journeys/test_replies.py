"""答复：逐项拟稿、退回再改、审核公开、并案各得一份；身份不外露，各稿都留存。"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from opinion.answers import views
from opinion.comparing import CompareForm, versions_of
from opinion.contacts.book import Person
from opinion.linked_replies import answer_all, linked_replies
from opinion.models import Claim, Reply, ReplyTemplate
from opinion.templating import fill
from tests.factories.world import PERSON, World
from workflows.errors import Cannot
from workflows.models import Case, Event

MINUTE = timedelta(minutes=1)
FIRST = "您好。楼道积水已于今日清理。"
SECOND = "您好。楼道积水已于昨日清理完毕。积水是排水管堵塞造成的，已疏通并加装滤网。"


def now(case: Case) -> Case:
    return Case.objects.select_related("lead", "desk").get(pk=case.pk)


def answers(case: Case, *said: tuple[str, str]) -> list[dict[str, object]]:
    claims = Claim.objects.filter(case=case).standing().order_by("number")
    return [{"claim": c.pk, "result": r, "words": w} for c, (r, w) in zip(claims, said, strict=True)]


def test_from_first_draft_to_everybody_answered(county: World, at: datetime):
    master = county.walk("handling", at)
    at += 10 * MINUTE
    county.do(master, "list_claims", at=at)

    # 承办人先存草稿，再送审：漏答一项不能送审，另行答复要有理由。
    county.do(master, "save_draft", at=at, text=FIRST)
    one = answers(master, ("solved", "积水已于今日"), ("", ""))
    with pytest.raises(Cannot, match="第 2 项诉求（查明积水原因并修复）还没有回应"):
        county.do(master, "draft_reply", at=at, text=FIRST, answers=one)
    later = answers(master, ("solved", "积水已于今日"), ("separately", "原因待查"))
    county.do(master, "draft_reply", at=at, text=FIRST, answers=later)

    # 审核退回，改后逐项都有着落；拟稿人不能自审，各稿都在，可以两两比较。
    county.do(master, "send_back", at=at + MINUTE, comments="请查明原因，一并答复")
    full = answers(master, ("solved", "楼道积水已于昨日"), ("solved", "排水管堵塞"))
    county.do(master, "draft_reply", at=at + 2 * MINUTE, text=SECOND, answers=full, public=True)
    drafts = versions_of(now(master))
    assert [(reply.kind, reply.version) for reply in drafts] == [("draft", 1), ("draft", 2), ("draft", 3)]
    assert [view.passage for view in views(drafts[-1])] == [
        "楼道积水已于昨日清理完毕。",
        "积水是排水管堵塞造成的，已疏通并加装滤网。",
    ]
    compared = CompareForm({}, versions=drafts)
    assert compared.is_valid()
    parts = compared.comparison().parts
    assert "".join(part.text for part in parts if part.what != "added") == FIRST
    assert "".join(part.text for part in parts if part.what != "removed") == SECOND

    # 公开文本不得有留言人身份；答复本人的文字可以称呼本人。
    named = f"{PERSON.name}：您反映的{master.number}已办结。{SECOND}"
    with pytest.raises(Cannot, match="公开文本第 1 句有留言人姓名"):
        county.do(master, "approve", at=at + 3 * MINUTE, text=named, public_text=named)
    county.do(master, "approve", at=at + 3 * MINUTE, text=named, public_text=SECOND)

    # 两件同一事项并入，等主案件先答复。
    people = (Person("陆远山", "13700001111"), Person("苗青禾", "13600002222"))
    for person in people:
        duplicate = county.walk("registered", at, person=person)
        county.do(duplicate, "merge", at=at + 3 * MINUTE, master=master.pk)
        with pytest.raises(Cannot, match="请先答复主案件"):
            county.do(duplicate, "reply_merged", at=at + 3 * MINUTE)
    county.do(master, "reply", at=at + 4 * MINUTE, public=True)
    given = dict(
        Reply.objects.filter(case=master, kind__in=["final", "published"]).values_list("kind", "text")
    )
    assert given == {"final": named, "published": SECOND}

    # 一次答复全部并案，各得一份，只见自己的编号；带出别人姓名的不发。
    waiting = [row.case for row in linked_replies(now(master), county.dispatcher)]
    said = {"text": "您反映的${编号}已办结。", "public": False, "public_text": ""}
    crossing = {**said, "text": f"{PERSON.name}也反映过。"}
    refused = answer_all(now(master), waiting, crossing, by=county.dispatcher, at=at + 5 * MINUTE, key="a")
    assert ["并案中他人的姓名" in outcome.refused for outcome in refused] == [True, True]
    for _ in range(2):
        outcomes = answer_all(now(master), waiting, said, by=county.dispatcher, at=at + 5 * MINUTE, key="b")
        assert [outcome.refused for outcome in outcomes] == ["", ""]
    for case in waiting:
        assert list(Reply.objects.filter(case=case).values_list("text", flat=True)) == [
            f"您反映的{case.number}已办结。"
        ]
    assert Event.objects.filter(transition="reply_merged").count() == 2

    # 日志里只有编号和摘要，没有文字和身份。
    logged = str(list(Event.objects.values_list("data", flat=True)))
    assert [each for each in (PERSON.name, "陆远山", "积水", "13700001111") if each in logged] == []


def test_an_interim_reply_from_a_template_promises_only_what_is_known(county: World, at: datetime):
    ReplyTemplate.objects.create(
        name="延后告知",
        text="您反映的${编号}将于${办理期限}前答复。",
        edited_by=county.reviewer,
        edited_at=at,
    )
    case = now(county.walk("handling", at, type="consult"))
    text = fill(ReplyTemplate.objects.get().text, case, at=at)
    assert text.startswith(f"您反映的{case.number}将于2026年11月")
    county.do(case, "interim_reply", at=at + 10 * MINUTE, text=text)
    assert list(Reply.objects.filter(case=case).values_list("kind", "version", "text")) == [
        ("interim", 1, text)
    ]
