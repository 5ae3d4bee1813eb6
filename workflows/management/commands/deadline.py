"""Until when does a limit run, and why: the due moment first, then every day on the way."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows import published
from workflows.calendars import DayLine, Due, NoWorkingTime, WorkingCalendar
from workflows.limits import Limit, LimitError
from workflows.models import CalendarVersion

DEFAULT_CALENDAR = "china"


class Command(BaseCommand):
    help = "计算期限：第一行是到期时刻，其后逐日说明计入、跳过或补班及其依据。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from",
            dest="start",
            metavar="ISO",
            help="起算时刻，如 2026-11-24T09:00+08:00；不写时区按日历所在地",
        )
        parser.add_argument("--limit", metavar="15wd|0.5wd|30min|48h|60d", help="期限")
        parser.add_argument(
            "--calendar", default=DEFAULT_CALENDAR, metavar="CODE", help="日历代码，默认 china"
        )
        parser.add_argument("--at-version", type=int, metavar="N", help="日历版本，默认最新版")

    def handle(self, *args: Any, **options: Any) -> None:
        limit = _limit(options["limit"])
        version = _version(options["calendar"], options["at_version"])
        calendar = published.calendar(version.pk)
        start, remark = _start(options["start"], calendar)
        try:
            due = calendar.due(start, limit)
            lines = calendar.explain(start, limit)
        except NoWorkingTime as error:
            raise CommandError(f"--from、--limit：{error}") from error
        # Written at once: a reader that stops after the first line (`| head -1`) breaks nothing.
        self.stdout.write(
            "\n".join(
                [
                    *_headline(calendar, due),
                    f"{start.isoformat()} 起{remark}，{limit.label}，按日历“{version.label}”第 {version.version} 版：",
                    *(_sentence(line) for line in lines),
                ]
            )
        )


def _headline(calendar: WorkingCalendar, due: Due) -> list[str]:
    if not due.provisional:
        return [due.at.isoformat()]
    return [f"{due.at.isoformat()} 暂定", f"暂定：{calendar.spec.provisional_note}。"]


def _sentence(line: DayLine) -> str:
    mark = "  暂定" if line.provisional else ""
    tally = f" {line.tally}" if line.tally else ""
    return f"{line.date} {line.weekday} {line.effect.label}{tally}  {line.reason}  依据：{line.source}{mark}"


def _limit(text: str | None) -> Limit:
    if text is None:
        raise CommandError("--limit：缺少期限，例如 --limit 15wd。")
    try:
        return Limit.parse(text)
    except LimitError as error:
        raise CommandError(f"--limit：{error}") from error


def _start(text: str | None, calendar: WorkingCalendar) -> tuple[datetime, str]:
    """The moment in the calendar's zone, and a remark when its zone had to be assumed."""
    if text is None:
        raise CommandError("--from：缺少起算时刻，例如 --from 2026-11-24T09:00+08:00。")
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.utcoffset() is None:
            return moment.replace(tzinfo=calendar.zone), f"（未写时区，按 {calendar.zone.key}）"
        return moment.astimezone(calendar.zone), ""
    except (ValueError, OverflowError) as error:
        raise CommandError(f"--from：看不懂时刻“{text}”，写成 2026-11-24T09:00+08:00。") from error


def _version(code: str, number: int | None) -> CalendarVersion:
    versions = {version.version: version for version in CalendarVersion.objects.filter(code=code)}
    if not versions:
        codes = CalendarVersion.objects.order_by("code").values_list("code", flat=True).distinct()
        known = "、".join(codes) or "无，请先运行 manage.py publish 发布日历文件"
        raise CommandError(f"--calendar：没有发布过日历“{code}”；已发布的有：{known}。")
    if number is None:
        return versions[max(versions)]
    if number not in versions:
        known = "、".join(str(version) for version in sorted(versions))
        raise CommandError(f"--at-version：日历“{code}”没有第 {number} 版；现有版本：{known}。")
    return versions[number]
