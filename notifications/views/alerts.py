"""通知告警, for whoever looks after the system: who could not be told, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from notifications.catching import caught_mails
from notifications.channels import CHANNELS
from notifications.models import Alert
from notifications.registry import watches
from notifications.reviving import revive
from notifications.views.inbox import user_of
from workflows.models import User
from workflows.wording import event_names, step_names

SHOWN = 100


def _watcher(request: HttpRequest) -> User:
    """The person, if the alerts are theirs to see. Raises PermissionDenied."""
    user = user_of(request)
    if not watches(user):
        raise PermissionDenied
    return user


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    _watcher(request)
    listed = Alert.objects.select_related("unit", "closed_by").order_by("-last_at", "-id")
    context = {
        "open": in_words(listed.filter(closed_at=None)[:SHOWN]),
        "closed": in_words(listed.filter(closed_at__isnull=False)[:20]),
        "undelivered": Alert.Kind.UNDELIVERED,
        "catches": caught_mails() is not None,
    }
    return render(request, "notifications/alerts.html", context)


def in_words(alerts: Iterable[Alert]) -> list[tuple[Alert, str]]:
    """Each with what it is about. Codes of errors stay: whoever looks after the system looks them up. Two statements."""
    events, steps = event_names(), step_names()
    return [(alert, _subject(alert, events, steps)) for alert in alerts]


def _subject(alert: Alert, events: Mapping[str, str], steps: Mapping[str, str]) -> str:
    name, _, code = alert.subject.partition(" ")
    match alert.kind:
        case Alert.Kind.NOBODY | Alert.Kind.UNDECLARED:
            return events.get(alert.subject, alert.subject)
        case Alert.Kind.UNDELIVERED:
            return f"{CHANNELS[name].label}（{code}）" if name in CHANNELS else alert.subject
        case Alert.Kind.STUCK:
            return f"{steps.get(name, name)}（{code}）" if code else steps.get(name, name)
    return alert.subject


@require_POST
def alert_close(request: HttpRequest, pk: int) -> HttpResponse:
    """With `again`, what could not be delivered is tried again first."""
    user = _watcher(request)
    at = timezone.now()
    alert = get_object_or_404(Alert, pk=pk)
    if "again" in request.POST and alert.kind == Alert.Kind.UNDELIVERED:
        messages.success(request, f"{revive(alert, at=at)} 条通知将重新发送")
    if Alert.objects.filter(pk=pk, closed_at=None).update(closed_at=at, closed_by=user):
        messages.success(request, "告警已处理")
    else:
        messages.warning(request, "这条告警已有人处理过")
    return redirect("alerts")


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """Mails as a developer's machine or the demo keeps them instead of sending."""
    _watcher(request)
    return render(request, "notifications/mails.html", {"mails": caught_mails()})
