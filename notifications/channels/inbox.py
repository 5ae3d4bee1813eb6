"""站内信: the row is the message."""

from __future__ import annotations

from notifications.channels import Channel
from workflows.models import User


class Inbox(Channel):
    """Reaches everybody who can log in, at once, and cannot be turned off."""

    label = "站内信"
    is_row = True

    def reaches(self, user: User) -> bool:
        return True
