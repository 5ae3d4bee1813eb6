"""manage.py sweep [--at ISO]"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from workflows.sweeper import sweep


class Command(BaseCommand):
    help = "记录已逾期的时限（每个只记一次，时间为到期时刻），并执行到期自动流转"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--at", help="按哪一时刻计算，如 2026-11-24T09:30+08:00；不带时区按北京时间；默认现在"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = _moment(options["at"]) if options["at"] else timezone.now()
        done = sweep(at=at)
        self.stdout.write(
            f"截至 {timezone.localtime(at):%Y-%m-%d %H:%M:%S}：新增逾期 {done.missed} 条，自动流转 {done.fired} 件。"
        )
        if done.held:
            self.stdout.write(f"{done.held} 件正被他人办理，留待下一轮。")


def _moment(text: str) -> datetime:
    try:
        at = parse_datetime(text)
    except ValueError as error:
        raise CommandError(f"--at：“{text}”不是存在的时刻，请写成 2026-11-24T09:30") from error
    if at is None:
        raise CommandError(f"--at：看不懂“{text}”，请写成 2026-11-24T09:30")
    return at if timezone.is_aware(at) else timezone.make_aware(at)
