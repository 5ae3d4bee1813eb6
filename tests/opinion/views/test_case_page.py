"""The case page: everything about one case, for those who may know of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from opinion.contacts.book import Person
from opinion.counters import COUNTED
from opinion.models import Contact
from tests.factories.world import PACE, PATHS, World
from tests.opinion.views.conftest import As
from workflows.models import Case, Definition, User

CASE_STATEMENTS = 47


def page_of(as_: As, user: User, case: Case) -> str:
    response = as_(user).get(reverse("case", args=[case.number]))
    assert response.status_code == 200
    page: str = response.content.decode()
    return page


def buttons(page: str) -> list[str]:
    return re.findall(r'<a class="button button-\w+" href="[^"]+/do/(\w+)/"', page)


def test_buttons_are_the_moves_of_this_person(county: World, earlier: datetime, as_: As):
    case = county.walk("assigned", earlier)
    assert buttons(page_of(as_, county.handler, case)) == [
        "accept",
        "claim",
        "list_claims",
        "comment",
        "request_decline",
    ]
    assert buttons(page_of(as_, county.exporter, case)) == []
    assert "recall" in buttons(page_of(as_, county.dispatcher, case))


def test_clock_says_why(county: World, earlier: datetime, as_: As):
    case = county.walk("assigned", earlier)
    clock = case.clocks.get(kind="accept")
    page = page_of(as_, county.handler, case)
    assert "1个工作日" in page
    rule = next(r for r in case.policy.parsed.rules if r.row == clock.rule)
    assert rule.source in page
    assert "为什么是这个期限" in page


@pytest.mark.parametrize(("what", "provisional"), [("complaint", True), ("consult", False)])
def test_provisional_deadline_is_marked(county: World, as_: As, what: str, provisional: bool):
    """Sixty days from November reach into a year whose holidays are not published; three working days do not."""
    at = datetime.fromisoformat("2026-11-20T10:00+08:00")
    case = county.register(at, source="lb", type=what)
    assert any(clock.provisional for clock in case.clocks.going()) == provisional
    assert ("暂定" in page_of(as_, county.dispatcher, case)) == provisional


def test_missed_deadline_stands_out_in_the_timeline(county: World, earlier: datetime, as_: As):
    case = county.register(earlier - timedelta(days=20))
    county.do(case, "assign", at=earlier)
    page = page_of(as_, county.dispatcher, case)
    missed = re.findall(r'<li class="is-missed">(.*?)</li>', page, re.DOTALL)
    assert [kind for kind in ("交办", "办结") if any(f"逾期：{kind}" in each for each in missed)] == [
        "交办",
        "办结",
    ]
    assert all("责任单位 网络问政办" in each for each in missed)


def test_timeline_tells_notes_and_who_holds_it(county: World, earlier: datetime, as_: As):
    case = county.walk("declined", earlier)
    page = page_of(as_, county.dispatcher, case)
    assert "依据：依据三定方案，不属本单位职责" in page
    assert "原因：非本单位职责" in page
    assert "待签收 → 退单待定" in page
    assert "由住建局负责" in page


def test_replies_keep_their_versions(county: World, earlier: datetime, as_: As):
    case = county.walk("drafted", earlier)
    county.do(case, "send_back", at=earlier + timedelta(minutes=10))
    county.do(case, "draft_reply", at=earlier + timedelta(minutes=11), text="已于今日清理。")
    page = page_of(as_, county.handler, case)
    assert re.findall(r"<h3>(拟稿 第 \d 稿)</h3>", page) == ["拟稿 第 2 稿", "拟稿 第 1 稿"]
    assert "请补充清理时间" in page


def test_a_report_of_a_message_handled_again_shows_no_answer_from_before(
    county: World, earlier: datetime, as_: As
):
    case = county.walk("replied", earlier)
    client = as_(county.head)

    def said() -> str:
        return str(client.get(reverse("handling", args=[case.number])).content.decode())

    assert "您反映的积水已清理完毕。" in said()
    county.do(case, "redo", at=earlier + 5 * PACE)
    assert "尚未拟稿" in said()
    county.do(case, "draft_reply", at=earlier + 6 * PACE, text="水管已换新，不再渗漏。")
    assert "水管已换新，不再渗漏。" in said()
    county.do(case, "approve", at=earlier + 7 * PACE, text="水管已换新，不再渗漏，请放心。")
    county.do(case, "reply", at=earlier + 8 * PACE)
    shown = said()
    assert "正式答复" in shown
    assert "水管已换新，不再渗漏，请放心。" in shown
    assert "您反映的积水已清理完毕。" not in shown


def test_timeline_says_which_request_for_more_time_lapsed(county: World, earlier: datetime, as_: As):
    case = county.walk("handling", earlier)
    county.do(case, "request_extension", at=earlier + 5 * PACE)
    county.do(case, "transfer", at=earlier + 6 * PACE)
    page = page_of(as_, county.dispatcher, case)
    assert "随之终结的延期申请：办结时限延长3个工作日，未作决定，仍需延期的请重新申请" in page


def test_timeline_reads_requests_that_lapsed_under_the_word_of_struck_off_claims(
    county: World, earlier: datetime, as_: As, monkeypatch: pytest.MonkeyPatch
):
    """Older events name the number of the request's event where others list claims."""
    monkeypatch.setattr("workflows.extensions._lapse", lambda move, found: move.log(dropped=found.seq))
    monkeypatch.setattr("workflows.extensions.drop_asked_with", lambda move, seq: None)
    case = county.walk("handling", earlier)
    county.do(case, "request_extension", at=earlier + 5 * PACE)
    event = county.do(case, "transfer", at=earlier + 6 * PACE)
    assert isinstance(event.data["dropped"], int)
    page = page_of(as_, county.dispatcher, case)
    assert "随之终结的延期申请：未作决定，仍需延期的请重新申请" in page


def test_links_name_only_cases_the_viewer_may_know_of(county: World, earlier: datetime, as_: As):
    first = county.register(earlier, body="同一件事")
    second = county.register(earlier, body="同一件事")
    county.do(second, "assign", at=earlier)
    assert first.number in page_of(as_, county.dispatcher, second)
    assert first.number not in page_of(as_, county.handler, second)
    assert "关联案件" not in page_of(as_, county.handler, second)


def test_case_out_of_sight_is_not_found(county: World, earlier: datetime, as_: As):
    case = county.walk("assigned", earlier)
    for user in (county.other_handler, county.sysadmin):
        assert as_(user).get(reverse("case", args=[case.number])).status_code == 404
    assert as_(county.dispatcher).get(reverse("case", args=["LY2026-999999"])).status_code == 404


def test_contact_that_cannot_be_opened_says_so(
    county: World, earlier: datetime, as_: As, caplog: pytest.LogCaptureFixture
):
    case = county.register(earlier, person=Person("张三"))
    Contact.objects.filter(case=case).update(name="v1.gone.AAAA")
    assert "联系方式的密文打不开" in page_of(as_, county.dispatcher, case)
    assert "cannot be opened" in caplog.text


@pytest.mark.parametrize("rounds", [1, 3])
def test_page_takes_as_many_statements_for_three_records_as_for_one(
    county: World, earlier: datetime, as_: As, rounds: int
):
    case = county.walk("handling", earlier)
    for number in range(rounds):
        county.do(case, "record_visit", at=earlier + timedelta(minutes=5 + number))
        county.do(case, "comment", at=earlier + timedelta(minutes=5 + number))
    client = as_(county.handler)
    client.get(reverse("case", args=[case.number]))
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("case", args=[case.number]))
    assert len(asked) == CASE_STATEMENTS, [query["sql"] for query in asked]


def test_every_way_a_text_is_sent_back_is_counted(county: World, earlier: datetime, as_: As):
    steps = ("draft_reply", "send_back", "draft_reply", "approve", "take_back_approval", "draft_reply")
    case = county.along(("assign", "accept", "contact", *steps), earlier)
    assert "<dt>退回修改</dt><dd>2 次</dd>" in page_of(as_, county.handler, case)
    final = county.along((*PATHS["final_drafted"], "return_final"), earlier - timedelta(days=1))
    assert "<dt>退回修改</dt><dd>1 次</dd>" in page_of(as_, county.dispatcher, final)


def test_all_of_every_lifecycle_that_send_a_text_back_are_counted(db: None):
    sending = {
        name
        for definition in Definition.objects.all()
        for name, step in definition.parsed.transitions.items()
        if "record_send_back" in step.effects
    }
    assert sending == set(COUNTED["退回修改"])
