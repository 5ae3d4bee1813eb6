"""Versions of a reply, compared; one answer for everybody whose message was merged into the case."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from opinion.comparing import CompareForm, versions_of
from opinion.forms.linked import LinkedReplyForm
from opinion.linked_replies import Outcome, answer_all, linked_replies
from opinion.merging import REPLY, standing_answer, unanswered
from opinion.views.case import visible_case
from opinion.views.pages import user_of
from opinion.views.tokens import fresh_token, key_of
from workflows.machine import may
from workflows.published import lifecycle


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


@require_http_methods(["GET", "HEAD", "POST"])
def reply_linked(request: HttpRequest, number: str) -> HttpResponse:
    """From the master. Some refused: 409 with each reason, and the text kept to go on with."""
    at, viewer = timezone.now(), user_of(request)
    master = visible_case(number, viewer)
    step = lifecycle(master.definition_id).transitions.get(REPLY)
    if step is None or not may(master, viewer, step):
        raise PermissionDenied
    said = standing_answer(master)
    rows = linked_replies(master, viewer)
    waiting = [row.case for row in rows if row.waits]
    sent = request.POST if request.method == "POST" else None
    form = LinkedReplyForm(sent, by=viewer, at=at, master=master, said=said, waiting=waiting)
    outcomes: list[Outcome] = []
    if sent is not None:
        key = key_of(request, "reply_linked")
        if form.is_valid():
            outcomes = answer_all(master, form.chosen(rows), form.cleaned_data, by=viewer, at=at, key=key)
            done = sum(not outcome.refused for outcome in outcomes)
            if done == len(outcomes):
                messages.success(request, f"已答复并入 {master.number} 的 {done} 件，各有一份")
                return redirect("reply_linked", master.number)
            rows = linked_replies(master, viewer)
            form.offer_waiting([row.case for row in rows if row.waits])
    refused = [outcome for outcome in outcomes if outcome.refused]
    context = {
        "case": master, "said": said, "rows": rows, "form": form, "refused": refused, "token": fresh_token(),
        "unanswered": unanswered(master), "waiting": [row for row in rows if row.waits], "done": len(outcomes) - len(refused),
    }  # fmt: skip
    status = 409 if refused else 422 if form.errors else 200
    return render(request, "opinion/reply_linked.html", context, status=status)
