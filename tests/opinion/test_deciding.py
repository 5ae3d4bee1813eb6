"""Whoever decides reads first what is decided on: every move of every lifecycle shows it, or is known to decide nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opinion.access import WORK_PLAN
from opinion.deciding import Deciding, deciding_on
from opinion.forms import form_for
from opinion.forms.work_plan import WorkPlanForm
from opinion.opening import open_once
from tests.factories.events import EVENT_PATHS, EVENT_STEPS, Events
from tests.factories.world import PACE, PATHS, STEPS, World
from workflows.engine import fire
from workflows.models import Case, Definition, User
from workflows.published import lifecycle

MINUTE = timedelta(minutes=1)
QUESTION = "三号楼楼道积水，请处理。"
DRAFT, ANSWER = "已清理排水管，积水已退。", "您反映的积水已清理完毕。"
STATEMENT, SUMMARY = "围挡倒塌原因已查明，工地已停工整改。", "南街工地围挡部分倒塌，交通受阻。"
HANDLING = PATHS["handling"]
ORDERED, HELPED = (*HANDLING, "issue_order"), (*HANDLING, "ask_co_handling")

# Steps of a message → the moves that decide on what then lies there, and what their pages have to say.
MESSAGES: list[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = [
    (("assign", "request_decline"), ("sign_decline", "refuse_decline"), ("依据三定方案，不属本单位职责", "非本单位职责")),
    (
        PATHS["declined"],
        ("uphold_decline", "reassign", "reject_decline", "designate", "refer_dispute"),
        ("依据三定方案，不属本单位职责", "非本单位职责"),
    ),
    (PATHS["disputed"], ("arbitrate",), ("职责清单未列本单位",)),
    (
        (*HANDLING, "request_extension"),
        ("sign_extension", "refuse_extension"),
        ("已委托检测，预计三日出结论", "正在检测，结论出来后答复您。", "办结", "3个工作日"),
    ),
    ((*HANDLING, "request_suspension"), ("sign_suspension", "refuse_suspension"), ("鉴定检测期间", "待鉴定结论")),
    (
        (*HANDLING, "request_closing"),
        ("sign_closing", "refuse_closing"),
        ("经审核终止", "同一事项已有终审判决", "已书面告知不再受理及理由。"),
    ),
    (PATHS["drafted"], ("sign_reply", "send_back"), (DRAFT, "已解决")),
    (PATHS["drafted"], ("hand_over", "add_signer", "remove_signer", "send_copy", "discuss"), ()),
    (PATHS["reviewed"], ("reply", "take_back_approval", "ask_private"), (ANSWER,)),
    ((*PATHS["reviewed"], "ask_private"), ("sign_private", "refuse_private"), (ANSWER, "答复涉及留言人的病情")),
    (
        PATHS["final_drafted"],
        ("sign_final", "return_final"),
        ("三次核实，积水系管道老化，已列入改造。", ANSWER),
    ),
    (
        (*HANDLING, "propose_order"),
        ("sign_order", "refuse_order"),
        ("住建局", "黄", "逾期未办结", "三日内办结并说明原因"),
    ),
    (
        ORDERED,
        ("raise_order", "withdraw_order", "acknowledge_order", "answer_order"),
        ("住建局", "逾期未办结", "三日内办结并说明原因"),
    ),
    ((*ORDERED, "answer_order"), ("send_back_order", "close_order"), ("逾期未办结", "已安排抢修，今日完成。")),
    (HELPED, ("accept_co_task", "decline_co_task", "waive_co_task"), ("水务局", "请核实供水管网是否渗漏")),
    ((*HELPED, "accept_co_task"), ("finish_co_task",), ("请核实供水管网是否渗漏",)),
    (
        (*HELPED, "accept_co_task", "finish_co_task"),
        ("send_back_co_task",),
        ("请核实供水管网是否渗漏", "管网完好，积水与供水无关。"),
    ),
    (PATHS["called_back"], ("rate", "redo", "contest", "close"), (ANSWER, "本人表示已解决")),
    (PATHS["contested"], ("ask_final",), (ANSWER, "还是积水")),
    (PATHS["closed"], ("reopen",), (ANSWER,)),
    (HANDLING, ("classify", "transfer", "bar_unit", "suspend", "refer", "withdraw", "merge", "draft_reply"), ()),
    (PATHS["assigned"], ("accept", "recall", "decline"), ("请按期办理",)),
    (PATHS["designated"], ("raise_dispute",), ("请按期办理",)),
    ((), ("assign",), ()),
    (PATHS["accepted"], ("contact",), ()),
    (PATHS["drafted"], ("retract_draft",), (DRAFT,)),
    (PATHS["suspended"], ("resume",), ("待鉴定结论",)),
    (PATHS["merged"], ("unmerge", "reply_merged"), ("同一件事",)),
    (PATHS["replied"], ("call_back", "record_unreachable"), (ANSWER,)),
    (PATHS["closed"], ("archive",), ()),
]  # fmt: skip
EVENT_ORDERED = (*EVENT_PATHS["investigating"], "issue_order")
EVENT_HELPED = (*EVENT_PATHS["investigating"], "ask_co_handling")
FINISHED = ("accept_co_task", "finish_co_task")
ASKED_HELP = ("请核实供水管网是否渗漏", "突发事件应对法第四十一条")
LEARNT = (*EVENT_PATHS["lessons_drawn"], "set_task")
EVENTS: list[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = [
    ((), ("report", "annul"), ()),
    (EVENT_PATHS["reported"], ("grade",), ("围挡倒塌约十米，无人受伤。", "建议等级：较大")),
    (EVENT_PATHS["investigating"], ("regrade", "transfer", "verify", "bar_unit"), ()),
    (EVENT_PATHS["graded"], ("assign",), ("影响交通",)),
    (EVENT_PATHS["verified"], ("draft_response", "ask_silence"), ("围挡基础松动。", "责令停工整改。")),
    (EVENT_PATHS["response_drafted"], ("sign_response", "send_back_response", "retract_response"), (STATEMENT, "围挡基础松动。")),
    (EVENT_PATHS["response_drafted"], ("hand_over", "add_signer", "remove_signer", "send_copy", "discuss"), ()),
    (EVENT_PATHS["response_approved"], ("publish_response", "take_back_response"), (STATEMENT,)),
    (
        EVENT_PATHS["silence_asked"],
        ("sign_silence", "refuse_silence", "retract_silence"),
        ("已逐一答复询问人，无须公开",),
    ),
    (
        (*EVENT_PATHS["investigating"], "propose_information"),
        ("sign_information", "refuse_information"),
        ("南街围挡倒塌，无人员伤亡。", "县政府网"),
    ),
    (EVENT_PATHS["following_up"], ("conclude_follow_up",), (STATEMENT,)),
    (EVENT_PATHS["followed_up"], ("draw_lessons",), ("围挡已加固，道路已恢复。",)),
    (LEARNT, ("finish_task", "hand_over_task", "close_case"), ("排查全县在建工地围挡", "首报及时；日常巡查不到位。")),
    (EVENT_ORDERED, ("raise_order", "withdraw_order", "acknowledge_order", "answer_order"), ("逾期未办结",)),
    ((*EVENT_ORDERED, "answer_order"), ("send_back_order", "close_order"), ("已安排抢修，今日完成。",)),
    (EVENT_HELPED, ("accept_co_task", "decline_co_task", "waive_co_task"), ASKED_HELP),
    ((*EVENT_HELPED, "accept_co_task"), ("finish_co_task",), ("请核实供水管网是否渗漏",)),
    ((*EVENT_HELPED, *FINISHED), ("send_back_co_task",), ("管网完好，积水与供水无关。",)),
    (EVENT_PATHS["closed"], ("archive",), ()),
]  # fmt: skip
# They ask, record or take note, and answer nobody.
ASKS_OR_RECORDS = {
    "message": {
        "request_decline", "request_extension", "request_late_extension", "request_suspension", "request_closing",
        "propose_order", "issue_order", "ask_co_handling", "retract_decline", "retract_extension", "retract_suspension",
        "retract_closing", "retract_private", "retract_order", "retract_final", "claim", "release", "list_claims", "record_visit",
        "withdraw_file", "close_follow_up", "interim_reply", "save_draft", "record_unreached", "instruct", "comment",
        "reveal_contact", "urge", "acknowledge_urge", "acknowledge_rung",
    },
    "opinion_case": {
        "update_report", "record_visit", "withdraw_file", "close_follow_up", "ask_co_handling", "propose_information",
        "retract_information", "release_information", "hold_conference", "set_task", "link_matter", "unlink_matter",
        "instruct", "comment", "issue_order", "urge", "acknowledge_urge", "acknowledge_rung",
    },
    WORK_PLAN: {"fulfil", "comment"},
}  # fmt: skip


def decided(case: Case, name: str, by: User, at: datetime) -> tuple[Deciding | None, str]:
    """What is shown, and all of it as one text, the form's own fields included."""
    case = Case.objects.select_related("unit", "lead", "desk", "user").get(pk=case.pk)
    step = lifecycle(case.definition_id).transitions[name]
    form = form_for(step.form, None, case=case, user=by, at=at) if step.form else None
    shown = deciding_on(case, name, step, form, by, at=at)
    if shown is None:
        return None, ""
    texts = [str(field.value()) for field in form] if form is not None else []
    for matter in shown.matters:
        texts += [matter.title, matter.by, *(f"{label}：{words}" for label, words in matter.facts)]
        texts += [f"{passage.label}：{passage.text}" for passage in matter.passages]
    return shown, "\n".join([*texts, *(f"{each.label}：{each.text}" for each in shown.background)])


def missing(
    case: Case, moves: tuple[str, ...], texts: tuple[str, ...], at: datetime, actor: Callable[[str], User]
) -> list[str]:
    found = []
    for name in moves:
        _, shown = decided(case, name, actor(name), at)
        found += [f"{name}: {text}" for text in texts if text not in shown]
    return found


@pytest.mark.parametrize(("steps", "moves", "texts"), MESSAGES)
def test_a_decision_on_a_message_shows_what_is_decided(county: World, at, steps, moves, texts):
    case = county.along(steps, at, **({"source": "lb"} if "ask_private" in steps else {}))
    at += (len(steps) + 1) * PACE
    assert missing(case, moves, (QUESTION, *texts), at, lambda name: county.actor(case, STEPS[name])) == []


@pytest.mark.parametrize(("steps", "moves", "texts"), EVENTS)
def test_a_decision_on_an_event_shows_what_is_decided(county: World, at, steps, moves, texts):
    events = Events(county)
    case = events.find(at)
    for number, name in enumerate(steps, 1):
        events.do(case, name, at=at + number * PACE)
    at += (len(steps) + 1) * PACE
    summary = (SUMMARY, "有没有人受伤")
    assert (
        missing(case, moves, (*summary, *texts), at, lambda name: county.actor(case, EVENT_STEPS[name])) == []
    )


def test_a_decision_on_a_work_plan_shows_what_was_promised(county: World, at):
    said = {"desk": county.desk.pk, "title": "每月一次集体学习", "requirement": "每月一次，全体参加。"}
    form = WorkPlanForm(said, kind=WORK_PLAN, by=county.clerk, at=at)
    assert form.is_valid()
    case = open_once(WORK_PLAN, form.draft(), by=county.clerk, key="plan")
    assert (
        missing(case, ("assign", "cancel"), ("每月一次，全体参加。",), at, lambda _: county.dispatcher) == []
    )
    lead = {"lead": county.housing.pk, "requirement": "逐月报送"}
    fire(case.pk, "assign", by=county.dispatcher, at=at, data=lead)
    assert missing(case, ("cancel",), ("每月一次，全体参加。", "逐月报送"), at, lambda _: county.leader) == []


@pytest.mark.django_db
def test_every_move_is_known_to_decide_or_not_to():
    shown = {
        "message": {name for _, moves, _ in MESSAGES for name in moves},
        "opinion_case": {name for _, moves, _ in EVENTS for name in moves},
        WORK_PLAN: {"assign", "cancel", "archive"},
    }
    for kind, decisions in shown.items():
        spec = Definition.objects.filter(code=kind).latest("version").parsed
        offered = {name for name, step in spec.transitions.items() if not step.hidden}
        assert offered == decisions | ASKS_OR_RECORDS[kind], kind
        assert not decisions & ASKS_OR_RECORDS[kind], kind


@pytest.mark.parametrize("name", ["comment", "record_visit", "request_extension", "save_draft"])
def test_what_answers_nobody_shows_nothing(county: World, at, name):
    case = county.walk("handling", at)
    assert decided(case, name, county.handler, at + timedelta(hours=1)) == (None, "")


def labels(shown: Deciding | None) -> list[str]:
    return [way.label for way in shown.ways] if shown else []


@pytest.mark.parametrize(
    ("steps", "name", "others"),
    [
        (PATHS["drafted"], "sign_reply", ["退回修改"]),
        (PATHS["drafted"], "send_back", ["审核同意"]),
        (PATHS["reviewed"], "reply", ["发布前退回"]),
        (PATHS["declined"], "uphold_decline", ["指定承办单位", "同意退单并改派", "驳回退单", "转法定途径"]),
        ((*HANDLING, "request_extension"), "sign_extension", ["不予延期"]),
        ((*ORDERED, "answer_order"), "close_order", ["退回督办反馈"]),
        ((*HELPED, "accept_co_task", "finish_co_task"), "send_back_co_task", []),
        ((*HELPED,), "accept_co_task", ["退回协办任务"]),
        (PATHS["final_drafted"], "return_final", ["同意最终答复"]),
    ],
)  # fmt: skip
def test_the_opposite_decision_is_one_press_away(county: World, at, steps, name, others):
    case = county.along(steps, at)
    shown, _ = decided(case, name, county.actor(case, STEPS[name]), at + (len(steps) + 1) * PACE)
    assert labels(shown) == others


def test_who_asked_and_when_stands_beside_it(county: World, at):
    case = county.along((*HANDLING, "request_extension"), at)
    shown, _ = decided(case, "sign_extension", county.head, at + 9 * MINUTE)
    assert shown is not None
    asked = shown.matters[0]
    assert (asked.title, asked.by, asked.at) == ("申请事项：延期审批", str(county.handler), at + 4 * PACE)
    due = case.clocks.get(kind="resolve").due_at
    county.sign(case, "extension", at=at + 9 * MINUTE)
    case.refresh_from_db()
    after = case.clocks.get(kind="resolve").due_at
    facts = dict(asked.facts)
    assert facts["现到期"] == f"{due.astimezone(at.tzinfo):%Y-%m-%d %H:%M}"
    assert facts["延至"] == f"{after.astimezone(at.tzinfo):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("steps", "name", "fact", "clock"),
    [(ORDERED, "answer_order", "反馈期限", "feedback"), (HELPED, "accept_co_task", "期限", "co_task_a")],
)
def test_deadlines_are_told_in_local_time(county: World, at, steps, name, fact, clock):
    """Pages reckon with a moment in UTC."""
    case = county.along(steps, at)
    utc = (at + (len(steps) + 1) * PACE).astimezone(UTC)
    shown, _ = decided(case, name, county.actor(case, STEPS[name]), utc)
    assert shown is not None
    due = case.clocks.get(kind=clock).due_at
    assert dict(shown.matters[0].facts)[fact] == f"{due.astimezone(at.tzinfo):%Y-%m-%d %H:%M}"


def test_a_wording_changed_on_the_way_is_what_the_next_signer_sends_back(county: World, at):
    case = county.walk("drafted", at)
    county.do(case, "sign_reply", at=at + 9 * MINUTE, by=county.head, text="积水已清，管道已换。")
    _, text = decided(case, "send_back", county.reviewer, at + 10 * MINUTE)
    assert ("积水已清，管道已换。" in text, DRAFT in text) == (True, True)


def test_what_the_public_would_read_is_shown_beside_what_the_person_gets(county: World, at):
    case = county.walk("drafted", at, public=True)
    while seat := county.seat(case, "reply"):
        words = {"text": ANSWER, "public_text": "网友反映的积水已清理。"}
        county.do(case, "sign_reply", at=at + 9 * MINUTE, by=seat.owner, **words)
    _, text = decided(case, "reply", county.reviewer, at + 10 * MINUTE)
    assert (f"审定的答复全文：{ANSWER}" in text, "拟公开的文字：网友反映的积水已清理。" in text) == (
        True,
        True,
    )


def test_grounds_are_read_after_a_merge_that_was_undone(county: World, at):
    case = county.walk("declined", at)
    county.do(case, "merge", at=at + 5 * MINUTE, master=county.register(at, subject="主案件").pk)
    county.do(case, "unmerge", at=at + 6 * MINUTE)
    _, text = decided(case, "uphold_decline", county.dispatcher, at + 7 * MINUTE)
    assert ("依据三定方案，不属本单位职责" in text, "不是同一件事" in text) == (True, True)


def test_whoever_drafts_again_reads_why_the_draft_came_back(county: World, at):
    case = county.walk("drafted", at)
    county.do(case, "send_back", at=at + 9 * MINUTE)
    _, text = decided(case, "draft_reply", county.handler, at + 10 * MINUTE)
    assert "修改意见：请补充清理时间" in text


def test_message_is_masked_as_on_the_case_page(county: World, at):
    case = county.along(PATHS["drafted"], at, body="我是何晓枫，电话13800005678，楼道积水。")
    _, text = decided(case, "sign_reply", county.head, at + 9 * MINUTE)
    assert ("楼道积水" in text, "何晓枫" in text, "13800005678" in text) == (True, False, False)


def test_statements_do_not_grow_with_the_log(county: World, at):
    case = county.walk("handling", at)
    county.do(case, "draft_reply", at=at + 9 * MINUTE)

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            decided(case, "send_back", county.head, at + timedelta(hours=3))
        return len(seen)

    statements()
    few = statements()
    for number in range(3):
        county.do(case, "record_visit", at=at + (20 + 4 * number) * MINUTE)
        county.do(case, "retract_draft", at=at + (21 + 4 * number) * MINUTE)
        county.do(case, "save_draft", at=at + (22 + 4 * number) * MINUTE)
        county.do(case, "draft_reply", at=at + (23 + 4 * number) * MINUTE)
    assert statements() == few
