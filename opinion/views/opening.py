"""登记: a case of a kind whose lifecycle names a form to open it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from opinion.access import may_register
from opinion.forms import OpeningForm
from opinion.opening import open_once, openable
from opinion.views.pages import user_of
from opinion.views.tokens import fresh_token, key_of
from workflows.errors import MayNot
from workflows.models import Case, Definition, User
from workflows.published import lifecycle
from workflows.registry import FORMS
from workflows.spec import LifecycleSpec


@require_http_methods(["GET", "HEAD", "POST"])
def open_case(request: HttpRequest, kind: str) -> HttpResponse:
    """Unknown kind, or one that is not opened by hand: 404. Not this person's: 403."""
    at, user = timezone.now(), user_of(request)
    spec = _opened_by_hand(kind)
    if not may_register(user, kind):
        raise PermissionDenied
    cls: type[OpeningForm] = FORMS[str(spec.opening.form)]
    form = cls(request.POST or None, kind=kind, by=user, at=at)
    token = fresh_token()
    if request.method == "POST":
        key = key_of(request, f"open-{kind}")
        token = request.POST["token"]
        if form.is_valid():
            try:
                case = open_once(kind, form.draft(), by=user, key=key)
            except MayNot as refused:
                form.add_error("desk", str(refused))
            else:
                return _opened(request, case, user)
    context = {
        "form": form,
        "token": token,
        "label": spec.label,
        "kind": kind,
        "kinds": openable(user),
        "may_register_messages": may_register(user),
    }
    return render(request, "opinion/open_case.html", context, status=422 if form.errors else 200)


def _opened_by_hand(kind: str) -> LifecycleSpec:
    newest = Definition.objects.filter(code=kind).order_by("-version").values_list("pk", flat=True).first()
    spec = lifecycle(newest) if newest is not None else None
    if spec is None or spec.opening.form is None:
        raise Http404("没有这一类登记")
    return spec


def _opened(request: HttpRequest, case: Case, user: User) -> HttpResponse:
    """On to the case; a restricted one may be out of sight."""
    if not Case.objects.visible_to(user).filter(pk=case.pk).exists():
        messages.success(request, f"已登记为 {case.number}，限制知悉，由专办员办理")
        return redirect("open_case", case.kind)
    messages.success(request, f"已登记为 {case.number}")
    return redirect("case", case.number)
