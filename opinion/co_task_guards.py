"""When a unit may be asked to help, its task be taken up, finished, sent back or waived, and when the lead may answer. Pure."""

from __future__ import annotations

from django.utils import timezone

from opinion import cohandling
from opinion.models import CoTask
from opinion.models.co_task import AT_WORK, OPEN
from workflows.moves import Move
from workflows.registry import Refusal, guard
from workflows.wording import event_label

State = CoTask.State


@guard
def assisting_units_can_help(move: Move) -> Refusal | None:
    """They can see the case, and there are not more of them than the lifecycle has clocks for."""
    asked = set(move.data.get("assisting") or ())
    asking = move.name == "ask_co_handling"
    if move.case.restricted and (asked or asking):
        return Refusal("限制知悉的案件协办单位不可见，不能请其他单位协办，请由主办单位办理")
    most = len(cohandling.clocks_for(move.lifecycle))
    if not asked or not most:
        return None
    helping = {task.unit_id: task.unit for task in cohandling.standing(move.case)} if asking else {}
    if doubled := asked & set(helping):
        names = "、".join(str(unit) for pk, unit in helping.items() if pk in doubled)
        return Refusal(f"{names}已在协办本案，如须补充请退回其协办任务", already=True)
    if asking and move.case.lead_id in asked:
        return Refusal("主办单位不能同时协办，请另选单位")
    if len(asked) + len(helping) > most:
        return Refusal(
            f"一件案件同时协办的单位至多 {most} 个，请减少{f'，现已有 {len(helping)} 个' if helping else ''}"
        )
    return None


@guard
def co_tasks_are_done(move: Move) -> Refusal | None:
    """The lead's answer waits for everything that was required. Source: domain.md 4, Co-handling."""
    waiting = cohandling.unfinished(move.case)
    if not waiting:
        return None
    names = "、".join(f"{task.unit}（{task.get_state_display()}）" for task in waiting)
    return Refusal(f"必须办结的协办任务尚未完成：{names}；请待其完成，或写明理由予以免除")


@guard
def co_task_awaits_receipt(move: Move) -> Refusal | None:
    return _own(move, "没有等待本单位签收的协办任务", State.ASSIGNED)


@guard
def co_task_can_be_declined(move: Move) -> Refusal | None:
    """Before it is taken up, and once: what the lead sends back after that is to be done."""
    return _own(move, "没有可以退回的协办任务，签收后不能再退", State.ASSIGNED)


@guard
def co_task_is_at_work(move: Move) -> Refusal | None:
    return _own(move, "没有等待本单位办理的协办任务", *AT_WORK)


@guard
def co_task_can_be_sent_back(move: Move) -> Refusal | None:
    return _any(move, "没有已完成或退回待定的协办任务", State.DONE, State.DECLINED)


@guard
def co_task_is_open(move: Move) -> Refusal | None:
    return _any(move, "没有未完成的协办任务", *OPEN)


def _own(move: Move, otherwise: str, *states: str) -> Refusal | None:
    return _refusal(move, cohandling.own(cohandling.tasks_of(move.case), move.by), otherwise, *states)


def _any(move: Move, otherwise: str, *states: str) -> Refusal | None:
    return _refusal(move, cohandling.tasks_of(move.case), otherwise, *states)


def _refusal(move: Move, tasks: list[CoTask], otherwise: str, *states: str) -> Refusal | None:
    """Where the task named has moved on, who did what with it and when."""
    if cohandling.meant(tasks, move.data, *states) is not None:
        return None
    named = move.data.get("task")
    gone = [task for task in tasks if named not in (None, "") and str(task.number) == str(named)]
    last = cohandling.last_move(gone[0]) if gone else None
    if last is None:
        return Refusal(otherwise)
    when = f"{timezone.localtime(last.happened_at):%Y-%m-%d %H:%M}"
    return Refusal(
        f"{last.actor} 已于 {when} 办理“{event_label(move.case, last)}”，"
        f"{gone[0].unit}的协办任务现为“{gone[0].get_state_display()}”，请刷新后再办理",
        already=True,
    )
