"""审批: one approval of a case, as a page, a picture and BPMN; and what waits for one's own word."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from opinion.approvalfile import ApprovalView, approvals_of, row_in_words
from opinion.queues import PAGE_SIZE
from opinion.views.case import visible_case
from opinion.views.pages import user_of
from opinion.waiting import seat_rows, seats_waiting_for
from workflows.approvals.drawing import bpmn, svg
from workflows.models import Case


def _found(request: HttpRequest, number: str, kind: str, ordinal: int) -> tuple[Case, ApprovalView]:
    case = visible_case(number, user_of(request))
    for view in approvals_of(case):
        if (view.approval.kind, view.approval.round) == (kind, ordinal):
            return case, view
    raise Http404("没有这项审批")


def _names(view: ApprovalView) -> dict[int, list[str]]:
    return {
        number: [f"{seat.seat.owner}　{seat.words}" for seat in level.seats]
        for number, level in enumerate(view.levels, 1)
    }


@require_safe
def approval(request: HttpRequest, number: str, kind: str, ordinal: int) -> HttpResponse:
    case, view = _found(request, number, kind, ordinal)
    context = {
        "case": case,
        "view": view,
        "rules": view.approval.rules,
        "row": row_in_words(view.approval),
        # Built by `workflows.approvals.drawing`, which escapes every label and name.
        "drawing": mark_safe(svg(view.approval, view.label, _names(view))),  # noqa: S308
    }
    return render(request, "opinion/approval.html", context)


@require_safe
def approval_svg(request: HttpRequest, number: str, kind: str, ordinal: int) -> HttpResponse:
    _, view = _found(request, number, kind, ordinal)
    return _file(
        svg(view.approval, view.label, _names(view)), "image/svg+xml", f"{number}-{kind}-{ordinal}.svg"
    )


@require_safe
def approval_bpmn(request: HttpRequest, number: str, kind: str, ordinal: int) -> HttpResponse:
    _, view = _found(request, number, kind, ordinal)
    return _file(
        bpmn(view.approval, view.label, _names(view)), "application/xml", f"{number}-{kind}-{ordinal}.bpmn"
    )


def _file(text: str, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
def signing(request: HttpRequest) -> HttpResponse:
    """Approvals that wait for this person, in the order in which they came."""
    seats = seats_waiting_for(user_of(request)).with_cases().order_by("created", "id")
    page = Paginator(seats, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": seat_rows(list(page.object_list), at=timezone.now())}
    return render(request, "opinion/signing.html", context)
