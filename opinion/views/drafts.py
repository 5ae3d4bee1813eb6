"""After a draft was saved: back to it."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from opinion.views.pages import user_of
from workflows.models import Case, Event
from workflows.permits import refused

SAVE, SEND = "save_draft", "draft_reply"


def go_on_drafting(request: HttpRequest, case: Case, event: Event, *, at: datetime) -> HttpResponse:
    """The draft as saved, with what was found in it, ready to be changed or sent on.

    What cannot be sent on yet goes on in the page that only saves, with the reason as a hint.
    """
    messages.success(request, f"已保存为拟稿第 {event.data['version']} 稿，尚未送审")
    no = refused(Case.objects.get(pk=case.pk), SEND, by=user_of(request), at=at)
    if no is None:
        return redirect("action", case.number, SEND)
    messages.warning(request, f"现在还不能送审：{no}")
    return redirect("action", case.number, SAVE)
