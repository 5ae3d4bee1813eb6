"""The catalogue of notices: every event of the desk is told, to whom, how urgently and in which words, or is silent.

Words carry the number, the step and the nearest deadline; never a title, a name, a phone or what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from django.urls import reverse

from notifications.directory import Directory, Pair
from notifications.registry import (
    CATALOGUE,
    PATHS,
    WATCHERS,
    Audience,
    InOneGo,
    Silent,
    StillTrue,
    Told,
    Urgency,
    always_true,
)
from opinion.access import MESSAGE, OPINION_CASE, WORK_PLAN
from opinion.audiences import (
    arbiters,
    assisting,
    by_clock,
    callers,
    dispatchers,
    handlers,
    heads,
    helpers,
    holders,
    leaders,
    officers,
    ordered,
    reviewers,
    supervisors,
    together,
)
from opinion.clock_names import ClockNames, names_in
from opinion.due_words import deadline, dues_of, extended, minute, until, urged
from opinion.models import CoTask, SupervisionOrder
from opinion.models.co_task import CO_CLOCKS
from opinion.models.review_task import TASK_CLOCKS
from opinion.models.supervision import AWAITING
from opinion.recipients import below_the_rung, first_of, on_the_rung
from opinion.signing import SIGNED, holding_signers, signers
from workflows.ladders import COLOURS
from workflows.models import Clock, Event, User
from workflows.published import ladder

# Where nobody of a unit can be told, its head is, and then the desk, which can give the case to somebody else.
UNIT_FALLBACKS = (heads, dispatchers)
DESK_FALLBACKS = (dispatchers, supervisors)
UNIT = together(handlers, heads)
Order = SupervisionOrder.State
HELPING = helpers("unit_handler", "unit_head")
# Whose lateness a clock shows; all others are the handling unit's. Its supervisor is told in any case.
LATE = by_clock(
    {
        "assign": together(dispatchers, supervisors),
        "decide": together(dispatchers, supervisors),
        "arbitrate": together(arbiters, supervisors),
        "final": together(dispatchers, supervisors),
        **dict.fromkeys(SIGNED, together(signers, supervisors)),
        "publish": together(reviewers, supervisors),
        "call_back": together(callers, supervisors),
        **dict.fromkeys(CO_CLOCKS, together(HELPING, UNIT, supervisors)),
        **dict.fromkeys(TASK_CLOCKS, together(HELPING, supervisors)),
    },
    otherwise=together(handlers, heads, dispatchers, supervisors),
)
# These run out by design, and the system then takes the step itself.
CLOCKS_THAT_LAPSE = {"rating", "suspension", "reopen"}


def of_clocks(sentence: Callable[[Event, str, str], str]) -> InOneGo:
    """sentence: of an event, the name of the clock it is about, and until when that runs."""

    def say(events: Sequence[Event]) -> dict[int, str]:
        names = names_in(events)
        return {event.pk: sentence(event, names.of_event(event), _until(event, names)) for event in events}

    return InOneGo(say)


def _until(event: Event, names: ClockNames) -> str:
    """A clock that is not the case's own is due at a moment of its own."""
    clock = names.clock_of(event)
    return deadline(event.case) if clock is None else until(clock)


def missed(event: Event, clock: str, due: str) -> str:
    """Which clock ran out, and when it should have been met."""
    return f"{event.case.number} “{clock}”已逾期，应于 {minute(event.happened_at)} 前完成"


def page_of(number: str) -> str:
    """Every kind of case has the same sort of page."""
    return reverse("case", args=[number])


def pressing(event: Event) -> bool:
    """Registered as urgent or critical, or about an event, whose hours run at night, too."""
    return event.case.kind == OPINION_CASE or event.case.facts.get("urgency") in {"urgent", "critical"}


def still_there(events: Sequence[Event]) -> set[int]:
    """The case is in the state the event led to: the step it announces is still to be taken."""
    return {event.pk for event in events if event.case.state == event.target}


def still_open(events: Sequence[Event]) -> set[int]:
    return {event.pk for event in events if event.case.is_open}


def still_late(events: Sequence[Event]) -> set[int]:
    """The clock that ran out has not been met since. One statement."""
    cases = {event.case_id for event in events}
    going = set(Clock.objects.going().filter(case__in=cases).values_list("case_id", "kind", "cycle"))
    return {e.pk for e in events if (e.case_id, e.data.get("clock"), e.data.get("cycle")) in going}


def work(
    sentence: str, audience: Audience = UNIT, fallbacks: tuple[Audience, ...] = UNIT_FALLBACKS,
    *, still_true: StillTrue = still_there,
) -> Told:  # fmt: skip
    """Somebody has to do something; an alert is raised where there is nobody."""
    return Told(
        lambda event: f"{event.case.number} {sentence}{deadline(event.case)}", audience, fallbacks,
        urgency=lambda event: Urgency.URGENT if pressing(event) else Urgency.PROMPT, still_true=still_true,
    )  # fmt: skip


def news(sentence: str, audience: Audience = UNIT, *, still_true: StillTrue = always_true) -> Told:
    """Good to know, and nothing to do: it may wait for a digest, and where there is nobody to tell that is fine."""
    return Told(
        lambda event: f"{event.case.number} {sentence}", audience, must_reach=False, still_true=still_true
    )


def climbed(event: Event, clock: str, due: str) -> str:
    """Which clock stands on which rung, and when it is or was due."""
    rung = ladder(int(event.data["ladder"])).named[str(event.data["rung"])]
    again = f"（第 {event.data['times']} 次重复）" if "times" in event.data else ""
    return f"{event.case.number} “{clock}”{rung.label}{again}{due}"


def rung_urgency(event: Event) -> Urgency:
    """Urgent rungs and urgent cases wait for no quiet hours."""
    at_once = "rung" in event.data and ladder(int(event.data["ladder"])).named[str(event.data["rung"])].urgent
    return Urgency.URGENT if at_once or pressing(event) else Urgency.PROMPT


def by_rung(laddered: Audience, *, otherwise: Audience) -> Audience:
    """Those a rung names where the event carries one."""

    def find(events: Sequence[Event], directory: Directory) -> Iterator[Pair]:
        on, off = [e for e in events if "rung" in e.data], [e for e in events if "rung" not in e.data]
        if on:
            yield from laddered(on, directory)
        if off:
            yield from otherwise(off, directory)

    return find


def order_words(sentence: str) -> Callable[[Event], str]:
    """Which order of which case, its colour and what is to be done about it."""

    def words(event: Event) -> str:
        colour = COLOURS.get(str(event.data.get("colour", "")), "")
        return f"{event.case.number} {colour}督办单 D{event.data['order']} {sentence}{deadline(event.case)}"

    return words


def order_urgency(event: Event) -> Urgency:
    """A red order waits for no quiet hours."""
    return Urgency.URGENT if event.data.get("colour") == "red" or pressing(event) else Urgency.PROMPT


def task_words(sentence: str) -> InOneGo:
    """Which task of which case, what is to be done about it, and until when."""

    def say(events: Sequence[Event]) -> dict[int, str]:
        tasks = CoTask.objects.filter(case__in={event.case_id for event in events})
        clocks = {
            (case, number): clock for case, number, clock in tasks.values_list("case_id", "number", "clock")
        }
        due = dues_of({event: clocks.get((event.case_id, event.data["task"]), "") for event in events})
        return {
            event.pk: f"{event.case.number} 协办任务 {event.data['task']} {sentence}{due[event.pk]}"
            for event in events
        }

    return InOneGo(say)


def task_stands(events: Sequence[Event]) -> set[int]:
    """The task the event is about has not ended. One statement."""
    going = CoTask.objects.filter(case__in={event.case_id for event in events}).standing()
    known = set(going.values_list("case_id", "number"))
    return {event.pk for event in events if (event.case_id, event.data.get("task")) in known}


def order_is(*states: str) -> StillTrue:
    """The order the event is about is in one of these states. One statement."""

    def find(events: Sequence[Event]) -> set[int]:
        orders = SupervisionOrder.objects.filter(case__in={event.case_id for event in events})
        known = set(orders.filter(state__in=states).values_list("case_id", "number"))
        return {event.pk for event in events if (event.case_id, event.data.get("order")) in known}

    return find


fall_back = first_of(*UNIT_FALLBACKS)

DECLARED: dict[str, Told | Silent] = {
    # ---- 交办与签收
    "message.registered": Told(
        lambda event: f"{event.case.number} 已登记，{'属紧急事项，' if pressing(event) else ''}请交办{deadline(event.case)}",
        dispatchers,
        DESK_FALLBACKS,
        # Ordinary ones wait in the desk's queue: an import of thousands is no news a thousand times over.
        applies=lambda event: pressing(event) or event.case.restricted,
        urgency=lambda event: Urgency.URGENT if pressing(event) else Urgency.PROMPT,
        still_true=still_there,
    ),
    "message.assigned": work("已交办，请签收或退单", together(handlers, heads, assisting)),
    "message.reassigned": work("已改派，请签收或退单", together(handlers, heads, assisting)),
    "message.designated": work("已指定承办，请签收", together(handlers, heads, assisting)),
    "message.decline_rejected": work("退单未获同意，请签收办理"),
    "message.deemed_accepted": work("逾期未签收，视为已签收，请办理", still_true=still_open),
    "message.declined": work("已退单，请裁定", dispatchers, DESK_FALLBACKS),
    "message.transferred": work("已转来办理", together(handlers, heads, assisting), still_true=still_open),
    "message.classified": news("分类定级有调整，时限可能变动", still_true=still_open),
    "message.claims_listed": Silent("诉求清单供办理和答复对照，案件页可见"),
    "message.recalled": Silent("收回后原单位不再可见该案，待办中随即消失"),
    "message.decline_upheld": Silent("同意退单后原单位不再可见该案，受理台自己的待办中已有"),
    "message.accepted": Silent("签收是预期中的一步，案件页可见"),
    # ---- 办理
    "message.released": work("已交还领办，请安排承办人", still_true=still_open),
    "message.claimed": Silent("领办人本人所为，同单位的人在案件页可见"),
    "message.contacted": Silent("首次联系是预期中的一步，案件页可见"),
    "message.visited": Silent("线下办理记录供查阅，无须他人动作"),
    "message.follow_up_closed": Silent("由承办单位自己约定，自己写明理由，案件页可见"),
    "file.withdrawn": Silent("撤下的理由和摘要在案件页和审计轨迹可见"),
    "message.interim_replied": Silent("阶段性答复由承办单位作出，案件页可见"),
    "message.extension_granted": replace(work("延期已批准", still_true=still_open), words=InOneGo(extended)),
    "message.extension_refused": work("延期未获批准，请按期办理", still_true=still_open),
    "message.extension_retracted": Silent("撤回的申请不再需要任何人审批"),
    "message.suspended": news("已暂停，时限停走", together(handlers, heads, supervisors), still_true=still_there),
    "message.resumed": work("已恢复办理，时限继续", still_true=still_open),
    # ---- 协办
    "co_task.asked": work("请您单位协办，请签收", HELPING, (dispatchers,), still_true=still_open),
    "co_task.accepted": Silent("签收是预期中的一步，案件页可见"),
    "co_task.finished": Told(
        task_words("已完成，请查看"), UNIT, UNIT_FALLBACKS, urgency=Urgency.PROMPT, still_true=task_stands,
    ),
    "co_task.declined": Told(
        task_words("被退回，请决定免除或仍请办理"), together(handlers, heads, dispatchers), UNIT_FALLBACKS,
        urgency=Urgency.PROMPT, still_true=task_stands,
    ),
    "co_task.sent_back": Told(
        task_words("被退回补充，请重新办理"), HELPING, (dispatchers,), urgency=Urgency.PROMPT, still_true=task_stands,
    ),
    "co_task.waived": news("协办任务已免除，不必再办", HELPING),
    # ---- 审核与答复
    "message.draft_saved": Silent("草稿由拟稿人自己继续修改，尚无须他人动作"),
    "message.approved": work("答复已审定，请发布", reviewers, DESK_FALLBACKS),
    "message.sent_back": work("答复被退回，请修改"),
    # ---- 办结（并案和没有答复的见 merge_notices，回访、评价见 feedback_notices）
    "message.closed": news("已办结"),
    "message.archived": Silent("归档不改变任何人的工作"),
    # ---- 不改变状态
    "message.instructed": work("有领导批示，请查看", together(dispatchers, handlers, heads), DESK_FALLBACKS, still_true=still_open),
    "message.commented": news("有新备注", together(handlers, dispatchers), still_true=still_open),
    "message.unit_barred": work("已列为限制知悉，请专办", officers, (), still_true=still_open),
    "contact.revealed": Silent("查看联系方式只入日志，由审计管理员查询"),
    # ---- 督办
    "order.issued": Told(
        order_words("已签发，请签收并在反馈期限内反馈"), ordered, UNIT_FALLBACKS, urgency=order_urgency,
        still_true=order_is(Order.ISSUED, Order.ACKNOWLEDGED),
    ),
    "order.raised": Told(
        order_words("已升级"), ordered, UNIT_FALLBACKS, urgency=order_urgency, still_true=order_is(*AWAITING),
    ),
    "order.acknowledged": Silent("签收是预期中的一步，督办页可见"),
    "order.answered": Told(
        order_words("已反馈，请审结或退回"), supervisors, (leaders,), urgency=Urgency.PROMPT, still_true=order_is(Order.ANSWERED),
    ),
    "order.sent_back": Told(
        order_words("反馈被退回，请重新反馈"), ordered, UNIT_FALLBACKS, urgency=order_urgency,
        still_true=order_is(Order.SENT_BACK),
    ),
    "order.closed": news("督办单已审结"),
    "order.withdrawn": news("督办单已撤销，不必再反馈", together(handlers, heads, dispatchers)),
    "case.urged": Told(
        InOneGo(urged), together(holders, holding_signers), UNIT_FALLBACKS, still_true=still_open,
        urgency=lambda event: Urgency.URGENT if pressing(event) else Urgency.PROMPT,
    ),
    "urge.acknowledged": Silent("知悉催办在案件页和审计轨迹可见，不必再通知催办人"),
    "clock.acknowledged": Silent("知悉提醒后同级不再重复，案件页可见"),
    # ---- 流程引擎
    "clock.warned": Told(
        of_clocks(climbed), on_the_rung, (below_the_rung,), urgency=rung_urgency, still_true=still_late,
    ),
    "clock.missed": Told(
        of_clocks(missed), by_rung(on_the_rung, otherwise=LATE), (by_rung(below_the_rung, otherwise=fall_back),),
        # Straight past the deadline to a higher rung: that one is told of, not both.
        applies=lambda event: (
            event.data.get("clock") not in CLOCKS_THAT_LAPSE
            and ("ladder" not in event.data or "rung" in event.data)
        ),
        urgency=rung_urgency, still_true=still_late,
    ),
    "clock.escalated": Told(
        of_clocks(climbed), on_the_rung, (below_the_rung,), urgency=rung_urgency, still_true=still_late,
    ),
    "clock.repeated": Told(
        of_clocks(climbed), on_the_rung, (below_the_rung,), urgency=rung_urgency, still_true=still_late,
    ),
    "clock.redated": Silent("日历的变更由管理员预览后成批重算，案件页和待办随即显示新时限"),
    "policy.changed": Silent("换用另一版时限规则由管理员预览后成批进行，案件页和待办随即显示新时限"),
    "definition.changed": Silent("流程版本的变更由管理员成批进行，案件页可见"),
}  # fmt: skip


def _keeps_the_system(user: User) -> bool:
    """System administrators mend memberships and mail servers; alerts show them numbers and no content."""
    return bool(user.standing.roles.get("sysadmin"))


for _name, _declared in DECLARED.items():
    CATALOGUE.add(_name, _declared)
for _kind in (MESSAGE, OPINION_CASE, WORK_PLAN):
    PATHS.add(_kind, page_of)
WATCHERS.add("sysadmin", _keeps_the_system)
