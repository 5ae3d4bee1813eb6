"""Events the public talks about in the made-up county, in any state of their lifecycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opinion.access import OPINION_CASE
from opinion.forms.opening import OpinionCaseForm
from opinion.opening import open_once
from tests.factories.world import PACE, STEPS, Step, World
from workflows.engine import fire
from workflows.models import Case, Event, User

# What an approval grants: the move → the approval.
APPROVED_BY = {"approve_response": "response", "grant_silence": "silence"}


@dataclass(frozen=True)
class Events:
    """What the county's people do with an event."""

    world: World

    def find(
        self, at: datetime, *, found: datetime | None = None, by: User | None = None, **said: Any
    ) -> Case:
        """Registered at `at`; first seen then, too, unless `found` says earlier. `said` overrides the form."""
        given = {
            "desk": self.world.desk.pk,
            "title": "南街一工地围挡倒塌",
            "found_at": found or at,
            "place": "南街",
            "channels": ["video"],
            "domain": "safety",
            "summary": "南街工地围挡部分倒塌，交通受阻。",
            "questions": "有没有人受伤\n围挡为什么会倒",
            "agencies": "住建局",
            **said,
        }
        form = OpinionCaseForm(given, kind=OPINION_CASE, by=by or self.world.clerk, at=at)
        assert form.is_valid(), form.errors
        key = f"find-{Case.objects.count()}"
        return open_once(OPINION_CASE, form.draft(), by=by or self.world.clerk, key=key)

    def do(self, case: Case, name: str, *, at: datetime, by: User | None = None, **data: Any) -> Event:
        """One move by whoever usually makes it, with data that fits; `data` overrides it."""
        step = EVENT_STEPS[name]
        if name in APPROVED_BY and by is None:
            return self.world.sign(case, APPROVED_BY[name], at=at, step=step, **data)
        actor = by or self.world.actor(case, step)
        if (
            Case.objects.filter(pk=case.pk, restricted=True).exists()
            and actor == self.world.leader
            and by is None
        ):
            actor = self.world.officer
        return fire(case.pk, name, by=actor, at=at, data={**step.data(self.world, at), **data})

    def walk(self, state: str, at: datetime, *, grade: str = "large", **options: Any) -> Case:
        """An event in `state`, one minute a step from `at` on; options as for `find`."""
        case = self.find(at, **options)
        for number, name in enumerate(EVENT_PATHS[state], 1):
            self.do(case, name, at=at + number * PACE, **_graded(name, grade))
        return Case.objects.get(pk=case.pk)


def _graded(name: str, grade: str) -> dict[str, Any]:
    return {"grade": grade} if name == "grade" else {}


def _said(**data: Any) -> Callable[[World, datetime], dict[str, Any]]:
    return lambda world, at: dict(data)


def _out(text: str) -> Callable[[World, datetime], dict[str, Any]]:
    return lambda world, at: {"text": text, "outlet": "县政府网", "happened_at": at}


def _task(world: World, at: datetime) -> dict[str, Any]:
    return {
        "unit": world.housing.pk,
        "assignment": "排查全县在建工地围挡",
        "due_on": (at + timedelta(days=10)).date(),
    }


_SHARED = (
    "transfer", "ask_co_handling", "accept_co_task", "finish_co_task", "decline_co_task", "send_back_co_task", "waive_co_task",
    "record_visit", "close_follow_up", "withdraw_file", "instruct", "comment", "bar_unit", "issue_order", "raise_order",
    "acknowledge_order", "answer_order", "send_back_order", "close_order", "withdraw_order", "urge", "acknowledge_urge", "acknowledge_rung",
    "assign", "archive", "add_signer", "remove_signer", "send_copy", "discuss",
)  # fmt: skip
EVENT_STEPS: dict[str, Step] = {
    **{name: STEPS[name] for name in _SHARED},
    "ask_co_handling": Step(
        STEPS["ask_co_handling"].by,
        lambda world, at: {
            **STEPS["ask_co_handling"].data(world, at),
            "legal_basis": "突发事件应对法第四十一条",
        },
    ),
    "report": Step(
        "clerk", _said(known="围挡倒塌约十米，无人受伤。", measures="已封路。", proposed_grade="large")
    ),
    "update_report": Step("handler", _said(known="交通已恢复。", measures="围挡已拆除。")),
    "grade": Step("leader", _said(grade="large", legacy="no", remark="影响交通")),
    "regrade": Step("leader", _said(grade="major", legacy="no", remark="又有新情况")),
    "verify": Step("handler", _said(finding="confirmed", known="围挡基础松动。", measures="责令停工整改。")),
    "release_information": Step("reviewer", _out("南街围挡倒塌，无人员伤亡，道路已封闭处置。")),
    "hold_conference": Step("reviewer", _out("通报处置进展，回答提问。")),
    "draft_response": Step("handler", _said(text="围挡倒塌原因已查明，工地已停工整改。")),
    "approve_response": Step("leader", _said(text="围挡倒塌原因已查明，工地已停工整改。", remark="同意")),
    "sign_response": Step("seat:response", _said(text="围挡倒塌原因已查明，工地已停工整改。", remark="同意")),
    "send_back_response": Step("seat:response", _said(comments="请写明整改期限")),
    "retract_response": Step("handler", _said(remark="再核实一下")),
    "take_back_response": Step("leader", _said(comments="发布前发现有误")),
    "hand_over": Step("seat:response", lambda world, at: {"person": world.leader.pk, "remark": "我在开会"}),
    "publish_response": Step("reviewer", lambda world, at: {"outlet": "县政府网", "happened_at": at}),
    "ask_silence": Step("head", _said(remark="已逐一答复询问人，无须公开")),
    "grant_silence": Step("leader", _said(remark="同意")),
    "sign_silence": Step("seat:silence", _said(remark="同意")),
    "retract_silence": Step("head", _said(remark="改为公开")),
    "propose_information": Step("head", _said(text="南街围挡倒塌，无人员伤亡。", outlet="县政府网")),
    "sign_information": Step(
        "seat:information", _said(text="南街围挡倒塌，无人员伤亡。", outlet="县政府网", remark="同意")
    ),
    "refuse_information": Step("seat:information", _said(remark="尚未核实")),
    "retract_information": Step("head"),
    "refuse_silence": Step("seat:silence", _said(remark="关注度高，应予公开")),
    "conclude_follow_up": Step("head", _said(remark="围挡已加固，道路已恢复。")),
    "draw_lessons": Step("reviewer", _said(lessons="首报及时；日常巡查不到位。")),
    "set_task": Step("reviewer", _task),
    "finish_task": Step("head", _said(outcome="已排查并加固。")),
    "hand_over_task": Step("reviewer", _said(remark="并入年度检查计划，由住建局安全科负责")),
    "close_case": Step("dispatcher", _said(remark="任务均已完成")),
    "annul": Step("dispatcher", _said(remark="重复登记")),
    "link_matter": Step("clerk", lambda world, at: {"other": world.register(at).pk, "remark": ""}),
    "unlink_matter": Step("clerk", _said(remark="不是同一事项")),
}

_INVESTIGATING = ("report", "grade", "assign")
_PUBLISHED = (*_INVESTIGATING, "verify", "draft_response", "approve_response", "publish_response")
_LEARNT = (*_PUBLISHED, "conclude_follow_up", "draw_lessons")
EVENT_PATHS: dict[str, tuple[str, ...]] = {
    "found": (),
    "reported": ("report",),
    "graded": ("report", "grade"),
    "investigating": _INVESTIGATING,
    "verified": (*_INVESTIGATING, "verify"),
    "response_drafted": (*_INVESTIGATING, "verify", "draft_response"),
    "response_approved": (*_INVESTIGATING, "verify", "draft_response", "approve_response"),
    "silence_asked": (*_INVESTIGATING, "verify", "ask_silence"),
    "following_up": _PUBLISHED,
    "followed_up": (*_PUBLISHED, "conclude_follow_up"),
    "lessons_drawn": _LEARNT,
    "closed": (*_LEARNT, "close_case"),
    "annulled": ("annul",),
    "archived": (*_LEARNT, "close_case", "archive"),
}
