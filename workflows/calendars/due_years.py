"""Whether the next year's holidays are late in coming."""

import datetime as dt

from workflows.calendars.spec import CalendarSpec

NOTICE_MONTH = 11
"""The yearly notice is usually out in November."""


def missing_year(spec: CalendarSpec, today: dt.date) -> int | None:
    """The year that should be announced and is not: this one at once, the next from 1 November. None: all is well."""
    if spec.published_through.year < today.year:
        return today.year
    waits = today.month < NOTICE_MONTH or spec.published_through.year > today.year
    return None if waits else today.year + 1
