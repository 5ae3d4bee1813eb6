"""导入: upload → which column is what → progress → result. A job is shown to nobody but the person who made it."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from opinion import jobs
from opinion.access import desks_of, may_import
from opinion.intake.headers import UnknownHeading, map_headers
from opinion.intake.limits import SheetRefused
from opinion.intake.preview import Preview
from opinion.models import ImportJob
from opinion.views.downloads import handed_out
from opinion.views.pages import user_of
from opinion.views.uploads import ColumnsForm, UploadForm
from workflows.errors import MoveRefused
from workflows.models import User

SHOWN = 30


def _registrar(request: HttpRequest) -> User:
    """The person, if importing is theirs to do. Raises PermissionDenied."""
    user = user_of(request)
    if not may_import(user):
        raise PermissionDenied
    return user


def _job(user: User, pk: int) -> ImportJob:
    try:
        return jobs.imports_of(user).select_related("desk").get(pk=pk)
    except ImportJob.DoesNotExist:
        raise Http404("没有这次导入") from None


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    user = _registrar(request)
    desks = desks_of(user)
    form = UploadForm(request.POST or None, request.FILES or None, desks=desks)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            job = jobs.create_import(
                said["file"], name=said["file"].name, source=said["source"], desk=said["desk"], by=user,
                at=timezone.now(), clocks=said["clocks"],
            )  # fmt: skip
        except SheetRefused as refused:
            form.add_error("file", str(refused))
        except MoveRefused as refused:
            form.add_error("desk", str(refused))
        else:
            return redirect("import_columns", job.pk)
    context = {"form": form, "jobs": jobs.imports_of(user)[:SHOWN], "shown": SHOWN}
    return render(request, "opinion/imports.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Look at the columns and the first rows, change what is wrong, confirm."""
    at = timezone.now()
    user = _registrar(request)
    job = _job(user, pk)
    if job.state not in {ImportJob.State.UPLOADED, ImportJob.State.MAPPED}:
        return redirect("import", job.pk)
    try:
        return _columns_page(request, user, job, at)
    except SheetRefused as refused:
        return render(
            request, "opinion/import_refused.html", {"job": job, "reason": str(refused)}, status=409
        )


def _columns_page(request: HttpRequest, user: User, job: ImportJob, at: datetime) -> HttpResponse:
    seen = jobs.preview(job, at=at)
    guessed = map_headers(seen.mapping.headers)
    form = ColumnsForm(request.POST or None, mapping=seen.mapping, guessed=guessed)
    error = ""
    if request.method == "POST" and form.is_valid():
        try:
            if "confirm" in request.POST:
                jobs.confirm(job, form.overrides(), user)
                return redirect("import", job.pk)
            seen = jobs.preview(job, form.overrides(), at=at)
        except (UnknownHeading, MoveRefused) as refused:
            error = str(refused)
    context = {"job": job, "form": form, "preview": seen, "table": _table(seen), "error": error}
    return render(
        request, "opinion/import_columns.html", context, status=409 if error else 422 if form.errors else 200
    )


def _table(seen: Preview) -> list[tuple[int, list[tuple[str, str]]]]:
    """Row number and (label, text) of each column read, in one order for all rows."""
    return [
        (row.row_number, [(label, row.cells.get(name, "")) for name, label in seen.fields])
        for row in seen.rows
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def import_job(request: HttpRequest, pk: int) -> HttpResponse:
    """Progress and result; POST cancels. Reloading at any time shows where it is."""
    user = _registrar(request)
    job = _job(user, pk)
    if request.method == "POST":
        try:
            jobs.cancel(job, user, timezone.now())
        except MoveRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "已取消，尚未登记的行不再导入")
        return redirect("import", job.pk)
    if job.state == ImportJob.State.UPLOADED:
        return redirect("import_columns", job.pk)
    return render(request, "opinion/import.html", {"job": job, "progress": jobs.progress(job)})


@require_safe
def import_problems(request: HttpRequest, pk: int) -> HttpResponseBase:
    job = _job(_registrar(request), pk)
    return handed_out(job.problems_file, f"{PurePath(job.file_name).stem}_问题清单.csv")
