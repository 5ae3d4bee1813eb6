"""Tasks drawn from the review of an event, and the clocks they run on. Questions only."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from django.utils import timezone

from opinion.follow_ups import limit_until as limit_until_later
from opinion.models import ReviewTask
from opinion.models.review_task import TASK_CLOCKS
from workflows.calendars import WorkingCalendar
from workflows.limits import Limit, LimitUnit
from workflows.models import Case
from workflows.published import calendar, lifecycle, newest_calendar_id, policy

TOO_LATE = "“完成期限”当天的工作时间已过，请改为以后的日期"
ONE_DAY = Limit(Decimal(1), LimitUnit.DAY)


def tasks_of(case: Case) -> list[ReviewTask]:
    """All of a case, oldest first, with their units. One statement, none where no task of its lifecycle has a clock."""
    if not set(TASK_CLOCKS) & set(lifecycle(case.definition_id).clocks):
        return []
    return list(ReviewTask.objects.filter(case=case).select_related("unit").order_by("number"))


def clocks_for(case: Case) -> tuple[str, ...]:
    """Kinds of clocks that a task of this case can run on until a day chosen for it.

    None where the case lives by a lifecycle, or by rules, without them: its tasks share the clock of their state.
    """
    spec, rules = lifecycle(case.definition_id), policy(case.policy_id)
    known = (kind for kind in TASK_CLOCKS if kind in spec.clocks and rules.knows(kind))
    return tuple(kind for kind in known if rules.rule(kind, case.facts).chosen)


def free_clocks(case: Case) -> list[str]:
    """Those of them that no task runs on. One statement."""
    taken = set(ReviewTask.objects.filter(case=case).open().values_list("clock", flat=True))
    return [kind for kind in clocks_for(case) if kind not in taken]


def too_many(case: Case) -> str:
    """Why no further task can be set now."""
    return f"同时落实的整改任务至多 {len(clocks_for(case))} 项，完成或移交一项后再下达"


def latest_day(case: Case, clock: str, *, at: datetime) -> tuple[date, Limit]:
    """The last day that may be chosen for a task on this clock, and the limit that says so."""
    limit = Limit.parse(policy(case.policy_id).rule(clock, case.facts).limit)
    return timezone.localtime(_calendar_of(case).due(at, limit).at).date(), limit


def limit_until(case: Case, day: date, *, at: datetime) -> str | None:
    """A clock's limit that ends with this day, the next working day where it is a day off; None once its hours are over."""
    today = timezone.localtime(at).date()
    if day != today:
        return limit_until_later(day, at=at) if day > today else None
    on = _calendar_of(case)
    if not on.is_working_day(today):
        return str(ONE_DAY)
    # Days begin to count tomorrow: what is left of today is counted in hours, up to the minute that is shown.
    left = on.due(at - timedelta(days=1), ONE_DAY).at - at
    hours = (Decimal(left // timedelta(seconds=1)) / 3600).quantize(Decimal("0.01"), rounding=ROUND_CEILING)
    return str(Limit(hours, LimitUnit.HOUR)) if hours > 0 else None


def _calendar_of(case: Case) -> WorkingCalendar:
    return calendar(newest_calendar_id(policy(case.policy_id).calendar))
