"""Register the messages of a spreadsheet, each of them once, and say what became of every row."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from opinion.intake.fields import FIELDS_BY_NAME
from opinion.intake.headers import HeaderMapping, UnknownHeading, map_headers
from opinion.intake.importing import ImportCounts, SheetImport
from opinion.intake.limits import MEBIBYTE, ReadLimits, SheetRefused
from opinion.intake.problems import ProblemSheet, RowProblem
from opinion.intake.registration import ImportPlan
from opinion.intake.sheets import Sheet, open_sheet
from opinion.models import Code
from workflows.models import Unit, User
from workflows.wording import why_not_opened

PROBLEMS_SHOWN = 10
# Whoever runs commands here may bring a larger file than a page takes; what it may unpack to stays limited.
LIMITS = ReadLimits(max_bytes=500 * MEBIBYTE)


class Command(BaseCommand):
    help = "导入留言表格（xlsx、xls、csv）。重复导入不会重复登记；有问题的行逐一报告，不影响其他行。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--source", required=True, metavar="CODE", help="来源代码，如 lb、12345")
        parser.add_argument("--dry-run", action="store_true", help="只检查，不写入")
        parser.add_argument("--errors", type=Path, metavar="OUT.csv", help="把问题逐行写到这个文件")
        parser.add_argument("--desk", default="", metavar="CODE", help="受理台的单位代码，默认最上级受理台")
        parser.add_argument(
            "--map", action="append", default=[], metavar="字段=表头", help="指定某字段取自哪一列，可多次"
        )
        parser.add_argument(
            "--clocks",
            default="registered",
            choices=["registered", "received"],
            help="时限从登记时（registered，默认）还是留言时（received）起算",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        by, at = User.objects.system(), timezone.now()
        plan = ImportPlan(_source(options["source"]), _desk(options["desk"]), by, at, options["clocks"])
        try:
            with open_sheet(options["file"], limits=LIMITS) as sheet:
                mapping = map_headers(sheet.headers, _overrides(options["map"]))
                self._check(mapping, sheet)
                with _report(options["errors"]) as report:
                    heard = _Heard(report)
                    run = SheetImport(sheet, mapping, plan, heard.add, dry_run=options["dry_run"])
                    if sys.stderr.isatty():
                        run.seen = lambda rows: self._tick(rows, sheet.row_count)
                    counts = run.run()
        except FileNotFoundError as error:
            raise CommandError(f"没有这个文件：{options['file']}") from error
        except OSError as error:
            raise CommandError(f"不能读写文件：{why_not_opened(error)}") from error
        except SheetRefused as refused:
            raise CommandError(f"文件未导入：{refused}") from refused
        except UnknownHeading as error:
            raise CommandError(f"--map：{error}") from error
        self._say(counts, heard, time.monotonic() - started, options)

    def _check(self, mapping: HeaderMapping, sheet: Sheet) -> None:
        if not mapping.usable:
            lacking = "、".join(FIELDS_BY_NAME[name].label for name in mapping.missing_required)
            raise CommandError(
                f"文件未导入：表头里没有“{lacking}”；表头有：{'、'.join(filter(None, sheet.headers))}。"
                f"如用了别的名称，请加 --map，如 --map {mapping.missing_required[0]}=表头"
            )

    def _tick(self, rows: int, total: int) -> None:
        self.stderr.write(f"\r已读 {rows} / {total} 行", ending="" if rows < total else "\n")

    def _say(self, counts: ImportCounts, heard: _Heard, seconds: float, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            self.stdout.write("试运行：没有写入任何内容，以下是将会发生的情况")
        self.stdout.write("，".join(f"{label} {number}" for label, number in counts.labelled()))
        rate = counts.read / seconds if seconds else 0
        self.stdout.write(f"用时 {seconds:.1f} 秒，每秒 {rate:.0f} 行")
        if heard.count:
            kept = (
                f"，已写入 {options['errors']}" if options["errors"] else "，加 --errors OUT.csv 可写成文件"
            )
            self.stdout.write(f"问题 {heard.count} 条{kept}")
            for problem in heard.first:
                column = f" {problem.column}" if problem.column else ""
                self.stdout.write(f"  第 {problem.row_number} 行{column}：{problem.reason}")
            if heard.count > len(heard.first):
                self.stdout.write(f"  …… 另有 {heard.count - len(heard.first)} 条")


class _Heard:
    """Problems as they come: all to the report, the first few to the screen; the worse ones are kept first."""

    def __init__(self, report: ProblemSheet | None) -> None:
        self.count = 0
        self.first: list[RowProblem] = []
        self._report = report

    def add(self, problem: RowProblem) -> None:
        self.count += 1
        if self._report:
            self._report.add(problem)
        if len(self.first) < PROBLEMS_SHOWN:
            self.first.append(problem)
        elif problem.severity == "error" and self.first[-1].severity != "error":
            self.first.pop()
            worse = sum(1 for shown in self.first if shown.severity == "error")
            self.first.insert(worse, problem)


@contextmanager
def _report(path: Path | None) -> Iterator[ProblemSheet | None]:
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield ProblemSheet(stream)


def _overrides(given: list[str]) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for text in given:
        name, equals, heading = text.partition("=")
        if not equals:
            raise CommandError(f"--map：“{text}”应写成 字段=表头，如 body=诉求")
        found[_field(name.strip())] = heading.strip()
    return found


def _field(name: str) -> str:
    """A field by its name or its Chinese label."""
    return next((field.name for field in FIELDS_BY_NAME.values() if name == field.label), name)


def _source(code: str) -> str:
    known = dict(Code.objects.offered("source").values_list("code", "label"))
    if code not in known:
        listed = "、".join(f"{known_code}（{label}）" for known_code, label in known.items())
        raise CommandError(f"--source：没有来源“{code}”，可用的有：{listed}")
    return code


def _desk(code: str) -> Unit:
    if not code:
        root = Unit.objects.root()
        return root if root.is_desk else Unit.objects.filter(is_desk=True).order_by("code").first() or root
    desk = Unit.objects.filter(code=code).first()
    if desk is None or not desk.is_desk:
        desks = "、".join(Unit.objects.filter(is_desk=True).values_list("code", flat=True))
        raise CommandError(f"--desk：“{code}”不是受理台，受理台有：{desks}")
    return desk
