"""What an event teaches, and the tasks that follow from it."""

from __future__ import annotations

from opinion import review_tasks
from opinion.models import ReviewTask
from opinion.numbered import found, is_meant, keep
from opinion.opinion_guards import open_tasks
from workflows.errors import Cannot
from workflows.models import Participation
from workflows.moves import Move
from workflows.registry import effect


@effect
def keep_lessons(move: Move) -> None:
    """data: lessons (text)."""
    move.note("lessons", move.data["lessons"])


@effect
def set_task(move: Move) -> None:
    """data: unit (id), assignment (text), due_on (date). The unit sees the case from here on, and its clock runs to that day."""
    said = move.data
    clock = _begun(move)
    earlier = ReviewTask.objects.filter(case=move.case).order_by("-number").values_list("number", flat=True)
    task = ReviewTask(
        case=move.case, number=(earlier.first() or 0) + 1, unit_id=said["unit"], due_on=said["due_on"], set_by=move.by,
        set_at=move.at, clock=clock,
    )  # fmt: skip
    move.add(task)
    move.log(task=task.number, unit=said["unit"], due_on=said["due_on"].isoformat())
    move.note("assignment", said["assignment"])
    parts = Participation.objects.filter(case=move.case, unit=said["unit"], ended_at=None)
    if not parts.exists():
        move.add(
            Participation(
                case=move.case, unit_id=said["unit"], role=Participation.Role.ASSISTING, started_at=move.at
            )
        )


def _begun(move: Move) -> str:
    """A clock of the task's own; empty where there are none for tasks. Raises Cannot where none is free, or the day is over."""
    if not review_tasks.clocks_for(move.case):
        return ""
    free = review_tasks.free_clocks(move.case)
    if not free:
        raise Cannot(review_tasks.too_many(move.case))
    limit = review_tasks.limit_until(move.case, move.data["due_on"], at=move.at)
    if limit is None:
        raise Cannot(review_tasks.TOO_LATE)
    move.begin(free[0], limit=limit)
    return free[0]


def _meant(move: Move) -> ReviewTask:
    mine = (task for task in open_tasks(move.case, move.by) if is_meant(task.number, move.data.get("task")))
    return found(move, next(mine, None), "整改任务")


@effect
def finish_task(move: Move) -> None:
    """data: task (number), outcome (text)."""
    task = _meant(move)
    task.finish(move.by, move.at)
    keep(move, "task", task, "state", "settled_by", "settled_at")
    if task.clock:
        move.meet(task.clock)
    move.note("outcome", move.data["outcome"])


@effect
def hand_over_task(move: Move) -> None:
    """data: task (number), remark (text): to whom, and why."""
    task = _meant(move)
    task.hand_over(move.by, move.at)
    keep(move, "task", task, "state", "settled_by", "settled_at")
    if task.clock:
        move.end(task.clock)
    move.note("remark", move.data["remark"])
