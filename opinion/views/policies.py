"""时限规则: what is published, a new version checked and compared, and what moving running cases to it would do."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from opinion.access import may_keep_policies
from opinion.recasts import record
from opinion.views.documents import DocumentForm, shown_document, sight, text_of, versions_of
from opinion.views.pages import user_of
from opinion.views.recasts import begun, shown
from workflows.calendars import NoWorkingTime
from workflows.differences import policy_differences
from workflows.models import Case, PolicyVersion, User
from workflows.policy import PolicySpec
from workflows.publishing import publish
from workflows.repolicing import preview
from workflows.wording import clock_labels


class PolicyForm(DocumentForm[PolicySpec]):
    """A policy."""

    origin, kind, main_key = "时限规则", PolicySpec, "rules"


@require_http_methods(["GET", "HEAD", "POST"])
def policies(request: HttpRequest) -> HttpResponse:
    """A first POST shows what would change; `publish` stores just that, `apply` also moves running cases to it.

    `?version=` puts the text of a published version into the form: to change it, or to go back to it.
    """
    user = user_of(request)
    if not may_keep_policies(user):
        raise PermissionDenied
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = PolicyForm(*sent, initial=text_of(PolicyVersion, request))
    context: dict[str, Any] = {"form": form, "word": "规则", "running_word": "在办案件", "running_unit": "件"}
    if request.method == "POST" and form.is_valid():
        assert form.spec is not None
        try:
            newest = PolicyVersion.objects.filter(code=form.spec.code).order_by("-version").first()
            seen = sight(request, form.cleaned_data["text"], newest)
            if seen.granted:
                return _store(request, form.cleaned_data["text"], user)
            context |= {"seen": seen, **_foreseen(form.spec, newest)}
        except NoWorkingTime as error:
            form.add_error("text", str(error))
    context["versions"] = versions_of(PolicyVersion.objects.all(), Case.objects.open(), "policy")
    context["recasts"] = shown(PolicyVersion)
    return shown_document(request, "opinion/policies.html", context)


def _foreseen(spec: PolicySpec, newest: PolicyVersion | None) -> dict[str, Any]:
    foreseen, unfit = preview(spec, at=timezone.now())
    return {
        "previewed": True,
        "foreseen": foreseen.in_words(clock_labels()),
        "unfit": list(unfit.items())[:20],
        "unfit_count": len(unfit),
        "differences": policy_differences(newest.parsed, spec) if newest else [],
        "newest": newest,
    }


def _store(request: HttpRequest, text: str, by: User) -> HttpResponse:
    at = timezone.now()
    with transaction.atomic():
        published = publish(text, PolicyForm.origin, by=by, at=at)
        version = PolicyVersion.objects.get(pk=published.document.pk)
        job = record(version, by=by, at=at) if "apply" in request.POST else None
    said = f"已发布“{version.label}”第 {version.version} 版" if published.fresh else "规则内容未变"
    if job is None:
        messages.success(request, f"{said}，在办案件仍按原版本")
        return redirect("policies")
    return begun(request, said, job, at=at)
