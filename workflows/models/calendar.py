"""Published working calendars."""

from __future__ import annotations

from functools import cached_property
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
        """Prefix sums, built once per process by `workflows.published.calendar`."""
        return compile_calendar(self.parsed)
