"""Co-tasks on a case: whose they are, and what may be done with them now. Questions only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef

from opinion.models import CoTask
from opinion.models.co_task import CO_CLOCKS
from opinion.numbered import is_meant
from opinion.roles import helping_units
from workflows.models import Case, Event, User
from workflows.spec import LifecycleSpec

PEOPLE = ("asked_by", "accepted_by", "finished_by")


def tasks_of(case: Case) -> list[CoTask]:
    """All of a case, oldest first, with their units. One statement."""
    found = CoTask.objects.filter(case=case).select_related("unit").order_by("number")
    return [_of(case, task) for task in found]


def standing(case: Case) -> list[CoTask]:
    """Not ended, oldest first, with their units. One statement."""
    found = CoTask.objects.filter(case=case).standing().select_related("unit").order_by("number")
    return [_of(case, task) for task in found]


def _of(case: Case, task: CoTask) -> CoTask:
    task.case = case
    return task


def own(tasks: Iterable[CoTask], user: User) -> list[CoTask]:
    """Those of units this person does such work for."""
    units = helping_units(user)
    return [task for task in tasks if task.unit_id in units]


def meant(tasks: Sequence[CoTask], data: Mapping[str, Any], *states: str) -> CoTask | None:
    """The task a move is about: the one named, or simply the first in one of these states."""
    for task in tasks:
        if task.state in states and is_meant(task.number, data.get("task")):
            return task
    return None


def waiting_for(units: Collection[int]) -> Exists:
    """Whether it is the turn of one of these units to contribute to a case: a condition on cases."""
    return Exists(CoTask.objects.at_work().filter(case=OuterRef("pk"), unit__in=units))


def unfinished(case: Case) -> list[CoTask]:
    """Those the lead's answer has to wait for. One statement."""
    return [task for task in standing(case) if task.required and task.is_open]


def clocks_for(spec: LifecycleSpec) -> tuple[str, ...]:
    """Kinds of clocks this lifecycle has for tasks; none where it sets them no limit."""
    return tuple(kind for kind in CO_CLOCKS if kind in spec.clocks)


def last_move(task: CoTask) -> Event | None:
    """What was last done with a task. One statement."""
    events = Event.objects.filter(case=task.case, name__startswith="co_task.", data__task=task.number)
    return events.select_related("actor").order_by("-seq").first()
