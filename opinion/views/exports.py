"""导出: what → progress → file, and the record of who took what out.

A file is handed to the person who asked for it and to nobody else; auditors see that it was taken, not what is in it.
"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from opinion import jobs
from opinion.access import may_audit_exports, may_export
from opinion.exports.request import FORMATS, RECORDED, WHAT, ExportRefused
from opinion.models import ExportJob, ExportRecord
from opinion.views.downloads import handed_out
from opinion.views.pages import user_of
from opinion.views.uploads import ExportForm
from workflows.digits import digits
from workflows.models import User

SHOWN = 30
RECORDS_A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: HttpRequest) -> HttpResponse:
    """The form for exporters, their own exports, and the record: the own part of it, or all of it for auditors."""
    user = user_of(request)
    exporter, auditor = may_export(user), may_audit_exports(user)
    if not (exporter or auditor) or (request.method == "POST" and not exporter):
        raise PermissionDenied
    form = ExportForm(request.POST or None, user=user) if exporter else None
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            job = jobs.create_export(form.asked(), by=user, at=timezone.now())
        except ExportRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("export", job.pk)
    records = jobs.export_records() if auditor else jobs.export_records().filter(user=user)
    shown, older = _records(records, request.GET.get("below", ""))
    context = {
        "form": form,
        "jobs": jobs.exports_of(user)[:SHOWN],
        "records": [
            (record, RECORDED.get(record.what, record.what), FORMATS.get(record.format, record.format))
            for record in shown
        ],
        "older": older,
        "auditor": auditor,
    }
    return render(
        request, "opinion/exports.html", context, status=422 if form is not None and form.errors else 200
    )


def _records(records: QuerySet[ExportRecord], below: str) -> tuple[list[ExportRecord], int | None]:
    """One page of records, newest first, and the number below which the next page begins."""
    if below:
        if (before := digits(below)) is None:
            raise Http404("没有这一页")
        records = records.filter(seq__lt=before)
    found = list(records[: RECORDS_A_PAGE + 1])
    return found[:RECORDS_A_PAGE], found[RECORDS_A_PAGE - 1].seq if len(found) > RECORDS_A_PAGE else None


def _job(request: HttpRequest, pk: int) -> ExportJob:
    """The person's own job, as long as they are an exporter."""
    user: User = user_of(request)
    if not may_export(user):
        raise PermissionDenied
    try:
        return jobs.exports_of(user).get(pk=pk)
    except ExportJob.DoesNotExist:
        raise Http404("没有这次导出") from None


@require_safe
def export(request: HttpRequest, pk: int) -> HttpResponse:
    job = _job(request, pk)
    progress = jobs.progress(job, at=timezone.now())
    asked = f"{WHAT[job.options['what']]}（{FORMATS[job.options['format']]}）"
    return render(request, "opinion/export.html", {"job": job, "progress": progress, "asked": asked})


@require_safe
def export_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    job = _job(request, pk)
    if job.state != ExportJob.State.DONE:
        raise Http404("还没有完成")
    return handed_out(job.file, job.file_name)
