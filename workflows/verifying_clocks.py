"""Does every clock still say what its intervals, extensions, policy and calendar say? In constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from workflows.aiming import consumed_in, earliest, pauses_of
from workflows.calendars import NoWorkingTime
from workflows.dues import due_of
from workflows.following import followed, follows, leader
from workflows.models import Case, Clock, ClockInterval, Extension
from workflows.published import calendar, lifecycle, policy

CHUNK = 1000
MOST_PROBLEMS = 50


@dataclass(frozen=True)
class ClockProblem:
    """The first thing wrong with a clock, or with what its case shows of its clocks (then `clock` is empty)."""

    number: str
    clock: str
    reason: str

    def __str__(self) -> str:
        return f"{self.number} {self.clock}：{self.reason}" if self.clock else f"{self.number}：{self.reason}"


@dataclass
class ClockReport:
    """What was checked. problems: at most `MOST_PROBLEMS`; bad: how many there are."""

    cases: int = 0
    clocks: int = 0
    bad: int = 0
    problems: list[ClockProblem] = field(default_factory=list)

    def add(self, problem: ClockProblem) -> None:
        self.bad += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


def verify_clocks(*, number: str | None = None) -> ClockReport:
    """Check every case, or the one with this number. Raises Case.DoesNotExist for a number there is not."""
    report = ClockReport()
    if number is not None:
        _verify([Case.objects.get(number=number)], report)
        return report
    last = 0
    while cases := list(Case.objects.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        _verify(cases, report)
        last = cases[-1].pk
    return report


def _verify(cases: Sequence[Case], report: ClockReport) -> None:
    """A chunk; four statements, the clocks first, so that one that moves meanwhile is looked at again."""
    ids = [case.pk for case in cases]
    clocks: dict[int, list[Clock]] = {pk: [] for pk in ids}
    for clock in Clock.objects.filter(case__in=ids).order_by("case_id", "id"):
        clocks[clock.case_id].append(clock)
    known = [clock.pk for group in clocks.values() for clock in group]
    intervals: dict[int, list[ClockInterval]] = {pk: [] for pk in known}
    extended: dict[int, list[str]] = {pk: [] for pk in known}
    for part in (known[start : start + 5000] for start in range(0, len(known), 5000)):
        for interval in ClockInterval.objects.filter(clock__in=part).order_by("clock_id", "started_at", "id"):
            intervals[interval.clock_id].append(interval)
        granted = Extension.objects.filter(clock__in=part, state=Extension.State.GRANTED)
        for clock_id, amount in granted.order_by("decided_at", "id").values_list("clock_id", "amount"):
            extended[clock_id].append(amount)
    for case in cases:
        report.cases += 1
        report.clocks += len(clocks[case.pk])
        found = list(_problems(case, clocks[case.pk], intervals, extended))
        if found and _still(case):
            for problem in found:
                report.add(problem)


def _still(case: Case) -> bool:
    """Whether the case has not moved since it was read; if it has, what was read does not belong together."""
    return Case.objects.filter(pk=case.pk, rev=case.rev).exists()


def _problems(
    case: Case, clocks: list[Clock], intervals: dict[int, list[ClockInterval]], extended: dict[int, list[str]]
) -> Iterator[ClockProblem]:
    for clock in clocks:
        reason = _wrong(case, clock, clocks, intervals[clock.pk], extended[clock.pk])
        if reason:
            yield ClockProblem(case.number, f"{clock.kind} 第 {clock.cycle} 轮", reason)
    running = [clock for clock in clocks if clock.state == Clock.State.RUNNING]
    first = earliest(clocks, lifecycle(case.definition_id))
    if case.due_at != (first.due_at if first else None):
        yield ClockProblem(case.number, "", "案件上的最近时限与计时中的时限不符")
    elif first is not None and not any(
        clock.provisional == case.provisional for clock in running if clock.due_at == first.due_at
    ):
        yield ClockProblem(case.number, "", "案件上的“时限暂定”与时限不符")


def _wrong(
    case: Case, clock: Clock, clocks: list[Clock], intervals: list[ClockInterval], extended: list[str]
) -> str:
    closed = [i for i in intervals if i.ended_at is not None]
    return (
        _account(clock, intervals)
        or _state(clock, intervals)
        or _rule(clock)
        or _reckoning(case, clock, clocks, closed, extended)
    )


def _account(clock: Clock, intervals: list[ClockInterval]) -> str:
    """Intervals cover the clock's life, one after the other."""
    if not intervals or intervals[0].started_at != clock.started_at:
        return "计时区间不是从起算时间开始"
    for before, after in pairwise(intervals):
        if before.ended_at is None or before.ended_at != after.started_at:
            return "计时区间有重叠或间断"
        if before.kind == after.kind:
            return "相邻的计时区间类别相同"
    return ""


def _state(clock: Clock, intervals: list[ClockInterval]) -> str:
    open_kind = intervals[-1].kind if intervals[-1].ended_at is None else None
    wanted = {Clock.State.RUNNING.value: "run", Clock.State.PAUSED.value: "pause"}.get(clock.state)
    if open_kind != wanted:
        return f"状态为“{clock.get_state_display()}”，与未结束的计时区间不符"
    if wanted != "run" and clock.next_at is not None:
        return "没有在计时，却有下次检查时间"
    if clock.state == Clock.State.MET and clock.missed_at is not None:
        return "记为按时完成，却有逾期记录"
    if clock.state == Clock.State.MISSED and clock.missed_at is None:
        return "记为逾期完成，却没有逾期记录"
    if clock.next_at is not None and clock.missed_at is None and clock.next_at > clock.due_at:
        return "下次检查晚于到期时间"
    return ""


def _rule(clock: Clock) -> str:
    rule = policy(clock.policy_id).row(clock.rule)
    if rule is None or rule.clock != clock.kind:
        return f"时限规则中没有条目 {clock.rule}"
    # What earlier cycles left of a total, or somebody chose, is shorter than the rule says.
    if rule.limit != clock.limit and rule.in_total is None and not rule.chosen:
        return f"期限为 {clock.limit}，规则为 {rule.limit}"
    return ""


def _reckoning(
    case: Case, clock: Clock, clocks: list[Clock], closed: list[ClockInterval], extended: list[str]
) -> str:
    """Time used and due moment, reckoned anew on the clock's own calendar version.

    A clock due a stretch before others is held against them while it goes; they may have moved on since it ended.
    """
    on = calendar(clock.calendar_id)
    used = consumed_in(closed, on, clock.limit)
    if used != clock.consumed_seconds:
        return f"已用 {clock.consumed_seconds} 秒，按计时区间应为 {used} 秒"
    # A pause that the end of the clock cut short moved nothing.
    counted = closed[:-1] if clock.finished_at and closed and closed[-1].kind == "pause" else closed
    try:
        due = due_of(on, clock.started_at, clock.limit, paused=pauses_of(counted), extended=extended)
        spec = lifecycle(case.definition_id)
        if follows(spec, clock.kind):
            if not clock.is_going or clock.state == Clock.State.PAUSED:
                return ""
            first = leader(spec, clock.kind, clocks)
            due = followed(clock.limit, due, first, calendar(first.calendar_id) if first else None)
    except NoWorkingTime as error:
        return str(error)
    if due.at != clock.due_at:
        return f"到期为 {clock.due_at.isoformat()}，重算为 {due.at.isoformat()}"
    if due.provisional != clock.provisional:
        return "“暂定”标记与日历不符"
    return ""
