"""Units that help: asked, at work, done, sent back, waived. Texts are notes beside the event, the task has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opinion import cohandling
from opinion.models import CoTask
from opinion.models.co_task import AT_WORK, OPEN
from opinion.numbered import found, keep
from workflows.errors import Cannot
from workflows.models import Participation
from workflows.moves import Move
from workflows.registry import effect

State = CoTask.State
FINISH = "finish_co_task"
CO_TASK = "协办任务"


def ask(move: Move, units: Sequence[int], *, required: bool, standing: Iterable[CoTask]) -> None:
    """Give each of these units a task; standing: those that go on beside them. Raises Cannot where no clock is free.

    A version of a lifecycle that knows no tasks leaves it at letting them see the case.
    """
    if not units or FINISH not in move.lifecycle.transitions:
        return
    taken = {task.clock for task in standing}
    declared = cohandling.clocks_for(move.lifecycle)
    free = [kind for kind in declared if kind not in taken]
    if declared and len(free) < len(units):
        raise Cannot(f"{move.case.number} 同时协办的单位过多，至多 {len(declared)} 个")
    newest = CoTask.objects.filter(case=move.case).order_by("-number").values_list("number", flat=True)
    number = newest.first() or 0
    numbers = []
    for position, unit in enumerate(units):
        clock = free[position] if declared else ""
        number += 1
        numbers.append(number)
        task = CoTask(
            case=move.case, number=number, unit_id=unit, required=required, clock=clock, asked_by=move.by, asked_at=move.at,
        )  # fmt: skip
        move.add(task)
        if clock:
            move.begin(clock)
    move.log(tasks=numbers, required=required)


def let_go(move: Move, keep: Iterable[int] = ()) -> list[CoTask]:
    """Withdraw the tasks of all units but these; returns those that go on. What was contributed stands."""
    kept = set(keep)
    going_on = []
    for task in cohandling.standing(move.case):
        if task.unit_id in kept:
            going_on.append(task)
        elif task.is_open:
            _end(move, task, State.WITHDRAWN)
        else:
            _settle(move, task)
    return going_on


@effect
def ask_co_handling(move: Move) -> None:
    """data: assisting (unit ids), required (bool), asked, legal_basis (texts)."""
    units = list(dict.fromkeys(move.data["assisting"]))
    ask(move, units, required=bool(move.data["required"]), standing=cohandling.standing(move.case))
    parts = Participation.objects.filter(
        case=move.case, role=Participation.Role.ASSISTING, unit__in=units, ended_at=None
    )
    there = set(parts.values_list("unit", flat=True))
    for unit in units:
        if unit not in there:
            role = Participation.Role.ASSISTING
            move.add(Participation(case=move.case, unit_id=unit, role=role, started_at=move.at))
    move.log(assisting=units)
    move.note("asked", move.data["asked"])
    move.note("legal_basis", move.data.get("legal_basis", ""))


@effect
def accept_co_task(move: Move) -> None:
    """data: task (number)."""
    task = own_task(move, State.ASSIGNED)
    task.accept(move.by, move.at)
    keep(move, "task", task, "state", "accepted_by", "accepted_at")


@effect
def decline_co_task(move: Move) -> None:
    """data: task (number), grounds (text). Its clock stops: the lead's decision is not the unit's to wait for."""
    task = own_task(move, State.ASSIGNED)
    task.decline()
    move.end(task.clock)
    keep(move, "task", task, "state")
    move.note("grounds", move.data["grounds"])


@effect
def finish_co_task(move: Move) -> None:
    """data: task (number), contribution (text), result (code)."""
    task = own_task(move, *AT_WORK)
    task.finish(move.by, move.at, move.data["result"])
    move.meet(task.clock)
    keep(move, "task", task, "state", "accepted_by", "accepted_at", "finished_by", "finished_at", "result")
    move.log(result=task.result)
    move.note("contribution", move.data["contribution"])


@effect
def send_back_co_task(move: Move) -> None:
    """data: task (number), comments (text). A new round, on the same clock's next cycle."""
    task = _any(move, State.DONE, State.DECLINED)
    task.send_back()
    if task.clock:
        move.begin(task.clock)
    keep(move, "task", task, "state", "rounds")
    move.log(round=task.rounds)
    move.note("comments", move.data["comments"])


@effect
def waive_co_task(move: Move) -> None:
    """data: task (number), grounds (text)."""
    task = _any(move, *OPEN)
    _end(move, task, State.WAIVED)
    move.log(task=task.number, unit=task.unit_id)
    move.note("grounds", move.data["grounds"])


@effect
def end_co_tasks(move: Move) -> None:
    """The lead's answer is out, or the case ends some other way: open tasks have lost their purpose."""
    lapsed = []
    for task in cohandling.standing(move.case):
        if task.is_open:
            _end(move, task, State.LAPSED)
            lapsed.append(task.number)
        else:
            _settle(move, task)
    if lapsed:
        move.log(lapsed_tasks=lapsed)


def _end(move: Move, task: CoTask, how: State) -> None:
    {State.WAIVED: task.waive, State.WITHDRAWN: task.withdraw, State.LAPSED: task.lapse}[how](move.at)
    task.save(update_fields=["state", "ended_at"])
    if task.clock:
        move.end(task.clock)


def _settle(move: Move, task: CoTask) -> None:
    task.settle(move.at)
    task.save(update_fields=["ended_at"])


def own_task(move: Move, *states: str) -> CoTask:
    """The task of the mover's own unit that this is about. Raises Cannot."""
    own = cohandling.own(cohandling.standing(move.case), move.by)
    return found(move, cohandling.meant(own, move.data, *states), CO_TASK)


def _any(move: Move, *states: str) -> CoTask:
    return found(move, cohandling.meant(cohandling.standing(move.case), move.data, *states), CO_TASK)
