"""A year's holidays from what people have at hand: the notice's text, an ICS feed, JSON, or a whole calendar in YAML.

All end in the same place: a whole calendar document that is checked before anything is published.
"""

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import Any

from workflows import yaml_reading
from workflows.calendars.notices import Notice, next_version, read_notice
from workflows.calendars.spec import CalendarError, CalendarSpec, parse_calendar
from workflows.yaml_reading import YamlError

_EVENT = re.compile(r"BEGIN:VEVENT\r?\n(.*?)END:VEVENT", re.DOTALL)
_OFF_WORDS, _ON_WORDS = ("放假", "假期", "休"), ("补班", "上班", "班")
_NAMES = ("元旦", "春节", "清明节", "清明", "劳动节", "端午节", "端午", "中秋节", "中秋", "国庆节", "国庆")


@dataclass(frozen=True)
class Understood:
    """What was read. document: the whole next calendar. notice: the year that was added; None for a whole document.

    text: as it was given, to be kept with the version.
    """

    document: dict[str, Any]
    spec: CalendarSpec
    notice: Notice | None
    text: str


def read(text: str, newest: CalendarSpec, *, origin: str) -> Understood:
    """Read any of the forms, told apart by their content, on top of the newest calendar. Raises CalendarError."""
    document, notice = _understood(text, newest, origin)
    if problems := list(yaml_reading.unstorable(document)):
        raise CalendarError(origin, problems)
    spec = parse_calendar(document, origin=origin)
    return Understood(spec.model_dump(mode="json"), spec, notice, text)


def _understood(text: str, newest: CalendarSpec, origin: str) -> tuple[Any, Notice | None]:
    stripped = text.lstrip("\ufeff \r\n\t")
    if stripped.startswith("BEGIN:VCALENDAR"):
        return _with(read_ics(stripped), newest, origin)
    if stripped.startswith(("{", "[")):
        return _json(stripped, newest, origin)
    if re.search(r"^weekly:", stripped, re.MULTILINE):
        try:
            return yaml_reading.read(text), None
        except YamlError as error:
            raise CalendarError(origin, error.problems) from error
    return _with(read_notice(text), newest, origin)


def _json(text: str, newest: CalendarSpec, origin: str) -> tuple[Any, Notice | None]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise CalendarError(origin, [f"JSON 第 {error.lineno} 行第 {error.colno} 列格式有误"]) from error
    except ValueError as error:  # Python's limit on the digits of a number
        raise CalendarError(origin, ["JSON 里有过长的数字，请更正"]) from error
    except RecursionError as error:
        raise CalendarError(origin, ["JSON 嵌套过深，请检查括号"]) from error
    if isinstance(data, dict) and "weekly" in data:
        return data, None
    return _with(read_days(data), newest, origin)


def _with(notice: Notice, newest: CalendarSpec, origin: str) -> tuple[Any, Notice | None]:
    try:
        return next_version(newest, notice), notice
    except ValueError as error:
        raise CalendarError(origin, str(error).splitlines()) from error


def read_days(data: Any) -> Notice:
    """JSON by the day: {"year": 2027, "days": [{"date": "2027-01-01", "name": "元旦", "isOffDay": true}]}."""
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("year"), int)
        or not isinstance(data.get("days"), list)
    ):
        return Notice(problems=["JSON 应含 year（年份）和 days（日期列表）"])
    papers = data.get("papers") or []
    source = data.get("source") or (papers[0] if papers else "") or f"{data['year']}年节假日安排"
    notice = Notice(year=data["year"], source=str(source))
    for number, row in enumerate(data["days"], 1):
        try:
            day, name, off = dt.date.fromisoformat(row["date"]), str(row["name"]), row["isOffDay"]
        except (KeyError, TypeError, ValueError):
            notice.problems.append(f"days 第 {number} 项应有 date、name 和 isOffDay")
            continue
        if not isinstance(off, bool):
            notice.problems.append(f"days 第 {number} 项的 isOffDay 应为 true 或 false")
            continue
        (notice.off if off else notice.on)[day] = name
    return _checked(notice)


def read_ics(text: str) -> Notice:
    """All-day events whose summary says 休/放假 or 班/补班; any other event is not understood."""
    notice = Notice(source="ICS 日历")
    for body in _EVENT.findall(re.sub(r"\r?\n[ \t]", "", text)):
        fields = dict(_field(line) for line in body.splitlines() if ":" in line)
        summary = fields.get("SUMMARY", "")
        begin, end = (_ics_day(fields.get(name, "")) for name in ("DTSTART", "DTEND"))
        into = _kind(notice, summary)
        if begin is None or into is None:
            notice.problems.append(f"看不懂：{summary or '（无标题）'} {fields.get('DTSTART', '')}")
            continue
        # The end of an all-day event is the day after it (RFC 5545).
        days = max(((end or begin) - begin).days, 1)
        name = next((name for name in _NAMES if name in summary), re.split(r"[ （(]", summary)[0])
        into.update({begin + dt.timedelta(days=n): name for n in range(days)})
    years = sorted({day.year for day in notice.off})
    # A feed usually holds several years; the newest is the one to add.
    notice.year = years[-1] if years else 0
    notice.off = {day: name for day, name in notice.off.items() if day.year == notice.year}
    notice.on = {day: name for day, name in notice.on.items() if day.year == notice.year}
    return _checked(notice)


def _kind(notice: Notice, summary: str) -> dict[dt.date, str] | None:
    if any(word in summary for word in _ON_WORDS):
        return notice.on
    return notice.off if any(word in summary for word in _OFF_WORDS) else None


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.partition(";")[0].upper(), value.strip()


def _ics_day(text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007  # a date, no moment
    except ValueError:
        return None


def _checked(notice: Notice) -> Notice:
    if not notice.off and not notice.problems:
        notice.problems.append("没有读到任何放假安排")
    for day in sorted(notice.off.keys() & notice.on.keys()):
        notice.problems.append(f"{day} 既放假又上班，请核对")
    return notice
