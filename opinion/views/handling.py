"""办理情况报告, to print: what was asked for, what was done for it, what is said of it. Source: form 4 of the desk's papers."""

from __future__ import annotations

from django.db.models import Case as Choice
from django.db.models import IntegerField, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion import follow_ups
from opinion.casefile import CodeLabels
from opinion.models import Attachment, Reply
from opinion.offline import offline_work
from opinion.redoing import begun_again
from opinion.views.case import visible_case
from opinion.views.pages import user_of
from workflows.models import Case
from workflows.published import lifecycle

# What is said in the end counts before what was proposed.
WEIGHT = (Reply.Kind.FINAL, Reply.Kind.APPROVED, Reply.Kind.DRAFT)


def present_reply(case: Case) -> Reply | None:
    """What is said of the handling reported: since it last began anew, for an earlier answer was to earlier work."""
    rank = Choice(
        *(When(kind=kind, then=Value(place)) for place, kind in enumerate(WEIGHT)),
        output_field=IntegerField(),
    )
    since = Coalesce(Subquery(begun_again(case).values("seq")[:1]), 0)
    said = Reply.objects.filter(case=case, kind__in=WEIGHT, seq__gt=since)
    return said.annotate(rank=rank).order_by("rank", "-version").first()


@require_safe
def handling(request: HttpRequest, number: str) -> HttpResponse:
    case = visible_case(number, user_of(request))
    codes = CodeLabels()
    reply = present_reply(case)
    context = {
        "case": case,
        "state": lifecycle(case.definition_id).states[case.state].label,
        "work": offline_work(case, codes.of, Attachment.objects.by_record(case)),
        "follow_up": follow_ups.standing(case),
        "reply": reply,
        "result": codes.of("result", reply.result) if reply else "",
        "at": timezone.now(),
    }
    return render(request, "opinion/handling.html", context)
