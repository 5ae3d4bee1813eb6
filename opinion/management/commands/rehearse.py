"""Preview a policy on last year's work: a spreadsheet with reply times through the real engine, at the real times."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from opinion.codes import labels as labels_of
from opinion.intake.fields import FIELDS_BY_NAME
from opinion.intake.headers import HeaderMapping, map_headers
from opinion.intake.labels import LabelCodes
from opinion.intake.limits import SheetRefused
from opinion.intake.problems import RowProblem
from opinion.intake.rows import ReadTally, read_messages
from opinion.intake.sheets import Sheet, open_sheet
from opinion.registering import KIND
from opinion.rehearsal.replay import Told, replay
from opinion.rehearsal.report import Report, lines, summarise
from opinion.rehearsal.scratch import scratch_database
from workflows.models import CalendarVersion, Definition, PolicyVersion
from workflows.published import calendar

UNREADABLE = "行内有错，读不出来"
REPEATED = "与前面的行重复"


@dataclass
class _File:
    """What was read: the rows, how many, and why some could not be. typed: whether the file has a type column."""

    told: list[Told] = field(default_factory=list)
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    typed: bool = False
    untyped: int = 0


class Command(BaseCommand):
    help = (
        "用历史留言推演一套时限规则：按真实的留言时间和答复时间走一遍流程，看有多少会按时。不写入任何数据。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--policy", required=True, metavar="CODE", help="已发布的时限规则代码，如 default"
        )
        parser.add_argument("--source", default="lb", metavar="CODE", help="按哪个来源计算，默认 lb")
        parser.add_argument(
            "--type", default="help", metavar="CODE", help="没有类型的留言按什么类型计算，默认 help（求助）"
        )
        parser.add_argument("--format", default="text", choices=["text", "json"])

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        self._check_codes(options)
        read = self._read(options["file"], options["type"], at=timezone.now())
        with scratch_database():
            policy = self._policy(options["policy"])
            heard = self._tick if sys.stderr.isatty() else lambda done, total: None
            replayed = replay(read.told, source=options["source"], policy=policy, heard=heard)
            newest = CalendarVersion.objects.latest_of(policy.parsed.calendar)
            report = summarise(
                replayed,
                read=read.read,
                skipped=dict(read.skipped),
                types=labels_of("type"),
                working=calendar(newest.pk),
            )
            head = list(self._head(options, policy, newest, read))
        if options["format"] == "json":
            said = {"assumptions": head, **report.as_dict()}
            self.stdout.write(json.dumps(said, ensure_ascii=False, indent=2))
            return
        self._say(head, report)
        self.stdout.write(f"\n用时 {time.monotonic() - started:.1f} 秒")

    def _say(self, head: list[str], report: Report) -> None:
        for line in [*head, "", *lines(report)]:
            self.stdout.write(line)

    def _head(
        self, options: dict[str, Any], policy: PolicyVersion, newest: CalendarVersion, read: _File
    ) -> Iterator[str]:
        """What the figures rest on, before the figures."""
        yield f"推演 {options['file'].name}：{policy.label}（{policy.code} 第 {policy.version} 版），{newest.label}第 {newest.version} 版"
        yield f"来源一律按“{labels_of('source')[options['source']]}”计算（--source 可改）"
        label = labels_of("type")[options["type"]]
        if not read.typed:
            yield f"文件没有留言类型一列：全部按“{label}”计算（--type 可改）"
        elif read.untyped:
            yield f"{read.untyped} 件没有可识别的类型：按“{label}”计算（--type 可改）"
        yield "只有留言和答复两个时刻出自文件：登记、交办、签收、首次联系算在留言时刻，拟稿、审核算在答复时刻，所以只评判办结时限"

    def _tick(self, done: int, total: int) -> None:
        self.stderr.write(f"\r已推演 {done} / {total} 件", ending="" if done < total else "\n")

    def _check_codes(self, options: dict[str, Any]) -> None:
        for name in ("source", "type"):
            known = labels_of(name)
            if options[name] not in known:
                listed = "、".join(f"{code}（{label}）" for code, label in known.items())
                raise CommandError(f"--{name}：没有“{options[name]}”，可用的有：{listed}")

    def _policy(self, code: str) -> PolicyVersion:
        found: PolicyVersion | None = PolicyVersion.objects.filter(code=code).order_by("-version").first()
        if found is None:
            known = "、".join(
                PolicyVersion.objects.order_by("code").values_list("code", flat=True).distinct()
            )
            raise CommandError(f"--policy：没有发布过时限规则“{code}”，已发布的有：{known}")
        lacking = list(found.parsed.unserved(Definition.objects.latest_of(KIND).parsed))
        if lacking:
            raise CommandError(f"--policy：“{found.label}”不能用于群众留言：{'；'.join(lacking)}")
        return found

    def _read(self, path: Path, default_type: str, *, at: datetime) -> _File:
        try:
            with open_sheet(path) as sheet:
                mapping = map_headers(sheet.headers)
                lacking = [
                    name for name in ("body", "received_at", "replied_at") if name not in mapping.columns
                ]
                if lacking:
                    names = "、".join(FIELDS_BY_NAME[name].label for name in lacking)
                    raise CommandError(f"推演需要留言时间和答复时间，表头里没有：{names}")
                return _rows(sheet, mapping, default_type, at=at)
        except FileNotFoundError as error:
            raise CommandError(f"没有这个文件：{path}") from error
        except SheetRefused as refused:
            raise CommandError(f"文件不能用：{refused}") from refused


def _rows(sheet: Sheet, mapping: HeaderMapping, default_type: str, *, at: datetime) -> _File:
    found, tally, codes_of = _File(typed="type" in mapping.columns), ReadTally(), LabelCodes()
    for item in read_messages(sheet, mapping, at=at, tally=tally):
        if isinstance(item, RowProblem):
            continue  # counted by the tally
        codes = codes_of.of(item)
        found.untyped += not codes["type"]
        kind = codes["type"] or default_type
        found.told.append(Told(item.external_key, item.received_at, item.replied_at, kind, codes["urgency"]))
    found.read = tally.rows
    found.skipped.update({UNREADABLE: tally.failed, REPEATED: tally.repeated})
    return found
