"""Forms of the moves, registered under the names lifecycle documents use.

Each takes `(data, case=case, by=user, at=now)`; its `cleaned_data` is what the effects of the move expect: codes, ids,
text and aware times, never model instances. Importing this package registers them all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opinion.forms import (
    approving,
    claiming,
    cohandling,
    concluding,
    dispatching,
    drafting,
    extending,
    feedback,
    files,
    handling,
    linking,
    opening,
    privacy,
    replying,
    reporting,
    responding,
    reviewing,
    signing,
    supervising,
    work_plan,
)
from opinion.forms.base import MoveForm
from opinion.forms.opening import OpeningForm
from opinion.forms.register import RegisterForm
from workflows.models import Case, User
from workflows.registry import FORMS

__all__ = [
    "MoveForm", "OpeningForm", "RegisterForm", "approving", "claiming", "cohandling", "concluding", "dispatching", "drafting",
    "extending", "feedback", "files", "form_for", "handling", "linking", "opening", "privacy", "replying",
    "reporting", "responding", "reviewing", "signing", "supervising", "work_plan",
]  # fmt: skip


def form_for(name: str, data: Any, *, case: Case, user: User, at: datetime, files: Any = None) -> MoveForm:
    """The form registered as `name`, bound to `data` and `files` or, with None, fresh. Raises KeyError for an unknown name."""
    cls: type[MoveForm] = FORMS[name]
    return cls(data, case=case, by=user, at=at, files=files)
