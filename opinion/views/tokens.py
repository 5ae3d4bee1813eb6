"""Idempotency tokens in hidden fields: two clicks on one button send the same one, so they do one thing."""

from __future__ import annotations

import re
import secrets

from django.core.exceptions import BadRequest
from django.http import HttpRequest

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def fresh_token() -> str:
    return secrets.token_urlsafe(16)


def key_of(request: HttpRequest, what: str) -> str:
    """The key of what this form does: bound to person and deed, so that it cannot be borrowed. Raises BadRequest."""
    token = request.POST.get("token", "")
    if not _TOKEN.fullmatch(token):
        raise BadRequest("token")
    return f"{what}:{request.user.pk}:{token}"
