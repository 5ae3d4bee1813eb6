"""Questions about somebody's seats in a case: what roles, guards and pages ask. No lock and no change."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.formats import date_format

from workflows.models import Approval, ApprovalTask, Case, Event, User

Decision = ApprovalTask.Decision


def seats_of(case: Case, user: User) -> Sequence[ApprovalTask]:
    """Every seat of somebody in a case, the newest first; one statement, remembered with this instance of the case."""
    if case._state.adding:
        return []  # a case thought up to ask a role about a place
    known: dict[int, Sequence[ApprovalTask]] = case.__dict__.setdefault("_seats_of", {})
    if user.pk not in known:
        found = ApprovalTask.objects.filter(case=case, owner=user).select_related("process")
        known[user.pk] = list(found.order_by("-id"))
    return known[user.pk]


def kinds_waiting_for(case: Case, user: User) -> list[str]:
    """Approvals of a case in which somebody is asked now."""
    return list(dict.fromkeys(seat.process.kind for seat in seats_of(case, user) if seat.is_open))


def why_closed(case: Case, user: User, kind: str) -> str | None:
    """What became of the newest seat somebody had in an approval; None where they never had one, or have it still."""
    seat = next((seat for seat in seats_of(case, user) if seat.process.kind == kind), None)
    if seat is None or seat.is_open:
        return None
    if seat.decision == Decision.HANDED:
        return "您已将此项审批委派他人，请由受托人表态"
    if seat.decision != Decision.NONE:
        return f"您已于 {_when(seat)} 表态“{seat.get_decision_display()}”，不必再次办理"
    other = _who_ended(seat)
    return f"{other}，此项审批不再等您表态" if other else "此项审批已经结束，不再等您表态"


def _who_ended(seat: ApprovalTask) -> str:
    """Somebody else's decision in the same level, or the move that broke the approval off."""
    decided = ApprovalTask.objects.filter(process=seat.process, level=seat.level).exclude(seq=None)
    last = decided.select_related("owner").order_by("-seq").first()
    if last is not None:
        return f"{last.owner} 已于 {_when(last)} 表态“{last.get_decision_display()}”"
    ended = Event.objects.filter(case=seat.case_id, happened_at=seat.finished).select_related("actor")
    event = ended.order_by("-seq").first()
    if event is None:
        return ""
    from workflows.wording import event_label

    return f"{event.actor} 已于 {_when(seat)} 办理“{event_label(event.case, event)}”"


def _when(seat: ApprovalTask) -> str:
    return date_format(timezone.localtime(seat.finished), "Y-m-d H:i") if seat.finished else ""


def running(case: Case) -> Sequence[Approval]:
    """Approvals under way, the oldest first; one statement, remembered as the seats are."""
    known: Sequence[Approval] | None = case.__dict__.get("_approvals_running")
    if known is None:
        known = list(Approval.objects.running().filter(case=case).order_by("id"))
        case.__dict__["_approvals_running"] = known
    return known
