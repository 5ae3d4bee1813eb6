"""回访: whom to call next."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.call_list import call_rows, may_call, to_call
from opinion.keyset import BY_DUE
from opinion.views.pages import page_of, user_of


@require_safe
def call_backs(request: HttpRequest) -> HttpResponse:
    at, user = timezone.now(), user_of(request)
    if not may_call(user):
        raise PermissionDenied
    waiting = to_call(user)
    overdue = waiting.overdue(at=at)
    late = request.GET.get("overdue") == "1"
    page = page_of(request, overdue if late else waiting, BY_DUE)
    context = {
        "rows": call_rows(page.cases, at=at),
        "page": page,
        "total": waiting.count(),
        "overdue": overdue.count(),
        "late": late,
    }
    return render(request, "opinion/call_backs.html", context)
