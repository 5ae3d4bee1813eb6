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
    """A function `path(at=now)` to run every so many seconds. Its result, where true, is worth a log line.

    bells: topics (`workflows.triggers`) on which it runs at once, where the database can ring. next_path: a function
    `(after=moment)` that says when there will be something to do next, for whoever sleeps until then.
    """

    name: str
    label: str
    path: str
    every_seconds: float
    bells: tuple[str, ...] = ()
    next_path: str = ""

    @property
    def function(self) -> Callable[..., object]:
        """Raises ImportError where the table names what does not exist."""
        found: Callable[..., object] = import_string(self.path)
        return found

    def run(self, at: datetime) -> object:
        return self.function(at=at)

    def next_at(self, *, after: datetime) -> datetime | None:
        """When it will be needed next as far as the rows tell; None where they do not."""
        if not self.next_path:
            return None
        found: Callable[..., datetime | None] = import_string(self.next_path)
        return found(after=after)


SCHEDULE = (
    Periodic("sweep", "时限检查", "workflows.sweeper.sweep", 1, ("event",), "workflows.sweeper.next_due"),
    Periodic("relay", "事件转发", "workflows.relay.relay", 1, ("event",)),
    Periodic(
        "deliver",
        "通知投递",
        "notifications.delivering.deliver",
        1,
        ("notice",),
        "notifications.delivering.next_try",
    ),
    Periodic("departed", "替换离岗审批人", "workflows.approvals.departed.replace_departed", 600),
    Periodic("merges", "撤销知悉范围不同的并案", "opinion.parting.part_merges", 10),
    Periodic("presses", "并入案件催促主案件", "opinion.pressing.press_masters", 60),
    Periodic("jobs", "导入导出", "opinion.jobs.run_pending_jobs", 1),
    Periodic("recasts", "时限重算", "opinion.recasts.run_pending", 1),
    Periodic("clean_up_files", "清理过期文件", "opinion.jobs.clean_up_files", 3600),
    Periodic("sweep_files", "清理无主附件", "opinion.attachments.sweeping.sweep_files", 3600),
)

BY_NAME = {job.name: job for job in SCHEDULE}
