"""What a clock is called wherever one is shown: its label, and what of several things it is about.

A kind of clock begins anew with each level of an approval, with each supervision order, for each unit that helps on it
or has a task of its own.
Its cycle counts all of these together and says nothing to a reader: the name says which level, order or unit it is.
Whatever is shown together is named in one go, in five statements at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import zip_longest

from opinion import cohandling, review_tasks, supervising
from opinion.models import CoTask, ReviewTask, SupervisionOrder
from opinion.models.co_task import CO_CLOCKS
from opinion.models.review_task import TASK_CLOCKS
from opinion.models.supervision import DESK_FEEDBACK, FEEDBACK
from opinion.unit_clocks import UNIT_CLOCKS, UnitTask, task_at
from workflows.models import Approval, Case, Clock, Event
from workflows.published import lifecycle

NUMERALS = "零一二三四五六七八九十"
# Case id, kind, cycle: which clock an event is about.
Key = tuple[int, str, int]


@dataclass(frozen=True)
class Ties:
    """What the clocks of some cases may be about. events: of their log, at least those that began a level of an approval."""

    tasks: Sequence[UnitTask] = ()
    orders: Sequence[SupervisionOrder] = ()
    approvals: Sequence[Approval] = ()
    events: Sequence[Event] = ()

    @cached_property
    def levels(self) -> Mapping[tuple[int, str, int], list[dict[str, str]]]:
        """Case id, matter, round → the levels it passes, as they were when it began."""
        return {(a.case_id, a.kind, a.round): a.levels for a in self.approvals}

    def level(self, event: Event, name: str) -> dict[str, str]:
        """The level of that name in the approval an event is about; empty where the event or the approval has none."""
        return next((level for level in self._passed(event) if level["name"] == name), {})

    def level_label(self, event: Event, name: str) -> str:
        """第二级 受理台审核; without its number where there is but one."""
        passed = self._passed(event)
        found = (number for number, level in enumerate(passed, 1) if level["name"] == name)
        return next((numbered(passed, number) for number in found), "")

    def _passed(self, event: Event) -> list[dict[str, str]]:
        said = event.data
        return self.levels.get((event.case_id, str(said.get("approval")), int(said.get("round") or 0)), [])


def numbered(levels: Sequence[Mapping[str, str]], number: int) -> str:
    """第二级 受理台审核, of the levels an approval passes; without its number where there is but one."""
    label = levels[number - 1]["label"]
    return f"第{_numeral(number)}级 {label}" if len(levels) > 1 else label


def ties_of(clocks: Iterable[Clock]) -> Ties:
    """Read what these clocks are about; nothing for kinds that are about the case itself. Their cases are loaded."""
    clocks = list(clocks)
    helping = {clock.case_id for clock in clocks if clock.kind in CO_CLOCKS}
    ordered = {clock.case_id for clock in clocks if clock.kind in (FEEDBACK, DESK_FEEDBACK)}
    called = [clock for clock in clocks if _called(clock.case, clock.kind)]
    tasks: list[UnitTask] = []
    if helping:
        tasks += CoTask.objects.filter(case__in=helping).select_related("unit").order_by("number")
    if learnt := {clock.case_id for clock in clocks if clock.kind in TASK_CLOCKS}:
        tasks += ReviewTask.objects.filter(case__in=learnt).select_related("unit").order_by("number")
    orders = SupervisionOrder.objects.filter(case__in=ordered).select_related("case").order_by("number")
    events = _began(called) if called else ()
    approvals = Approval.objects.filter(case__in={event.case_id for event in events})
    return Ties(
        tasks=tasks,
        orders=list(orders) if ordered else (),
        approvals=list(approvals) if events else (),
        events=events,
    )


def ties_of_case(case: Case, events: Sequence[Event]) -> Ties:
    """Everything of one case, whose log is read already. Four statements, three where its lifecycle has no review tasks."""
    approvals = list(Approval.objects.filter(case=case))
    tasks: list[UnitTask] = [*cohandling.tasks_of(case), *review_tasks.tasks_of(case)]
    return Ties(tasks, supervising.orders_of(case), approvals, events)


def _began(clocks: Sequence[Clock]) -> list[Event]:
    """Events that began a level of an approval when one of these clocks began."""
    cases = {clock.case_id: clock.case for clock in clocks}
    at_once = Event.objects.filter(case__in=cases, happened_at__in={clock.started_at for clock in clocks})
    found = [event for event in at_once.order_by("seq") if "next" in event.data]
    for event in found:
        event.case = cases[event.case_id]
    return found


class ClockNames:
    """Names of some clocks, their cases loaded; ties: what is known already, else it is read."""

    def __init__(self, clocks: Iterable[Clock], ties: Ties | None = None) -> None:
        clocks = list(clocks)
        self.ties = ties_of(clocks) if ties is None else ties
        self._signed = self._levels_of(clocks)
        self._clocks = {_key(clock): clock for clock in clocks}
        self._names = {_key(clock): self._named(clock) for clock in clocks}

    def of(self, clock: Clock) -> str:
        return self._names[_key(clock)]

    def of_event(self, event: Event) -> str:
        """Of the clock that an event names; empty for an event about no clock."""
        kind, cycle = str(event.data.get("clock") or ""), int(event.data.get("cycle") or 1)
        if not kind:
            return ""
        return self._names.get((event.case_id, kind, cycle)) or plain(event.case, kind, cycle)

    def clock_of(self, event: Event) -> Clock | None:
        """The clock that an event is about, where it is among these."""
        return self._clocks.get(_key_of(event))

    def _named(self, clock: Clock) -> str:
        if signed := self._signed.get(_key(clock)):
            return f"{_label(clock.case, clock.kind)} · {signed}"
        if clock.kind in CO_CLOCKS and (task := self._task(clock)):
            return f"协办 · {task.unit.name}{again(clock.started_at, task.asked_at, '再次办理')}"
        if clock.kind in TASK_CLOCKS and (task := self._task(clock)):
            return f"整改任务 {task.number} · {task.unit.name}"
        if clock.kind in (FEEDBACK, DESK_FEEDBACK) and (order := self._order(clock)):
            once_more = again(clock.started_at, order.issued_at, "重新反馈")
            return f"{_label(clock.case, clock.kind)} · 督办单 D{order.number}{once_more}"
        return plain(clock.case, clock.kind, clock.cycle)

    def _task(self, clock: Clock) -> UnitTask | None:
        of_case = (task for task in self.ties.tasks if task.case_id == clock.case_id)
        return task_at(of_case, clock.kind, clock.started_at)

    def _order(self, clock: Clock) -> SupervisionOrder | None:
        """A unit has one open order on a case at a time; of two at the same moment, the one that came after."""
        found = [
            order
            for order in self.ties.orders
            if order.case_id == clock.case_id and order.feedback == clock.kind
            and order.issued_at <= clock.started_at
            and (order.ended_at is None or clock.started_at <= order.ended_at)
        ]  # fmt: skip
        return max(found, key=lambda order: order.number, default=None)

    def _levels_of(self, clocks: Sequence[Clock]) -> dict[Key, str]:
        """A level begins its clock at its own moment, so moment and kind say which event began it."""
        events: dict[tuple[int, str, datetime], list[Event]] = defaultdict(list)
        for event in sorted(self.ties.events, key=lambda event: event.seq):
            if kind := self._clock_of_level(event):
                events[event.case_id, kind, event.happened_at].append(event)
        begun: dict[tuple[int, str, datetime], list[Clock]] = defaultdict(list)
        for clock in sorted(clocks, key=lambda clock: -clock.cycle):
            begun[clock.case_id, clock.kind, clock.started_at].append(clock)
        found = {}
        for where, at_once in begun.items():
            # Of several levels passed within one moment, the newest clock is that of the last.
            for clock, event in zip_longest(at_once, reversed(events[where])):
                if clock is not None and event is not None:
                    found[_key(clock)] = self._signed_as(event)
        return found

    def _clock_of_level(self, event: Event) -> str:
        if not (level := self.ties.level(event, str(event.data.get("next", "")))):
            return ""
        declared = lifecycle(event.case.definition_id).approvals.get(str(event.data["approval"]))
        return level.get("clock") or (declared.clock if declared is not None else None) or ""

    def _signed_as(self, event: Event) -> str:
        turn = int(event.data["round"])
        label = self.ties.level_label(event, str(event.data["next"]))
        return f"{label}（第 {turn} 轮送审）" if turn > 1 else label


def name_of(clock: Clock) -> str:
    """Of a single clock; for several at once make a `ClockNames` of them all."""
    return ClockNames([clock]).of(clock)


def names_in(events: Sequence[Event]) -> ClockNames:
    """For the clocks that events of many cases are about; a statement more than for the clocks themselves."""
    kinds = {str(event.data["clock"]) for event in events if _names_more(event)}
    if not kinds:
        return ClockNames([])
    cases = {event.case_id: event.case for event in events if _names_more(event)}
    wanted = {_key_of(event) for event in events}
    found = [clock for clock in Clock.objects.filter(case__in=cases, kind__in=kinds) if _key(clock) in wanted]
    for clock in found:
        clock.case = cases[clock.case_id]
    return ClockNames(found)


def plain(case: Case, kind: str, cycle: int) -> str:
    """By the case's version alone; a clock it no longer declares keeps its code."""
    label = _label(case, kind)
    return f"{label}（第 {cycle} 轮）" if cycle > 1 else label


def again(started_at: datetime, first_at: datetime, word: str) -> str:
    """What a clock that began anew for the same thing says besides."""
    return f"（{word}）" if started_at > first_at else ""


def _label(case: Case, kind: str) -> str:
    declared = lifecycle(case.definition_id).clocks.get(kind)
    return declared.label if declared else kind


def _called(case: Case, kind: str) -> bool:
    """Whether a level may begin such a clock: the document of levels may name any that is called."""
    declared = lifecycle(case.definition_id).clocks.get(kind)
    return (
        declared is not None
        and declared.counts == "called"
        and kind not in (*UNIT_CLOCKS, FEEDBACK, DESK_FEEDBACK)
    )


def _names_more(event: Event) -> bool:
    """Whether the clock an event is about may be named after something."""
    kind = str(event.data.get("clock") or "")
    return kind in (*UNIT_CLOCKS, FEEDBACK, DESK_FEEDBACK) or _called(event.case, kind)


def _key(clock: Clock) -> Key:
    return clock.case_id, clock.kind, clock.cycle


def _key_of(event: Event) -> Key:
    return event.case_id, str(event.data.get("clock") or ""), int(event.data.get("cycle") or 1)


def _numeral(number: int) -> str:
    return NUMERALS[number] if number < len(NUMERALS) else str(number)
