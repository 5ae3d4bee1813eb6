"""manage.py waker: beside Celery beat, asks workers for what is due or has happened, the moment it is or has."""

from __future__ import annotations

import signal
import threading
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.celery import publish
from config.running import noted, stepped
from config.schedule import SCHEDULE, Periodic
from config.steady import Steady
from config.ticking import run_until


class Command(BaseCommand):
    help = "与 Celery 一起用：到期或有新事件时立即叫 worker，不必等 beat 的下一秒；自己不做定时工作"

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CELERY_BROKER_URL:
            raise CommandError("没有消息队列（CELERY_BROKER_URL），请改用 manage.py ticker")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        woken = [job for job in SCHEDULE if job.bells or job.next_path]
        run_until(stop, woken, now=Steady(timezone.now, stepped), work=_ask, periodic=False)


def _ask(job: Periodic, at: datetime) -> None:
    """A broker that is down is noted and raised: the loop waits longer and longer, and beat and the rows remain."""
    noted("publish", at, lambda _: publish(job.name))
