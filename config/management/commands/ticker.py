"""manage.py ticker: periodic work on one machine, without a broker."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.running import run, stepped
from config.schedule import SCHEDULE
from config.steady import Steady
from config.ticking import run_until


class Command(BaseCommand):
    help = "循环执行定时工作（时限检查、导入导出和时限重算任务等）；单机部署用，与 Celery 用同一张表"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="各项执行一遍后退出")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            for job in SCHEDULE:
                run(job, timezone.now())
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run_until(stop, now=Steady(timezone.now, stepped))
