"""Contact details in clear, once: the answer to a reason given, never a page of their own."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from opinion.contacts.book import opened
from opinion.contacts.sealing import SealBroken
from opinion.models import Contact, Message
from workflows.models import Case, Event

logger = logging.getLogger(__name__)

# How long a repeat of the same request (two clicks, a connection cut while answering) still gets the answer.
REPEAT = timedelta(minutes=1)


def show_contact(request: HttpRequest, case: Case, event: Event, *, at: datetime) -> HttpResponse:
    """event: the reveal, in the log already. An old one, sent again by reloading the page, shows nothing."""
    if at - event.happened_at > REPEAT:
        messages.warning(request, "联系方式已显示过。如需再看，请重新填写事由")
        return redirect("case", case.number)
    try:
        person = opened(Contact.objects.get(case=case))
    except SealBroken:
        logger.exception("contact of case %s cannot be opened", case.pk)
        messages.error(request, "联系方式的密文打不开，请联系系统管理员检查密钥")
        return redirect("case", case.number)
    lines = [
        ("姓名", person.name),
        ("电话", person.phone),
        ("地址", person.address),
        ("电子邮箱", person.email),
    ]
    context = {
        "case": case,
        "lines": [line for line in lines if line[1]],
        "message": Message.objects.filter(case=case).first(),
    }
    return render(request, "opinion/contact.html", context)
