"""舆情快报、专报、核查报告: one report of an event, to read or print."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.blocks import Viewing
from opinion.blocks.opinion_case import event_view
from opinion.casefile import CodeLabels
from opinion.models import CaseReport
from opinion.views.case import visible_case
from opinion.views.pages import user_of


@require_safe
def report(request: HttpRequest, number: str, ordinal: int) -> HttpResponse:
    """Form 6: event, first seen, units, facts so far, proposed grade, measures, and what the public asks, as topics."""
    at, viewer = timezone.now(), user_of(request)
    case = visible_case(number, viewer)
    one = CaseReport.objects.filter(case=case, number=ordinal).select_related("author", "unit").first()
    codes = CodeLabels()
    view = event_view(Viewing(case, viewer, codes, None, at))
    if one is None or view is None:
        raise Http404("没有这份报告")
    context = {
        "case": case,
        "report": one,
        "view": view,
        "proposed": codes.of("grade", one.proposed_grade),
        "finding": codes.of("finding", one.finding),
        "at": at,
    }
    return render(request, "opinion/report.html", context)
