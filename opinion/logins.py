"""How long a login lasts, and what becomes of a form that comes without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse

# A login is renewed by work, at most this often: it costs a statement.
RENEWED_EVERY_SECONDS = 1800
RENEWED = "renewed"


def lasting_login(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """`SESSION_COOKIE_AGE` counts from the last work, not from the login: nobody is logged out over a long text."""

    def middleware(request: HttpRequest) -> HttpResponse:
        renewed = request.session.get(RENEWED)
        if renewed is not None and time.time() - renewed > RENEWED_EVERY_SECONDS:
            _renew(request=request)
        return get_response(request)

    return middleware


def _renew(*, request: HttpRequest, **_: Any) -> None:
    request.session[RENEWED] = int(time.time())


user_logged_in.connect(_renew, dispatch_uid="opinion.renew")


class LoginKeepsWhatWasSent(LoginRequiredMiddleware):
    """A page opens after logging in, as always; a form that was sent comes back with what was filled in."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        from opinion.views.kept import login_ended
        from opinion.views.tokens import NOT_FILLED_IN

        if request.method == "POST" and not NOT_FILLED_IN.issuperset(request.POST):
            return login_ended(request)
        return super().handle_no_permission(request, view_func)
