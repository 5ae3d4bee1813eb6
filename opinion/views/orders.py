"""督办单: the list of supervision orders, and one to read or print."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion.access import may_see_cases
from opinion.keyset import BadPosition, Position
from opinion.models import SupervisionOrder
from opinion.orders import OrderFilter, page_of_orders, sheet_of
from opinion.views.case import visible_case
from opinion.views.pages import user_of


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """Those on cases this person may know of. Bad questions: 400 with the form."""
    at, viewer = timezone.now(), user_of(request)
    if not may_see_cases(viewer):
        raise PermissionDenied
    asked = OrderFilter(request.GET)
    try:
        before = Position.parse(said) if (said := request.GET.get("before", "")) else None
    except BadPosition:
        raise Http404("没有这一页") from None
    if not asked.is_valid():
        return render(request, "opinion/orders.html", {"filter": asked, "rows": []}, status=400)
    rows, following = page_of_orders(asked, viewer, before=before, at=at)
    context = {"filter": asked, "rows": rows, "following": following, "before": before}
    return render(request, "opinion/orders.html", context)


@require_safe
def order(request: HttpRequest, number: str, ordinal: int) -> HttpResponse:
    at, viewer = timezone.now(), user_of(request)
    found = visible_case(number, viewer)
    orders_of_case = SupervisionOrder.objects.with_feedback_due().select_related(
        "unit", "issuer", "acknowledged_by"
    )
    try:
        one = orders_of_case.get(case=found, number=ordinal)
    except SupervisionOrder.DoesNotExist:
        raise Http404("没有这张督办单") from None
    one.case = found
    return render(
        request, "opinion/order.html", {"case": found, "order": one, "sheet": sheet_of(one, at=at), "at": at}
    )
