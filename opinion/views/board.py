"""督办: the supervisor's board, and the cases behind each of its numbers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.access import may_supervise
from opinion.keyset import BY_DUE, BY_OPENED
from opinion.queues import rows_of
from opinion.reports.area import Area, month_named, months_before
from opinion.reports.board import board as board_of
from opinion.reports.drill import NOW, BadDrill, Drill
from opinion.reports.spans import month_of, next_month
from opinion.views.pages import page_of, user_of
from workflows.digits import digits

MONTHS_OFFERED = 24


def area_of(request: HttpRequest) -> Area:
    """What this person watches over. Raises PermissionDenied where that is nothing."""
    user = user_of(request)
    if not may_supervise(user):
        raise PermissionDenied
    return Area.of(user)


def chosen_unit(request: HttpRequest, area: Area) -> Area:
    """`?unit=` narrows to one unit of the area; another's, or none, is not found."""
    text = request.GET.get("unit", "")
    if not text:
        return area
    unit = digits(text)
    if unit is None or unit not in area.units:
        raise Http404("没有这个单位")
    return area.narrowed(unit)


def chosen_month(request: HttpRequest, *, at: datetime) -> date:
    """`?month=2026-11`, the current month where nothing is asked."""
    text = request.GET.get("month", "")
    month = month_named(text) if text else month_of(at)
    if month is None:
        raise Http404("没有这个月份")
    return month


def filter_context(whole: Area, area: Area, month: date, *, last: date, at: datetime) -> dict[str, Any]:
    """What the pages of a month and their filter show. area: of `whole`, as chosen. last: the newest month to offer."""
    return {
        "at": at,
        "month": month,
        "months": _month_choices(last, month),
        "unit": next(iter(area.units.values())) if len(area.units) == 1 else None,
        "units": list(whole.units.values()),
    }


def _month_choices(last: date, chosen: date) -> list[tuple[str, str, bool]]:
    """Value, label and whether it is the chosen one, newest first."""
    offered = sorted({*months_before(last, MONTHS_OFFERED), chosen}, reverse=True)
    return [(f"{each:%Y-%m}", f"{each.year}年{each.month}月", each == chosen) for each in offered]


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    whole = area_of(request)
    area, month = chosen_unit(request, whole), chosen_month(request, at=at)
    context = {
        "board": board_of(area, month=month, at=at),
        **filter_context(whole, area, month, last=next_month(month_of(at)), at=at),
    }
    return render(request, "opinion/board.html", context)


@require_safe
def board_cases(request: HttpRequest) -> HttpResponse:
    """The cases a number counts. Those that have left the person's sight since are counted, and said to be missing."""
    at = timezone.now()
    area, user = area_of(request), user_of(request)
    try:
        drill = Drill.parse(request.GET)
    except BadDrill:
        raise Http404("没有这个数字") from None
    if drill.unit is not None and drill.unit not in area.units:
        raise Http404("没有这个单位")
    found = drill.rows(area, at=at)
    cases = drill.cases(user, area, at=at)
    page = page_of(request, cases, BY_DUE if drill.what in NOW else BY_OPENED)
    counted, distinct, shown = found.count(), found.values("case").distinct().count(), cases.count()
    context = {
        "title": drill.title(area),
        "counted": counted,
        "distinct": distinct,
        "unseen": distinct - shown,
        "page": page,
        "rows": rows_of(page.cases, at=at),
        "about_now": drill.what in NOW,
    }
    return render(request, "opinion/board_cases.html", context)
