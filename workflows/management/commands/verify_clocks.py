"""Reckon every clock anew and say whether it still holds."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import Case
from workflows.verifying_clocks import verify_clocks


class Command(BaseCommand):
    help = "核对时限：按计时区间、延期、规则和日历版本重算每个时限，指出最先发现的不符并以非零状态退出。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--case", metavar="编号", help="只核对这一件")

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        try:
            report = verify_clocks(number=options["case"])
        except Case.DoesNotExist as error:
            raise CommandError(f"--case：没有编号为 {options['case']} 的案件。") from error
        took = perf_counter() - started
        for problem in report.problems:
            self.stderr.write(str(problem))
        self.stdout.write(f"核对 {report.cases} 件案件、{report.clocks} 个时限，用时 {took:.1f} 秒")
        if report.bad:
            raise CommandError(f"{report.bad} 处不符，第一处：{report.problems[0]}")
        self.stdout.write("全部相符")
