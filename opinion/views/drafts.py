"""After a draft was saved: back to it."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from workflows.models import Case, Event


def go_on_drafting(request: HttpRequest, case: Case, event: Event, *, at: datetime) -> HttpResponse:
    """The draft as saved, with what was found in it, ready to be changed or sent on."""
    messages.success(request, f"已保存为拟稿第 {event.data['version']} 稿，尚未送审")
    return redirect("action", case.number, "draft_reply")
