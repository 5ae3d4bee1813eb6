"""Whose signature a case waits for while an approval has it: the level, and the unit of whoever is asked.

Such a case is held by that unit, so that lists show it as the unit responsible; which level it is stands beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Exists, OuterRef

from opinion.clock_names import Ties, numbered
from workflows.approvals.people import nearest
from workflows.models import Approval, ApprovalTask, Case, Event, Membership
from workflows.published import lifecycle


def awaited(cases: Iterable[Case]) -> dict[int, str]:
    """Case id → 待“第二级 受理台审核”表态, of those that are with whoever is asked. One statement, none where none can be."""
    signing = signed_now(cases)
    if not signing:
        return {}
    asked = Exists(ApprovalTask.objects.waiting().filter(process=OuterRef("pk")))
    running = Approval.objects.running().filter(case__in=signing).annotate(asks=asked).order_by("id")
    return {
        approval.case_id: in_words(approval, asks=approval.asks)
        for approval in running
        if approval.kind in signing[approval.case_id]
    }


def signed_now(cases: Iterable[Case]) -> dict[int, set[str]]:
    """Case id → the approvals that have it in the state it is in, by the documents alone; of those that any may have."""
    return {case.pk: kinds for case in cases if (kinds := _kinds(case))}


def in_words(approval: Approval, *, asks: bool) -> str:
    """asks: whether there is anybody in the level who could decide."""
    level = numbered(approval.levels, approval.level)
    return f"待“{level}”表态" if asks else f"“{level}”暂无人可表态"


def holds(approval: Approval, case: Case) -> bool:
    """Whether the case is with whoever this approval asks."""
    return approval.finished is None and approval.kind in _kinds(case)


def _kinds(case: Case) -> set[str]:
    declared = lifecycle(case.definition_id).approvals
    return {kind for kind, approval in declared.items() if approval.holds and case.state in approval.during}


def levels_in(events: Sequence[Event]) -> dict[int, tuple[str, str]]:
    """Event id → label and clock of the level that an event of an approval begins, or asks in; empty where there is none.

    One statement.
    """
    ties = Ties(approvals=list(Approval.objects.filter(case__in={event.case_id for event in events})))
    found = {}
    for event in events:
        name = str(event.data.get("next") or event.data.get("level") or "")
        declared = lifecycle(event.case.definition_id).approvals.get(str(event.data.get("approval")))
        clock = ties.level(event, name).get("clock") or (declared.clock if declared else None)
        found[event.pk] = (ties.level_label(event, name), clock or "")
    return found


def offices(case: Case, seats: Iterable[ApprovalTask]) -> dict[int, str]:
    """Seat id → the unit in which somebody is asked, of the open ones; an absent person's, where a deputy sits. One statement."""
    waiting = [seat for seat in seats if seat.is_open]
    posts: dict[int, list[Membership]] = defaultdict(list)
    if waiting:
        people = {seat.stands_for_id or seat.owner_id for seat in waiting}
        for post in Membership.objects.filter(user__in=people).select_related("unit").order_by("id"):
            posts[post.user_id].append(post)
    found = {}
    for seat in waiting:
        roles = seat.process.levels[seat.level - 1]["by"]
        held = posts[seat.stands_for_id or seat.owner_id]
        names = {post.unit_id: post.unit.name for post in held}
        asked = [post.unit_id for post in held if post.role in roles]
        chosen = nearest(asked or list(names), case, holder=case.unit_id)
        if chosen is not None:
            found[seat.pk] = names[chosen]
    return found
