"""Which units somebody watches over, and the cases behind any number shown to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from opinion.access import MESSAGE, watched
from workflows.calendars import NoWorkingTime
from workflows.models import CalendarVersion, Definition, PolicyVersion, Unit, User
from workflows.published import calendar, lifecycle
from workflows.published import policy as policy_of


@dataclass(frozen=True)
class Area:
    """units: by id, in the order of their codes; asked for once a page."""

    units: dict[int, Unit]

    @classmethod
    def of(cls, user: User) -> Area:
        """The offices a supervisor or leader is placed over, and all below them."""
        return cls({unit.pk: unit for unit in Unit.objects.filter(pk__in=watched(user)).order_by("code")})

    def narrowed(self, unit: int | None = None, group: str | None = None) -> Area:
        """One unit, or the units of one peer group; neither: all."""
        return Area(
            {
                pk: found
                for pk, found in self.units.items()
                if (unit is None or pk == unit) and (group is None or found.peer_group == group)
            }
        )


def soon_until(at: datetime) -> datetime:
    """The end of the next working day: what is due by then is soon due. Beyond the calendar's tables: of the next day."""
    today = timezone.localtime(at).date()
    newest = Definition.objects.newest().filter(code=MESSAGE).values_list("pk", flat=True).get()
    policy = PolicyVersion.objects.defer("source").latest_of(lifecycle(newest).policy)
    on = calendar(CalendarVersion.objects.only("pk").latest_of(policy_of(policy.pk).calendar).pk)
    try:
        day = on.add_working_days(today, 1)
    except NoWorkingTime:
        day = today + timedelta(days=1)
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


# Nobody asks for others, and arithmetic ends at the edges of the calendar.
EARLIEST, LATEST = 2000, 2199


def month_named(text: str) -> date | None:
    """`2026-11` → its first day; None where that is no month."""
    try:
        year, month = (int(part) for part in text.split("-"))
        found = date(year, month, 1)
    except ValueError:
        return None
    return found if EARLIEST <= found.year <= LATEST else None


def months_before(month: date, count: int) -> list[date]:
    """`count` months up to this one, oldest first."""
    found = [month]
    while len(found) < count:
        found.insert(0, (found[0] - timedelta(days=1)).replace(day=1))
    return found
