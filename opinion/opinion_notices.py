"""The catalogue of notices for events the public talks about: who is told of what, in words that hold no content.

What asks for work is urgent (`notices.pressing`): an event's hours run at night, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from notifications.directory import Directory, Pair
from notifications.registry import CATALOGUE, Audience, Silent, Told, Urgency
from opinion.approval_notices import to_sign
from opinion.audiences import (
    assisting,
    clerks,
    dispatchers,
    handlers,
    heads,
    leaders,
    officers,
    reviewers,
    together,
    top_leaders,
)
from opinion.due_words import deadline
from opinion.grading import is_serious
from opinion.models import ReviewTask
from opinion.notices import DESK_FALLBACKS, news, still_open, work
from workflows.models import Case, Event


def among(asked: Callable[[Case], bool], audience: Audience) -> Audience:
    """These people, for events of such cases only."""

    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        yield from audience([event for event in events if asked(event.case)], directory)

    return find


def tasked(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
    """Handlers and heads of the unit a task was given to; it may have no other part in the case."""
    roles = ("unit_handler", "unit_head")
    holders = directory.holders({(role, int(event.data["unit"])) for event in events for role in roles})
    for event in events:
        for role in roles:
            yield from ((event, user) for user in holders[role, int(event.data["unit"])])


def _graded(event: Event) -> str:
    serious = "属特别重大或重大舆情，" if is_serious(event.case) else ""
    return f"{event.case.number} 等级已定，{serious}请即处置{deadline(event.case)}"


def _task_set(event: Event) -> str:
    """The task's own last day, whatever else the case is due by."""
    return f"{event.case.number} 有整改任务 {event.data['task']}，请于 {event.data['due_on']} 前完成"


def task_is_open(events: Sequence[Event]) -> set[int]:
    """The task the event set is neither done nor handed over. One statement."""
    going = ReviewTask.objects.open().filter(case__in={event.case_id for event in events})
    known = set(going.values_list("case", "number"))
    return {event.pk for event in events if (event.case_id, event.data.get("task")) in known}


# Serious ones go to the leaders from the start.
ABOVE = among(is_serious, together(leaders, top_leaders))
GRADED = Told(
    _graded, together(dispatchers, handlers, heads, ABOVE), DESK_FALLBACKS, urgency=Urgency.URGENT, still_true=still_open
)  # fmt: skip

OPINION_NOTICES: dict[str, Told | Silent] = {
    # ---- 首报与定级
    "opinion.found": work("已登记，请报送首报", together(clerks, dispatchers), DESK_FALLBACKS),
    "opinion.reported": work("已报首报，请定级", together(leaders, reviewers), DESK_FALLBACKS),
    "opinion.updated": news(
        "有续报", together(dispatchers, reviewers, handlers, ABOVE), still_true=still_open
    ),
    "opinion.graded": GRADED,
    "opinion.regraded": GRADED,
    # ---- 交办与核查
    "opinion.assigned": work("已交办，请核查并提交核查报告", together(handlers, heads, assisting)),
    "opinion.transferred": work("已转来办理", together(handlers, heads, assisting), still_true=still_open),
    "opinion.verified": news(
        "核查报告已提交", together(dispatchers, reviewers, ABOVE), still_true=still_open
    ),
    "opinion.visited": Silent("线下办理记录供查阅，无须他人动作"),
    "opinion.follow_up_closed": Silent("不再跟进的理由在案件页可见"),
    # ---- 发布
    "opinion.information_proposed": to_sign(),
    "opinion.information_refused": news(
        "报请的权威信息未获核准", together(clerks, dispatchers, handlers, heads)
    ),
    "opinion.information_retracted": Silent("撤回的报请不再需要任何人核准"),
    "opinion.informed": news("已发布权威信息", together(handlers, heads, dispatchers, ABOVE)),
    "opinion.conference_held": news("已举行新闻发布会", together(handlers, heads, dispatchers, ABOVE)),
    "opinion.response_drafted": to_sign(),
    "opinion.response_retracted": Silent("撤回送审由承办单位或受理台自己所为，审批人的待办随即消失"),
    "opinion.response_approved": work("回应已审定，请发布", reviewers, DESK_FALLBACKS),
    "opinion.response_sent_back": work("回应被退回，请修改"),
    "opinion.response_published": work("已公开回应，请跟进处置"),
    "opinion.silence_asked": to_sign(),
    "opinion.silence_retracted": Silent("撤回的申请不再需要任何人审批"),
    "opinion.silence_granted": work("同意不公开回应，请跟进处置"),
    "opinion.silence_refused": work("应予公开回应，请拟稿"),
    # ---- 跟进、复盘、办结
    "opinion.followed_up": work("处置完毕，请复盘", together(reviewers, dispatchers), DESK_FALLBACKS),
    "opinion.reviewed": news("已复盘", together(handlers, heads, dispatchers), still_true=still_open),
    "task.set": Told(_task_set, tasked, DESK_FALLBACKS, urgency=Urgency.URGENT, still_true=task_is_open),
    "task.finished": news("整改任务已完成", together(reviewers, dispatchers), still_true=still_open),
    "task.handed_over": news("整改任务已移交", together(handlers, heads, dispatchers), still_true=still_open),
    "opinion.closed": news("已办结", together(handlers, heads, ABOVE)),
    "opinion.annulled": news("登记有误，已撤销，请停止办理", together(handlers, heads, ABOVE)),
    "opinion.archived": Silent("归档不改变任何人的工作"),
    # ---- 不改变状态
    "opinion.linked": Silent("关联在双方案件页可见"),
    "opinion.unlinked": Silent("解除关联在案件页可见"),
    "opinion.instructed": work(
        "有领导批示，请查看", together(dispatchers, handlers, heads), DESK_FALLBACKS, still_true=still_open
    ),
    "opinion.commented": news("有新备注", together(handlers, dispatchers), still_true=still_open),
    "opinion.unit_barred": work("已列为限制知悉，请专办", officers, (), still_true=still_open),
}

for _name, _declared in OPINION_NOTICES.items():
    CATALOGUE.add(_name, _declared)
