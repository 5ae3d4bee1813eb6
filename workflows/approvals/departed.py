"""Approvers who left while they were asked: their seats are closed, and somebody else is asked in their place.

Run from time to time. Nobody makes this move: the event says what the machinery did, under the lock of the case.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from workflows.approvals.book import ApprovalBook
from workflows.declarations import TransitionSpec
from workflows.errors import UnknownCase
from workflows.locking import lock
from workflows.models import ApprovalTask, Membership
from workflows.moves import Move
from workflows.published import lifecycle
from workflows.recording import append, system_id, system_user, unmanned_event
from workflows.sheaf import Sheaf

EVENT = "approval.reseated"
BATCH = 200


def replace_departed(*, at: datetime) -> int:
    """Cases in which somebody who works here no more was still asked; how many were mended. The next run takes the rest."""
    posts = Membership.objects.filter(user=OuterRef("owner"))
    gone = ApprovalTask.objects.waiting().filter(Q(owner__is_active=False) | ~Exists(posts))
    cases = gone.order_by("case_id").values_list("case_id", flat=True).distinct()[:BATCH]
    return sum(_replace(case_id, at) for case_id in list(cases))


def _replace(case_id: int, at: datetime) -> bool:
    recorded_at = timezone.now()
    with transaction.atomic():
        try:
            case, _ = lock(case_id)
        except UnknownCase:
            return False
        spec = lifecycle(case.definition_id)
        staying = TransitionSpec(
            label="审批人离岗", sources=(case.state,), to="stay", role=("system",), event=EVENT
        )
        move = Move(case, "", staying, spec, system_user(), at, {}, case.state)
        book = ApprovalBook.of([case])
        if not book.replace_departed(move):
            return False
        event = append(
            case, name=EVENT, transition="", actor_id=system_id(), source=case.state, target=case.state,
            data=move.logged, happened_at=at, recorded_at=recorded_at,
        )  # fmt: skip
        book.dated(move, event.seq)
        log = [event, *(unmanned_event(move, one, recorded_at, again=True) for one in book.unmanned_in(move))]
        sheaf = Sheaf()
        book.write(sheaf)
        sheaf.insert(log)
        sheaf.update([case], ["rev", "head", *move.changed])
        sheaf.write()
    return True
