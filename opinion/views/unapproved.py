"""未经审批的处置: what was done in a month by one person's word, to read, to follow to its case and to take away."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from opinion.reports.sheet import FORMATS
from opinion.reports.spans import month_of
from opinion.reports.unapproved import A_PAGE, after, disposals, unapproved_file
from opinion.reports.unapproved import unapproved as found_in
from opinion.views.board import area_of, chosen_month, chosen_unit, filter_context
from opinion.views.figures import month_file
from opinion.views.pages import user_of
from workflows.digits import digits
from workflows.models import Event


@require_safe
def unapproved(request: HttpRequest) -> HttpResponse:
    """`?month=&unit=`, and `?before=`, the number of the last event of the page before."""
    at = timezone.now()
    whole = area_of(request)
    area, month = chosen_unit(request, whole), chosen_month(request, at=at)
    if month > month_of(at):
        raise Http404("这个月还没有开始，请另选月份")
    found = found_in(user_of(request), area, month)
    counted, before = found.count(), request.GET.get("before", "")
    if before:
        try:
            found = after(found, digits(before) or 0)
        except Event.DoesNotExist:
            raise Http404("没有这一页") from None
    page = list(found[: A_PAGE + 1])
    context = {
        "rows": disposals(page[:A_PAGE]),
        "counted": counted,
        "following": page[A_PAGE - 1].pk if len(page) > A_PAGE else None,
        "before": before,
        **filter_context(whole, area, month, last=month_of(at), at=at),
        "formats": FORMATS,
    }
    return render(request, "opinion/unapproved.html", context)


@require_POST
def unapproved_export(request: HttpRequest) -> HttpResponseBase:
    """The month of the whole area as a file; who took it is recorded before it is handed over."""
    return month_file(request, "unapproved", unapproved_file)
