"""案件: every case this person may know of, filtered."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.keyset import Page
from opinion.queues import CaseFilter, rows_of
from opinion.views.pages import page_of, user_of
from workflows.models import Case


@require_safe
def case_list(request: HttpRequest) -> HttpResponse:
    """A filter that cannot be understood shows its errors and no cases, and keeps what was typed."""
    at = timezone.now()
    user = user_of(request)
    asked = CaseFilter(request.GET)
    page = Page([], None, None)
    if asked.is_valid():
        page = page_of(request, asked.narrow(Case.objects.visible_to(user), by=user, at=at), asked.order)
    context = {"filter": asked, "page": page, "rows": rows_of(page.cases, at=at)}
    return render(request, "opinion/case_list.html", context, status=200 if asked.is_valid() else 400)
