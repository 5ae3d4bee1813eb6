"""What `manage.py check --database default` says about the state of the documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import connections
from django.utils import timezone


@register(Tags.database)
def calendars_reach_far_enough(
    app_configs: Any = None, databases: Sequence[str] | None = None, **options: Any
) -> list[CheckMessage]:
    """W001 for each calendar whose next year is missing. Before the first `migrate` there is nothing to ask."""
    from workflows.calendar_warnings import calendar_warnings

    if "default" not in (databases or ()):
        return []
    if "workflows_calendarversion" not in connections["default"].introspection.table_names():
        return []
    return [checks.Warning(sentence, id="workflows.W001") for sentence in calendar_warnings(timezone.now())]
