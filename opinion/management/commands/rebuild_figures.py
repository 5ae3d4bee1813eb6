"""`manage.py rebuild_figures`: derive every figure of supervision and statistics anew from the log and the clocks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from opinion.reports.keeping import CHUNK, rebuild


class Command(BaseCommand):
    help = (
        "依据日志、时限和评价重新计算督办与统计数据；办理不必停，可以重复运行。升级到带统计的版本后运行一次。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--chunk", type=int, default=CHUNK, metavar="N", help=f"每个事务处理的案件数，默认 {CHUNK}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["chunk"] < 1:
            raise CommandError("--chunk：应为正整数")
        done = 0
        for done in rebuild(chunk=options["chunk"]):
            if options["verbosity"] > 1:
                self.stdout.write(f"已处理 {done} 件")
        self.stdout.write(f"已依据 {done} 件案件重新计算统计数据")
