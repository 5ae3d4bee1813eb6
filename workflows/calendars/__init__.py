"""Working time: which days and hours an office works, and until when a limit runs.

``spec`` is the document people publish, ``compiled`` the tables computed from it, ``tracing`` the account
of every day on the way to a due moment. Pure Python: no Django, no clock of its own.
"""

from workflows.calendars.compiled import Due, NoWorkingTime, WorkingCalendar, compile_calendar
from workflows.calendars.moments import Pause
from workflows.calendars.spec import (
    CalendarError,
    CalendarException,
    CalendarSpec,
    DayKind,
    Segment,
    StatutoryDay,
    load_calendar,
    parse_calendar,
)
from workflows.calendars.tracing import DayEffect, DayLine

__all__ = [
    "CalendarError",
    "CalendarException",
    "CalendarSpec",
    "DayEffect",
    "DayKind",
    "DayLine",
    "Due",
    "NoWorkingTime",
    "Pause",
    "Segment",
    "StatutoryDay",
    "WorkingCalendar",
    "compile_calendar",
    "load_calendar",
    "parse_calendar",
]
