"""重算: running clocks on their way to a published calendar or policy. Whoever keeps such documents sees all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from opinion import jobs, recasts
from opinion.access import may_keep_calendars, may_keep_policies
from opinion.models import RecastJob
from opinion.views.pages import user_of
from workflows.models import CalendarVersion, PolicyVersion, User

SHOWN = 5
KEPT_BY: dict[type[CalendarVersion | PolicyVersion], Callable[[User], bool]] = {
    CalendarVersion: may_keep_calendars,
    PolicyVersion: may_keep_policies,
}
WORDS: dict[type[CalendarVersion | PolicyVersion], tuple[str, str]] = {
    CalendarVersion: ("calendars", "{cases} 件案件的 {clocks} 个时限已重算"),
    PolicyVersion: ("policies", "{cases} 件案件已换过去，{clocks} 个时限改变"),
}
"""The page of the documents, and how a move to one is told."""


@require_safe
def recast(request: HttpRequest, pk: int) -> HttpResponse:
    """Progress and result. Reloading at any time shows where it is."""
    user = user_of(request)
    job = _job(user, pk)
    return render(
        request,
        "opinion/recast.html",
        {
            "job": job,
            "version": job.version,
            "progress": jobs.progress(job, at=timezone.now()),
            "ahead": recasts.ahead_of(job) if job.state == RecastJob.WAITING else 0,
            "document": WORDS[type(job.version)][0],
        },
    )


def _job(user: User, pk: int) -> RecastJob:
    kept = [model for model, may in KEPT_BY.items() if may(user)]
    if not kept:
        raise PermissionDenied
    for model in kept:
        if job := recasts.recasts_of(model).filter(pk=pk).first():
            return job
    raise Http404("没有这次重算")


def shown(model: type[CalendarVersion | PolicyVersion]) -> list[RecastJob]:
    """The last ones, for the page of the documents."""
    return list(recasts.recasts_of(model)[:SHOWN])


def begun(request: HttpRequest, said: str, job: RecastJob, *, at: datetime) -> HttpResponse:
    """Begin it, and go where the result is told. said: of the publication."""
    job = recasts.begin(job, at=at)
    page, words = WORDS[type(job.version)]
    if job.state != RecastJob.State.DONE:
        messages.success(request, said)
        return redirect("recast", job.pk)
    stayed = f"，{job.counts['stayed']} 件留在原版本" if job.counts["stayed"] else ""
    messages.success(request, f"{said}，{words.format(**job.counts)}{stayed}")
    return redirect(page)
