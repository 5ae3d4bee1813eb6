"""Whom an approval of the demo waits for."""

from __future__ import annotations

from workflows.models import ApprovalTask, User

# The move that signs → the approval it signs.
SIGNS = {
    "sign_reply": "reply", "sign_extension": "extension", "sign_suspension": "suspension", "sign_order": "order",
    "sign_decline": "decline", "sign_closing": "closing",
}  # fmt: skip


def asked(case_id: int, kind: str) -> User | None:
    """The first whose agreement is still awaited."""
    seats = ApprovalTask.objects.waiting().filter(case=case_id, process__kind=kind).select_related("owner")
    seat: ApprovalTask | None = seats.order_by("id").first()
    return seat.owner if seat else None
