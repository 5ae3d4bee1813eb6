"""The yearly State Council notice on holidays, read from its text: what is off, what is made up, what was not understood.

A sentence is either understood whole or named as not understood; nothing is guessed. Weekdays and day counts that the
notice gives are compared with the dates. Source of the form: 国务院办公厅关于某年部分节假日安排的通知.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.calendars.spec import CalendarException, CalendarSpec, DayKind

WEEKDAYS = "一二三四五六日"
_TITLE = re.compile(r"关于(\d{4})年")
_ANY_YEAR = re.compile(r"(\d{4})年")
_NUMBER = re.compile(r"国办发明电[〔\[【(（]\d{4}[〕\]】)）]\d+号")
_SECTION = re.compile(r"^[（(]?[一二三四五六七八九十]+[、)）.]\s*(?P<name>[^：:]{2,12})[：:](?P<body>.+)$")
_DAY = r"(?:(?P<y{0}>\d{{4}})年)?(?:(?P<m{0}>\d{{1,2}})月)?(?P<d{0}>\d{{1,2}})日(?:（(?P<w{0}>[^）]*)）)?"
_RANGE = re.compile(f"{_DAY.format(1)}(?:至{_DAY.format(2)})?")
_OFF = re.compile(
    r"^(?P<dates>.+?)(?:放假调休|放假(?:[，,]?与周末连休)?|补休|调休放假)(?:[，,]?共(?P<count>\d{1,2})天)?$"
)
_ON = re.compile(r"^(?P<dates>.+?)上班$")
_SPEAKS_OF_DAYS = re.compile(r"\d{1,2}日.*(放假|上班|调休|补休)")


@dataclass
class Notice:
    """What a notice says. off, on: date → name of the holiday. problems: sentences not understood, or that contradict themselves."""

    year: int = 0
    source: str = ""
    off: dict[dt.date, str] = field(default_factory=dict)
    on: dict[dt.date, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_notice(text: str, *, source: str = "") -> Notice:
    """Read the text of a notice. Nothing is raised: what is wrong is in `problems`, and then nothing may be published."""
    notice = Notice(source=source)
    plain = re.sub(r"[ \t\u3000\u00a0]+", "", text).replace("(", "（").replace(")", "）")
    titled = _TITLE.search(plain) or _ANY_YEAR.search(plain)
    if titled is None:
        notice.problems.append("找不到年份：请连同标题“关于2027年部分节假日安排的通知”一起粘贴")
        return notice
    notice.year = int(titled[1])
    if not source:
        number = _NUMBER.search(plain)
        notice.source = number[0] if number else f"{notice.year}年部分节假日安排的通知"
    for position, line in enumerate(plain.splitlines(), 1):
        known = len(notice.problems)
        section = _SECTION.match(line)
        if section:
            _read_section(notice, section["name"], section["body"])
        elif _SPEAKS_OF_DAYS.search(line):
            notice.problems.append(_not_understood(line))
        notice.problems[known:] = [f"第 {position} 行：{problem}" for problem in notice.problems[known:]]
    if not notice.off and not notice.problems:
        notice.problems.append("没有读到任何放假安排，请粘贴通知全文")
    for day in sorted(notice.off.keys() & notice.on.keys()):
        notice.problems.append(f"{day} 既放假又上班，请核对原文")
    return notice


def _read_section(notice: Notice, name: str, body: str) -> None:
    for sentence in filter(None, re.split(r"[。；;]", body)):
        if not _read_sentence(notice, name, sentence):
            notice.problems.append(_not_understood(f"{name}：{sentence}"))


def _not_understood(sentence: str) -> str:
    return f"看不懂：{sentence}；可改写成“5月1日（周六）至5日（周三）放假”或“5月8日（周六）上班”的样子"


def _read_sentence(notice: Notice, name: str, sentence: str) -> bool:
    off, on = _OFF.match(sentence), _ON.match(sentence)
    match, into = (off, notice.off) if off else (on, notice.on)
    if match is None:
        return False
    days = _days(notice, match["dates"])
    if days is None:
        return False
    if off and off["count"] and int(off["count"]) != len(days):
        notice.problems.append(f"{name}：写明共{off['count']}天，数得{len(days)}天，请核对：{sentence}")
    into.update(dict.fromkeys(days, name))
    return True


def _days(notice: Notice, text: str) -> list[dt.date] | None:
    """Every day of `1月1日（周四）至3日（周六）、1月5日`; None where something else stands between."""
    found: list[dt.date] = []
    year, month, position = notice.year, 0, 0
    while position < len(text):
        match = _RANGE.match(text, position)
        if match is None:
            return None
        ends = []
        for side in ("1", "2"):
            if match[f"d{side}"] is None:
                continue
            year = int(match[f"y{side}"] or year)
            month = int(match[f"m{side}"] or month)
            try:
                day = dt.date(year, month, int(match[f"d{side}"]))
            except ValueError:
                notice.problems.append(f"没有这一天：{match[0]}")
                return []
            _compare_weekday(notice, day, match[f"w{side}"] or "")
            ends.append(day)
        if ends[-1] < ends[0] or (ends[-1] - ends[0]).days > 30:
            notice.problems.append(f"起止日期颠倒或过长：{match[0]}")
            return []
        found += [ends[0] + dt.timedelta(days=n) for n in range((ends[-1] - ends[0]).days + 1)]
        position = match.end()
        if position < len(text):
            if text[position] not in "、，,和及":
                return None
            position += 1
    return found


def _compare_weekday(notice: Notice, day: dt.date, remark: str) -> None:
    said = re.search(r"(?:周|星期)([一二三四五六日天])", remark)
    if said and said[1].replace("天", "日") != WEEKDAYS[day.weekday()]:
        notice.problems.append(f"{day} 是周{WEEKDAYS[day.weekday()]}，原文写“{remark}”，请核对")


def next_version(spec: CalendarSpec, notice: Notice) -> dict[str, object]:
    """The calendar document with this year announced, to be checked and published.

    Rows of the year, and of the days the notice names, are replaced. Only days that differ from the week are listed.
    Raises ValueError where the notice has problems, or leaves a year out.
    """
    problems = [*notice.problems, *_gaps(spec, notice)]
    if problems:
        raise ValueError("\n".join(problems))
    named = notice.off.keys() | notice.on.keys()
    kept = [row for row in spec.exceptions if row.date.year != notice.year and row.date not in named]
    rows = sorted([*kept, *_rows(spec, notice)], key=lambda row: row.date)
    through = max(spec.published_through, dt.date(notice.year, 12, 31))
    new = spec.model_copy(update={"exceptions": tuple(rows), "published_through": through})
    return new.model_dump(mode="json")


def _rows(spec: CalendarSpec, notice: Notice) -> Iterator[CalendarException]:
    for day, name in notice.off.items():
        if spec.working_weekday(day):
            yield CalendarException(date=day, kind=DayKind.HOLIDAY, name=name, source=notice.source)
    for day, name in notice.on.items():
        if not spec.working_weekday(day):
            yield CalendarException(date=day, kind=DayKind.MAKEUP, name=name, source=notice.source)


def _gaps(spec: CalendarSpec, notice: Notice) -> Iterator[str]:
    if notice.year > spec.published_through.year + 1:
        yield f"日历只公布到 {spec.published_through}，请先补上 {spec.published_through.year + 1} 年"
    if 0 < notice.year < spec.published_from.year:
        yield f"{notice.year} 年早于日历的起始 {spec.published_from}"
    for day in notice.on:
        if spec.working_weekday(day):
            yield f"{day} 本来就是工作日，不必补班，请核对原文"
