"""How the machinery is: what is late, what waits, what failed. Read from the rows, so any process may be asked.

Every figure is the first entry of an index or a row of a small table: cheap enough for a scrape every few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db.models import Count

from config.schedule import SCHEDULE, Periodic
from notifications.channels import CHANNELS
from notifications.models import Alert, Notice
from workflows.calendar_warnings import calendar_warnings
from workflows.models import Clock, Event, PeriodicRun

# What may wait so long without anybody having to look. Idle runs are noted only every few seconds.
PATIENCE = timedelta(minutes=1)
ZERO = timedelta(0)


@dataclass(frozen=True)
class Job:
    """One entry of the table. run: None where it never ran on this database. late: it should have run since."""

    name: str
    label: str
    run: PeriodicRun | None
    late: bool

    @property
    def failing(self) -> bool:
        return self.run is not None and self.run.failures > 0


@dataclass(frozen=True)
class Health:
    """lag: how long the clock that waits longest has waited for the sweep. outbox: the oldest event not handed on.

    notices: channel label → how long the oldest notice has been due. alerts: open ones by kind.
    """

    lag: timedelta
    outbox: timedelta
    notices: dict[str, timedelta]
    alerts: dict[str, int]
    jobs: list[Job]
    calendars: list[str]

    @property
    def warnings(self) -> list[str]:
        """What somebody has to see to, in words."""
        found = []
        if self.lag > PATIENCE:
            found.append("有时限到点未检查：请确认 ticker 或 Celery worker 在运行")
        if self.outbox > PATIENCE:
            found.append("有事件未转发：通知和统计会晚到")
        found += [f"{label}通知到点未投递" for label, late in self.notices.items() if late > PATIENCE]
        found += [f"“{job.label}”没有按时运行" for job in self.jobs if job.late]
        found += [
            f"“{job.label}”连续失败 {job.run.failures} 次" for job in self.jobs if job.run and job.failing
        ]
        return found + self.calendars


def health(*, at: datetime) -> Health:
    """Six statements and one a channel, whatever the tables hold."""
    clock = Clock.objects.due(at=at).values_list("next_at", flat=True).first()
    event = Event.objects.filter(relayed_at=None).order_by("id").values_list("recorded_at", flat=True).first()
    notices = {}
    for name, channel in CHANNELS.items():
        if not channel.is_row:
            waiting = Notice.objects.due(name, at=at).values_list("next_try_at", flat=True).first()
            notices[channel.label] = _age(waiting, at)
    opened = Alert.objects.filter(closed_at=None).order_by().values_list("kind").annotate(lines=Count("pk"))
    counted = dict(opened)
    return Health(
        lag=_age(clock, at),
        outbox=_age(event, at),
        notices=notices,
        alerts={kind: counted.get(kind, 0) for kind in Alert.Kind.values},
        jobs=_jobs(at),
        calendars=calendar_warnings(at),
    )


def broker() -> Literal["", "ok", "down"]:
    """Whether the broker answers within two seconds; empty where there is none. Not for a scrape: it waits."""
    from kombu.exceptions import OperationalError

    from config.celery import impatient_connection

    if not settings.CELERY_BROKER_URL:
        return ""
    try:
        with impatient_connection() as connection:
            connection.default_channel  # noqa: B018  # opening it is what asks the broker
    except OperationalError:
        return "down"
    return "ok"


def _jobs(at: datetime) -> list[Job]:
    runs = PeriodicRun.objects.in_bulk()
    jobs = [
        Job(job.name, job.label, runs.get(job.name), _late(job, runs.get(job.name), at)) for job in SCHEDULE
    ]
    waking = runs.get("publish")  # the waker's, and in no table
    return jobs if waking is None else [*jobs, Job("publish", "叫醒 worker", waking, late=False)]


def _late(job: Periodic, run: PeriodicRun | None, at: datetime) -> bool:
    return run is None or at - run.ran_at > PATIENCE + 2 * timedelta(seconds=job.every_seconds)


def _age(since: datetime | None, at: datetime) -> timedelta:
    return ZERO if since is None else max(at - since, ZERO)
