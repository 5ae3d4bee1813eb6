"""Versions of a reply, compared."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from opinion.comparing import CompareForm, versions_of
from opinion.views.case import visible_case
from opinion.views.pages import user_of


@require_safe
def replies(request: HttpRequest, number: str) -> HttpResponse:
    """`?before=draft-1&after=approved-1`. A version that does not exist: 400 with the form."""
    case = visible_case(number, user_of(request))
    versions = versions_of(case)
    context: dict[str, Any] = {"case": case, "versions": versions[::-1]}
    status = 200
    if len(versions) > 1:
        form = CompareForm(request.GET, versions=versions)
        context["form"] = form
        if form.is_valid():
            context["compared"] = form.comparison()
        else:
            status = 400
    return render(request, "opinion/replies.html", context, status=status)
