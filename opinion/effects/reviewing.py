"""What an event teaches, and the tasks that follow from it."""

from __future__ import annotations

from opinion.models import ReviewTask
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
    """data: unit (id), assignment (text), due_on (date). The unit sees the case from here on."""
    said = move.data
    earlier = ReviewTask.objects.filter(case=move.case).order_by("-number").values_list("number", flat=True)
    task = ReviewTask(
        case=move.case, number=(earlier.first() or 0) + 1, unit_id=said["unit"], due_on=said["due_on"], set_by=move.by,
        set_at=move.at,
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


def _meant(move: Move) -> ReviewTask:
    for task in open_tasks(move.case, move.by):
        if move.data.get("task") in (None, "", task.number, str(task.number)):
            return task
    raise Cannot(f"{move.case.number} 没有可以这样办理的整改任务")


@effect
def finish_task(move: Move) -> None:
    """data: task (number), outcome (text)."""
    task = _meant(move)
    task.finish(move.by, move.at)
    task.save(update_fields=["state", "settled_by", "settled_at"])
    move.log(task=task.number, unit=task.unit_id)
    move.note("outcome", move.data["outcome"])


@effect
def hand_over_task(move: Move) -> None:
    """data: task (number), remark (text): to whom, and why."""
    task = _meant(move)
    task.hand_over(move.by, move.at)
    task.save(update_fields=["state", "settled_by", "settled_at"])
    move.log(task=task.number, unit=task.unit_id)
    move.note("remark", move.data["remark"])
