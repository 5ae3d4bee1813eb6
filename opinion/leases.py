"""The right to work on a job: taken by one worker, kept by signs of life, lost by silence."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from opinion.models.jobs import Job

J = TypeVar("J", bound=Job)
Now = Callable[[], datetime]
"""The wall clock, handed in at a door: a lease is about real time, whatever moment the work itself is given."""

# Longer than the longest stretch without a sign: reading one hostile workbook may take 90 s.
LEASE = timedelta(seconds=120)
# From here on people are told; a worker that is only reading a hostile workbook is not yet given up.
SILENCE = timedelta(seconds=15)
# A job that keeps taking its worker down is given up.
MOST_ATTEMPTS = 3
BEAT_SECONDS = 0.5


class LeaseLost(Exception):
    """The job was cancelled, or another worker has taken it: stop, and leave everything as it is."""


class Lease(Generic[J]):
    """A claimed job. Work between signs belongs to the worker whose token is in the row."""

    def __init__(self, job: J, now: Now) -> None:
        self.job = job
        self.now = now
        self._next_beat = time.monotonic() + BEAT_SECONDS

    def beat(self, **values: Any) -> None:
        """Write progress and a sign of life; inside a transaction it also fences whatever else that one writes.

        Raises LeaseLost.
        """
        held = type(self.job)._default_manager.filter(pk=self.job.pk, worker=self.job.worker, state="running")
        if not held.update(heartbeat_at=self.now(), **values):
            raise LeaseLost(str(self.job))
        self._next_beat = time.monotonic() + BEAT_SECONDS

    def told(self, done: int) -> None:
        """Progress in rows, written at most every BEAT_SECONDS. Raises LeaseLost."""
        if time.monotonic() >= self._next_beat:
            self.beat(done=done)

    def told_aside(self, done: int) -> None:
        """`told` on a connection of its own, while the usual one is busy streaming. Raises LeaseLost."""
        if time.monotonic() < self._next_beat or connection.in_atomic_block:
            return
        self._next_beat = time.monotonic() + BEAT_SECONDS
        aside = connection.copy()
        try:
            with aside.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {self.job._meta.db_table} SET done = %s, heartbeat_at = %s"  # noqa: S608  # our own table
                    " WHERE id = %s AND worker = %s AND state = 'running'",
                    [done, self.now(), self.job.pk, self.job.worker],
                )
                if not cursor.rowcount:
                    raise LeaseLost(str(self.job))
        finally:
            aside.close()

    def end(self, move: Callable[[J], None], **values: Any) -> None:
        """Make the last move of the job and store it, with the values given. Raises LeaseLost."""
        with transaction.atomic():
            job = type(self.job)._default_manager.select_for_update().get(pk=self.job.pk)
            if job.worker != self.job.worker or job.is_over:
                raise LeaseLost(str(job))
            move(job)
            for name, value in {**values, "finished_at": self.now()}.items():
                setattr(job, name, value)
            job.save()
        self.job = job


def is_abandoned(job: Job, *, at: datetime) -> bool:
    """Whether its worker has been silent so long that another is about to take over."""
    return job.state == "running" and job.heartbeat_at is not None and job.heartbeat_at < at - SILENCE


def claim(model: type[J], *, at: datetime, now: Now, only: int | None = None) -> Lease[J] | None:
    """The oldest job that waits, or whose worker has been silent for a lease; None when there is none.

    only: this one or none. Two workers never get the same one: the row is locked while it changes hands, and locked
    rows are passed over. Jobs that go in turn wait until those before them are over.
    """
    ready = Q(state=model.WAITING) | Q(state="running", heartbeat_at__lt=at - LEASE)
    if only is not None:
        ready &= Q(pk=only)
    if model.IN_TURN:
        before = Q(pk__lt=OuterRef("pk")) | Q(state="running")
        others = model._default_manager.filter(before, finished_at=None).exclude(pk=OuterRef("pk"))
        ready &= Q(~Exists(others))
    while True:
        with transaction.atomic():
            job = (
                model._default_manager.select_for_update(skip_locked=True, of=("self",))
                .filter(ready)
                .order_by("id")
                .first()
            )
            if job is None:
                return None
            if job.attempts >= MOST_ATTEMPTS:
                job.fail(f"执行中断了 {job.attempts} 次，已停止。已完成的部分保留，可重新提交同样的内容继续")
                job.finished_at = at
                job.save()
                continue
            job.take()
            job.worker = secrets.token_hex(16)
            job.attempts += 1
            job.started_at = job.started_at or at
            job.heartbeat_at = at
            job.save()
        return Lease(job, now)
