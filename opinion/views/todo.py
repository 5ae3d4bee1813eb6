"""待办: what waits for me, soonest due first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.access import may_see_cases
from opinion.keyset import BY_DUE
from opinion.queues import rows_of
from opinion.views.pages import page_of, user_of
from opinion.waiting import waiting_for


@require_safe
def todo(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    user = user_of(request)
    waiting = waiting_for(user)
    state = request.GET.get("state", "")
    cases = waiting.cases.filter(state=state) if state else waiting.cases
    overdue = waiting.cases.overdue(at=at).count()
    page = page_of(request, cases, BY_DUE)
    context = {
        "waiting": waiting,
        "overdue": overdue,
        "state": state,
        "page": page,
        "rows": rows_of(page.cases, at=at),
        "sees_cases": may_see_cases(user),
    }
    return render(request, "opinion/todo.html", context)
