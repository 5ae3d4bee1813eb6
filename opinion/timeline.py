"""The timeline of a case: its events in words, with the free text that belongs to each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from opinion.answers import SEPARATELY_LABEL
from opinion.clock_names import ClockNames, Ties
from opinion.codes import REDO
from opinion.models.claim_answer import SEPARATELY
from opinion.screening.finding import SORTS
from opinion.unit_clocks import unit_at
from workflows.ladders import COLOURS
from workflows.limits import Limit
from workflows.models import Case, Event, Unit
from workflows.published import lifecycle
from workflows.spec import LifecycleSpec
from workflows.wording import CLOCK_EVENTS, event_label

if TYPE_CHECKING:
    from opinion.casefile import CodeLabels

MISSED = "clock.missed"
# What the system says of the people of a level.
APPROVAL_EVENTS = ("approval.unmanned", "approval.reseated")
# Approvals of these go on while the lead unit holds the case.
ASKED_OF_THE_DESK = (
    "extension_review",
    "suspension_review",
    "closing_review",
    "order_review",
    "information_review",
)

# What an event's codes and notes are called on the page, and the lists that give the codes' labels.
EXTENSION_REASONS = "extension_reason"
CODED = {
    "reason": ("原因", ("decline_reason", "suspend_reason", "close_reason", EXTENSION_REASONS)),
    "action": ("方式", ("offline_action",)),
    "result": ("办理结果", ("result",)),
    "view": ("本人意见", ("person_view",)),
    "satisfaction": ("满意度", ("satisfaction",)),
    "type": ("类型", ("type",)),
    "domain": ("领域", ("domain",)),
    "urgency": ("紧急程度", ("urgency",)),
    "complexity": ("复杂程度", ("complexity",)),
    "source": ("来源", ("source",)),
    "stands_because": ("公开理由", ("disclosure_reason",)),
    "grade": ("等级", ("grade",)),
    "proposed_grade": ("建议等级", ("grade",)),
    "finding": ("核查结论", ("finding",)),
}
NOTE_LABELS = {
    "remark": "说明",
    "comment": "备注",
    "comments": "修改意见",
    "instruction": "批示",
    "basis": "依据",
    "reason": "事由",
    "requirement": "办理要求",
    "work_requirement": "工作要求",
    "told": "告知内容",
    "evidence": "证明材料",
    "problem": "督办事由",
    "demand": "督办要求",
    "answer": "督办反馈",
    "asked": "协办事项",
    "legal_basis": "法定依据",
    "contribution": "协办情况",
    "grounds": "理由",
    "information": "权威信息",
    "outlet": "发布渠道",
    "view_words": "本人的说法",
    "lessons": "复盘结论",
    "assignment": "整改任务",
    "outcome": "完成情况",
}
UNITS = {"unit": "单位", "lead": "主办", "assisting": "协办", "from_lead": "原承办", "suggested": "建议承办"}


@dataclass(frozen=True)
class NoteView:
    """Free text of an event. label: 批示 and the like."""

    label: str
    text: str


@dataclass(frozen=True)
class Entry:
    """One event in words. change: 待签收 → 待首次联系, empty where the state stayed.
    handed_to: the unit that holds the case from here on, where that changed. details: label, value. helping: the unit whose task
    the clock that an event is about belongs to."""

    event: Event
    label: str
    change: str
    handed_to: str
    details: list[tuple[str, str]]
    notes: list[NoteView]
    helping: str = ""

    @property
    def late_unit(self) -> str:
        """Which unit a miss is about. What the lead waits to hear from the desk and those above it is not the lead's lateness."""
        if self.event.data.get("clock") in ASKED_OF_THE_DESK:
            return str(self.event.case.desk)
        return self.helping or str(self.event.unit)

    @property
    def is_missed(self) -> bool:
        return self.event.name == MISSED

    @property
    def entered_later(self) -> bool:
        """Whether it was recorded noticeably after it happened; a missed deadline always is, and says so itself."""
        return not self.is_missed and (self.event.recorded_at - self.event.happened_at).total_seconds() >= 300


def events_of(case: Case) -> list[Event]:
    """The log of a case in its order, with who acted and who held it then."""
    return list(case.events.select_related("actor", "unit").order_by("seq"))


def timeline(case: Case, codes: CodeLabels, names: ClockNames) -> list[Entry]:
    """Newest first; two statements. names: of the clocks of the case, with everything they are about and its whole log."""
    spec, ties = lifecycle(case.definition_id), names.ties
    notes: dict[int, list[NoteView]] = defaultdict(list)
    for note in case.notes.order_by("seq", "id"):
        notes[note.seq].append(NoteView(NOTE_LABELS.get(note.kind, "说明"), note.text))
    events = ties.events[::-1]
    units = _unit_names(events)
    before = [event.unit_id for event in events[1:]] + [None]
    return [
        Entry(
            event=event,
            label=_label(case, event, spec, names),
            change=_change(event, spec),
            handed_to=event.unit.name if event.unit_id != held_by else "",
            details=_details(event, codes, units, spec),
            notes=notes[event.seq],
            helping=helping,
        )
        for event, held_by in zip(events, before, strict=True)
        for helping in [unit_at(ties.tasks, str(event.data.get("clock", "")), event.happened_at)]
    ]


def details_of(
    events: Sequence[Event], codes: CodeLabels, spec: LifecycleSpec
) -> dict[int, list[tuple[str, str]]]:
    """What some events of one case say in codes and ids, in words, by their seq. One statement."""
    units = _unit_names(events)
    return {event.seq: _details(event, codes, units, spec) for event in events}


def _label(case: Case, event: Event, spec: LifecycleSpec, names: ClockNames) -> str:
    if event.name in CLOCK_EVENTS and (clock := names.of_event(event)):
        return f"{CLOCK_EVENTS[event.name]}：{clock}"
    if event.name in APPROVAL_EVENTS:
        return "：".join(filter(None, [event_label(case, event), _level(event, spec, names.ties)]))
    return "登记" if event.name == spec.opening.event else event_label(case, event)


def _level(event: Event, spec: LifecycleSpec, ties: Ties) -> str:
    """Which level of which approval the system speaks of; less where an older event says less."""
    declared = spec.approvals.get(str(event.data.get("approval")))
    level = ties.level_label(event, str(event.data.get("level") or ""))
    return " · ".join(filter(None, [declared.label if declared else "", level]))


def _change(event: Event, spec: LifecycleSpec) -> str:
    if not event.source or event.source == event.target:
        return ""
    return f"{_state(spec, event.source)} → {_state(spec, event.target)}"


def _state(spec: LifecycleSpec, name: str) -> str:
    """A state an older version had and this one has not keeps its code."""
    return spec.states[name].label if name in spec.states else name


def _details(
    event: Event, codes: CodeLabels, units: dict[int, str], spec: LifecycleSpec
) -> list[tuple[str, str]]:
    found = []
    for name, label in UNITS.items():
        if named := "、".join(units[pk] for pk in _ids(event, name) if pk in units):
            found.append((label, named))
    for name, (label, lists) in CODED.items():
        value = event.data.get(name)
        if isinstance(value, str) and value and not value.startswith(("sha256:", "sm3:")):
            # One code may be in several lists: what prolongs a deadline has reasons of its own.
            known = (EXTENSION_REASONS, *lists) if "amount" in event.data else lists
            found.append((label, codes.first_of(known, value)))
    found[:0] = _of_order(event)
    if ended := event.data.get("lapsed_tasks"):
        found.append(("随案终结的协办任务", "、".join(str(number) for number in ended)))
    if extension := _lapsed_extension(event, spec):
        found.append(("随之终结的延期申请", extension))
    if lapsed := event.data.get("lapsed"):
        found.append(("随案终结的督办单", "、".join(f"D{number}" for number in lapsed)))
    found += _offline_details(event)
    if amount := event.data.get("amount"):
        found.append(("延长", Limit.parse(amount).label))
    found += _of_replies(event, codes)
    found += _feedback(event)
    if event.data.get("late"):
        found.append(("申请时间", "时限已过，由督办员提出"))
    for kind, moved in sorted(_moved_clocks(event)):
        clock = spec.clocks.get(kind)
        found.append((f"{clock.label if clock else kind}时限改为", moved))
    return found


def _lapsed_extension(event: Event, spec: LifecycleSpec) -> str:
    """Of a request for more time that ended undecided with this event; empty where none did."""
    if lapsed := event.data.get("lapsed_extension"):
        clock = spec.clocks.get(lapsed["clock"])
        limit = Limit.parse(lapsed["amount"]).label
        return f"{clock.label if clock else lapsed['clock']}时限延长{limit}，未作决定，仍需延期的请重新申请"
    known = isinstance(event.data.get("dropped"), int)
    return "未作决定，仍需延期的请重新申请" if known else ""


def _offline_details(event: Event) -> Iterable[tuple[str, str]]:
    """Of claims listed and offline work recorded; which claim got how far is on the record itself."""
    if worded := event.data.get("claims"):
        yield "列明", f"第 {'、'.join(worded)} 项"
    # Events from before `lapsed_extension` name with the same word the request for more time that lapsed.
    if isinstance(dropped := event.data.get("dropped"), list) and dropped:
        yield "删去", f"第 {'、'.join(map(str, dropped))} 项"
    if files := event.data.get("files"):
        yield "附件", f"第 {'、'.join(files)} 号"
    if file := event.data.get("file"):
        yield "撤下", f"附件第 {file} 号"
    if last := event.data.get("due_on"):
        yield "完成期限", str(last)
    if day := event.data.get("follow_up"):
        yield "约定跟进", str(day)


def _of_order(event: Event) -> Iterable[tuple[str, str]]:
    """Which supervision order and how grave; of one only put up for signature, how grave."""
    colour = COLOURS.get(str(event.data.get("colour", "")), "")
    if number := event.data.get("order"):
        yield "督办单", f"D{number}{'，' if colour else ''}{colour}"
    elif colour:
        yield "级别", colour


def _of_replies(event: Event, codes: CodeLabels) -> Iterable[tuple[str, str]]:
    """How a draft answers the claims, and what was let stand in a public text."""
    if isinstance(answers := event.data.get("answers"), dict):
        said = (f"{number} {_answer(codes, str(result))}" for number, result in sorted(answers.items()))
        yield ("逐项回应", "；".join(said))
    if isinstance(stands := event.data.get("stands"), list):
        yield ("公开文本中保留", "、".join(SORTS[code].label for code in stands if code in SORTS))


def _answer(codes: CodeLabels, result: str) -> str:
    return SEPARATELY_LABEL if result == SEPARATELY else codes.of("result", result)


def _feedback(event: Event) -> Iterable[tuple[str, str]]:
    said = event.data
    if "drawn" in said:
        yield "回访抽取", _draw(event)
    if redo := said.get("redo"):
        yield "重办次数", REDO.get(redo, redo)
    if attempts := said.get("attempts"):
        yield "已拨打", f"{attempts} 次"
    if said.get("same_person"):
        yield "联系方式", "沿用原案件，同一留言人"


def _draw(event: Event) -> str:
    """The lot shows that chance decided: below share × 100 of ten thousand is drawn."""
    said = event.data
    drawn = "抽中" if said["drawn"] else "未抽中，直接待评价"
    row = f"，规则条目 {said['row']}" if said.get("row") else ""
    return f"{drawn}（比例 {said['share']}%，签号 {said['lot']}／10000{row}）"


def _moved_clocks(event: Event) -> Iterable[tuple[str, str]]:
    from django.utils import timezone

    moved = event.data.get("clocks")
    if isinstance(moved, dict):
        for kind, (_, after) in moved.items():
            if after is None:
                yield kind, "不再计时"
            else:
                yield kind, f"{timezone.localtime(datetime.fromisoformat(after)):%Y-%m-%d %H:%M}"


def _ids(event: Event, name: str) -> list[int]:
    value = event.data.get(name)
    values = value if isinstance(value, list) else [value]
    return [pk for pk in values if isinstance(pk, int)]


def _unit_names(events: Sequence[Event]) -> dict[int, str]:
    wanted = {pk for event in events for name in UNITS for pk in _ids(event, name)}
    return dict(Unit.objects.filter(pk__in=wanted).values_list("pk", "name"))
