"""The table of periodic work: one list, run by `manage.py ticker` or by Celery beat and workers.

The database rows are the truth; a late, lost or doubled run changes nothing but timing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Periodic:
    """A function `path(at=now)` to run every so many seconds. Its result, where true, is worth a log line."""

    name: str
    path: str
    every_seconds: float

    @property
    def function(self) -> Callable[..., object]:
        """Raises ImportError where the table names what does not exist."""
        found: Callable[..., object] = import_string(self.path)
        return found

    def run(self, at: datetime) -> object:
        return self.function(at=at)


SCHEDULE = (
    Periodic("sweep", "workflows.sweeper.sweep", 1),
    Periodic("relay", "workflows.relay.relay", 1),
    Periodic("deliver", "notifications.delivering.deliver", 1),
    Periodic("jobs", "opinion.jobs.run_pending_jobs", 1),
    Periodic("clean_up_files", "opinion.jobs.clean_up_files", 3600),
)

BY_NAME = {job.name: job for job in SCHEDULE}
