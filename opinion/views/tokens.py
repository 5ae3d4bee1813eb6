"""Idempotency tokens in hidden fields: two clicks on one button send the same one, so they do one thing.

A page gone back to sends its old token with other content: that is no second click, and is told by its digest.
"""

from __future__ import annotations

import json
import re
import secrets

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
NOT_FILLED_IN = frozenset({"csrfmiddlewaretoken", "token"})


def fresh_token() -> str:
    return secrets.token_urlsafe(16)


def key_of(request: HttpRequest, what: str) -> str:
    """The key of what this form does: bound to person, deed and what was filled in. Raises BadRequest."""
    token = request.POST.get("token", "")
    if not _TOKEN.fullmatch(token):
        raise BadRequest("token")
    return f"{what}:{request.user.pk}:{token}:{_digest(request)}"


def _digest(request: HttpRequest) -> str:
    """Of all that was sent, files by name and size. Keyed: what is filled in may be somebody's telephone number."""
    said = sorted((name, values) for name, values in request.POST.lists() if name not in NOT_FILLED_IN)
    files = sorted((name, [(f.name, f.size) for f in sent]) for name, sent in request.FILES.lists())
    return salted_hmac("opinion.tokens", json.dumps([said, files]), algorithm="sha256").hexdigest()[:12]
