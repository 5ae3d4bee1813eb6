"""manage.py sweep [--at ISO]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from workflows.management.moments import moment_of
from workflows.sweeper import sweep


class Command(BaseCommand):
    help = "记录已逾期的时限（每个只记一次，时间为到期时刻），并执行到期自动流转"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--at", help="按哪一时刻计算，如 2026-11-24T09:30+08:00；不带时区按北京时间；默认现在"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = moment_of(options["at"], "--at") if options["at"] else timezone.now()
        done = sweep(at=at)
        self.stdout.write(
            f"截至 {timezone.localtime(at):%Y-%m-%d %H:%M:%S}：新增逾期 {done.missed} 条，自动流转 {done.fired} 件。"
        )
        if done.held:
            self.stdout.write(f"{done.held} 件正被他人办理，留待下一轮。")
