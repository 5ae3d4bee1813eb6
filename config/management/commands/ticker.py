"""manage.py ticker: periodic work on one machine, without a broker."""

from __future__ import annotations

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from config.schedule import SCHEDULE, Periodic

logger = logging.getLogger("huiyin.ticker")
# A job that fails is tried again, at most this many seconds later.
BACK_OFF_SECONDS = 30.0


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


def run_until(stop: threading.Event) -> None:
    """Run the table until told to stop. One failing job is logged, waits longer and holds up no other."""
    due = dict.fromkeys(SCHEDULE, time.monotonic())
    failures = dict.fromkeys(SCHEDULE, 0)
    while not stop.is_set():
        for job in SCHEDULE:
            if time.monotonic() >= due[job]:
                failures[job] = 0 if _run(job) else failures[job] + 1
                due[job] = time.monotonic() + min(
                    job.every_seconds * 2 ** failures[job], max(BACK_OFF_SECONDS, job.every_seconds)
                )
        stop.wait(max(0.05, min(due.values()) - time.monotonic()))


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
