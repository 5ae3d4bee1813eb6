"""The roles the engine itself needs."""

from __future__ import annotations

from workflows.approvals.standing import kinds_waiting_for, seats_of
from workflows.models import Case, User
from workflows.registry import role


@role("system", "系统", sees="nothing", given=False)
def system(case: Case, user: User) -> bool:
    """Commands and periodic work, acting as the named system user."""
    return user.is_system


@role("approver", "审批人", sees="nothing", given=False)
def approver(case: Case, user: User) -> bool:
    """Somebody who was asked in an approval of this case, and may know of it still; whether the seat is still open is the
    approval's to say.

    The one role that costs a statement, once for an instance of the case; another for somebody not asked now.
    """
    return bool(kinds_waiting_for(case, user) or seats_of(case, user)) and case.seen_by(user)


@role("approval", "审批结果", sees="nothing", given=False)
def approval(case: Case, user: User) -> bool:
    """Nobody: such a move is made by the last agreement of an approval alone."""
    return False
