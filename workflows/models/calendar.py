"""Published working calendars."""

from __future__ import annotations

import json
from functools import cached_property, lru_cache
from typing import ClassVar

from django.db import models

from workflows.calendars import CalendarSpec, WorkingCalendar, compile_calendar
from workflows.models.definition import PublishedDocument


class CalendarVersion(PublishedDocument):
    """A calendar: weekly hours, holidays, make-up days, and how far they are announced."""

    class Meta:
        verbose_name = verbose_name_plural = "工作日历"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="wf_calendar_version")
        ]

    @cached_property
    def parsed(self) -> CalendarSpec:
        return CalendarSpec.model_validate(self.spec)

    @cached_property
    def compiled(self) -> WorkingCalendar:
        """Prefix sums. Built once a process for each content, whatever its id."""
        return _compiled(json.dumps(self.spec, sort_keys=True))


@lru_cache(maxsize=16)
def _compiled(content: str) -> WorkingCalendar:
    return compile_calendar(CalendarSpec.model_validate_json(content))
