"""One case: where it stands, by when it is due, what was written and done, and what this person can do."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.casefile import case_file
from opinion.views.pages import user_of
from workflows.models import Case, User


def visible_case(number: str, viewer: User) -> Case:
    """The case, if this person may know of it. What may not be seen does not exist: Http404 either way."""
    cases = Case.objects.visible_to(viewer).select_related("unit", "lead", "desk", "user")
    try:
        return cases.get(number=number)
    except Case.DoesNotExist:
        raise Http404("没有这件案件") from None


@require_safe
def case(request: HttpRequest, number: str) -> HttpResponse:
    at = timezone.now()
    viewer = user_of(request)
    found = visible_case(number, viewer)
    return render(request, "opinion/case.html", {"case": found, "file": case_file(found, viewer, at=at)})
