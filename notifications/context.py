"""What the masthead of every page shows about notices."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from notifications.models import Notice
from notifications.registry import watches
from workflows.models import User


def notices(request: HttpRequest) -> dict[str, Any]:
    """`unread_notices`: how many, counted only where a template shows it; `watches_notices`: may see the alerts."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {
        "unread_notices": SimpleLazyObject(lambda: Notice.objects.inbox_of(user).unread().count()),
        "watches_notices": SimpleLazyObject(lambda: watches(user)),
    }
