"""运行状况 for whoever looks after the system, and the same for Prometheus."""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.health import broker
from config.health import health as health_of
from config.metrics import exposition
from notifications.models import Alert
from notifications.registry import watches
from opinion.attachments.scanning import scanner
from opinion.staffing import scarce_now
from workflows.models import User

LOOPBACK = {"127.0.0.1", "::1"}
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User) or not watches(user):
        raise PermissionDenied
    at = timezone.now()
    found = health_of(at=at)
    context = {
        "health": found,
        "waits": [
            ("时限检查滞后", int(found.lag.total_seconds())),
            ("最早未转发事件", int(found.outbox.total_seconds())),
            *((f"{label}通知滞后", int(late.total_seconds())) for label, late in found.notices.items()),
        ],
        "alerts": [(Alert.Kind(kind).label, count) for kind, count in found.alerts.items() if count],
        "broker": broker(),
        "scanner": scanner(),
        "scarce": scarce_now(),
        "at": at,
    }
    return render(request, "config/health.html", context)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """With the token of HUIYIN_METRICS_TOKEN; without one set, only to this machine itself. Others find nothing."""
    if not _may_scrape(request):
        raise Http404
    return HttpResponse(
        exposition(at=timezone.now()), content_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _may_scrape(request: HttpRequest) -> bool:
    token = settings.HUIYIN_METRICS_TOKEN
    if token:
        given = request.headers.get("Authorization", "")
        return compare_digest(given.encode(), f"Bearer {token}".encode())
    # A proxy on this machine also comes from here, but says whom it speaks for.
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not any(name in request.META for name in FORWARDED)
