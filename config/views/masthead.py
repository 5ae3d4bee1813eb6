"""What the masthead of every page shows to whoever looks after the system."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from notifications.models import Alert
from notifications.registry import watches
from workflows.calendar_warnings import calendar_warnings
from workflows.models import User


def watchers(request: HttpRequest) -> dict[str, Any]:
    """`health_warnings`: open alerts and calendars that end too soon, counted only where a template shows it."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    return {"health_warnings": SimpleLazyObject(lambda: _warnings() if watches(user) else 0)}


def _warnings() -> int:
    return Alert.objects.filter(closed_at=None).count() + len(calendar_warnings(timezone.now()))
