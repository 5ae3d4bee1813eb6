"""预计告知: who will be told what, when; of one case, and for a supervisor of the days to come."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.queues import PAGE_SIZE
from opinion.reports.forecast import clocks_of, lines_of
from opinion.views.board import area_of, chosen_unit
from opinion.views.case import visible_case
from opinion.views.pages import user_of
from workflows.digits import digits
from workflows.forecasting import clocks_until

# Value, label, and how many days after today are within it.
RANGES = (("1", "今明两天", 1), ("7", "今后七天", 7))
# A case is looked at further ahead: to the end of its ladders, as a rule.
CASE_DAYS = 90


def _end_of_day(at: datetime, days: int) -> datetime:
    """The last moment of the day so many days after the local day of `at`."""
    day = timezone.localtime(at).date() + timedelta(days=days + 1)
    return timezone.make_aware(datetime.combine(day, time.min)) - timedelta(microseconds=1)


@require_safe
def forecast(request: HttpRequest) -> HttpResponse:
    """`?days=` 1 or 7, `?unit=` one unit of the area, `?page=` by number: the list ends with its horizon."""
    at = timezone.now()
    user, whole = user_of(request), area_of(request)
    area = chosen_unit(request, whole)
    unit = next(iter(area.units)) if request.GET.get("unit") else None
    chosen = next((each for each in RANGES if each[0] == request.GET.get("days", "1")), None)
    if chosen is None:
        raise Http404("没有这个范围")
    until = _end_of_day(at, chosen[2])
    number = _page_number(request)
    first = (number - 1) * PAGE_SIZE
    clocks = list(clocks_of(user, until=until, unit=unit)[first : first + PAGE_SIZE + 1])
    if number > 1 and not clocks:
        raise Http404("没有这一页")
    context = {
        "lines": lines_of(clocks[:PAGE_SIZE], at=at, until=until),
        "at": at,
        "until": until,
        "ranges": [(value, label, value == chosen[0]) for value, label, _ in RANGES],
        "units": list(whole.units.values()),
        "unit": unit,
        "number": number,
        "previous": number - 1,
        "next": number + 1 if len(clocks) > PAGE_SIZE else 0,
        "days": chosen[0],
    }
    return render(request, "opinion/forecast.html", context)


def _page_number(request: HttpRequest) -> int:
    number = digits(request.GET.get("page", "1"), most=4)
    if not number:
        raise Http404("没有这一页")
    return number


@require_safe
def case_forecast(request: HttpRequest, number: str) -> HttpResponse:
    at = timezone.now()
    case = visible_case(number, user_of(request))
    until = _end_of_day(at, CASE_DAYS)
    lines = lines_of(list(clocks_until(until).filter(case=case)), at=at, until=until)
    return render(
        request, "opinion/case_forecast.html", {"case": case, "lines": lines, "at": at, "until": until}
    )
