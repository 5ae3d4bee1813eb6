"""Clocks that are one unit's own, of co-tasks and of review tasks: whose each is, now or at a moment. Questions only."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from opinion.models import CoTask, ReviewTask
from opinion.models.co_task import CO_CLOCKS
from opinion.models.review_task import TASK_CLOCKS
from workflows.models import Case

UNIT_CLOCKS = (*CO_CLOCKS, *TASK_CLOCKS)
UnitTask = CoTask | ReviewTask
# Case id, kind of clock.
Slot = tuple[int, str]


def units_on(cases: Collection[int], clocks: Collection[str]) -> dict[Slot, int]:
    """Case id and kind → id of the unit whose task runs on that clock now. A statement for each of the two sorts asked for."""
    found: dict[Slot, int] = {}
    if helping := set(clocks) & set(CO_CLOCKS):
        co_tasks = CoTask.objects.standing().filter(case__in=cases, clock__in=helping)
        found |= {(case, kind): unit for case, kind, unit in co_tasks.values_list("case", "clock", "unit")}
    if learnt := set(clocks) & set(TASK_CLOCKS):
        tasks = ReviewTask.objects.open().filter(case__in=cases, clock__in=learnt)
        found |= {(case, kind): unit for case, kind, unit in tasks.values_list("case", "clock", "unit")}
    return found


def unit_on(case: Case, clock: str) -> int | None:
    """Id of the unit whose task runs on this clock now. One statement, none for a clock that is no task's."""
    return units_on([case.pk], [clock]).get((case.pk, clock))


def task_at(tasks: Iterable[UnitTask], clock: str, at: datetime) -> UnitTask | None:
    """The task that ran on this clock at a moment; None for a clock that is no task's."""
    found = [
        task
        for task in tasks
        if task.clock == clock and task.asked_at <= at and (task.ended_at is None or at <= task.ended_at)
    ]
    return found[-1] if found and clock else None


def unit_at(tasks: Iterable[UnitTask], clock: str, at: datetime) -> str:
    """Name of the unit whose task that was; empty for a clock that is no task's."""
    task = task_at(tasks, clock, at)
    return task.unit.name if task else ""
