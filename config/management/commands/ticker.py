"""manage.py ticker: periodic work on one machine, without a broker."""

from __future__ import annotations

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from config.schedule import SCHEDULE, Periodic

logger = logging.getLogger("huiyin.ticker")
# A job that fails is tried again, at most this many seconds later.
BACK_OFF_SECONDS = 30.0
GRACE_SECONDS = 10.0


class Command(BaseCommand):
    help = "循环执行定时工作（时限检查、导入导出任务等）；单机部署用，与 Celery 用同一张表"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="各项执行一遍后退出")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            for job in SCHEDULE:
                job.run(at=timezone.now())
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run_until(stop)


def run_until(stop: threading.Event, jobs: Sequence[Periodic] = SCHEDULE) -> None:
    """Run the table until told to stop, each entry in a thread of its own: a slow or failing one holds up no other.

    What is still at work some seconds after the word to stop is left to its transaction, which rolls back.
    """
    threads = [threading.Thread(target=_repeat, args=(job, stop), name=job.name, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    stop.wait()
    deadline = time.monotonic() + GRACE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _repeat(job: Periodic, stop: threading.Event) -> None:
    failures = 0
    while not stop.is_set():
        failures = 0 if _run(job) else failures + 1
        backed_off = job.every_seconds * 2.0 ** min(failures, 10)
        stop.wait(backed_off if failures == 0 else min(backed_off, max(BACK_OFF_SECONDS, job.every_seconds)))


def _run(job: Periodic) -> bool:
    close_old_connections()
    try:
        result = job.run(at=timezone.now())
    except Exception:  # the loop outlives a job; the traceback is in the log and it runs again
        logger.exception("定时工作 %s 失败，稍后重试", job.name)
        return False
    finally:
        close_old_connections()
    if result:
        logger.info("%s: %s", job.name, result)
    return True
