"""What is done with a claimed job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any, TextIO, cast

from django.core.files import File
from django.db import connection

from opinion.exports.request import ExportRefused, ExportRequest
from opinion.exports.running import count_rows, export_to
from opinion.intake.headers import map_headers
from opinion.intake.importing import ImportCounts, SheetImport
from opinion.intake.limits import SheetRefused
from opinion.intake.preview import stored_sheet
from opinion.intake.problems import ProblemSheet
from opinion.intake.registration import ImportPlan
from opinion.leases import J, Lease, LeaseLost
from opinion.models import ExportJob, ImportJob, RecastJob
from workflows.calendars import NoWorkingTime
from workflows.errors import MoveRefused
from workflows.recasting import Recast
from workflows.redating import redate
from workflows.repolicing import move

log = logging.getLogger(__name__)


def run_import(lease: Lease[ImportJob]) -> None:
    """Import to the end, from where an earlier worker stopped."""
    _carry(lease, _import)


def run_export(lease: Lease[ExportJob]) -> None:
    """Write the file afresh: a half-written one of an earlier worker was never kept."""
    _carry(lease, _export)


def run_recast(lease: Lease[RecastJob]) -> None:
    """Move the cases that an earlier worker did not: what was moved is not met any more."""
    _carry(lease, _recast)


def _carry(lease: Lease[J], work: Callable[[Lease[J]], None]) -> None:
    """Bring a job to its end. What a person can mend becomes its reason; anything else is raised as well."""
    try:
        work(lease)
    except LeaseLost:
        log.info("%s: stopped, it is no longer ours", lease.job)
    except (SheetRefused, ExportRefused, MoveRefused, NoWorkingTime) as refused:
        _give_up(lease, str(refused))
    except Exception:
        _give_up(lease, "程序出错，请管理员查看日志；已完成的部分保留")
        raise


def _give_up(lease: Lease[J], reason: str) -> None:
    with suppress(LeaseLost):
        lease.end(lambda job: job.fail(reason))


def _import(lease: Lease[ImportJob]) -> None:
    job = lease.job
    counts = ImportCounts(registered=job.counts.get("registered", 0), existing=job.counts.get("existing", 0))
    plan = ImportPlan(job.source, job.desk, job.owner, lease.now(), job.options.get("clocks", "registered"))
    with (
        stored_sheet(job.file) as sheet,
        NamedTemporaryFile("w+", encoding="utf-8", newline="", prefix="huiyin-problems-") as report,
    ):
        mapping = map_headers(sheet.headers, job.options.get("mapping", {}))
        lease.beat(total=sheet.row_count)
        problems = ProblemSheet(cast(TextIO, report))
        run = SheetImport(sheet, mapping, plan, problems.add, resume_after=job.checkpoint, counts=counts)
        run.committing = lambda last: lease.beat(checkpoint=last, counts=counts.as_dict(), done=counts.read)
        run.seen = lease.told
        run.run()
        if problems.count:
            report.flush()
            with Path(report.name).open("rb") as stream:
                job.problems_file.save("problems.csv", File(stream), save=False)
    _hand_in(
        lease,
        counts=counts.as_dict(),
        done=counts.read,
        total=counts.read,
        problems_file=job.problems_file,
    )


def _export(lease: Lease[ExportJob]) -> None:
    job = lease.job
    request = ExportRequest.of_options(job.options)
    lease.beat(total=count_rows(request, job.owner))
    # COPY keeps the connection busy until its last row.
    copying = request.format == "csv" and connection.vendor == "postgresql"
    with TemporaryDirectory(prefix="huiyin-export-") as folder:
        path = Path(folder) / f"export.{request.format}"
        told = lease.told_aside if copying else lease.told
        exported = export_to(path, request, by=job.owner, at=lease.now(), told=told)
        with path.open("rb") as stream:
            job.file.save(request.file_name, File(stream), save=False)
    _hand_in(
        lease,
        counts={"行数": exported.row_count},
        done=exported.row_count,
        total=exported.row_count,
        file=job.file,
        record=exported.record,
    )


def _recast(lease: Lease[RecastJob]) -> None:
    """Progress and counts are written with each chunk of cases, so a worker that lost the lease writes none of it."""
    job = lease.job
    cases, clocks = (job.counts.get(name, 0) for name in ("cases", "clocks"))

    def told(done: Recast) -> dict[str, Any]:
        return {
            "done": cases + done.seen,
            "total": cases + done.total,
            "counts": {"cases": cases + done.cases, "clocks": clocks + done.clocks},
        }

    def committing(done: Recast) -> None:
        lease.beat(**told(done))

    stayed: dict[str, str] = {}
    if job.calendar is not None:
        done = redate(job.calendar, by=job.owner, at=lease.now(), committing=committing)
    else:
        assert job.policy is not None
        done, stayed = move(job.policy, by=job.owner, at=lease.now(), onward=True, committing=committing)
    result = told(done)
    result["counts"]["stayed"] = len(stayed)
    lease.end(lambda job: job.finish(), **result)


def _hand_in(lease: Lease[J], **values: object) -> None:
    """The last step. A file that was stored for a job no longer ours would belong to nobody: it goes."""
    try:
        lease.end(lambda job: job.finish(), **values)
    except LeaseLost:
        for name in ("problems_file", "file"):
            stored = values.get(name)
            if stored:
                stored.storage.delete(stored.name)  # type: ignore[attr-defined]
        raise
