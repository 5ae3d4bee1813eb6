"""The one role the engine itself needs."""

from __future__ import annotations

from workflows.models import Case, User
from workflows.registry import role


@role("system", "系统", sees="nothing")
def system(case: Case, user: User) -> bool:
    """Commands and periodic work, acting as the named system user."""
    return user.is_system
