"""统计: a month by unit and the twelve months behind it, to read and to take away."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

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
from opinion.views.board import area_of, chosen_month, chosen_unit, filter_context
from opinion.views.downloads import TYPES
from opinion.views.pages import user_of
from workflows.models import User


class MonthWriter(Protocol):
    """Writes the table of a month as bytes and records who took it."""

    def __call__(self, area: Area, month: date, file_format: str, *, by: User, at: datetime) -> bytes: ...


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
        **filter_context(whole, area, month, last=next_month(month_of(at)), at=at),
        "formats": FORMATS,
    }
    return render(request, "opinion/figures.html", context)


@require_POST
def figures_export(request: HttpRequest) -> HttpResponseBase:
    """The table of a month as a file; who took it is recorded before it is handed over."""
    return month_file(request, "figures", figures_file)


def month_file(request: HttpRequest, what: str, write: MonthWriter) -> HttpResponse:
    """A table of the month and in the format that are posted, of all this person watches over, as a download."""
    area = area_of(request)
    month = month_named(request.POST.get("month", ""))
    file_format = request.POST.get("format", "")
    if month is None or file_format not in FORMATS:
        return HttpResponse("请选择月份和格式", status=400, content_type="text/plain; charset=utf-8")
    content = write(area, month, file_format, by=user_of(request), at=timezone.now())
    response = HttpResponse(content, content_type=TYPES[file_format])
    response.headers["Content-Disposition"] = f'attachment; filename="{what}-{month:%Y-%m}.{file_format}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
