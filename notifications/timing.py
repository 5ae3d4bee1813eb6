"""When a notice may go: quiet hours and days off put it off, a digest gathers it, urgent ones wait for nothing."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone

from notifications.models import Notice, Preference
from notifications.registry import Urgency
from workflows.calendars import NoWorkingTime, WorkingCalendar

# The digest of the day comes at the end of the quiet hours, or at this hour where there are none.
DAILY_AT = time(8, 30)


def goes_at(notice: Notice, wishes: Preference, calendar: WorkingCalendar, *, at: datetime) -> datetime:
    """The first moment from `at` on at which this notice may go out. Never drops one, never returns earlier."""
    if notice.urgency >= Urgency.URGENT:
        return at
    moment = at
    if wishes.gathers(notice.urgency):
        moment = max(moment, _digest_after(notice.created_at, wishes))
    return awake_from(moment, wishes, calendar)


def awake_from(moment: datetime, wishes: Preference, calendar: WorkingCalendar) -> datetime:
    """`moment`, or the end of the quiet hours and days off it falls in."""
    while True:
        local = timezone.localtime(moment)
        if wishes.rests_on_days_off and not _is_working_day(local.date(), calendar):
            moment = _local(local.date() + timedelta(days=1), _morning(wishes))
        elif _is_quiet(local.time(), wishes):
            crossed = wishes.quiet_until <= wishes.quiet_from <= local.time()
            moment = _local(local.date() + timedelta(days=crossed), wishes.quiet_until)
        else:
            return moment


def _is_quiet(now: time, wishes: Preference) -> bool:
    start, end = wishes.quiet_from, wishes.quiet_until
    if start <= end:
        return start <= now < end
    return now >= start or now < end


def _morning(wishes: Preference) -> time:
    """When a day begins for this person: quiet hours that reach past midnight end then."""
    return wishes.quiet_until if wishes.quiet_until < wishes.quiet_from else time(0)


def _digest_after(created_at: datetime, wishes: Preference) -> datetime:
    """The first digest after a notice was written: the next full hour, or the next morning's."""
    local = timezone.localtime(created_at)
    if wishes.digest == Preference.Digest.HOURLY:
        return local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    hour = wishes.quiet_until if wishes.quiet_from != wishes.quiet_until else DAILY_AT
    today = _local(local.date(), hour)
    return today if local < today else _local(local.date() + timedelta(days=1), hour)


def _is_working_day(day: date, calendar: WorkingCalendar) -> bool:
    try:
        return calendar.is_working_day(day)
    except NoWorkingTime:
        # Further than the calendar reaches: better told on a day off than not at all.
        return True


def _local(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=timezone.get_current_timezone())
