"""A case for who checks it: all of its handling on one page, and why a deadline is when it is."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.reports.audit import audit as audit_of
from opinion.reports.explaining import explained
from opinion.views.case import visible_case
from opinion.views.pages import user_of
from workflows.models import Clock


@require_safe
def audit(request: HttpRequest, number: str) -> HttpResponse:
    at = timezone.now()
    case = visible_case(number, user_of(request))
    context = {"case": case, "audit": audit_of(case, at=at), "at": at, "printed_by": user_of(request)}
    return render(request, "opinion/audit.html", context)


@require_safe
def explain(request: HttpRequest, number: str, kind: str, cycle: int) -> HttpResponse:
    case = visible_case(number, user_of(request))
    try:
        clock = case.clocks.select_related("policy").get(kind=kind, cycle=cycle)
    except Clock.DoesNotExist:
        raise Http404("没有这个时限") from None
    return render(request, "opinion/explain.html", {"case": case, "told": explained(case, clock)})
