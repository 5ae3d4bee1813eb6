"""Write cases or their log to a file: streamed, formula-safe, without identities, and on record."""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from opinion.exports.request import FORMATS, WHAT, ExportRefused, ExportRequest
from opinion.exports.running import export_to
from opinion.forms.base import EARLIEST, LATEST
from workflows.models import User


class Command(BaseCommand):
    help = "导出案件或办理日志。文件不含姓名、电话、地址和留言正文；每次导出都留有不可更改的记录。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--what", required=True, choices=list(WHAT), help="cases 案件，events 办理日志")
        parser.add_argument("--format", default="csv", choices=list(FORMATS), help="默认 csv")
        parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="写到哪个文件")
        parser.add_argument(
            "--from", dest="since", metavar="YYYY-MM-DD", help="登记（日志为发生）日期从，含当日"
        )
        parser.add_argument("--to", dest="until", metavar="YYYY-MM-DD", help="到，含当日")
        parser.add_argument("--unit", default="", metavar="CODE", help="单位代码，含下级")
        parser.add_argument("--state", action="append", default=[], metavar="CODE", help="状态代码，可多次")
        parser.add_argument("--as", dest="username", metavar="USERNAME", help="以谁的身份导出；不写则为系统")
        parser.add_argument("--force", action="store_true", help="覆盖已有文件")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        tty = sys.stderr.isatty()

        def told(count: int) -> None:
            if tty:
                self.stderr.write(f"\r已写 {count} 行", ending="")

        try:
            request = ExportRequest(
                what=options["what"], format=options["format"], since=_day(options["since"], "--from"),
                until=_day(options["until"], "--to"), unit=options["unit"], states=tuple(options["state"]),
            )  # fmt: skip
            exported = export_to(
                options["out"],
                request,
                by=_user(options["username"]),
                at=timezone.now(),
                force=options["force"],
                told=told,
            )
        except ExportRefused as error:
            raise CommandError(str(error)) from error
        finally:
            if tty:
                self.stderr.write("")
        seconds = time.monotonic() - started
        self.stdout.write(
            f"已导出 {exported.row_count} 行到 {exported.path}，用时 {seconds:.1f} 秒；"
            f"导出记录 {exported.record.seq}，SHA-256 {exported.record.file_sha256}"
        )


def _day(text: str | None, option: str) -> date | None:
    if not text:
        return None
    try:
        asked = date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{option}：“{text}”不是日期，请写成 2026-11-24") from error
    if not EARLIEST <= asked <= LATEST:
        raise CommandError(f"{option}：“{text}”不在 {EARLIEST:%Y} 至 {LATEST:%Y} 年之间，请核对")
    return asked


def _user(username: str | None) -> User:
    if username is None:
        return User.objects.system()
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"--as：没有可用的用户“{username}”")
    return user
