"""Publications that move running clocks: a few in the request, many by a worker, one after the other.

    record(version, by=, at=) -> RecastJob     With the publication, in one transaction.
    begin(job, at=) -> RecastJob               Run here when it is small and nothing is before it; else it waits.
    recasts_of(model) -> query set             Newest first, of calendars or of policies.
    ahead_of(job) -> int                       How many have to be over before it.

For the table of periodic work:

    run_pending(at) -> int                     Runs the next one; how many it ran.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from opinion.job_work import run_recast
from opinion.leases import Now, claim
from opinion.models import RecastJob
from workflows.models import CalendarVersion, Clock, PolicyVersion, User
from workflows.redating import CalendarChange
from workflows.repolicing import PolicyChange

AT_ONCE = 500
"""Cases, or running clocks of theirs, that a person can be let wait for."""


def record(version: CalendarVersion | PolicyVersion, *, by: User, at: datetime) -> RecastJob:
    """The move to a version; the one already under way, where there is one."""
    document = {"calendar" if isinstance(version, CalendarVersion) else "policy": version}
    job, _ = RecastJob.objects.get_or_create(
        **document, finished_at=None, defaults={"owner": by, "created_at": at}
    )
    return job


def begin(job: RecastJob, *, at: datetime, now: Now = timezone.now) -> RecastJob:
    """To be called once the publication is committed. Returns the job as it is then."""
    case_ids = _concerned(job)
    if _is_large(case_ids):
        RecastJob.objects.filter(pk=job.pk, state=RecastJob.WAITING).update(total=len(case_ids))
    elif lease := claim(RecastJob, at=at, now=now, only=job.pk):
        run_recast(lease)
    job.refresh_from_db()
    return job


def recasts_of(model: type[CalendarVersion | PolicyVersion]) -> QuerySet[RecastJob]:
    field = "calendar" if model is CalendarVersion else "policy"
    return (
        RecastJob.objects.exclude(**{field: None})
        .select_related("owner", field)
        .defer(f"{field}__source", f"{field}__spec")
        .order_by("-id")
    )


def ahead_of(job: RecastJob) -> int:
    return RecastJob.objects.filter(pk__lt=job.pk, finished_at=None).count()


def run_pending(at: datetime, *, now: Now = timezone.now) -> int:
    """Run the one whose turn it is. One whose worker died is taken up again where it stopped."""
    lease = claim(RecastJob, at=at, now=now)
    if lease is None:
        return 0
    run_recast(lease)
    return 1


def _is_large(case_ids: list[int]) -> bool:
    if len(case_ids) > AT_ONCE:
        return True
    return Clock.objects.going().filter(case_id__in=case_ids).count() > AT_ONCE


def _concerned(job: RecastJob) -> list[int]:
    """Ids of the cases that the move will look at."""
    if job.calendar is not None:
        return CalendarChange.to(job.calendar).cases()
    assert job.policy is not None
    return PolicyChange(job.policy.parsed, version=job.policy, onward=True).cases()
