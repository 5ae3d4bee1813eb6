"""统计: a month by unit and the twelve months behind it, to read and to take away."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from opinion.reports.area import Area, month_named
from opinion.reports.months import DEFINITIONS, month_table, trend
from opinion.reports.sheet import FORMATS, figures_file
from opinion.reports.spans import month_of, next_month
from opinion.views.board import area_of, chosen_month, chosen_unit, month_choices
from opinion.views.downloads import TYPES
from opinion.views.pages import user_of


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    whole = area_of(request)
    area, month = chosen_unit(request, whole), chosen_month(request, at=at)
    months = trend(area, month, at=at)
    context = {
        "groups": month_table(area, month, at=at),
        "trend": [] if all(line.is_empty for line in months) else months,
        "definitions": DEFINITIONS,
        "minimum": settings.HUIYIN_FIGURES_MINIMUM,
        "at": at,
        "month": month,
        "months": month_choices(next_month(month_of(at)), month),
        "unit": next(iter(area.units.values())) if len(area.units) == 1 else None,
        "units": list(whole.units.values()),
        "formats": FORMATS,
    }
    return render(request, "opinion/figures.html", context)


@require_POST
def figures_export(request: HttpRequest) -> HttpResponseBase:
    """The table of a month as a file; who took it is recorded before it is handed over."""
    area: Area = area_of(request)
    month = month_named(request.POST.get("month", ""))
    file_format = request.POST.get("format", "")
    if month is None or file_format not in FORMATS:
        return HttpResponse("请选择月份和格式", status=400, content_type="text/plain; charset=utf-8")
    content = figures_file(area, month, file_format, by=user_of(request), at=timezone.now())
    return month_file(content, "figures", month, file_format)


def month_file(content: bytes, what: str, month: date, file_format: str) -> HttpResponse:
    """A table of a month, as a download."""
    response = HttpResponse(content, content_type=TYPES[file_format])
    response.headers["Content-Disposition"] = f'attachment; filename="{what}-{month:%Y-%m}.{file_format}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
