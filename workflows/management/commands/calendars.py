"""Publish the next year's holidays and bring running clocks along."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from workflows.calendar_warnings import calendar_warnings
from workflows.calendars import CalendarError
from workflows.calendars.notices import WEEKDAYS, Notice
from workflows.calendars.reading import Understood, read
from workflows.foreseeing import Foreseen
from workflows.management.acting import acting
from workflows.models import CalendarVersion, User
from workflows.publishing import publish
from workflows.redating import preview, redate
from workflows.wording import clock_labels


class Command(BaseCommand):
    help = (
        "读入下一年的放假安排（通知全文、JSON、ICS 或整份 YAML），列出读懂的内容和在办时限的变动；"
        "加 --publish 才发布新版本并重算。不带文件时列出日历和提醒。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE", help="文件，- 为标准输入")
        parser.add_argument("--calendar", default="china", metavar="CODE", help="日历代码，默认 china")
        parser.add_argument("--publish", action="store_true", help="发布新版本，并重算受影响的在办时限")
        parser.add_argument("--as", dest="username", metavar="USERNAME", help="经办人的用户名，默认系统账号")

    def handle(self, *args: Any, **options: Any) -> None:
        at, by = timezone.now(), acting(options["username"])
        if options["file"] is None:
            self._list()
            return
        newest = CalendarVersion.objects.filter(code=options["calendar"]).order_by("-version").first()
        if newest is None:
            raise CommandError(f"--calendar：没有发布过日历“{options['calendar']}”。")
        understood = self._read(options["file"], newest)
        if understood.notice is not None:
            self._show(understood.notice)
        self._foresee(preview(understood.spec, at=at).in_words(clock_labels()))
        if options["publish"]:
            self._publish(understood, by)
        else:
            self.stdout.write("以上仅为预览；加 --publish 发布并重算。")

    def _list(self) -> None:
        for version in CalendarVersion.objects.newest().order_by("code"):
            spec = version.parsed
            self.stdout.write(
                f"{version.code} 第 {version.version} 版（{version.label}），公布至 {spec.published_through}"
            )
        for sentence in calendar_warnings(timezone.now()):
            self.stdout.write(f"注意：{sentence}")

    def _read(self, name: str, newest: CalendarVersion) -> Understood:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
            return read(text, newest.parsed, origin=name)
        except CalendarError as error:
            for problem in error.problems:
                self.stderr.write(problem)
            raise CommandError("没有全部读懂，未作任何改动。") from error
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{name}：读不了这个文件，须为 UTF-8 文字。") from error

    def _show(self, notice: Notice) -> None:
        self.stdout.write(f"{notice.year} 年，依据 {notice.source}：")
        for word, days in (("放假", notice.off), ("补班", notice.on)):
            for day, name in sorted(days.items()):
                self.stdout.write(f"  {day} 周{WEEKDAYS[day.weekday()]} {word}（{name}）")

    def _foresee(self, foreseen: Foreseen) -> None:
        self.stdout.write(
            f"窗口遇到变动日的在办时限 {foreseen.met} 个：推后 {foreseen.later}、提前 {foreseen.earlier}、"
            f"由暂定转为确定 {foreseen.firmed}、立即逾期 {foreseen.late_at_once}；重新催督 {foreseen.anew} 级"
        )
        for days, count in foreseen.by_days:
            self.stdout.write(f"  {days:+d} 天：{count} 个")
        for shift in foreseen.examples[:10]:
            self.stdout.write(f"  {shift}")

    def _publish(self, understood: Understood, by: User) -> None:
        at = timezone.now()
        text = json.dumps(understood.document, ensure_ascii=False, indent=1)
        published = publish(text, understood.spec.code, by=by, at=at, source=understood.text)
        version = CalendarVersion.objects.get(pk=published.document.pk)
        done = redate(version, by=by, at=at)
        self.stdout.write(
            f"已发布 {version.code} 第 {version.version} 版；{done.cases} 件案件的 {done.clocks} 个时限已重算，"
            f"各有一条记录；每批占用不超过 {done.longest_seconds * 1000:.0f} 毫秒"
        )
