"""Recompute the whole log and say whether anybody changed it."""

from datetime import datetime
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from workflows.management.moments import moment_of
from workflows.models import Case
from workflows.registry import CHAINS
from workflows.verifying import Report, verify


class Command(BaseCommand):
    help = "核对办理日志和导出记录：重算每条摘要链，指出第一处不符并以非零状态退出。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--case", metavar="编号", help="只核对这一件，不看导出记录")
        parser.add_argument(
            "--as-of", metavar="ISO", help="锚定值截至这一时刻，如 2026-11-24T09:00+08:00；默认现在"
        )
        parser.add_argument("--expect", metavar="DIGEST", help="此前抄下的锚定值；不一致时以非零状态退出")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = _as_of(options["as_of"])
        started = perf_counter()
        try:
            report = verify(as_of=as_of, number=options["case"])
        except Case.DoesNotExist as error:
            raise CommandError(f"--case：没有编号为 {options['case']} 的案件。") from error
        took = perf_counter() - started
        for problem in report.problems:
            self.stderr.write(str(problem))
        self._count(report, took)
        self.stdout.write(f"锚定值（截至 {as_of.isoformat()}）：{report.anchor}")
        found = [] if options["case"] else self._beside()
        if report.bad:
            found.insert(0, f"{report.bad} 件的日志不符，第一处：{report.problems[0]}")
        if found:
            raise CommandError("；".join(found))
        if options["expect"] and options["expect"].strip() != report.anchor:
            raise CommandError(
                f"--expect：锚定值应为 {options['expect'].strip()}，日志在此之前的部分被整体改写过。"
            )
        self.stdout.write(f"{report.cases} 件 {report.events} 条事件，链完整")

    def _beside(self) -> list[str]:
        """What is wrong with the chains beside the log; of the others, where they end."""
        found = []
        for label, follow in CHAINS.items():
            checked = follow()
            if checked.problem:
                found.append(f"{label}不符，{checked.problem}")
            else:
                head = f"，最后一条的摘要：{checked.head}" if checked.head else ""
                self.stdout.write(f"{label} {checked.count} 条，链完整{head}")
        return found

    def _count(self, report: Report, took: float) -> None:
        speed = round(report.events / took) if took else 0
        self.stdout.write(
            f"核对 {report.cases} 件案件、{report.events} 条事件、{report.notes} 段文字，"
            f"用时 {took:.1f} 秒（每秒 {speed} 条）"
        )


def _as_of(text: str | None) -> datetime:
    if text is None:
        # Whole seconds, so that the moment printed is the moment meant.
        return timezone.localtime().replace(microsecond=0)
    return moment_of(text, "--as-of")
