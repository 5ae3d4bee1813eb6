"""What somebody sent after the login had ended, or from a page older than it: not done, but nothing of it lost."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_CSRF_TOKEN_MISSING
from django.shortcuts import render
from django.views.csrf import csrf_failure as plain_failure

from opinion.views.tokens import NOT_FILLED_IN


def login_ended(request: HttpRequest) -> HttpResponse:
    """403 for a form sent without a login: it comes back, to be sent again after logging in on another tab."""
    return _come_back(request, ended=True)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form from before a new login: it comes back with a token of this one, to be looked at and sent again.

    Only where the browser says that the form is of these pages: what another site sends is not offered.
    """
    own = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if request.user.is_authenticated and own and reason != REASON_CSRF_TOKEN_MISSING:
        return _come_back(request, ended=False)
    return plain_failure(request, reason=reason)


def _come_back(request: HttpRequest, *, ended: bool) -> HttpResponse:
    """files: what was chosen cannot be sent again by a page; sent without it, the form would be another."""
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    context = {
        "ended": ended,
        "sent": sent,
        "texts": [text for name, text in sent if name not in NOT_FILLED_IN and _is_prose(text)],
        "files": [file.name for _, files in request.FILES.lists() for file in files],
    }
    return render(request, "opinion/kept.html", context, status=403)


def _is_prose(text: str) -> bool:
    """Something a person wrote, rather than a code or a date: what is shown to be read or copied."""
    return not text.isascii() or len(text) > 20
