"""What templates may ask: the menu, moments as people read them, the query string with something changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from opinion.navigation import Entry, entries
from opinion.reports.wording import length
from workflows.ladders import COLOURS

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[Entry]:
    """The menu of the person looking."""
    request = context["request"]
    match = request.resolver_match
    return entries(request.user, match.url_name or "" if match else "")


@register.filter
def moment(at: datetime | None, absent: str = "—") -> SafeString | str:
    """`2026-11-24 09:30` in local time, with the full moment for machines."""
    if at is None:
        return absent
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), f"{local:%Y-%m-%d %H:%M}"
    )


@register.filter
def day(at: datetime | None, absent: str = "—") -> SafeString | str:
    """`2026-11-24` in local time."""
    if at is None:
        return absent
    local = timezone.localtime(at)
    return format_html('<time datetime="{}">{}</time>', local.date().isoformat(), f"{local:%Y-%m-%d}")


register.filter("length_of_time", length)


@register.filter
def colour(name: str) -> str:
    """Chinese name of a colour of supervision, empty for none."""
    return COLOURS[name]


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """The page's own query string with some values changed; None takes one out, and so does any change of page."""
    params = context["request"].GET.copy()
    for name in ("after", "before"):
        params.pop(name, None)
    for name, value in changes.items():
        if value is None:
            params.pop(name, None)
        else:
            params[name] = value
    return f"?{params.urlencode()}" if params else "?"
