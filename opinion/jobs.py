"""Imports and exports that outlive a request, and the worker that runs them.

For pages:

    create_import(upload, name=, source=, desk=, by=, at=, clocks="registered") -> ImportJob
        Keeps the file under a random private name. Raises SheetRefused (nothing is kept), MayNot.
    preview(job, overrides=None, *, at) -> Preview
        Columns, first 20 rows cleaned and masked, first problems. Raises SheetRefused, UnknownHeading.
    confirm(job, mapping_overrides, by) -> ImportJob
        {field: heading or column from 0}; queues the job. Raises UnknownHeading, MayNot, Already, Cannot.
    cancel(job, by, at) -> ImportJob
        Waiting or running; what is committed stays. Raises MayNot, Already.
    create_export(request, by=, at=) -> ExportJob                     Raises ExportRefused.
    progress(job, *, at) -> Progress                                  Reads the row afresh.
    imports_of(user), exports_of(user), export_records()              Newest first.

For the table of periodic work:

    run_pending_jobs(at) -> int      Runs one waiting import and one waiting export; how many it ran.
    clean_up_files(at) -> int        Deletes the files of jobs that ended DAYS_KEPT days ago; how many files.

The files belong to the person who made the job: pages must show `imports_of(request.user)` and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from opinion.exports.request import ExportRequest
from opinion.exports.running import count_rows
from opinion.intake.headers import map_headers
from opinion.intake.importing import ImportCounts
from opinion.intake.limits import ReadLimits, SheetRefused
from opinion.intake.preview import Preview, preview_sheet, stored_sheet
from opinion.intake.registration import Clocks
from opinion.intake.sheets import open_sheet
from opinion.job_work import run_export, run_import
from opinion.leases import Now, claim, is_abandoned
from opinion.models import ExportJob, ExportRecord, ImportJob, RecastJob
from opinion.models.jobs import Job
from opinion.registering import check_may_register
from workflows.errors import Already, Cannot, MayNot
from workflows.models import Unit, User

DAYS_KEPT = 30
"""Originals hold identities in the clear: they are kept no longer than a dispute over an import takes."""


@dataclass(frozen=True)
class Progress:
    """Where a job is. counts: (Chinese label, number). reason: why it failed."""

    state: str
    label: str
    done: int
    total: int
    counts: tuple[tuple[str, int], ...]
    reason: str
    is_over: bool

    @property
    def percent(self) -> int:
        """0–100; a job with nothing to do has done it all."""
        if self.state == "done":
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0

    @property
    def ratio(self) -> str:
        """Such as 1,200 / 5,300."""
        return f"{self.done:,} / {self.total:,}"


def create_import(
    upload: IO[bytes] | File[bytes],
    *,
    name: str,
    source: str,
    desk: Unit,
    by: User,
    at: datetime,
    clocks: Clocks = "registered",
) -> ImportJob:
    """Read the file through and keep it. Raises MayNot, SheetRefused."""
    check_may_register(desk, by)
    digest = hashlib.sha256()
    limit = ReadLimits().max_bytes
    with NamedTemporaryFile(prefix="huiyin-import-") as local:
        size = 0
        while part := upload.read(1 << 20):
            size += len(part)
            digest.update(part)
            local.write(part)
            if size > limit:
                break  # open_sheet says so in the right words
        local.flush()
        with open_sheet(Path(local.name)) as sheet:
            total = sheet.row_count
            if total == 0:
                raise SheetRefused(
                    "no_rows", "文件里没有数据行，请确认选对了文件：第一行是表头，其后每行一件留言"
                )
        job = ImportJob(
            owner=by, created_at=at, source=source, desk=desk, file_name=name[:200], sha256=digest.hexdigest(), total=total,
            options={"clocks": clocks, "mapping": {}},
        )  # fmt: skip
        local.seek(0)
        job.file.save(name, File(local), save=False)
        job.save()
    return job


def preview(job: ImportJob, overrides: Mapping[str, str | int] | None = None, *, at: datetime) -> Preview:
    """What the file looks like under a mapping: the one given, else the one confirmed, else headings by synonym."""
    with stored_sheet(job.file) as sheet:
        return preview_sheet(sheet, job.options.get("mapping", {}) if overrides is None else overrides, at=at)


def confirm(job: ImportJob, mapping_overrides: Mapping[str, str | int], by: User) -> ImportJob:
    """Settle the columns and queue the job. Raises UnknownHeading, MayNot, Already, Cannot."""
    with stored_sheet(job.file) as sheet:
        mapping = map_headers(sheet.headers, mapping_overrides)
    if not mapping.usable:
        raise Cannot("还没有指定“留言详情”是哪一列，不能导入")
    with transaction.atomic():
        job = _owned(job, by)
        if job.state not in {ImportJob.State.UPLOADED, ImportJob.State.MAPPED}:
            raise Already(f"这次导入{job.get_state_display()}，不能再改列对应")
        job.map_columns(dict(mapping_overrides))
        job.save()
    return job


def cancel(job: ImportJob, by: User, at: datetime) -> ImportJob:
    """A running import stops before its next chunk. Raises MayNot, Already."""
    with transaction.atomic():
        job = _owned(job, by)
        if job.is_over:
            raise Already(f"这次导入{job.get_state_display()}")
        job.cancel(at)
        job.save()
    return job


def create_export(request: ExportRequest, *, by: User, at: datetime) -> ExportJob:
    """Queue an export. Raises ExportRefused."""
    total = count_rows(request, by)
    return ExportJob.objects.create(
        owner=by, created_at=at, options=request.as_options(), total=total, file_name=request.file_name
    )


def progress(job: Job, *, at: datetime) -> Progress:
    job.refresh_from_db()
    state = type(job).State(job.state)  # type: ignore[attr-defined]  # each concrete job has its own
    label = "执行中断，稍后自动继续" if is_abandoned(job, at=at) else state.label
    return Progress(state.value, label, job.done, job.total, tuple(_counted(job)), job.reason, job.is_over)


def _counted(job: Job) -> list[tuple[str, int]]:
    if isinstance(job, ImportJob):
        return list(ImportCounts(**job.counts).labelled())
    if isinstance(job, RecastJob):
        return [(label, job.counts.get(name, 0)) for name, label in RecastJob.COUNTED.items()]
    return list(job.counts.items())


def imports_of(user: User) -> QuerySet[ImportJob]:
    return ImportJob.objects.filter(owner=user).order_by("-id")


def exports_of(user: User) -> QuerySet[ExportJob]:
    return ExportJob.objects.filter(owner=user).select_related("record").order_by("-id")


def export_records() -> QuerySet[ExportRecord]:
    """Who exported what, newest first: for exporters and the audit administrator."""
    return ExportRecord.objects.select_related("user").order_by("-seq")


def run_pending_jobs(at: datetime, *, now: Now = timezone.now) -> int:
    """Run one import and one export that wait. A job whose worker died is taken up again where it stopped."""
    ran = 0
    importing = claim(ImportJob, at=at, now=now)
    if importing:
        run_import(importing)
        ran += 1
    exporting = claim(ExportJob, at=at, now=now)
    if exporting:
        run_export(exporting)
        ran += 1
    return ran


def clean_up_files(at: datetime) -> int:
    """Delete stored files of jobs that ended, or were left unconfirmed, DAYS_KEPT days ago; the rows stay."""
    before = at - timedelta(days=DAYS_KEPT)
    for upload in ImportJob.objects.filter(state=ImportJob.State.UPLOADED, created_at__lt=before):
        # Nobody confirmed it: from now on nobody can.
        with transaction.atomic():
            job = ImportJob.objects.select_for_update().get(pk=upload.pk)
            if job.state == ImportJob.State.UPLOADED:
                job.cancel(before)
                job.save()
    deleted = 0
    for model in (ImportJob, ExportJob):
        for aged in model._default_manager.filter(files_deleted_at=None, finished_at__lte=before):
            for stored in aged.files():
                if stored.name:
                    stored.storage.delete(stored.name)
                    deleted += 1
            model._default_manager.filter(pk=aged.pk).update(files_deleted_at=at)
    return deleted


def _owned(job: ImportJob, by: User) -> ImportJob:
    locked = ImportJob.objects.select_for_update().get(pk=job.pk)
    if locked.owner_id != by.pk:
        raise MayNot("这不是您的导入任务")
    return locked
