"""Which days two versions of a calendar see differently."""

import datetime as dt
from bisect import bisect_left

from workflows.calendars.compiled import WorkingCalendar


class ChangedDays:
    """Days whose hours, or whose being announced, differ between two calendars of one code."""

    def __init__(self, old: WorkingCalendar, new: WorkingCalendar) -> None:
        first, last = max(old.first, new.first), min(old.last, new.last)
        everything = old.spec.timezone != new.spec.timezone
        self.ordinals = [
            ordinal
            for ordinal in range(first.toordinal(), last.toordinal() + 1)
            if everything or _seen(old, ordinal) != _seen(new, ordinal)
        ]
        self.zone = old.local

    def __bool__(self) -> bool:
        return bool(self.ordinals)

    @property
    def span(self) -> tuple[dt.date, dt.date]:
        """The first and the last; there is one."""
        return dt.date.fromordinal(self.ordinals[0]), dt.date.fromordinal(self.ordinals[-1])

    def meet(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Whether one of them lies between two moments, their own local dates included."""
        position = bisect_left(self.ordinals, start.astimezone(self.zone).toordinal())
        return (
            position < len(self.ordinals) and self.ordinals[position] <= end.astimezone(self.zone).toordinal()
        )


def _seen(calendar: WorkingCalendar, ordinal: int) -> object:
    day = dt.date.fromordinal(ordinal)
    return calendar.segments_on(day), calendar.is_published(day)
