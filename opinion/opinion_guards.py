"""When a grade may be given, a response signed, silence kept and a case closed, in an event the public talks about. Pure."""

from __future__ import annotations

from opinion import review_tasks
from opinion.barring import barred_units
from opinion.grading import SERIOUS, grade_of, within_word
from opinion.models import Link, ReviewTask
from workflows.models import Approval, Case, Unit, User
from workflows.moves import Move
from workflows.published import approval_rules, lifecycle
from workflows.registry import ROLES, Refusal, guard

# What the public is owed before the matter may rest.
OUTPUTS = ("authority", "conference", "response")


@guard
def grade_is_ones_to_give(move: Move) -> Refusal | None:
    """Neither giving a grade above one's word nor taking one away that somebody above gave."""
    touched = {grade_of(move.case), str(move.data.get("grade", ""))} - {""}
    if touched <= within_word(move.case, move.by):
        return None
    return Refusal("特别重大、重大由领导确定，较大由领导或审核员确定，您不能定为或改动这一等级")


@guard
def levels_are_those_of_the_grade(move: Move) -> Refusal | None:
    """An event that has become graver since its response went to review needs the levels of its new grade."""
    running = Approval.objects.running().filter(case=move.case, kind="response").first()
    if running is None or move.lifecycle.levels is None:
        return None
    now = approval_rules(running.rules_id).rule("response", move.case.facts)
    if len(now.levels) <= len(running.levels):
        return None
    return Refusal("等级已经调高，须按新的等级逐级审定，请退回或撤回后重新送审")


@guard
def silence_is_allowed(move: Move) -> Refusal | None:
    """A serious event is always answered. Source: 国办发〔2016〕61号."""
    return Refusal("特别重大、重大舆情必须公开回应") if grade_of(move.case) in SERIOUS else None


@guard
def promised_outputs_are_out(move: Move) -> Refusal | None:
    """Late or not, what was due to the public has been said before the matter rests."""
    owed = list(move.case.clocks.going().filter(kind__in=OUTPUTS).values_list("kind", flat=True))
    if not owed:
        return None
    declared = lifecycle(move.case.definition_id).clocks
    names = "、".join(declared[kind].label for kind in OUTPUTS if kind in owed)
    return Refusal(f"{names}尚未完成，先发布再处置完毕")


@guard
def every_task_is_settled(move: Move) -> Refusal | None:
    left = ReviewTask.objects.filter(case=move.case).open().select_related("unit")
    names = "、".join(f"{task.unit}的任务 {task.number}" for task in left)
    return Refusal(f"{names}尚未完成，完成或移交后才能办结") if names else None


@guard
def task_goes_to_who_may_see_it(move: Move) -> Refusal | None:
    """Neither to a unit complained about nor, where the event is restricted, to any but the lead."""
    unit = move.data.get("unit")
    if unit is None:
        return None
    if unit in barred_units(move.case):
        return Refusal(f"{Unit.objects.get(pk=unit)}是被反映单位或其下级，请另选单位")
    if move.case.restricted and unit != move.case.lead_id:
        return Refusal("限制知悉的事件其他单位不可见，整改任务只能由主办单位落实")
    return None


@guard
def task_has_a_clock_free(move: Move) -> Refusal | None:
    """Each open task runs on a clock of its own; a lifecycle has so many of them."""
    if not review_tasks.clocks_for(move.case) or review_tasks.free_clocks(move.case):
        return None
    return Refusal(review_tasks.too_many(move.case))


def open_tasks(case: Case, user: User) -> list[ReviewTask]:
    """Tasks this person may settle: the desk and the leaders any, a unit its own."""
    found = ReviewTask.objects.filter(case=case).open().select_related("unit").order_by("number")
    standing = user.standing
    if any(
        ROLES[role].may(case, user) for role in ("reviewer", "dispatcher", "leader", "confidential_officer")
    ):
        return list(found)
    return [task for task in found if task.unit_id in standing.units]


@guard
def task_is_ones_to_settle(move: Move) -> Refusal | None:
    wanted = move.data.get("task")
    if any(wanted in (None, "", task.number, str(task.number)) for task in open_tasks(move.case, move.by)):
        return None
    return Refusal("没有由您办结的整改任务", already=wanted is not None)


@guard
def something_is_linked(move: Move) -> Refusal | None:
    tied = Link.objects.standing().filter(from_case=move.case, kind=Link.Kind.SAME_MATTER)
    return None if tied.exists() else Refusal("没有关联的案件")
