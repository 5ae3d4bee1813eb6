"""Calendars that end too soon: asked by pages, health and the system check."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from workflows.calendars.due_years import missing_year
from workflows.models import CalendarVersion
from workflows.published import calendar


def calendar_warnings(at: datetime) -> list[str]:
    """A Chinese sentence for each calendar whose next year should be published and is not."""
    found = []
    for version in CalendarVersion.objects.newest().only("code", "label").order_by("code"):
        spec = calendar(version.pk).spec
        year = missing_year(spec, at.astimezone(ZoneInfo(spec.timezone)).date())
        if year is not None:
            found.append(
                f"“{version.label}”还没有 {year} 年的放假安排，跨入 {year} 年的时限只能暂定；请在通知公布后发布新版本"
            )
    return found
