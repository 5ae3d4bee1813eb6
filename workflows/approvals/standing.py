"""Questions about somebody's seats in a case: what roles, guards and pages ask. No lock and no change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from django.utils import timezone
from django.utils.formats import date_format

from workflows.approvals.under_way import under_way
from workflows.models import Approval, ApprovalTask, Case, Event, User
from workflows.published import approval_rules
from workflows.registry import Refusal
from workflows.wording import event_label

if TYPE_CHECKING:
    from workflows.moves import Move

Decision = ApprovalTask.Decision
# What ends a seat by the person's own word.
SPOKEN = (Decision.AGREED, Decision.RETURNED)
LevelState = Literal["done", "now", "ahead", "returned", "off"]


def level_state(approval: Approval, number: int) -> LevelState:
    """How far a level has come. returned: given back there; off: the approval ended before it was agreed."""
    if number < approval.level:
        return "done"
    if approval.finished is None:
        return "now" if number == approval.level else "ahead"
    ended: dict[str, LevelState] = {Approval.Outcome.GRANTED: "done", Approval.Outcome.RETURNED: "returned"}
    return ended.get(approval.outcome, "off") if number == approval.level else "off"


def seats_of(case: Case, user: User) -> Sequence[ApprovalTask]:
    """Every seat of somebody in a case, the newest first; one statement, remembered with this instance of the case."""
    if case._state.adding:
        return []  # a case thought up to ask a role about a place
    known: dict[int, Sequence[ApprovalTask]] = case.__dict__.setdefault("_seats_of", {})
    if user.pk not in known:
        found = ApprovalTask.objects.filter(case=case, owner=user).select_related("process", "handed_by")
        known[user.pk] = list(found.order_by("-id"))
    return known[user.pk]


def kinds_waiting_for(case: Case, user: User) -> list[str]:
    """Approvals of a case in which somebody is asked now."""
    return [
        one.approval.kind
        for one in under_way(case)
        if any(seat.owner_id == user.pk and seat.is_open for seat in one.seats)
    ]


def why_closed(case: Case, user: User, kind: str) -> str | None:
    """What became of the newest seat somebody had in an approval; None where they never had one, or have it still."""
    seat = next((seat for seat in seats_of(case, user) if seat.process.kind == kind), None)
    if seat is None or seat.is_open:
        return None
    if seat.decision == Decision.HANDED:
        return "您已将此项审批委派他人，请由受托人表态"
    if seat.decision == Decision.REMOVED:
        return f"{seat.handed_by} 已于 {_when(seat.finished)} 将您减签，不必再表态"
    if seat.decision != Decision.NONE:
        return f"您已于 {_when(seat.finished)} 表态“{seat.get_decision_display()}”，不必再次办理"
    other = _who_ended(seat.process, level=seat.level)
    return f"{other}，此项审批不再等您表态" if other else "此项审批已经结束，不再等您表态"


def ended(case: Case, kinds: Sequence[str]) -> Approval | None:
    """The newest approval of these kinds, where none of them is running."""
    found = [approval for approval in _all(case) if approval.kind in kinds]
    return None if not found or any(approval.finished is None for approval in found) else found[-1]


def why_ended(approval: Approval) -> str:
    """Who ended an approval, how and when."""
    other = _who_ended(approval, level=approval.level)
    return f"{other}，此项审批已经结束" if other else "此项审批已经结束，请刷新后查看"


def _who_ended(approval: Approval, *, level: int) -> str:
    """The last decision of a level, or the move that broke the approval off there."""
    broken_off = approval.outcome in {Approval.Outcome.STOPPED, Approval.Outcome.CANCELLED}
    if not broken_off or level < approval.level:
        decided = ApprovalTask.objects.filter(process=approval, level=level, decision__in=SPOKEN)
        last = decided.select_related("owner").order_by("-seq").first()
        if last is None:
            return ""
        return f"{last.owner} 已于 {_when(last.finished)} 表态“{last.get_decision_display()}”"
    events = Event.objects.filter(
        case=approval.case_id, happened_at__gte=approval.finished or approval.created
    )
    for event in events.select_related("actor", "case").order_by("seq"):
        if approval.kind in event.data.get("stopped", ()):
            return f"{event.actor} 已于 {_when(event.happened_at)} 办理“{event_label(event.case, event)}”"
    return ""


def _when(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "Y-m-d H:i") if moment else ""


def running(case: Case) -> Sequence[Approval]:
    """Approvals under way, the oldest first."""
    return [one.approval for one in under_way(case)]


def _all(case: Case) -> Sequence[Approval]:
    """Approvals of a case, the oldest first; one statement, remembered as the seats are."""
    known: Sequence[Approval] | None = case.__dict__.get("_approvals")
    if known is None:
        known = list(Approval.objects.filter(case=case).order_by("id"))
        case.__dict__["_approvals"] = known
    return known


def out_of_turn(move: Move) -> Refusal | None:
    """Why a move on an approval would come to nothing: what it asks for is being asked for already, or a signature would
    be for a case that is another by now. Said before anything is filled in."""
    for kind, declared in move.lifecycle.approvals.items():
        if move.name not in {*declared.opens, declared.signs}:
            continue
        approval = next((one for one in running(move.case) if one.kind == kind), None)
        if approval is None:
            continue
        if move.name in declared.opens:
            return Refusal(f"{move.case.number} 的“{declared.label}”正在审批，不能重复提交")
        if move.name == declared.signs and not still_fits(approval, move.case):
            return Refusal("案件的分类或等级在送审后有变，应经的审批层级随之不同，请退回后重新送审")
    return None


def still_fits(approval: Approval, case: Case) -> bool:
    """Whether the case is still one for which these levels are meant: it may have been classed or graded anew."""
    return approval_rules(approval.rules_id).rule(approval.kind, case.facts).row == approval.rule
